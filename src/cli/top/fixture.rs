//! Snapshots with namespaces, for tests of this command.

use std::sync::Arc;
use std::time::Duration;

use crate::export::sample;
use crate::model::attribution::{
    Again, AttributionSnapshot, CacheAttribution, Cause, Counters, EventCounts, LookupSource,
    NamespaceCost, NamespaceCounts, NamespaceHitRatio, TableStats, Verdict,
};
use crate::model::snapshot::Snapshot;

/// The sample, with namespaces in `products` and `sessions`.
pub(super) fn rich() -> Snapshot {
    let mut snapshot = sample::rich();
    for cache in &mut snapshot.caches {
        let mut own = (**cache).clone();
        own.attribution = match own.name.as_str() {
            "products" => Some(Arc::new(products())),
            "sessions" => Some(Arc::new(attribution(Vec::new()))),
            "fresh" => Some(Arc::new(attribution(vec![namespace(
                "other",
                &[(Cause::NeverSeen, 9)],
                0,
                0,
            )]))),
            _ => None,
        };
        *cache = Arc::new(own);
    }
    snapshot
}

/// One whose namespaces, and all else that can be chosen by strangers, try to get at the terminal.
pub(super) fn hostile() -> Snapshot {
    let mut snapshot = rich();
    let names = [
        sample::HOSTILE.to_owned(),
        "\u{1b}]0;owned\u{7}\u{9b}2J\r\n\t\u{202e}:*".to_owned(),
        "\u{200d}\u{300}セッション👩‍👩‍👧‍👦:*".to_owned(),
        "x".repeat(10_000),
        String::new(),
    ];
    let recent = names
        .into_iter()
        .map(|name| namespace(&name, &[(Cause::Unknown, 1_000)], 3, 4));
    let mut own = attribution(recent.collect());
    own.costs.push(NamespaceCost {
        namespace: String::new(),
        currency: "\u{1b}[31mUSD and more of it".to_owned(),
        total: f64::MAX,
        per_hour: f64::MAX,
        per_miss: 0.012,
        saved: None,
    });
    for cache in &mut snapshot.caches {
        let mut changed = (**cache).clone();
        changed.attribution = Some(Arc::new(own.clone()));
        for alert in &mut changed.alerts {
            alert.explanation = sample::HOSTILE.repeat(30).into();
        }
        for node in &mut changed.nodes {
            node.events_status.message = sample::HOSTILE.to_owned();
            node.events_status.remedy = Some(sample::HOSTILE.to_owned());
        }
        *cache = Arc::new(changed);
    }
    snapshot
}

fn products() -> CacheAttribution {
    use Cause::{Deleted, Evicted, Expired, Flushed, NeverSeen, Unknown};
    let mut own = attribution(vec![
        namespace(
            "ai_response:*",
            &[(Expired, 4_697), (NeverSeen, 353)],
            0,
            5_012,
        ),
        namespace(
            "product:*:detail",
            &[(Evicted, 1_204), (Deleted, 118), (Flushed, 40)],
            5_410,
            61,
        ),
        namespace("cart:*", &[(NeverSeen, 642), (Unknown, 12)], 0, 337),
        namespace("other", &[(NeverSeen, 47)], 12, 0),
    ]);
    own.completeness = Some(0.931);
    own.costs = vec![NamespaceCost {
        namespace: "ai_response:*".to_owned(),
        currency: "USD".to_owned(),
        total: 913.2,
        per_hour: 727.2,
        per_miss: 0.012,
        saved: None,
    }];
    own.hit_ratios = vec![
        NamespaceHitRatio {
            namespace: "product:*:detail".to_owned(),
            source: LookupSource::Application,
            ratio: 0.8912,
            lower: 0.889,
            upper: 0.893,
            lookups: 12_518,
        },
        NamespaceHitRatio {
            namespace: "ai_response:*".to_owned(),
            source: LookupSource::Sample,
            ratio: 0.236,
            lower: 0.204,
            upper: 0.271,
            lookups: 640,
        },
    ];
    own
}

fn namespace(
    name: &str,
    causes: &[(Cause, u32)],
    evictions: u64,
    expirations: u64,
) -> NamespaceCounts {
    let mut counters = Counters {
        evictions,
        expirations,
        ..Counters::default()
    };
    for (cause, n) in causes {
        // The fifth miss of ten is a repeat, the tenth a stampede.
        for i in 1..=*n {
            let again = match i % 10 {
                5 => Again::Repeat,
                0 => Again::Stampede,
                _ => Again::First,
            };
            counters.missed(Verdict {
                cause: *cause,
                age: 1,
                again,
            });
        }
    }
    NamespaceCounts {
        name: name.to_owned(),
        id: 1,
        configured: false,
        counters,
    }
}

fn attribution(recent: Vec<NamespaceCounts>) -> CacheAttribution {
    CacheAttribution {
        totals: AttributionSnapshot {
            namespaces: recent.clone(),
            other: Counters::default(),
            events: EventCounts::default(),
            removals: TableStats::default(),
            misses: TableStats::default(),
            horizon: Duration::from_hours(1),
            gaps: 0,
            flushes: 0,
            retired: 0,
            candidates_replaced: 0,
            bytes: 0,
        },
        recent,
        recent_span: Duration::from_mins(5),
        completeness: None,
        costs: Vec::new(),
        hit_ratios: Vec::new(),
    }
}
