//! How long to wait before the next attempt: exponential, with full jitter above a floor.
//!
//! After failure n (from 0) the wait is uniform in `min ..= min(max, min * 2^n)`. The first retry comes at the ordinary
//! pace; later ones spread out, so that many pollers that lost one server together do not come back together (the
//! reason for jitter: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). No clock, no sleeping.
//!
//! Invariant: `min <= wait <= max`, always.

use std::time::Duration;

/// A valid pair of bounds, and how many failures there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

/// Why bounds were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackoff {
    /// It would not wait at all.
    #[error("the shortest wait must be longer than 0")]
    ZeroMin,
    /// The bounds are the wrong way round.
    #[error("the longest wait must not be shorter than the shortest")]
    MaxBelowMin,
}

impl Backoff {
    /// Waits between `min` (longer than 0) and `max` (not shorter than `min`).
    pub fn new(min: Duration, max: Duration) -> Result<Self, InvalidBackoff> {
        if min.is_zero() {
            return Err(InvalidBackoff::ZeroMin);
        }
        if max < min {
            return Err(InvalidBackoff::MaxBelowMin);
        }
        Ok(Self {
            min,
            max,
            failures: 0,
        })
    }

    /// Takes note of a failure and gives the wait that follows it. `random` is uniform in 0..1; what is outside of
    /// that range, or no number, is brought into it.
    pub fn next_wait(&mut self, random: f64) -> Duration {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        let random = if random.is_nan() {
            0.0
        } else {
            random.clamp(0.0, 1.0)
        };
        let above = ceiling.saturating_sub(self.min).mul_f64(random);
        self.min.saturating_add(above).min(ceiling)
    }

    /// Forgets the failures. For use after a healthy time, not after one success: a server that answers once between
    /// two crashes is not healthy.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    fn ceiling(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        self.min.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn bounds_are_checked() {
        assert_eq!(Backoff::new(S(0), S(1)), Err(InvalidBackoff::ZeroMin));
        assert_eq!(Backoff::new(S(2), S(1)), Err(InvalidBackoff::MaxBelowMin));
        assert!(Backoff::new(S(2), S(2)).is_ok());
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_longest_wait_and_a_reset_starts_anew() {
        let mut b = Backoff::new(S(5), S(30)).unwrap();
        let highest: Vec<u64> = (0..5).map(|_| b.next_wait(1.0).as_secs()).collect();
        assert_eq!(highest, [5, 10, 20, 30, 30]);
        assert_eq!(b.next_wait(0.0), S(5));
        assert_eq!(b.next_wait(0.5), Duration::from_millis(17_500));
        b.reset();
        assert_eq!(b.next_wait(1.0), S(5));
    }

    proptest! {
        #[test]
        fn a_wait_is_always_within_its_bounds(
            min_ms in 1..600_000_u64,
            more_ms in 0..600_000_u64,
            randoms in proptest::collection::vec(any::<f64>(), 1..80),
        ) {
            let min = Duration::from_millis(min_ms);
            let max = Duration::from_millis(min_ms + more_ms);
            let mut b = Backoff::new(min, max).unwrap();
            for random in randoms {
                let wait = b.next_wait(random);
                prop_assert!(min <= wait && wait <= max);
            }
        }

        #[test]
        fn a_ceiling_never_falls_while_failures_go_on(min_ms in 1..10_000_u64, more_ms in 0..600_000_u64) {
            let mut b = Backoff::new(Duration::from_millis(min_ms), Duration::from_millis(min_ms + more_ms)).unwrap();
            let waits: Vec<Duration> = (0..70).map(|_| b.next_wait(1.0)).collect();
            prop_assert!(waits.is_sorted());
            prop_assert_eq!(*waits.last().unwrap(), Duration::from_millis(min_ms + more_ms));
        }
    }
}
