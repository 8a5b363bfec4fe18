//! `cachewatch serve`: watch caches until told to stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::inputs::ConfigArgs;
use crate::config::load;
use crate::engine::{self, Setup};
use crate::model::time::SystemClock;
use crate::serve;

#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the HTTP server listens [env: CACHEWATCH_LISTEN] [default: 127.0.0.1:9721]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where open incidents are kept over a restart; without it they are kept in memory [env: CACHEWATCH_DATA_DIR]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(super) async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let inputs = args.config.inputs(args.listen, args.data_dir);
    let config = load(&inputs)?;
    tracing::info!(
        caches = config.caches.len(),
        rules = config.rules.len(),
        channels = config.channels.len(),
        "starting"
    );
    if config.channels.is_empty() {
        tracing::warn!(
            "no channel is configured: alerts are shown on the page and in the metrics, but sent to nobody"
        );
    }
    let cancel = CancellationToken::new();
    let listener = serve::bind(config.listen).await?;
    let setup = Setup {
        config,
        listener: Some(listener),
        viewer: None,
        loader: Some(Box::new(move || load(&inputs))),
        clock: Arc::new(SystemClock::start()),
        cancel: cancel.clone(),
    };
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let engine = engine::run(setup);
    tokio::pin!(engine);
    tokio::select! {
        result = &mut engine => result?,
        _ = terminate.recv() => {
            tracing::info!("SIGTERM: stopping");
            cancel.cancel();
            engine.await?;
        }
        _ = tokio::signal::ctrl_c() => {
            tracing::info!("interrupt: stopping");
            cancel.cancel();
            engine.await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
