//! Would more memory help, would a longer time to live help: from how long before the miss the key was removed.
//!
//! Invariant: what cannot be told is said to be so. Redis often removes an expired key only when it is looked up, so for
//! those nobody knows how long they had been over.

use std::time::Duration;

use crate::model::attribution::{Ages, Cause, Counters};

use super::super::format::{percent, span};
use super::ratio;

/// A removal that was at most so many seconds before the miss was shortly before; a bound of the age buckets.
const SHORTLY: u32 = 256;
/// Below this share of the misses it hardly matters.
const HARDLY: f64 = 0.05;
/// From this share on it matters much.
const MUCH: f64 = 0.2;

/// A question with its answer.
pub(in crate::serve::page) struct Remedy {
    pub(in crate::serve::page) question: &'static str,
    /// In a word.
    pub(in crate::serve::page) verdict: &'static str,
    pub(in crate::serve::page) reason: String,
}

/// Both questions, for these counts.
pub(super) fn of(recent: &Counters) -> Vec<Remedy> {
    vec![memory(recent), time_to_live(recent)]
}

fn memory(recent: &Counters) -> Remedy {
    let all = recent.misses.total();
    let evicted = recent.misses.get(Cause::Evicted);
    let reason = if evicted == 0 {
        "None of the misses was for a key that had been evicted.".to_owned()
    } else {
        let soon = recent.evicted_ages.within(SHORTLY);
        format!(
            "{} of the misses were for evicted keys, {} for keys evicted less than about {} before: the shorter \
             before, the less memory it takes to keep them.",
            percent(ratio(evicted, all)),
            percent(ratio(soon, all)),
            shortly()
        )
    };
    Remedy {
        question: "Would more memory help?",
        verdict: verdict(ratio(evicted, all)),
        reason,
    }
}

fn time_to_live(recent: &Counters) -> Remedy {
    let all = recent.misses.total();
    let expired = recent.misses.get(Cause::Expired);
    let reason = if expired == 0 {
        "None of the misses was for a key whose time to live was over.".to_owned()
    } else {
        let at_once = at_once(&recent.expired_ages);
        let soon = recent.expired_ages.within(SHORTLY).saturating_sub(at_once);
        format!(
            "{} of the misses were for expired keys, {} for keys removed less than about {} before; for {} the server \
             removed the key at the lookup or just before, so nobody knows how long it was over.",
            percent(ratio(expired, all)),
            percent(ratio(soon, all)),
            shortly(),
            percent(ratio(at_once, all)),
        )
    };
    Remedy {
        question: "Would a longer time to live help?",
        verdict: verdict(ratio(expired, all)),
        reason,
    }
}

fn at_once(ages: &Ages) -> u64 {
    ages.within(1)
}

fn shortly() -> String {
    span(Duration::from_secs(u64::from(SHORTLY / 60 * 60)))
}

fn verdict(share: f64) -> &'static str {
    match share {
        s if s >= MUCH => "Likely",
        s if s >= HARDLY => "A little",
        s if s > 0.0 => "Hardly",
        _ => "No",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::attribution::{Again, Verdict};

    fn answers(misses: &[(Cause, u32, u64)]) -> Vec<(&'static str, String)> {
        let mut counters = Counters::default();
        for (cause, age, n) in misses {
            for _ in 0..*n {
                counters.missed(Verdict {
                    cause: *cause,
                    age: *age,
                    again: Again::First,
                });
            }
        }
        let remedies = of(&counters).into_iter();
        remedies
            .map(|r| (r.verdict, r.reason.replace('\u{a0}', " ")))
            .collect()
    }

    #[test]
    fn what_would_help_follows_the_ages() {
        let got = answers(&[
            (Cause::Evicted, 100, 31),
            (Cause::Evicted, 5_000, 9),
            (Cause::Expired, 0, 3),
            (Cause::Expired, 90, 1),
            (Cause::NeverSeen, 0, 56),
        ]);
        assert_eq!(got[0].0, "Likely");
        assert!(
            got[0].1.starts_with("40.0 % of the misses were for evicted keys, 31.0 % for keys evicted less than about 4 min"),
            "{}",
            got[0].1
        );
        assert_eq!(got[1].0, "Hardly");
        assert!(
            got[1].1.contains("1.0 % for keys removed less")
                && got[1].1.contains("for 3.0 % the server")
        );
        let got = answers(&[(Cause::NeverSeen, 0, 5)]);
        assert_eq!((got[0].0, got[1].0), ("No", "No"));
    }
}
