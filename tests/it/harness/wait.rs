//! The only place where a test sleeps or reads the clock: waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness measures real time; the product's injected clock is not reachable from outside"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets time pass: the pace of load, proxies and polls. Tests wait with [`eventually`] or [`always`] instead.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness runs on plain threads; a sleep blocks nobody else"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Polls until `probe` gives something; what it is waiting for is said when `within` has passed.
pub fn try_eventually<T>(
    within: Duration,
    what: &str,
    mut probe: impl FnMut() -> Option<T>,
) -> Result<T, String> {
    let began = now();
    loop {
        // The clock is read before the probe: a probe that began in time counts.
        let elapsed = began.elapsed();
        if let Some(found) = probe() {
            return Ok(found);
        }
        if elapsed >= within {
            return Err(format!("waited {elapsed:.1?} in vain: {what}"));
        }
        pause(POLL);
    }
}

/// As [`try_eventually`]; panics when it was in vain.
#[track_caller]
pub fn eventually<T>(within: Duration, what: &str, probe: impl FnMut() -> Option<T>) -> T {
    match try_eventually(within, what, probe) {
        Ok(found) => found,
        Err(message) => panic!("{message}"),
    }
}

/// Checks all the time of `during` that a condition holds. The way to test that something does *not* happen.
#[track_caller]
pub fn always(during: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = now();
    while began.elapsed() < during {
        assert!(holds(), "after {:.1?} no longer: {what}", began.elapsed());
        pause(POLL);
    }
}

/// Seconds, for short calls: `secs(5)`.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
