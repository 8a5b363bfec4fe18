//! How lookups are sampled with MONITOR, where that is switched on.
//!
//! Deliberately absent: taking samples. Off unless somebody asks for it, since MONITOR shows every command with its
//! values to who reads it and costs the server while it runs.
//!
//! Invariant: a [`MonitorSampling`] of a [`Config`](super::Config) keeps within the bounds here.

use std::time::Duration;

/// The longest sample.
pub const MAX_DURATION: Duration = Duration::from_secs(2);
/// The shortest sample.
pub const MIN_DURATION: Duration = Duration::from_millis(10);
/// The shortest time between two samples.
pub const MIN_EVERY: Duration = Duration::from_secs(10);
/// The longest time between two samples.
pub const MAX_EVERY: Duration = Duration::from_hours(1);
/// How many times longer the time between two samples is than a sample, at least: 5 % of the time at most.
pub const MIN_FACTOR: u32 = 20;
/// The fewest bytes of a sample.
pub const MIN_BYTES: u64 = 1 << 10;
/// The most bytes of a sample.
pub const MAX_BYTES: u64 = 64 << 20;

/// When and for how long a node is watched by MONITOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonitorSampling {
    /// How long a sample is.
    pub duration: Duration,
    /// One sample is taken at a random moment of each stretch of time that is so long.
    pub every: Duration,
    /// A sample ends early after so many bytes.
    pub max_bytes: u64,
}

/// 200 ms a minute, 4 MiB.
impl Default for MonitorSampling {
    fn default() -> Self {
        Self {
            duration: Duration::from_millis(200),
            every: Duration::from_mins(1),
            max_bytes: 4 << 20,
        }
    }
}
