//! What reaches the engine about lookups, and how it gets there: samples from the fleet, requests from the server.
//!
//! Deliberately absent: totals and ratios, which each cache keeps (`analyze::lookups`).
//!
//! Invariant: both queues are bounded; what a full one cuts is counted, or refused to who asked.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::mpsc;

use crate::config::CacheConfig;
use crate::model::lookups::{LookupBatch, SampleResult};
use crate::model::name::NodeName;
use crate::model::secret::Secret;
use crate::serve::Intake;

/// Samples that may wait: one of each of a thousand nodes.
const SAMPLE_QUEUE: usize = 1_024;
/// Requests that may wait. The engine takes them in as they come, so that this is room for a burst: 8 MiB at most or so.
const BATCH_QUEUE: usize = 64;

/// The engine's ends of the queues.
pub(super) struct Inbox {
    samples: mpsc::Receiver<SampleResult>,
    batches: mpsc::Receiver<LookupBatch>,
    token: Arc<ArcSwapOption<Secret>>,
}

/// Something about lookups.
pub(super) enum Told {
    /// By a sampler.
    Sample(SampleResult),
    /// By an application.
    Batch(LookupBatch),
}

/// Both queues: the engine's ends, that of the samplers, and that of the server.
pub(super) fn queues() -> (Inbox, mpsc::Sender<SampleResult>, Intake) {
    let (samples_in, samples) = mpsc::channel(SAMPLE_QUEUE);
    let (queue, batches) = mpsc::channel(BATCH_QUEUE);
    let token = Arc::new(ArcSwapOption::empty());
    let intake = Intake {
        token: Arc::clone(&token),
        queue,
    };
    let inbox = Inbox {
        samples,
        batches,
        token,
    };
    (inbox, samples_in, intake)
}

impl Inbox {
    /// What comes next; waits for ever when nothing can come any more. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            Some(sample) = self.samples.recv() => Told::Sample(sample),
            Some(batch) = self.batches.recv() => Told::Batch(batch),
            else => std::future::pending().await,
        }
    }

    /// Puts the token of the configuration in force.
    pub(super) fn set_token(&self, token: Option<&Secret>) {
        self.token.store(token.cloned().map(Arc::new));
    }
}

/// Which node of a cache is sampled, and how often.
pub(super) fn sampled(cache: &CacheConfig) -> Option<(NodeName, std::time::Duration)> {
    let sampling = cache.sampling.filter(|_| cache.events)?;
    Some((cache.node(), sampling.every))
}
