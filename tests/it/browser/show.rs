//! The real server, over a snapshot and a store that are made up.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use cachewatch::model::secret::Secret;
use cachewatch::model::signed::{Action, Signer};
use cachewatch::model::snapshot::CacheSnapshot;
use cachewatch::model::stats::HttpStats;
use cachewatch::model::time::{Clock, Now, SystemClock};
use cachewatch::serve::{self, AppState, Intake};
use cachewatch::store::{Backend, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{fleet, past};

pub const TOKEN: &str = "hunter2hunter2hunter2";

/// A server that runs until it is dropped.
pub struct Show {
    _runtime: tokio::runtime::Runtime,
    addr: SocketAddr,
}

impl Show {
    /// With these caches, and a past for each of them.
    pub fn start(caches: impl FnOnce(Now) -> Vec<Arc<CacheSnapshot>>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let now = clock.now();
        let caches = caches(now);
        let addr = runtime.block_on(async {
            let store = Store::open(Backend::Memory, Arc::clone(&clock)).await;
            past::write(&store, &caches, now.wall).await;
            let snapshot = Arc::new(ArcSwap::from_pointee(fleet::snapshot(caches, now)));
            let http = Arc::new(HttpStats::default());
            let (queue, _) = tokio::sync::mpsc::channel(1);
            let token = Arc::new(ArcSwapOption::from_pointee(Secret::new(TOKEN.to_owned())));
            // It never turns, and the page would say so.
            let clock: Arc<dyn Clock> = Arc::new(Still(now));
            let state = AppState::new(snapshot, Arc::clone(&http), clock)
                .with_intake(Intake { token, queue })
                .with_store(store);
            let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
                .await
                .unwrap();
            let addr = listener.local_addr().unwrap();
            let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
            let app = serve::router(state);
            tracker.spawn(serve::serve(listener, app, http, cancel, tracker.clone()));
            addr
        });
        Self {
            _runtime: runtime,
            addr,
        }
    }

    /// Its address.
    pub fn base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The path of a link that was signed for this incident.
    pub fn link(&self, incident: &str) -> String {
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let signer = Signer::new(&Secret::new(TOKEN.to_owned()));
        signer.link("", Action::Silence, incident, until)
    }
}

/// A clock that stands still.
struct Still(Now);

impl Clock for Still {
    fn now(&self) -> Now {
        self.0
    }
}
