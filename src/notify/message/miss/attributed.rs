//! Where the misses are and why, in words, from events: exact as far as the events are complete.
//!
//! Invariant: a cause is only called the reason when at least half of the misses have it and it is a known one.

use crate::model::attribution::Cause;
use crate::model::incident::{EventGap, MissAttribution, NamespaceShare, TtlCliff};
use crate::notify::format::{count, money, percent, percent_floor, seconds, time_of_day};
use crate::notify::text::clean;

use super::known;
use super::rates::MEMORY_FULL_RATIO;

/// From this share of the misses on, a cause is the reason.
const REASON_SHARE: f64 = 0.5;
/// A namespace with a smaller share is not worth a word.
const NAMED_SHARE: f64 = 0.05;
/// With fewer of the misses seen than this, what was seen is no reason.
const MIN_COMPLETENESS: f64 = 0.5;
/// What rests on fewer of the misses says so.
const COMPLETE: f64 = 0.99;
/// The longest name of a namespace that is shown, in characters.
const MAX_NAME_CHARS: usize = 60;
/// The longest currency that is shown, in characters.
const MAX_CURRENCY_CHARS: usize = 12;

/// `ai:answer:* has 71 % of the misses, 93 % of them expired; search:* 20 %, 98 % of them …`: what is behind it first,
/// which need not be the largest share.
pub(super) fn namespaces(a: &MissAttribution) -> Option<String> {
    let mut named = a
        .namespaces
        .iter()
        .filter(|n| known(Some(n.share)).is_some_and(|share| share >= NAMED_SHARE));
    let first = named.next()?;
    let rest: Vec<String> = named
        .map(|n| {
            let share = percent(n.share);
            format!("; `{}` {share}{}, {}", name(n), extra(n), of_them(n))
        })
        .collect();
    Some(format!(
        "`{}` has {} of the misses in the last {}{}, {}{}.",
        name(first),
        percent(first.share),
        seconds(a.span_seconds),
        extra(first),
        of_them(first),
        rest.concat()
    ))
}

fn name(namespace: &NamespaceShare) -> String {
    clean(&namespace.name, MAX_NAME_CHARS)
}

fn extra(namespace: &NamespaceShare) -> String {
    let extra = namespace.extra_misses.filter(|extra| *extra > 0);
    extra.map_or_else(String::new, |n| format!(" ({} more than usual)", count(n)))
}

fn of_them(namespace: &NamespaceShare) -> String {
    let what = match namespace.cause {
        Cause::Expired => "expired",
        Cause::Evicted => "evicted",
        Cause::Deleted => "deleted",
        Cause::Flushed => "flushed",
        Cause::NeverSeen => "for keys not seen before",
        Cause::Unknown => "for an unknown reason",
    };
    format!("{} of them {what}", percent(namespace.cause_share))
}

/// The reason and what to try; `None` when the events do not tell it.
pub(super) fn reason(a: &MissAttribution, memory_used: Option<f64>) -> Option<(String, String)> {
    let (cause, share) = a.cause.filter(|(_, share)| *share >= REASON_SHARE)?;
    let blind = |seen: f64| seen.is_nan() || seen < MIN_COMPLETENESS;
    if a.completeness.is_some_and(blind) {
        return None;
    }
    let share = percent(share);
    let (reason, advice) = match cause {
        Cause::Expired => {
            let cliff = a.ttl_cliff.map_or_else(String::new, |c| cliff(&c));
            (
                format!("{share} of the misses are for keys whose time to live was over{cliff}"),
                "Try: add a random part (jitter) to times to live, or refresh keys that are read often before they expire.",
            )
        }
        Cause::Evicted => {
            let full = memory_used.filter(|used| *used >= MEMORY_FULL_RATIO);
            let full = full.map_or_else(String::new, |used| {
                format!("; memory is full ({} of its limit)", percent(used))
            });
            (
                format!("{share} of the misses are for keys that were evicted{full}"),
                "Try: raise maxmemory, shorten the time to live of keys that are seldom read, or store smaller values.",
            )
        }
        Cause::Deleted => (
            format!("{share} of the misses are for keys that were deleted or renamed"),
            "Try: look for a deployment or a job that invalidates too much, or write the new value in place of a deletion.",
        ),
        Cause::Flushed => (
            format!("{share} of the misses are for keys of a database that was flushed or swapped"),
            "Try: look for who sent FLUSHALL, FLUSHDB or SWAPDB; the cache fills again by itself.",
        ),
        Cause::NeverSeen => (
            format!(
                "{share} of the misses are for keys that were not removed within the last {}, as far as was seen",
                seconds(a.horizon_seconds)
            ),
            "Try: look for a deployment that changed key names, or remember that there is nothing (negative caching) for keys that are asked for again and again.",
        ),
        Cause::Unknown => return None,
    };
    Some((format!("Reason: {reason}."), advice.to_owned()))
}

fn cliff(cliff: &TtlCliff) -> String {
    format!(
        ". TTL cliff at {}: {} keys expired within a minute, {} are usual",
        time_of_day(cliff.at),
        count(cliff.expirations),
        number(cliff.usual)
    )
}

fn number(usual: f64) -> String {
    if usual.is_finite() {
        format!("{:.0}", usual.max(0.0))
    } else {
        "less".to_owned()
    }
}

/// What the extra misses cost; all of them while it is not known which are extra.
pub(super) fn cost(a: &MissAttribution) -> Option<String> {
    let (subject, costs) = if a.extra_cost_per_hour.is_empty() {
        ("At this pace, misses cost", &a.cost_per_hour)
    } else {
        ("The extra misses cost", &a.extra_cost_per_hour)
    };
    let costs: Vec<String> = costs
        .iter()
        .filter(|(cost, _)| known(Some(*cost)).is_some_and(|cost| cost > 0.0))
        .take(3)
        .map(|(cost, currency)| {
            let currency = clean(currency, MAX_CURRENCY_CHARS);
            format!("{}/h", money(*cost, &currency))
        })
        .collect();
    (!costs.is_empty()).then(|| format!("{subject} about {}.", costs.join(" and ")))
}

/// What must be known before this is relied on.
pub(super) fn caveat(a: &MissAttribution) -> Option<String> {
    let seen = known(a.completeness).filter(|seen| *seen < COMPLETE);
    let seen = seen.map(|seen| {
        format!(
            "Namespaces and causes rest on {} of the misses: the other events were not received.",
            percent_floor(seen)
        )
    });
    let parts: Vec<String> = seen.into_iter().chain(a.gap.as_ref().map(gap)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn gap(gap: &EventGap) -> String {
    let node = clean(gap.node.as_str(), MAX_NAME_CHARS);
    let why = gap.reason.words();
    let Some(ended) = gap.ended else {
        let since = time_of_day(gap.began);
        return format!("Key events of {node} are not received since {since}: {why}.");
    };
    let lost = gap.lost.filter(|lost| *lost > 0).map_or_else(
        || "what happened meanwhile is not known".to_owned(),
        |lost| format!("at least {} were lost", count(lost)),
    );
    format!(
        "Key events of {node} were not received for {} until {}, since {why}; {lost}.",
        seconds(gap.seconds),
        time_of_day(ended)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::incident::Evidence;
    use crate::notify::testing::notification;

    fn sample() -> MissAttribution {
        match notification::miss_attributed().evidence {
            Evidence::MissRatio(e) => e.attribution.unwrap(),
            Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => {
                panic!("a miss-ratio notification")
            }
        }
    }

    #[test]
    fn the_namespaces_are_named_with_their_causes() {
        assert_eq!(
            namespaces(&sample()).unwrap(),
            "`ai:answer:*` has 71 % of the misses in the last 5 min (910 more than usual), 93 % of them expired; \
             `search:*` 20 %, 98 % of them for keys not seen before."
        );
        let a = MissAttribution {
            namespaces: Vec::new(),
            ..sample()
        };
        assert_eq!(namespaces(&a), None);
    }

    #[test]
    fn the_reason_is_what_most_misses_have() {
        assert_eq!(
            reason(&sample(), None).unwrap().0,
            "Reason: 68 % of the misses are for keys whose time to live was over. TTL cliff at 03:02 UTC: 1 240 keys \
             expired within a minute, 39 are usual."
        );
        let with = |cause, share| MissAttribution {
            cause: Some((cause, share)),
            ..sample()
        };
        let (evicted, advice) = reason(&with(Cause::Evicted, 0.8), Some(1.0)).unwrap();
        assert!(
            evicted.contains("evicted; memory is full (100 %"),
            "{evicted}"
        );
        assert!(!evicted.contains("cliff") && advice.contains("maxmemory"));
        let (new, _) = reason(&with(Cause::NeverSeen, 0.8), None).unwrap();
        assert!(new.contains("within the last 1 h 35 min"), "{new}");
        assert_eq!(reason(&with(Cause::Evicted, 0.49), None), None);
        assert_eq!(reason(&with(Cause::Unknown, 0.9), None), None);
        let blind = MissAttribution {
            completeness: Some(0.2),
            ..sample()
        };
        assert_eq!(reason(&blind, None), None);
    }

    #[test]
    fn costs_and_what_they_rest_on() {
        let mut a = sample();
        assert_eq!(cost(&a).unwrap(), "The extra misses cost about 38 USD/h.");
        a.extra_cost_per_hour.clear();
        assert_eq!(
            cost(&a).unwrap(),
            "At this pace, misses cost about 144 USD/h."
        );
        a.cost_per_hour.clear();
        assert_eq!(cost(&a), None);
        assert!(caveat(&a).unwrap().contains("rest on 97 % of the misses"));
        for enough in [None, Some(0.99), Some(1.0)] {
            a.completeness = enough;
            assert_eq!(caveat(&a), None);
        }
    }

    #[test]
    fn a_gap_is_told_whatever_the_completeness_says() {
        let mut a = sample();
        a.completeness = None;
        let mut gap = EventGap {
            node: crate::model::name::NodeName::tcp("redis", 6379),
            began: "2026-01-02T03:02:10Z".parse().unwrap(),
            ended: Some("2026-01-02T03:02:16Z".parse().unwrap()),
            seconds: 6.0,
            reason: crate::model::gap::GapReason::Restart,
            lost: Some(12_400),
        };
        a.gap = Some(gap.clone());
        assert_eq!(
            caveat(&a).unwrap(),
            "Key events of redis:6379 were not received for 6 s until 03:02 UTC, since the server restarted; at least 12 400 were lost."
        );
        gap.ended = None;
        a.gap = Some(gap);
        a.completeness = Some(0.5);
        assert_eq!(
            caveat(&a).unwrap(),
            "Namespaces and causes rest on 50 % of the misses: the other events were not received. Key events of redis:6379 are not received since 03:02 UTC: the server restarted."
        );
    }

    proptest! {
        #[test]
        fn no_number_makes_nonsense(numbers in proptest::collection::vec(any::<f64>(), 8), cause in 0..6_usize) {
            let mut a = sample();
            a.completeness = Some(numbers[0]);
            a.cause = Some((Cause::ALL[cause], numbers[1]));
            a.horizon_seconds = numbers[2];
            a.namespaces[0].share = numbers[3];
            a.namespaces[0].cause_share = numbers[4];
            a.cost_per_hour[0].0 = numbers[5];
            a.extra_cost_per_hour[0].0 = numbers[6];
            a.ttl_cliff.as_mut().unwrap().usual = numbers[7];
            let all = format!("{:?} {:?} {:?} {:?}", namespaces(&a), reason(&a, None), cost(&a), caveat(&a));
            prop_assert!(!all.contains("NaN") && !all.contains("inf"), "{all}");
        }
    }
}
