//! Time for a cache to fill anew: after a restart, a failover, a swapped node, CONFIG RESETSTAT or a flush, rules about
//! misses are not judged for a while. That is shown, not hidden.
//!
//! What happens again while a cache warms up prolongs that, to at most three times its length; after the end, for a
//! quarter of an hour nothing begins another. So a cache that restarts every minute, or whose statistics somebody resets
//! every minute, cannot be quiet for ever.
//!
//! Deliberately absent: how such a thing is noticed.
//!
//! Invariant: no warm-up lasts longer than three times what the rule says.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::span;
use crate::model::incident::CoincidenceKind;
use crate::model::time::Now;

/// How often its length it may last.
const TIMES: u32 = 3;
/// How long after one no other begins.
const REST: Duration = Duration::from_mins(15);

/// Whether a cache warms up, for one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WarmUp {
    last: Option<Last>,
}

/// The last warm-up, which may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    /// Where the monotonic clock stood when this process began to follow it, and how old it was then.
    from: Duration,
    age: Duration,
    length: Duration,
    since: Timestamp,
    kind: CoincidenceKind,
}

impl Last {
    fn age(&self, now: Now) -> Duration {
        self.age.saturating_add(now.mono.saturating_sub(self.from))
    }
}

/// What outlives a restart of cachewatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    since: Timestamp,
    kind: CoincidenceKind,
    /// How long ago it began, and how long it takes from then, in milliseconds.
    age_ms: u64,
    length_ms: u64,
}

impl WarmUp {
    /// Takes in that something happened, for a rule that gives so much time.
    pub(super) fn begin(&mut self, kind: CoincidenceKind, length: Duration, now: Now) {
        match &mut self.last {
            Some(last) if last.age(now) < last.length => {
                let prolonged = last.age(now).saturating_add(length);
                let most = length.saturating_mul(TIMES);
                last.length = prolonged.min(most).max(last.length);
            }
            Some(last) if last.age(now) < last.length.saturating_add(REST) => {}
            _ => {
                self.last = Some(Last {
                    from: now.mono,
                    age: Duration::ZERO,
                    length,
                    since: now.wall,
                    kind,
                });
            }
        }
    }

    /// In a line, while it lasts: `warming up since 14:02 UTC after a restart, 3m left`.
    pub(super) fn explanation(&self, now: Now) -> Option<String> {
        let last = self.last.filter(|last| last.age(now) < last.length)?;
        let since = last.since.to_zoned_datetime(TimeZone::UTC);
        // Rounded up, so that the last second is not "0s left".
        let left = last.length.saturating_sub(last.age(now)) + Duration::from_millis(999);
        Some(format!(
            "warming up since {} UTC after {}, {} left",
            since.strftime("%H:%M"),
            after(last.kind),
            span(left)
        ))
    }

    /// When the last one was over, on the monotonic clock: what was before says nothing about misses.
    pub(super) fn over(&self, now: Now) -> Option<Duration> {
        let last = self.last.filter(|last| last.age(now) >= last.length)?;
        Some(
            last.from
                .saturating_add(last.length.saturating_sub(last.age)),
        )
    }

    /// What outlives a restart of cachewatch.
    pub(super) fn kept(&self, now: Now) -> Option<Kept> {
        let last = self.last?;
        (last.age(now) < last.length.saturating_add(REST)).then(|| Kept {
            since: last.since,
            kind: last.kind,
            age_ms: millis(last.age(now)),
            length_ms: millis(last.length),
        })
    }

    /// As it was, so long ago, for a rule that gives so much time.
    pub(super) fn restored(kept: Kept, away: Duration, length: Duration, now: Now) -> Self {
        let last = Last {
            from: now.mono,
            age: Duration::from_millis(kept.age_ms).saturating_add(away),
            // A file cannot make it last for ever.
            length: Duration::from_millis(kept.length_ms).min(length.saturating_mul(TIMES)),
            since: kept.since,
            kind: kept.kind,
        };
        Self { last: Some(last) }
    }
}

fn after(kind: CoincidenceKind) -> &'static str {
    match kind {
        CoincidenceKind::Restart => "a restart",
        CoincidenceKind::Failover => "a failover",
        CoincidenceKind::NodeSwap => "another node took its place",
        CoincidenceKind::Resetstat => "its statistics were reset",
        CoincidenceKind::Flush => "a flush",
        CoincidenceKind::TtlCliff | CoincidenceKind::MemoryLimit | CoincidenceKind::Annotation => {
            "a change"
        }
    }
}

/// Whether a cache fills anew after this.
pub(super) fn cools(kind: CoincidenceKind) -> bool {
    use CoincidenceKind::{Failover, Flush, NodeSwap, Resetstat, Restart};
    matches!(kind, Restart | Failover | NodeSwap | Resetstat | Flush)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fixture::at;

    const FIVE: Duration = Duration::from_mins(5);

    fn warms(warm_up: &WarmUp, second: u64) -> bool {
        warm_up.explanation(at(second)).is_some()
    }

    #[test]
    fn it_is_told_and_ends() {
        let mut warm_up = WarmUp::default();
        assert!(!warms(&warm_up, 0));
        warm_up.begin(CoincidenceKind::Restart, FIVE, at(120));
        assert_eq!(
            warm_up.explanation(at(240)).unwrap(),
            "warming up since 00:02 UTC after a restart, 3m left"
        );
        assert!(warms(&warm_up, 419) && !warms(&warm_up, 420));
        assert_eq!(warm_up.over(at(420)), Some(at(420).mono));
        assert_eq!(warm_up.over(at(419)), None);
    }

    #[test]
    fn what_happens_every_minute_does_not_silence_for_ever() {
        let mut warm_up = WarmUp::default();
        let mut warm_minutes = 0;
        for minute in 0..60 {
            warm_up.begin(CoincidenceKind::Resetstat, FIVE, at(minute * 60));
            warm_minutes += u64::from(warms(&warm_up, minute * 60));
        }
        // 15 of each 30.
        assert_eq!(warm_minutes, 30);
    }

    #[test]
    fn it_goes_on_over_a_restart_of_cachewatch() {
        let mut warm_up = WarmUp::default();
        warm_up.begin(CoincidenceKind::Flush, FIVE, at(1000));
        let kept = warm_up.kept(at(1060)).unwrap();
        let after = WarmUp::restored(kept, Duration::from_mins(1), FIVE, at(0));
        assert!(warms(&after, 179) && !warms(&after, 180));
        let late = WarmUp::restored(kept, Duration::from_hours(1), FIVE, at(0));
        assert!(!warms(&late, 0));
        assert_eq!(warm_up.kept(at(1000 + 300 + 900)), None);
    }
}
