//! `cache_*`: hits, misses, ratios, keys, memory, states and alerts, as cachewatch computes them.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::incident::{AlertState, AlertStatus};
use crate::model::snapshot::{CacheState, ResetReason};
use crate::model::window::{Totals, WINDOWS};

use super::{CACHE, Kind, Metric, NODE, Read, Unit};

const WINDOW: &[&str] = &["cache", "window"];

/// The part of the cache that a rule watches; empty, and so left out: the cache as a whole.
fn subject(alert: &AlertStatus) -> String {
    alert
        .subject
        .as_ref()
        .map_or_else(String::new, ToString::to_string)
}

/// A monotone total of a node.
const fn total(name: &'static str, help: &'static str, read: Read) -> Metric {
    Metric::new(name, Kind::Counter, Unit::None, NODE, help, read)
}

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "cache_up",
        Kind::Gauge,
        Unit::None,
        NODE,
        "1 when the last poll gave a reading that is not older than two poll intervals, else 0.",
        Read::Node(|v, s| s.flag(&[], v.node.up)),
    )
    .from("polls"),
    Metric::new(
        "cache_state",
        Kind::Gauge,
        Unit::None,
        &["cache", "state"],
        "How the cache is, in a word: 1 for the current state, 0 for the others.",
        Read::Cache(|c, s| s.states(&CacheState::ALL, c.state, CacheState::as_str, &[])),
    )
    .from("computed from polls, windows and alerts"),
    total(
        "cache_lookups_total",
        "Keys looked up by read commands since cachewatch began to watch the node: hits and misses.",
        Read::Node(|v, s| count(s, &v.node.totals, Totals::lookups)),
    )
    .from("deltas of INFO `keyspace_hits` and `keyspace_misses`, resets taken out"),
    total(
        "cache_hits_total",
        "Lookups that found their key since cachewatch began to watch the node.",
        Read::Node(|v, s| count(s, &v.node.totals, |t| t.hits)),
    )
    .from("deltas of INFO `keyspace_hits`, resets taken out"),
    total(
        "cache_misses_total",
        "Lookups that did not find their key since cachewatch began to watch the node.",
        Read::Node(|v, s| count(s, &v.node.totals, |t| t.misses)),
    )
    .from("deltas of INFO `keyspace_misses`, resets taken out"),
    total(
        "cache_evictions_total",
        "Keys removed because of maxmemory since cachewatch began to watch the node.",
        Read::Node(|v, s| count(s, &v.node.totals, |t| t.evictions)),
    )
    .from("deltas of INFO `evicted_keys`, resets taken out"),
    total(
        "cache_expirations_total",
        "Keys removed because their time to live was over since cachewatch began to watch the node.",
        Read::Node(|v, s| count(s, &v.node.totals, |t| t.expirations)),
    )
    .from("deltas of INFO `expired_keys`, resets taken out"),
    Metric::new(
        "cache_miss_ratio",
        Kind::Gauge,
        Unit::Ratio,
        WINDOW,
        "Misses / lookups in the window, 0..1, over all nodes. Absent when there were no lookups.",
        Read::Cache(|c, s| {
            for w in &c.windows {
                s.maybe(&[&window_label(w.window)], w.miss_ratio);
            }
        }),
    )
    .from("computed over the window"),
    Metric::new(
        "cache_miss_ratio_lower_bound",
        Kind::Gauge,
        Unit::Ratio,
        WINDOW,
        "Lower bound of the miss ratio (Wilson, z = 2.326): few lookups make it low. Absent when there were no lookups.",
        Read::Cache(|c, s| {
            for w in &c.windows {
                s.maybe(&[&window_label(w.window)], w.miss_ratio_lower);
            }
        }),
    )
    .from("computed over the window"),
    Metric::new(
        "cache_window_lookups",
        Kind::Gauge,
        Unit::None,
        WINDOW,
        "Lookups in the window: the sample size of cache_miss_ratio.",
        Read::Cache(|c, s| {
            for w in &c.windows {
                s.maybe(&[&window_label(w.window)], w.lookups().map(|n| n as f64));
            }
        }),
    )
    .from("computed over the window"),
    Metric::new(
        "cache_window_covered_seconds",
        Kind::Gauge,
        Unit::Seconds,
        WINDOW,
        "How much of the window the readings span: less than the window after a start.",
        Read::Cache(|c, s| {
            for w in &c.windows {
                s.value(&[&window_label(w.window)], w.covered.as_secs_f64());
            }
        }),
    )
    .from("computed over the window"),
    Metric::new(
        "cache_keys",
        Kind::Gauge,
        Unit::None,
        NODE,
        "Keys in all databases of the node. Absent while it is down.",
        Read::Reading(|v, _, s| {
            let keys = v.node.db_keys.values().fold(0_u64, |sum, n| sum.saturating_add(*n));
            s.count(&[], keys);
        }),
    )
    .from("INFO section `keyspace`"),
    Metric::new(
        "cache_memory_used_bytes",
        Kind::Gauge,
        Unit::Bytes,
        NODE,
        "Memory that the server counts against its limit. Absent while it is down.",
        Read::Reading(|_, r, s| s.maybe(&[], r.memory.used.map(|n| n as f64))),
    )
    .from("INFO `used_memory`"),
    Metric::new(
        "cache_memory_limit_bytes",
        Kind::Gauge,
        Unit::Bytes,
        NODE,
        "The memory limit. Absent without a limit and while the node is down.",
        Read::Reading(|_, r, s| s.maybe(&[], r.memory.limit.map(|n| n as f64))),
    )
    .from("INFO `maxmemory`"),
    Metric::new(
        "cache_node_info",
        Kind::Gauge,
        Unit::None,
        &["cache", "node", "flavour", "server_version", "role"],
        "Always 1; tells which server it is by its own fields, its own version, and its role (primary, replica, ...).",
        Read::Reading(|_, r, s| {
            let version = r.version.as_deref().unwrap_or_default();
            s.value(&[r.flavour.as_str(), version, r.role.as_str()], 1.0);
        }),
    )
    .from("INFO sections `server` and `replication`"),
    Metric::new(
        "cache_reading_age_seconds",
        Kind::Gauge,
        Unit::Seconds,
        NODE,
        "Age of the last reading when this exposition was made. Absent before the first one.",
        Read::Node(|v, s| {
            let age = v.node.read_at.map(|at| v.at.since(at).as_secs_f64());
            s.maybe(&[], age);
        }),
    )
    .from("polls"),
    Metric::new(
        "cache_reading_timestamp_seconds",
        Kind::Gauge,
        Unit::Seconds,
        NODE,
        "When the last reading came, in seconds since 1970. Absent before the first one.",
        Read::Node(|v, s| s.maybe(&[], v.node.read_at.map(|at| super::unix_seconds(at.wall)))),
    )
    .from("polls"),
    Metric::new(
        "cache_role_changes_total",
        Kind::Counter,
        Unit::None,
        NODE,
        "How often the process turned from replica to primary or back. Its counters went on.",
        Read::Node(|v, s| s.count(&[], v.node.role_changes)),
    )
    .from("INFO `role`"),
    Metric::new(
        "cache_readings_discarded_total",
        Kind::Counter,
        Unit::None,
        NODE,
        "Readings whose counters cannot be true, and were not counted.",
        Read::Node(|v, s| s.count(&[], v.node.readings_discarded)),
    )
    .from("own counter"),
    Metric::new(
        "cache_resets_total",
        Kind::Counter,
        Unit::None,
        &["cache", "node", "reason"],
        "How often the server's counters began anew, by reason. Each was taken out of the totals.",
        Read::Node(|v, s| {
            for reason in ResetReason::ALL {
                let n = v.node.resets.get(&reason).copied().unwrap_or(0);
                s.count(&[reason.as_str()], n);
            }
        }),
    )
    .from("INFO `run_id`, `uptime_in_seconds`, `master_replid` and counters that fell"),
    Metric::new(
        "cache_alert_state",
        Kind::Gauge,
        Unit::None,
        &["cache", "rule", "severity", "subject", "state"],
        "Where the rule stands for the cache, or for its namespace or node that the label subject names: 1 for the current state, 0 for the others.",
        Read::Cache(|c, s| {
            for a in &c.alerts {
                let subject = subject(a);
                let labels = [a.rule.as_str(), a.severity.as_str(), &subject];
                s.states(&AlertState::ALL, a.state, AlertState::as_str, &labels);
            }
        }),
    )
    .from("alert rules"),
    Metric::new(
        "cache_alert_firing",
        Kind::Gauge,
        Unit::None,
        &["cache", "rule", "severity", "subject"],
        "1 while an incident of the rule is open for the cache, or for its namespace or node that the label subject names (firing, recovering or silenced), else 0.",
        Read::Cache(|c, s| {
            for a in &c.alerts {
                let labels = [a.rule.as_str(), a.severity.as_str(), &subject(a)];
                s.flag(&labels, a.state.is_firing());
            }
        }),
    )
    .from("alert rules"),
    Metric::new(
        "cache_nodes",
        Kind::Gauge,
        Unit::None,
        CACHE,
        "Nodes of the cache that cachewatch knows of, up or not.",
        Read::Cache(|c, s| s.value(&[], c.nodes.len() as f64)),
    )
    .from("configuration"),
];

fn count(
    series: &mut crate::export::series::Series<'_>,
    totals: &Totals,
    of: fn(&Totals) -> Option<u64>,
) {
    series.maybe(&[], of(totals).map(|n| n as f64));
}

fn window_label(window: Duration) -> Cow<'static, str> {
    let known = WINDOWS.iter().find(|(_, duration)| *duration == window);
    known.map_or_else(
        || Cow::Owned(format!("{}s", window.as_secs_f64())),
        |(label, _)| Cow::Borrowed(*label),
    )
}
