//! What cachewatch counts about itself, where the counting is shared between tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the poll duration histogram, in seconds.
pub const DURATION_BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// A histogram of durations with the buckets of [`DURATION_BUCKETS`]. Owned by one task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DurationHistogram {
    /// Observations per bucket, not cumulative; the last one is for everything above the last bound.
    pub buckets: [u64; DURATION_BUCKETS.len() + 1],
    /// Sum of all observations, in seconds.
    pub sum_seconds: f64,
}

impl DurationHistogram {
    /// Takes in an observation.
    pub fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = DURATION_BUCKETS
            .iter()
            .position(|b| seconds <= *b)
            .unwrap_or(DURATION_BUCKETS.len());
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket += 1;
        }
        self.sum_seconds += seconds;
    }

    /// How many observations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// A counter that several tasks add to.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes one away, for a count of things that come and go.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the value, for a count of things that come and go.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// What a delivery worker counts, one for each channel.
#[derive(Debug, Default)]
pub struct ChannelStats {
    /// Notifications that the channel accepted.
    pub delivered: Counter,
    /// Notifications given up after a permanent refusal or after the last retry.
    pub failed: Counter,
    /// Notifications that the full queue cut.
    pub dropped: Counter,
    /// Attempts that were followed by another one.
    pub retried: Counter,
    /// Notifications in the queue or under way.
    pub pending: Counter,
}

/// What the HTTP server counts.
#[derive(Debug, Default)]
pub struct HttpStats {
    /// Requests answered with 2xx or 3xx.
    pub ok: Counter,
    /// Requests answered with 4xx.
    pub client_error: Counter,
    /// Requests answered with 5xx.
    pub server_error: Counter,
    /// Connections open now.
    pub open_connections: Counter,
    /// Connections that were closed because too many were open.
    pub refused_connections: Counter,
    /// Connections that were closed because the other side was too slow, or idle for too long.
    pub timed_out_connections: Counter,
}
