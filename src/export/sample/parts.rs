//! Windows, nodes and readings of the sample.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::export::catalogue::{self, Parse, Read};
use crate::model::events::{EventReport, EventsState, EventsStatus, PerKind, Subscription};
use crate::model::gap::{GapReason, GapTotals, Gaps, JudgedGap};
use crate::model::name::NodeName;
use crate::model::poll::PollErrorKind;
use crate::model::reading::{
    Counters, DbStats, Flavour, Identity, InfoFields, Memory, Reading, Role,
};
use crate::model::snapshot::{NodeSnapshot, ResetReason};
use crate::model::stats::DurationHistogram;
use crate::model::window::{Totals, WINDOWS, WindowStats};

use super::ago;

const INFO: &str = include_str!("../testdata/info-7.0.txt");

pub(super) fn windows(
    lookups: u64,
    misses: u64,
    evictions: u64,
    expirations: u64,
) -> Vec<WindowStats> {
    let window = |(_, window): &(&str, Duration)| {
        let covered = window.as_secs_f64();
        let ratio = (lookups > 0).then(|| misses as f64 / lookups as f64);
        WindowStats {
            window: *window,
            covered: *window,
            delta: Totals {
                hits: Some(lookups - misses),
                misses: Some(misses),
                evictions: Some(evictions),
                expirations: Some(expirations),
            },
            lookups_per_second: Some(lookups as f64 / covered),
            evictions_per_second: Some(evictions as f64 / covered),
            expirations_per_second: Some(expirations as f64 / covered),
            miss_ratio: ratio,
            miss_ratio_lower: ratio.map(|r| r * 0.97),
        }
    };
    WINDOWS.iter().map(window).collect()
}

pub(super) fn up(node: &str) -> NodeSnapshot {
    let mut durations = DurationHistogram::default();
    for took in [300, 450, 800, 1200, 30_000, 4_000_000] {
        durations.observe(Duration::from_micros(took));
    }
    let address = node.strip_prefix("unix:").map(NodeName::unix);
    let address = address.unwrap_or_else(|| {
        let (host, port) = node.rsplit_once(':').unwrap();
        NodeName::tcp(host, port.parse().unwrap())
    });
    NodeSnapshot {
        name: address,
        up: true,
        read_at: Some(ago(2)),
        reading: Some(reading(&[])),
        error: None,
        totals: Totals {
            hits: Some(1_200_345),
            misses: Some(98_001),
            evictions: Some(5_410),
            expirations: Some(23_000),
        },
        db_keys: BTreeMap::from([(0, 48_112), (3, 0)]),
        resets: BTreeMap::from([(ResetReason::Restart, 1)]),
        role_changes: 1,
        readings_discarded: 0,
        events: EventReport {
            subscription: Subscription::Subscribed,
            seen: PerKind {
                expired: 22_990,
                evicted: 5_410,
                keymiss: 97_700,
            },
            deleted: 310,
            bytes: 9_000_000,
            gaps: 1,
            sessions: 2,
            recent_gaps: Vec::new(),
            keys_cut: 0,
        },
        gaps: gaps(),
        completeness: PerKind {
            expired: Some(0.9996),
            evicted: Some(1.0),
            keymiss: Some(0.997),
        },
        events_status: EventsStatus {
            state: EventsState::Working,
            message: "subscribed; expired, evicted and keymiss are published".to_owned(),
            remedy: None,
        },
        poll_durations: durations,
        poll_errors: BTreeMap::from([(PollErrorKind::ResponseTimeout, 2)]),
        poll_interval: Duration::from_secs(5),
    }
}

/// The start, and being cut off once.
fn gaps() -> Gaps {
    let total = |seconds| GapTotals {
        count: 1,
        lasted: Duration::from_millis(seconds),
    };
    Gaps {
        totals: BTreeMap::from([
            (GapReason::Start, total(40)),
            (GapReason::OutputLimit, total(6_250)),
        ]),
        last: Some(JudgedGap {
            began: ago(3_000),
            ended: ago(2_994),
            reason: GapReason::OutputLimit,
            lost: Some(12_400),
        }),
    }
}

/// A real INFO, with `more` on top, and a value for every field of the catalogue that it does not have.
pub(super) fn reading(more: &[(&str, &str)]) -> Arc<Reading> {
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    for metric in catalogue::all() {
        if let Read::Field(names, parse) = metric.read {
            let value = match parse {
                Parse::Number(_) => "7",
                Parse::Word(word) => word,
            };
            fields.insert(names[0], value);
        }
    }
    fields.extend(INFO.lines().filter_map(|line| line.split_once(':')));
    fields.extend(more.iter().copied());
    let fields = InfoFields::from_pairs(fields);
    Arc::new(Reading {
        flavour: Flavour::Redis,
        version: fields.get("redis_version").map(str::to_owned),
        role: if fields.get("role") == Some("slave") {
            Role::Replica
        } else {
            Role::Primary
        },
        identity: Identity {
            run_id: fields.get("run_id").map(str::to_owned),
            uptime_seconds: fields.u64("uptime_in_seconds"),
            replid: fields.get("master_replid").map(str::to_owned),
            replid2: None,
        },
        counters: Counters::default(),
        dbs: BTreeMap::from([(
            0,
            DbStats {
                keys: 48_112,
                expires: 47_000,
                avg_ttl_ms: Some(1_812_345),
            },
        )]),
        memory: Memory {
            used: fields.u64("used_memory"),
            limit: fields.u64("maxmemory"),
            policy: fields.get("maxmemory_policy").map(str::to_owned),
        },
        fields,
    })
}
