//! Samples what clients of one node look up, once at a random moment of each stretch of time, by namespace.
//!
//! Each sample is a MONITOR on a connection of its own ([`super::monitor`]). A key is turned into the number of its
//! namespace while it lies in the parser's buffer, by a [`Classifier`] of the reader of its events; nothing
//! but those counts is kept. Deliberately absent: any estimate, and the misses, which `analyze::lookups` puts to it.
//!
//! Invariants: at most one sample at a time and one in each stretch; the moment within it is random, so that a job that
//! runs every minute is in some samples and not in others; without a classifier the server is left alone; of a sample
//! that failed nothing is told but that it failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::dial::SystemRoots;
use super::monitor::{Budget, CutBy, LookupSink, SampleReport, sample};
use crate::analyze::attribution::Classifier;
use crate::config::{CacheConfig, MonitorSampling};
use crate::model::lookups::{Sample, SampleResult};
use crate::model::poll::PollErrorKind;
use crate::model::stats::Counter;
use crate::model::time::Clock;

/// Asks the reader of the node's events what it knows of namespaces now; `None` as long as it knows nothing. Called once
/// for each sample; must not block for long.
pub type ClassifierProbe = Arc<dyn Fn() -> Option<Classifier> + Send + Sync>;

/// What samples the lookups of one node.
pub struct Sampler {
    config: Arc<CacheConfig>,
    classifier: ClassifierProbe,
    results: mpsc::Sender<SampleResult>,
    clock: Arc<dyn Clock>,
    dropped: Arc<Counter>,
}

impl Sampler {
    /// Nothing happens before [`Self::run`]. Results that find the queue full are dropped and counted in `dropped`.
    pub fn new(
        config: Arc<CacheConfig>,
        classifier: ClassifierProbe,
        results: mpsc::Sender<SampleResult>,
        clock: Arc<dyn Clock>,
        dropped: Arc<Counter>,
    ) -> Self {
        Self {
            config,
            classifier,
            results,
            clock,
            dropped,
        }
    }

    /// Samples until cancelled or nobody receives results any more; returns at once where sampling is off.
    pub async fn run(self, cancel: CancellationToken) {
        if let Some(sampling) = self.config.sampling {
            // Dropped in the middle of a sample, it closes the connection, and that ends MONITOR.
            cancel.run_until_cancelled(self.forever(sampling)).await;
        }
    }

    async fn forever(self, sampling: MonitorSampling) {
        let budget = match Budget::new(sampling.duration, sampling.max_bytes) {
            Ok(budget) => budget,
            Err(error) => {
                tracing::error!(cache = %self.config.name, "lookups are not sampled: {error}");
                return;
            }
        };
        let roots = SystemRoots::default();
        let mut health = None;
        let (began, began_at) = (Instant::now(), self.clock.now().mono);
        let mut period = 0_u64;
        loop {
            let start = times(sampling.every, period);
            let room = sampling.every.saturating_sub(sampling.duration);
            sleep_until(began + start + room.mul_f64(fastrand::f64())).await;
            if let Some(classifier) = (self.classifier)() {
                let taken = self.take(&roots, budget, &classifier, &mut health).await;
                let result = SampleResult {
                    cache: self.config.name.clone(),
                    node: self.config.node(),
                    at: self.clock.now(),
                    period,
                    ends: began_at + start + sampling.every,
                    sample: taken,
                };
                match self.results.try_send(result) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => self.dropped.inc(),
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            // A server that hangs may have kept us for longer than a stretch; those are missed, not made up for.
            let now = began.elapsed().as_nanos() / sampling.every.as_nanos().max(1);
            period = u64::try_from(now).unwrap_or(u64::MAX).max(period + 1);
        }
    }

    /// One sample; `None` when it failed, which is logged when it is news.
    async fn take(
        &self,
        roots: &SystemRoots,
        budget: Budget,
        classifier: &Classifier,
        health: &mut Option<PollErrorKind>,
    ) -> Option<Sample> {
        let mut tally = Tally::new(classifier);
        let (cache, node) = (&self.config.name, self.config.node());
        match sample(&self.config, roots, budget, &mut tally).await {
            Ok(report) => {
                if health.take().is_some() {
                    tracing::info!(%cache, %node, "lookups are sampled again");
                }
                Some(tally.sample(&report))
            }
            Err(error) => {
                if health.replace(error.kind) != Some(error.kind) {
                    tracing::warn!(%cache, %node, "a sample of lookups failed: {}", error.message);
                }
                None
            }
        }
    }
}

fn times(every: Duration, period: u64) -> Duration {
    every.saturating_mul(u32::try_from(period).unwrap_or(u32::MAX))
}

/// Counts lookups by namespace.
struct Tally<'a> {
    classifier: &'a Classifier,
    counts: Vec<u64>,
}

impl<'a> Tally<'a> {
    fn new(classifier: &'a Classifier) -> Self {
        Self {
            classifier,
            counts: vec![0; classifier.names().len()],
        }
    }

    fn sample(self, report: &SampleReport) -> Sample {
        let named = self.classifier.names().iter().zip(self.counts);
        let named = named.filter(|(_, count)| *count > 0);
        Sample {
            covered: report.covered,
            // Those that were not handed over were seen, and INFO has counted them.
            lookups: report.lookups.saturating_add(report.lookups_left_out),
            namespaces: named.map(|(name, n)| (Arc::clone(name), n)).collect(),
            bytes: report.bytes,
            cut: report.cut_by == CutBy::Bytes,
        }
    }
}

impl LookupSink for Tally<'_> {
    fn lookup(&mut self, _db: u32, key: &[u8]) {
        let index = self.classifier.index(key);
        if let Some(count) = index.and_then(|index| self.counts.get_mut(index)) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests;
