//! What cachewatch counts about itself, where the counting is shared between tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

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
    /// Notifications that were waiting when their channel was removed from the configuration.
    pub dropped: Counter,
    /// Attempts that were followed by another one.
    pub retried: Counter,
    /// Attempts that failed in a row, up to now.
    pub failing: Counter,
    /// Notifications that wait or are under way.
    pub pending: Counter,
    /// Notifications that had become needless before they could be sent: a later one told of both.
    pub superseded: Counter,
    /// Notifications that went along in the message of another one.
    pub coalesced: Counter,
    /// Notifications in the store that were given up and that nobody has been told.
    pub dead: Counter,
    /// When the oldest one that waits was put there, in milliseconds of Unix time; 0: none waits.
    pub oldest_waiting_ms: Counter,
    broken: Mutex<Option<Broken>>,
}

/// A channel that refuses for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// What the receiver answered: an HTTP status.
    pub code: u16,
    /// One line without secrets.
    pub why: String,
}

impl ChannelStats {
    /// Whether the channel refuses for good, and since when.
    pub fn broken(&self) -> Option<Broken> {
        self.lock().clone()
    }

    /// Notes that it refuses. `false`: that was known.
    pub fn broke(&self, broken: Broken) -> bool {
        let mut state = self.lock();
        let new = state.is_none();
        // The moment at which it began stays.
        state.get_or_insert(broken);
        new
    }

    /// Notes that it works. `false`: that was known.
    pub fn mended(&self) -> bool {
        self.lock().take().is_some()
    }

    /// How long the oldest one that waits has been waiting.
    pub fn oldest_waiting(&self, now: Timestamp) -> Option<Duration> {
        let since = self.oldest_waiting_ms.get();
        let since = Timestamp::from_millisecond(i64::try_from(since).ok()?).ok()?;
        (since > Timestamp::UNIX_EPOCH)
            .then(|| Duration::try_from(now.duration_since(since)).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Broken>> {
        // Nothing in here can leave it half changed.
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the heartbeat counts.
#[derive(Debug, Default)]
pub struct HeartbeatStats {
    /// Calls that were answered with 2xx.
    pub sent: Counter,
    /// Calls that were not.
    pub failed: Counter,
    /// Calls that were left out, because something is wrong with cachewatch.
    pub withheld: Counter,
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
