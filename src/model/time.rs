//! The clock: the only place where the time is read.
//!
//! Windows and time-outs use the monotonic part, so that a wall clock that jumps does not disturb them; messages and
//! exported timestamps use the wall part.

use std::time::Duration;

use jiff::Timestamp;

/// One look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Time since the clock was made (about the start of the process), and two hours; never goes back. Only differences
    /// mean anything.
    pub mono: Duration,
    /// Wall time.
    pub wall: Timestamp,
}

impl Now {
    /// Time since an earlier look; zero when `earlier` is in fact later.
    pub fn since(&self, earlier: Now) -> Duration {
        self.mono.saturating_sub(earlier.mono)
    }

    /// The same moment, moved by `by` on both clocks. For tests and simulations.
    #[must_use]
    pub fn plus(&self, by: Duration) -> Self {
        let by_signed = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
        Self {
            mono: self.mono.saturating_add(by),
            wall: self
                .wall
                .saturating_add(by_signed)
                .unwrap_or(Timestamp::MAX),
        }
    }

    /// The beginning of time, for tests and simulations.
    pub const ZERO: Self = Self {
        mono: Duration::ZERO,
        wall: Timestamp::UNIX_EPOCH,
    };
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Now;
}

/// Where the monotonic part begins: what was stored before a restart gets a place before it.
const HEADROOM: Duration = Duration::from_hours(2);

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic part begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that others are told to take"
    )]
    pub fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that others are told to take"
    )]
    fn now(&self) -> Now {
        Now {
            mono: HEADROOM + self.start.elapsed(),
            wall: Timestamp::now(),
        }
    }
}
