//! How often a rule has fired lately. One that fires again and again is held open for longer, so that one incident is
//! told instead of many.
//!
//! From the third firing within an hour on, the time for which the clear condition must hold is doubled with each, up to
//! an hour.
//!
//! Deliberately absent: the condition itself; holding open never delays a firing.
//!
//! Invariant: at most [`MAX`] firings are remembered.

use std::collections::VecDeque;
use std::time::Duration;

/// Over how long firings are counted, and how long an incident is held open at most.
const LATELY: Duration = Duration::from_hours(1);
/// From so many firings on it is flapping.
const MANY: u32 = 3;
/// How many firings are remembered: more of them change nothing, the hour is reached before.
const MAX: usize = 16;

/// When a rule fired.
#[derive(Debug, Clone, Default)]
pub(super) struct Flaps {
    fired: VecDeque<Firing>,
}

/// One firing: how old it was where the monotonic clock stood so.
#[derive(Debug, Clone, Copy)]
struct Firing {
    from: Duration,
    age: Duration,
}

impl Firing {
    fn age(self, now: Duration) -> Duration {
        self.age.saturating_add(now.saturating_sub(self.from))
    }
}

impl Flaps {
    /// As it was, from how long ago each firing was, the oldest first.
    pub(super) fn restored(ages: &[Duration], now: Duration) -> Self {
        let firing = |age: &Duration| Firing {
            from: now,
            age: *age,
        };
        Self {
            fired: ages.iter().take(MAX).map(firing).collect(),
        }
    }

    /// How long ago each firing was, the oldest first.
    pub(super) fn ages(&self, now: Duration) -> Vec<Duration> {
        let ages = self.fired.iter().map(|firing| firing.age(now));
        ages.filter(|age| *age < LATELY).collect()
    }

    /// It fires. How often it has within the last hour, this one included.
    pub(super) fn fired(&mut self, now: Duration) -> u32 {
        self.fired.retain(|firing| firing.age(now) < LATELY);
        if self.fired.len() >= MAX {
            self.fired.pop_front();
        }
        self.fired.push_back(Firing {
            from: now,
            age: Duration::ZERO,
        });
        u32::try_from(self.fired.len()).unwrap_or(u32::MAX)
    }
}

/// How long the clear condition must hold for an incident that was the so-many-th firing within the hour.
pub(super) fn held_open(clear_for: Duration, firings: u32) -> Duration {
    if firings < MANY {
        return clear_for;
    }
    let times = 1_u32.checked_shl(firings - MANY + 1).unwrap_or(u32::MAX);
    // A rule that asks for more than the hour keeps it.
    clear_for.saturating_mul(times).min(LATELY).max(clear_for)
}

/// What is said about it: `fired 4 times within the last hour: held open for 20m`.
pub(super) fn note(clear_for: Duration, firings: u32) -> Option<String> {
    (firings >= MANY).then(|| {
        let held = held_open(clear_for, firings);
        format!(
            "fired {firings} times within the last hour: held open for {}",
            humantime::format_duration(held)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_mins(n)
    }

    #[test]
    fn what_fires_again_and_again_is_held_open_for_longer() {
        let mut flaps = Flaps::default();
        let counts: Vec<u32> = [0, 10, 20, 30, 61, 200]
            .map(|minute| flaps.fired(minutes(minute)))
            .into();
        assert_eq!(counts, [1, 2, 3, 4, 4, 1]);
        let held = [1, 2, 3, 4, 5, 6, 40].map(|n| held_open(minutes(5), n));
        assert_eq!(held, [5, 5, 10, 20, 40, 60, 60].map(minutes));
        assert_eq!(held_open(minutes(90), 9), minutes(90));
        assert_eq!(note(minutes(5), 2), None);
        assert_eq!(
            note(minutes(5), 4).unwrap(),
            "fired 4 times within the last hour: held open for 20m"
        );
    }

    #[test]
    fn it_is_remembered_over_a_restart() {
        let mut flaps = Flaps::default();
        for minute in [1, 20, 40] {
            flaps.fired(minutes(minute));
        }
        let mut restored = Flaps::restored(&flaps.ages(minutes(50)), minutes(0));
        assert_eq!(restored.fired(minutes(5)), 4);
        assert_eq!(
            Flaps::restored(&[minutes(70)], minutes(0)).fired(minutes(1)),
            1
        );
    }

    #[test]
    fn it_is_bounded() {
        let mut flaps = Flaps::default();
        for second in 0..1000 {
            flaps.fired(Duration::from_secs(second));
        }
        assert_eq!(flaps.fired.len(), MAX);
    }
}
