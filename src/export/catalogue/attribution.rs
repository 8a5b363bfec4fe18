//! `cache_namespace_*` and its kin: which families of keys, why they are missed, what that costs.
//!
//! Invariant: the label `namespace` has at most as many values as are configured and allowed to be found out, and
//! `other`.

use crate::model::attribution::{Ages, CacheAttribution, Cause, Counters, OTHER, TableStats};
use crate::model::snapshot::CacheSnapshot;

use super::{CACHE, Kind, Metric, Read, Unit};
use crate::export::series::Series;

const NAMESPACE: &[&str] = &["cache", "namespace"];
const TABLE: &[&str] = &["cache", "table"];
const WITHIN: &[&str] = &["cache", "within"];

/// Upper bounds of the ages that are exported, in seconds: every other one of those that are counted.
const AGES: [u32; 9] = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536];

const fn row(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
    read: fn(&CacheSnapshot, &mut Series<'_>),
) -> Metric {
    Metric::new(name, kind, Unit::None, labels, help, Read::Cache(read)).from("events")
}

const fn per_namespace(
    name: &'static str,
    help: &'static str,
    read: fn(&CacheSnapshot, &mut Series<'_>),
) -> Metric {
    row(name, Kind::Counter, NAMESPACE, help, read)
}

pub(super) const METRICS: &[Metric] = &[
    row(
        "cache_namespace_misses_total",
        Kind::Counter,
        &["cache", "namespace", "cause"],
        "Lookups that did not find their key, by family of keys and by what happened to the key before. See docs/configuration.md for the causes.",
        |c, s| {
            each(c, |name, counters| {
                for cause in Cause::ALL {
                    s.count(&[name, cause.as_str()], counters.misses.get(cause));
                }
            });
        },
    ),
    per_namespace(
        "cache_namespace_evictions_total",
        "Keys removed because of maxmemory, by family of keys.",
        |c, s| each(c, |name, n| s.count(&[name], n.evictions)),
    ),
    per_namespace(
        "cache_namespace_expirations_total",
        "Keys removed because their time to live was over, by family of keys.",
        |c, s| each(c, |name, n| s.count(&[name], n.expirations)),
    ),
    per_namespace(
        "cache_namespace_deletions_total",
        "Keys deleted, renamed or moved, by family of keys. 0 where deletions are not published.",
        |c, s| each(c, |name, n| s.count(&[name], n.deletions)),
    ),
    per_namespace(
        "cache_namespace_repeat_misses_total",
        "Misses of a key that was missed before and not refilled although there was time to: nobody refills it.",
        |c, s| each(c, |name, n| s.count(&[name], n.repeats)),
    ),
    per_namespace(
        "cache_namespace_stampedes_total",
        "Misses of a key beyond the first within the refill time: several clients refill it at once.",
        |c, s| each(c, |name, n| s.count(&[name], n.stampedes)),
    ),
    row(
        "cache_miss_cost_total",
        Kind::Counter,
        &["cache", "namespace", "currency"],
        "What the misses of a family of keys have cost, in whole units of the currency.",
        |c, s| {
            for cost in of(c).map(|a| a.costs.as_slice()).unwrap_or_default() {
                s.value(&[&cost.namespace, &cost.currency], cost.total);
            }
        },
    ),
    row(
        "cache_hit_savings_total",
        Kind::Counter,
        &["cache", "namespace", "currency"],
        "What hits saved, in whole units of the currency, as far as the application told of them. Absent where it tells nothing.",
        |c, s| {
            for cost in of(c).map(|a| a.costs.as_slice()).unwrap_or_default() {
                if let Some(saved) = cost.saved {
                    s.value(&[&cost.namespace, &cost.currency], saved);
                }
            }
        },
    ),
    row(
        "cache_misses_after_eviction_total",
        Kind::Counter,
        WITHIN,
        "Would more memory help? Misses of keys that had been evicted at most so long before; each value of `within` includes the smaller ones.",
        |c, s| ages(c, s, |n| &n.evicted_ages),
    ),
    row(
        "cache_misses_after_expiration_total",
        Kind::Counter,
        WITHIN,
        "Would a longer time to live help? Misses of keys that had expired at most so long before; each value of `within` includes the smaller ones.",
        |c, s| ages(c, s, |n| &n.expired_ages),
    ),
    row(
        "cache_flushes_total",
        Kind::Counter,
        CACHE,
        "Flushes that readings told of: FLUSHALL, FLUSHDB, SWAPDB, or a process that started without its keys.",
        |c, s| gauge(c, s, |a| a.totals.flushes as f64),
    )
    .from("INFO section `commandstats`"),
    row(
        "cache_namespaces",
        Kind::Gauge,
        &["cache", "origin"],
        "Families of keys that are told apart, by where they come from.",
        |c, s| {
            if let Some(a) = of(c) {
                let all = a.totals.namespaces.len();
                let configured = a.totals.namespaces.iter().filter(|n| n.configured).count();
                s.value(&["configured"], configured as f64);
                s.value(&["discovered"], (all - configured) as f64);
            }
        },
    ),
    row(
        "cache_namespaces_retired_total",
        Kind::Counter,
        CACHE,
        "Families of keys that gave their place to another one after a day without a key; their counts are in `other` now.",
        |c, s| gauge(c, s, |a| a.totals.retired as f64),
    ),
    row(
        "cache_attribution_table_entries",
        Kind::Gauge,
        TABLE,
        "Keys that are remembered: removed ones, and missed ones of which no removal is known. Over all nodes.",
        |c, s| tables(c, s, |t| t.occupied),
    ),
    row(
        "cache_attribution_table_capacity",
        Kind::Gauge,
        TABLE,
        "How many keys can be remembered. Over all nodes.",
        |c, s| tables(c, s, |t| t.capacity),
    ),
    Metric::new(
        "cache_attribution_horizon_seconds",
        Kind::Gauge,
        Unit::Seconds,
        CACHE,
        "How far back `never_seen` reaches: 95 of 100 removals that were forgotten lately were older. Since the start or the last gap at most; of several nodes the shortest.",
        Read::Cache(|c, s| gauge(c, s, |a| a.totals.horizon.as_secs_f64())),
    )
    .from("the table of removals"),
    Metric::new(
        "cache_attribution_memory_bytes",
        Kind::Gauge,
        Unit::Bytes,
        CACHE,
        "Memory reserved for attribution over all nodes; pages that were never needed cost nothing.",
        Read::Cache(|c, s| gauge(c, s, |a| a.totals.bytes as f64)),
    )
    .from("own tables"),
];

fn of(cache: &CacheSnapshot) -> Option<&CacheAttribution> {
    cache.attribution.as_deref()
}

fn gauge(cache: &CacheSnapshot, series: &mut Series<'_>, value: fn(&CacheAttribution) -> f64) {
    series.maybe(&[], of(cache).map(value));
}

fn each(cache: &CacheSnapshot, mut add: impl FnMut(&str, &Counters)) {
    if let Some(attribution) = of(cache) {
        for namespace in &attribution.totals.namespaces {
            add(&namespace.name, &namespace.counters);
        }
        add(OTHER, &attribution.totals.other);
    }
}

fn ages(cache: &CacheSnapshot, series: &mut Series<'_>, of_kind: fn(&Counters) -> &Ages) {
    if let Some(attribution) = of(cache) {
        let total = attribution.totals.total();
        let ages = of_kind(&total);
        for bound in AGES {
            series.count(&[&format!("{bound}s")], ages.within(bound));
        }
        series.count(&["ever"], ages.total());
    }
}

fn tables(cache: &CacheSnapshot, series: &mut Series<'_>, value: fn(&TableStats) -> u64) {
    if let Some(attribution) = of(cache) {
        series.count(&["removals"], value(&attribution.totals.removals));
        series.count(&["misses"], value(&attribution.totals.misses));
    }
}
