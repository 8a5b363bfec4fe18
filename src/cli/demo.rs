//! `cachewatch demo`: the main job in one command, on a Redis of its own.
//!
//! Everything is real but the application and Slack: a server in a temporary folder, traffic in phases, the engine as
//! `serve` runs it, and a local receiver that prints what Slack would have got. Windows are shortened so that minutes
//! are enough.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::{self, Setup};
use crate::model::time::SystemClock;
use crate::serve;

mod phases;
mod receiver;
mod server;
mod settings;
mod traffic;
mod workload;
mod zipf;

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// How long it runs
    #[arg(long = "for", value_name = "DURATION", default_value = "3m", value_parser = parse_duration)]
    length: Duration,
    /// Where the HTTP server listens
    #[arg(long, value_name = "ADDRESS", default_value = crate::config::DEFAULT_LISTEN)]
    listen: std::net::SocketAddr,
    /// The redis-server or valkey-server to use; without it the PATH is searched
    #[arg(long, value_name = "FILE")]
    server_bin: Option<PathBuf>,
}

/// The demo's cache may hold this much.
const MAXMEMORY: &str = "32mb";
/// Shorter than this, no rule has time to fire and to resolve.
const SHORTEST: Duration = Duration::from_mins(1);
/// Two runs look alike.
const SEED: u64 = 20_26;

fn parse_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(length) if length >= SHORTEST => Ok(length),
        Ok(_) => Err(format!(
            "must be at least {SHORTEST:?}: an alert needs time to fire and to resolve"
        )),
        Err(error) => Err(format!("{error}; write it as 3m or 90s")),
    }
}

#[expect(clippy::print_stdout, reason = "the demo tells its story on stdout")]
pub(super) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let server = server::DemoServer::start(args.server_bin.as_deref(), MAXMEMORY).await?;
    let tracker = TaskTracker::new();
    let cancel = CancellationToken::new();
    let (slack_url, messages) = receiver::start(&tracker, cancel.clone()).await?;
    let listener = serve::bind(args.listen).await?;
    let address = listener
        .local_addr()
        .context("cannot tell where the demo listens")?;
    let config = settings::config(address, server.port, &slack_url, args.length)?;
    let cache = config
        .caches
        .first()
        .cloned()
        .context("the demo has a cache")?;

    println!(
        "cachewatch demo: {} on 127.0.0.1:{} with maxmemory {MAXMEMORY}",
        server.program, server.port
    );
    println!("  page     http://{address}/");
    println!("  metrics  http://{address}/metrics");
    println!("  look in  redis-cli -p {} info stats", server.port);
    println!(
        "  it runs for {}; Ctrl-C ends it early\n",
        humantime::format_duration(args.length)
    );

    tracker.spawn(traffic::run(
        cache,
        workload::Workload::new(SEED),
        args.length,
        cancel.clone(),
    ));
    let clock = Arc::new(SystemClock::start());
    let engine = tracker.spawn(engine::run(Setup {
        config,
        listener: Some(listener),
        viewer: None,
        loader: None,
        clock,
        cancel: cancel.clone(),
    }));
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut result = Ok(());
    tokio::pin!(engine);
    tokio::select! {
        ended = &mut engine => result = ended.context("the engine panicked").and_then(|r| r.map_err(Into::into)),
        () = tokio::time::sleep(args.length) => println!("\nThe time is over."),
        _ = terminate.recv() => println!("\nSIGTERM: the demo ends."),
        _ = tokio::signal::ctrl_c() => println!("\nInterrupted: the demo ends."),
    }
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    server.stop().await;
    result?;
    println!(
        "{} messages were shown. The server and its folder are gone.",
        messages.load(Ordering::Relaxed)
    );
    Ok(ExitCode::SUCCESS)
}
