//! What made-up caches consist of: nodes with a reading, windows, alerts, namespaces with their causes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cachewatch::model::attribution::{
    Again, AttributionSnapshot, CacheAttribution, Cause, Counters, EventCounts, NamespaceCost,
    NamespaceCounts, TableStats, Verdict,
};
use cachewatch::model::events::{EventReport, EventsState, EventsStatus, PerKind, Subscription};
use cachewatch::model::gap::Gaps;
use cachewatch::model::incident::{AlertState, AlertStatus, Look, Severity};
use cachewatch::model::name::NodeName;
use cachewatch::model::reading::{
    Counters as Counted, DbStats, Flavour, Identity, InfoFields, Memory, Reading, Role,
};
use cachewatch::model::snapshot::{CacheState, NodeSnapshot};
use cachewatch::model::stats::DurationHistogram;
use cachewatch::model::time::Now;
use cachewatch::model::window::{Totals, WINDOWS, WindowStats};

use super::{OPEN, ago, name};

pub(super) fn alerts(cache: &str, state: CacheState, miss: f64, at: Now) -> Vec<AlertStatus> {
    let either = |yes| {
        if yes {
            AlertState::Firing
        } else {
            AlertState::Ok
        }
    };
    let firing = state == CacheState::Firing;
    let down = state == CacheState::Down;
    let look = |seconds, value: f64| Look {
        at: ago(at, seconds + 30).wall,
        until: ago(at, seconds).wall,
        times: 6,
        verdict: "breach",
        value: Some(value),
        why: Arc::from(format!(
            "{:.1} % of 18240 lookups missed in 5m, above 20 %",
            value * 100.0
        )),
    };
    let words = if firing { "above" } else { "not above" };
    vec![
        AlertStatus {
            rule: name("CacheMissRatioHigh"),
            signal: "miss_ratio",
            subject: None,
            severity: Severity::Critical,
            state: either(firing),
            since: ago(at, 400).wall,
            incident: (cache == "products").then(|| OPEN.to_owned()),
            value: Some(miss),
            threshold: Some(0.2),
            explanation: format!(
                "{:.1} % of 18240 lookups missed in 5m, and {:.1} % in 15m, {words} 20 %",
                miss * 100.0,
                miss * 80.0
            )
            .into(),
            muted: None,
            looks: if firing {
                vec![look(60, 0.31), look(30, 0.36), look(0, miss)]
            } else {
                Vec::new()
            },
        },
        AlertStatus {
            rule: name("CacheDown"),
            signal: "down",
            subject: None,
            severity: Severity::Critical,
            state: either(down),
            since: ago(at, 3000).wall,
            incident: None,
            value: None,
            threshold: None,
            explanation: if down {
                "no node has answered for 1m 35s"
            } else {
                "1 of 1 nodes answers"
            }
            .into(),
            muted: None,
            looks: Vec::new(),
        },
    ]
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
pub(super) fn windows(rate: f64, miss: f64) -> Vec<WindowStats> {
    let window = |(_, window): &(&str, Duration)| {
        let lookups = rate * window.as_secs_f64();
        let ratio = (lookups > 0.0).then_some(miss);
        WindowStats {
            window: *window,
            covered: *window,
            delta: Totals {
                hits: Some((lookups * (1.0 - miss)) as u64),
                misses: Some((lookups * miss) as u64),
                evictions: Some((lookups * miss / 2.0) as u64),
                expirations: Some((lookups * miss / 5.0) as u64),
            },
            lookups_per_second: Some(rate),
            evictions_per_second: Some(rate * miss / 2.0),
            expirations_per_second: Some(rate * miss / 5.0),
            miss_ratio: ratio,
            miss_ratio_lower: ratio.map(|r| r * 0.96),
        }
    };
    WINDOWS.iter().map(window).collect()
}

pub(super) fn node(host: &str, role: Role, at: Now) -> NodeSnapshot {
    NodeSnapshot {
        name: NodeName::tcp(host, 6379),
        up: true,
        read_at: Some(ago(at, 2)),
        reading: Some(Arc::new(reading(host, role))),
        error: None,
        totals: Totals {
            hits: Some(1_200_345),
            misses: Some(98_001),
            evictions: Some(5_410),
            expirations: Some(23_000),
        },
        db_keys: BTreeMap::from([(0, 48_112)]),
        resets: BTreeMap::new(),
        role_changes: 0,
        readings_discarded: 0,
        events: EventReport {
            subscription: Subscription::Subscribed,
            ..EventReport::default()
        },
        gaps: Gaps::default(),
        completeness: PerKind {
            expired: Some(1.0),
            evicted: Some(1.0),
            keymiss: Some(0.997),
        },
        events_status: EventsStatus {
            state: EventsState::Working,
            message: "subscribed to expired, evicted and keymiss".to_owned(),
            remedy: None,
        },
        poll_durations: DurationHistogram::default(),
        poll_errors: BTreeMap::new(),
        poll_interval: Duration::from_secs(5),
    }
}

fn reading(host: &str, role: Role) -> Reading {
    let seed = host.bytes().map(u64::from).sum::<u64>();
    let keys = DbStats {
        keys: 48_112,
        expires: 40_000,
        avg_ttl_ms: None,
    };
    Reading {
        flavour: Flavour::Valkey,
        version: Some("8.1.4".to_owned()),
        role,
        identity: Identity::default(),
        counters: Counted::default(),
        dbs: BTreeMap::from([(0, keys)]),
        memory: Memory {
            used: Some((40 + seed % 55) * 1_000_000),
            limit: Some(100_000_000),
            policy: Some("allkeys-lru".to_owned()),
        },
        fields: InfoFields::default(),
    }
}

/// The usual namespaces, or these.
pub(super) fn attribution(names: &[&str]) -> CacheAttribution {
    const USUAL: [&str; 6] = [
        "product:*:detail",
        "ai:answer:*",
        "price:*:eur",
        "user:*:profile",
        "session:*",
        "other",
    ];
    const CAUSES: [(Cause, u64); 4] = [
        (Cause::Evicted, 640),
        (Cause::Expired, 120),
        (Cause::NeverSeen, 70),
        (Cause::Deleted, 30),
    ];
    let names = if names.is_empty() { &USUAL } else { names };
    let recent: Vec<_> = names
        .iter()
        .zip(0_u64..)
        .map(|(name, i)| {
            let mut counters = Counters {
                evictions: 900 / (i + 1),
                expirations: 300 / (i + 1),
                repeats: 40,
                ..Counters::default()
            };
            for (cause, n) in CAUSES {
                for _ in 0..n / (i + 1) {
                    counters.missed(Verdict {
                        cause,
                        age: 40,
                        again: Again::First,
                    });
                }
            }
            NamespaceCounts {
                name: (*name).to_owned(),
                id: i,
                configured: false,
                counters,
            }
        })
        .collect();
    CacheAttribution {
        totals: AttributionSnapshot {
            namespaces: recent.clone(),
            other: Counters::default(),
            events: EventCounts::default(),
            removals: TableStats::default(),
            misses: TableStats::default(),
            horizon: Duration::from_hours(2),
            gaps: 0,
            flushes: 0,
            retired: 0,
            candidates_replaced: 0,
            bytes: 0,
        },
        costs: vec![NamespaceCost {
            namespace: names[0].to_owned(),
            currency: "USD".to_owned(),
            total: 12.0,
            per_hour: 38.2,
            per_miss: 0.004,
            saved: None,
        }],
        recent,
        recent_span: Duration::from_mins(5),
        completeness: Some(0.997),
        hit_ratios: Vec::new(),
    }
}
