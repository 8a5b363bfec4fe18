//! From when to when a report goes, with which it is compared, and how fine the slots are.
//!
//! Invariant: one width of slots serves both periods, so that they compare; both begin with a slot.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::record::RESOLUTIONS;

/// The shortest period.
pub const SHORTEST: Duration = Duration::from_hours(1);
/// The longest: nothing older is kept.
pub const LONGEST: Duration = Duration::from_hours(400 * 24);

/// A period, and the one of the same length before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Where the period before begins.
    pub before: Timestamp,
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends: now.
    pub to: Timestamp,
    /// How long it was meant to be.
    pub asked: Duration,
    /// The width of slots, in seconds.
    pub slot_seconds: u32,
}

impl Period {
    /// The last so much of time; within [`SHORTEST`] and [`LONGEST`]. It begins with a slot, so it is up to 15 min longer.
    pub fn last(asked: Duration, now: Timestamp) -> Self {
        let asked = asked.clamp(SHORTEST, LONGEST);
        let [_, (fine, kept), (wide, _)] = RESOLUTIONS;
        // An hour of the oldest slots may be pruned while we look.
        let slot_seconds = if asked.as_secs() * 2 + 3_600 <= kept {
            fine
        } else {
            wide
        };
        let back = |from: Timestamp| {
            let span = SignedDuration::try_from(asked).unwrap_or_default();
            begin(from.saturating_sub(span).unwrap_or(from), slot_seconds)
        };
        let from = back(now);
        Self {
            before: back(from),
            from,
            to: now,
            asked,
            slot_seconds,
        }
    }

    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(0.0)
    }

    /// How long the one before is.
    pub fn seconds_before(&self) -> f64 {
        self.from.duration_since(self.before).as_secs_f64().max(0.0)
    }
}

/// The beginning of the slot of this width, in seconds, that a moment lies in.
fn begin(at: Timestamp, width: u32) -> Timestamp {
    let width = i64::from(width.max(1));
    Timestamp::from_second(at.as_second().div_euclid(width) * width).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_with_a_slot_that_is_still_kept() {
        let now: Timestamp = "2026-11-23T16:48:27Z".parse().unwrap();
        for (hours, width) in [
            (1, 60),
            (24, 60),
            (95, 60),
            (96, 900),
            (168, 900),
            (9_600, 900),
        ] {
            let period = Period::last(Duration::from_hours(hours), now);
            assert_eq!(period.slot_seconds, width, "{hours} h");
            for at in [period.from, period.before] {
                assert_eq!(at.as_second() % i64::from(width), 0);
            }
            let longer = period.seconds() - period.asked.as_secs_f64();
            assert!((0.0..f64::from(width)).contains(&longer));
            assert!((period.seconds_before() - period.asked.as_secs_f64()).abs() < 1.0);
        }
        let week = Period::last(Duration::from_hours(168), now);
        assert_eq!(week.from.to_string(), "2026-11-16T16:45:00Z");
    }
}
