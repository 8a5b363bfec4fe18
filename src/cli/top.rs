//! `cachewatch top`: what caches do now and which keys miss why, in the terminal.
//!
//! It runs the engine as `serve` does, but without an HTTP server, without channels and without a data folder: looking
//! sends nothing and keeps nothing. `state` and `screen` are pure; `live` owns the terminal; `once` prints one report.
//!
//! Invariant: text from elsewhere reaches the terminal through [`words::clean`] only, and no key is ever shown, only
//! namespaces.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::inputs::ConfigArgs;
use crate::config::attribution::Notifications;
use crate::config::{Config, load};
use crate::engine::{self, EngineError, Published, Setup};
use crate::model::time::SystemClock;

mod columns;
#[cfg(test)]
mod fixture;
mod grid;
mod live;
mod once;
mod screen;
mod state;
mod terminal;
mod view;
mod words;

/// How long a report looks, at least, when nothing else is said.
const LOOK: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct TopArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Look for a while, print one report, and end: with 1 when a cache is down. Also where stdout is no terminal
    #[arg(long)]
    once: bool,
    /// The report as JSON, in the shape of /api/v1/caches; implies --once
    #[arg(long)]
    json: bool,
    /// How long a report looks; after a minute namespaces have their names [default: 10s, or two poll intervals]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    length: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 30s or 2m"))
}

impl TopArgs {
    /// Whether it paints the terminal, rather than printing a report.
    pub(super) fn is_live(&self) -> bool {
        !self.once && !self.json && std::io::stdout().is_terminal()
    }
}

pub(super) async fn run(args: TopArgs) -> anyhow::Result<ExitCode> {
    let live = args.is_live();
    let config = only_look(load(&args.config.inputs(None, None))?);
    let length = args.length.unwrap_or_else(|| usual_length(&config));
    let engine = Engine::start(config).await?;
    let outcome = if live {
        live::run(&engine).await
    } else {
        once::run(&engine, length, args.json).await
    };
    let ended = engine.stop().await;
    let code = outcome?;
    ended?;
    Ok(code)
}

/// For how long the keys of a namespace must keep coming before it is named here.
pub(in crate::cli::top) const ADMIT_AFTER: Duration = Duration::from_secs(3);

/// The same caches and rules, but nothing is sent and nothing is kept.
fn only_look(mut config: Config) -> Config {
    config.channels.clear();
    config.data_dir = None;
    config.store = None;
    for cache in &mut config.caches {
        cache.sampling = None;
        cache.attribution.notifications = Notifications::Verify;
        // Who looks for ten seconds wants names, and bears it that some may be of little weight.
        cache.attribution.admit_after = ADMIT_AFTER;
    }
    config
}

/// Long enough for two readings of every cache, so that there is a window.
fn usual_length(config: &Config) -> Duration {
    let slowest = config.caches.iter().map(|c| c.poll_interval).max();
    let two_polls = slowest.unwrap_or_default() * 2 + Duration::from_secs(1);
    two_polls.max(LOOK)
}

/// The engine, running beside the view.
struct Engine {
    published: Published,
    tracker: TaskTracker,
    /// Ends the engine and whatever else runs beside it.
    cancel: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), EngineError>>,
}

impl Engine {
    async fn start(config: Config) -> anyhow::Result<Self> {
        let tracker = TaskTracker::new();
        let cancel = CancellationToken::new();
        let (viewer, published) = oneshot::channel();
        let ended = tracker.spawn(engine::run(Setup {
            config,
            listener: None,
            viewer: Some(viewer),
            loader: None,
            clock: Arc::new(SystemClock::start()),
            cancel: cancel.clone(),
        }));
        let Ok(published) = published.await else {
            ended.await.context("the engine panicked")??;
            anyhow::bail!("the engine ended before it began");
        };
        Ok(Self {
            published,
            tracker,
            cancel,
            ended,
        })
    }

    /// Ends everything and waits for it.
    async fn stop(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.ended.await.context("the engine panicked")??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, Overrides};

    #[test]
    fn looking_sends_nothing_and_keeps_nothing() {
        let environment = |name: &str| match name {
            "CACHEWATCH_SLACK_WEBHOOK_URL" => {
                Some("https://hooks.slack.com/services/T0/B0/x".into())
            }
            "CACHEWATCH_DATA_DIR" => Some("/var/lib/cachewatch".to_owned()),
            _ => None,
        };
        let config = load(&Inputs {
            config_file: None,
            urls: vec!["redis://127.0.0.1".to_owned()],
            flags: Overrides::default(),
            env: &environment,
        })
        .unwrap();
        assert_eq!(config.channels.len(), 1);
        let config = only_look(config);
        assert!(config.channels.is_empty());
        assert_eq!(config.data_dir, None);
        assert_eq!(config.rules.len(), 2, "alerts are shown all the same");
        assert_eq!(usual_length(&config), Duration::from_secs(11));
    }
}
