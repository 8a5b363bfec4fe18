//! The tasks of each cache: a poller and a reader of events for its node. Here is where a new kind of cache starts its
//! tasks.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::collect::redis::events::EventReader;
use crate::collect::redis::poller;
use crate::collect::redis::sampler::Sampler;
use crate::config::CacheConfig;
use crate::model::lookups::SampleResult;
use crate::model::poll::PollReport;
use crate::model::stats::Counter;
use crate::model::time::Clock;

/// Starts tasks; what they report comes out of one queue.
pub(super) struct Fleet {
    tracker: TaskTracker,
    clock: Arc<dyn Clock>,
    reports: mpsc::Sender<PollReport>,
    samples: mpsc::Sender<SampleResult>,
    dropped: Arc<Counter>,
}

/// The running tasks of one cache. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Crew {
    cancel: CancellationToken,
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Fleet {
    pub(super) fn new(
        tracker: TaskTracker,
        clock: Arc<dyn Clock>,
        reports: mpsc::Sender<PollReport>,
        samples: mpsc::Sender<SampleResult>,
        dropped: Arc<Counter>,
    ) -> Self {
        Self {
            tracker,
            clock,
            reports,
            samples,
            dropped,
        }
    }

    /// Starts the tasks of a cache.
    pub(super) fn start(&self, config: &Arc<CacheConfig>) -> Crew {
        let cancel = CancellationToken::new();
        let (events, reader) = EventReader::new(Arc::clone(config), Arc::clone(&self.clock));
        self.tracker.spawn(reader.run(cancel.clone()));
        let known = events.clone();
        let sampler = Sampler::new(
            Arc::clone(config),
            Arc::new(move || known.classifier()),
            self.samples.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.dropped),
        );
        self.tracker.spawn(sampler.run(cancel.clone()));
        self.tracker.spawn(poller::run(
            Arc::clone(config),
            events,
            self.reports.clone(),
            Arc::clone(&self.clock),
            cancel.clone(),
            Arc::clone(&self.dropped),
        ));
        Crew { cancel }
    }
}
