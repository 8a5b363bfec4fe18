//! The one place where things are wired: it spawns the tasks, runs the beat, publishes the snapshot, reloads, stops.
//!
//! Deliberately absent: parsing, formulas, words of messages. The engine only carries what one room says to the next.
//!
//! Invariant: the ledgers and alert books of all caches have one owner, the task that runs [`run`]. Others see
//! immutable snapshots.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, ConfigErrors};
use crate::model::stats::{Counter, HttpStats};
use crate::model::time::Clock;
use crate::notify::Dispatcher;
use crate::serve;
use crate::store::{Backend, Store};

mod core;
mod fleet;
mod keeper;
mod lookups;
mod news;
mod notes;
mod reload;

use core::{Core, Parts};

/// Poll reports that may wait for the engine. At one report per node and second this is room for a thousand nodes.
const REPORT_QUEUE: usize = 4_096;
/// How long a database that does not answer holds up the start.
const STORE_LIMIT: Duration = Duration::from_secs(10);
/// How long tasks get to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// How a configuration is loaded anew.
pub type Loader = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// What the engine needs to run.
pub struct Setup {
    /// The configuration to start with.
    pub config: Config,
    /// Where the HTTP server listens, from [`serve::bind`]; `None`: there is no HTTP server.
    pub listener: Option<TcpListener>,
    /// Gets to know where the snapshots are found, for who shows them in this process.
    pub viewer: Option<oneshot::Sender<Published>>,
    /// Loads it anew on SIGHUP and when its files change; `None`: it never changes.
    pub loader: Option<Loader>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends everything.
    pub cancel: CancellationToken,
}

/// Why the engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The channels cannot be set up.
    #[error(transparent)]
    Notify(#[from] crate::notify::NotifyError),
}

/// Runs until `setup.cancel` is cancelled. Returns when all tasks have ended, or when they have had five seconds to.
pub async fn run(setup: Setup) -> Result<(), EngineError> {
    let Setup {
        config,
        listener,
        viewer,
        loader,
        clock,
        cancel,
    } = setup;
    if let Some(Ok(address)) = listener.as_ref().map(TcpListener::local_addr) {
        tracing::info!("listening on http://{address}");
    }

    let tracker = TaskTracker::new();
    let http = Arc::new(HttpStats::default());
    let (reports_in, reports) = mpsc::channel(REPORT_QUEUE);
    let dropped = Arc::new(Counter::default());
    let (inbox, samples_in, intake) = lookups::queues();
    let fleet = fleet::Fleet::new(
        tracker.clone(),
        Arc::clone(&clock),
        reports_in,
        samples_in,
        Arc::clone(&dropped),
    );
    let store = Store::open(Backend::of(&config), Arc::clone(&clock)).await;
    if matches!(Backend::of(&config), Backend::Postgres(_)) {
        // It may be starting, too. A folder that cannot be used is not worth the wait.
        tokio::select! {
            () = cancel.cancelled() => {}
            () = store.ready(STORE_LIMIT) => {}
        }
    }
    let dispatcher = Dispatcher::new(
        &config.channels,
        &crate::notify::Links::of(&config),
        &tracker,
        // Not a child of `cancel`: what is under way gets a moment to finish, see `Core::run`.
        &CancellationToken::new(),
        Arc::clone(&clock),
        store.clone(),
    )?;
    dispatcher.set_heartbeat(config.heartbeat.as_ref())?;
    let shown = store.clone();
    let parts = Parts {
        fleet,
        dispatcher,
        store,
        clock: Arc::clone(&clock),
        http: Arc::clone(&http),
        dropped,
    };
    let (core, published) = Core::start(config, parts).await;

    if let Some(viewer) = viewer {
        // A viewer that is gone already wants to see nothing.
        drop(viewer.send(Arc::clone(&published)));
    }
    if let Some(listener) = listener {
        let state = serve::AppState::new(published, Arc::clone(&http), Arc::clone(&clock))
            .with_intake(intake)
            .with_store(shown)
            .ending_with(cancel.clone());
        tracker.spawn(serve::serve(
            listener,
            serve::router(state),
            http,
            cancel.clone(),
            tracker.clone(),
        ));
    }
    let reloads = reload::start(&tracker, core.files(), loader.is_some(), cancel.clone());
    core.run(reports, inbox, reloads, loader, cancel).await;

    tracker.close();
    if tokio::time::timeout(SHUTDOWN_LIMIT, tracker.wait())
        .await
        .is_err()
    {
        tracing::warn!("some tasks did not end within {SHUTDOWN_LIMIT:?} and were left behind");
    }
    Ok(())
}

/// Where the latest snapshot is found.
pub type Published = Arc<ArcSwap<crate::model::snapshot::Snapshot>>;
