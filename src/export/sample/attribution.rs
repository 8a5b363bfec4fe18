//! Namespaces, causes, costs and hit ratios of the sample: memory is short, and answers expire all at once.
//!
//! The sums are those of the sample's cache `products`: 7 092 of its 7 113 misses of the last five minutes were seen.

use std::time::Duration;

use crate::model::attribution::{
    Again, AttributionSnapshot, CacheAttribution, Cause, Counters, EventCounts, LookupSource,
    NamespaceCost, NamespaceCounts, NamespaceHitRatio, TableStats, Verdict,
};

/// A namespace that somebody made up to do harm: control characters are escaped before, markup is not.
pub(crate) const HOSTILE_NAMESPACE: &str =
    r#"<script>alert("x")</script>\x1b[31m & `more` <!channel> *:*"#;

/// Misses of one cause: how many, and how long ago the keys had been removed.
type Missed = (Cause, u32, u64);

/// Name, misses, evictions, expirations, repeats, stampedes.
type Row = (&'static str, &'static [Missed], u64, u64, u64, u64);

const ROWS: [Row; 13] = [
    (
        "product:*:detail",
        &[
            (Cause::Evicted, 20, 2_150),
            (Cause::Evicted, 200, 1_480),
            (Cause::Evicted, 3_000, 230),
            (Cause::NeverSeen, 0, 310),
        ],
        4_520,
        12,
        240,
        18,
    ),
    (
        "ai:answer:*",
        &[
            (Cause::Expired, 0, 590),
            (Cause::Expired, 90, 70),
            (Cause::Expired, 5_000, 10),
            (Cause::NeverSeen, 0, 40),
            (Cause::Deleted, 30, 10),
        ],
        0,
        702,
        4,
        330,
    ),
    (
        "search:*",
        &[(Cause::NeverSeen, 0, 880), (Cause::Evicted, 60, 95)],
        610,
        90,
        700,
        0,
    ),
    (
        HOSTILE_NAMESPACE,
        &[(Cause::NeverSeen, 0, 402), (Cause::Unknown, 0, 20)],
        0,
        0,
        0,
        0,
    ),
    ("cart:*", &[(Cause::Flushed, 40, 310)], 0, 0, 0, 0),
    (
        "price:*:eur",
        &[(Cause::Deleted, 2, 160), (Cause::Evicted, 40, 40)],
        170,
        0,
        0,
        9,
    ),
    (
        "views/products/*-*",
        &[(Cause::Evicted, 90, 96)],
        110,
        30,
        0,
        0,
    ),
    ("stock:*", &[(Cause::Expired, 1, 70)], 0, 40, 0, 0),
    ("session:*", &[(Cause::NeverSeen, 0, 44)], 0, 9, 0, 0),
    ("rate:*:*", &[(Cause::Expired, 0, 30)], 0, 5, 0, 0),
    ("img|thumb|*", &[(Cause::NeverSeen, 0, 21)], 0, 1, 0, 0),
    ("feature-flags", &[(Cause::Deleted, 9, 3)], 0, 0, 0, 0),
    ("other", &[(Cause::Unknown, 0, 31)], 0, 1, 0, 0),
];

/// What is known of the namespaces of `products`.
pub(crate) fn attribution() -> CacheAttribution {
    let mut totals = Vec::new();
    let mut other = Counters::default();
    let mut recent = Vec::new();
    for (id, (name, misses, evictions, expirations, repeats, stampedes)) in (0..).zip(ROWS) {
        let of = |times: u64| NamespaceCounts {
            name: name.to_owned(),
            id,
            configured: matches!(name, "ai:answer:*" | "product:*:detail"),
            counters: counters(misses, times, [evictions, expirations, repeats, stampedes]),
        };
        recent.push(of(1));
        match name {
            "other" => other = of(3).counters,
            _ => totals.push(of(3)),
        }
    }
    totals.sort_by_key(|namespace| (!namespace.configured, namespace.id));
    recent.sort_by_key(|namespace| std::cmp::Reverse(namespace.counters.misses.total()));
    let mut totals = AttributionSnapshot {
        namespaces: totals,
        other,
        events: EventCounts::default(),
        removals: TableStats {
            occupied: 812_004,
            capacity: 1_000_000,
            fell_out: 0,
        },
        misses: TableStats {
            occupied: 3_210,
            capacity: 65_536,
            fell_out: 12,
        },
        horizon: Duration::from_mins(95),
        gaps: 1,
        flushes: 1,
        retired: 2,
        candidates_replaced: 40,
        bytes: 18_400_000,
    };
    let total = totals.total();
    totals.events = EventCounts {
        misses: total.misses.total(),
        expired: total.expirations,
        evicted: total.evictions,
        deleted: total.deletions,
        written: 0,
    };
    CacheAttribution {
        totals,
        recent,
        recent_span: Duration::from_mins(5),
        completeness: Some(0.997),
        costs: vec![
            NamespaceCost {
                namespace: "ai:answer:*".to_owned(),
                currency: "USD".to_owned(),
                total: 25.92,
                per_hour: 103.68,
                per_miss: 0.012,
                saved: Some(48.2),
            },
            NamespaceCost {
                namespace: "product:*:detail".to_owned(),
                currency: "USD".to_owned(),
                total: 1.251,
                per_hour: 5.004,
                per_miss: 0.012,
                saved: None,
            },
        ],
        hit_ratios: vec![
            NamespaceHitRatio {
                namespace: "ai:answer:*".to_owned(),
                source: LookupSource::Application,
                ratio: 0.62,
                lower: 0.598,
                upper: 0.641,
                lookups: 1_895,
            },
            NamespaceHitRatio {
                namespace: "product:*:detail".to_owned(),
                source: LookupSource::Sample,
                ratio: 0.56,
                lower: 0.508,
                upper: 0.607,
                lookups: 412,
            },
        ],
    }
}

fn counters(misses: &[Missed], times: u64, others: [u64; 4]) -> Counters {
    let [evictions, expirations, repeats, stampedes] = others.map(|n| n * times);
    let mut counters = Counters {
        evictions,
        expirations,
        ..Counters::default()
    };
    let (mut repeats, mut stampedes) = (repeats, stampedes);
    for (cause, age, n) in misses {
        for _ in 0..n * times {
            let again = if repeats > 0 {
                repeats -= 1;
                Again::Repeat
            } else if stampedes > 0 {
                stampedes -= 1;
                Again::Stampede
            } else {
                Again::First
            };
            counters.missed(Verdict {
                cause: *cause,
                age: *age,
                again,
            });
        }
        if *cause == Cause::Deleted {
            counters.deletions += n * times;
        }
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_sample() {
        let sample = attribution();
        let mut recent = Counters::default();
        for namespace in &sample.recent {
            recent.add(&namespace.counters);
        }
        assert_eq!(
            (recent.misses.total(), recent.evictions, recent.expirations),
            (7_092, 5_410, 890)
        );
        assert_eq!(sample.totals.total().misses.total(), 3 * 7_092);
    }
}
