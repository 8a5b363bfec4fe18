//! The namespaces of a cache in the API: misses by cause, ages, costs and hit ratios.
//!
//! Deliberately absent: anything left out for brevity. The page shows ten namespaces, this all of them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::attribution::{
    Ages, CacheAttribution, Cause, Counters, EventCounts, LookupSource, NamespaceCounts, TableStats,
};

/// What is known of the namespaces of a cache.
#[derive(Debug, Serialize)]
pub(super) struct Attribution<'a> {
    /// How long "recent" is.
    recent_seconds: f64,
    /// `keymiss` events seen / misses counted by the servers in that time. Below 0.99 do not rely on the rest.
    completeness: Option<f64>,
    /// How far back a removal is remembered: a key removed before that counts as `never_seen`.
    horizon_seconds: f64,
    /// Times that events were lost.
    gaps: u64,
    /// Flushes of a database.
    flushes: u64,
    /// All namespaces together, since cachewatch began to watch.
    total: Counts,
    events: EventCounts,
    /// Within the last `recent_seconds`, most misses first; keys in no namespace under the name of `other`.
    recent: Vec<Namespace<'a>>,
    /// The same since cachewatch began to watch; only grows while a namespace lives.
    totals: Vec<Namespace<'a>>,
    /// Keys in no namespace, since cachewatch began to watch.
    other: Counts,
    costs: Vec<Cost<'a>>,
    hit_ratios: Vec<HitRatio<'a>>,
    /// Namespaces that were given up, their counts now in `other`.
    namespaces_retired: u64,
    removals_table: TableStats,
    misses_table: TableStats,
}

/// One namespace.
#[derive(Debug, Serialize)]
struct Namespace<'a> {
    /// Control characters and bytes that are no UTF-8 are written as `\xNN`.
    name: &'a str,
    configured: bool,
    #[serde(flatten)]
    counts: Counts,
}

/// What happened.
#[derive(Debug, Serialize)]
struct Counts {
    misses: u64,
    misses_by_cause: BTreeMap<&'static str, u64>,
    evictions: u64,
    expirations: u64,
    deletions: u64,
    repeats: u64,
    stampedes: u64,
    /// Misses of evicted keys by the time since the eviction; empty buckets are left out.
    evicted_ages: Vec<Age>,
    /// The same for expired keys; the first bucket holds those that the lookup itself found expired.
    expired_ages: Vec<Age>,
}

/// Misses of keys that were removed at most so long before, and longer than the bucket before says.
#[derive(Debug, Serialize)]
struct Age {
    /// `null`: no bound.
    at_most_seconds: Option<u32>,
    misses: u64,
}

/// What the misses of a namespace cost.
#[derive(Debug, Serialize)]
struct Cost<'a> {
    namespace: &'a str,
    currency: &'a str,
    total: f64,
    per_hour: f64,
    /// What hits saved; `null` where lookups are not known.
    saved: Option<f64>,
}

/// The hit ratio of a namespace.
#[derive(Debug, Serialize)]
struct HitRatio<'a> {
    namespace: &'a str,
    source: LookupSource,
    /// Whether it comes from a sample.
    estimate: bool,
    ratio: f64,
    lower: f64,
    upper: f64,
    /// The sample size.
    lookups: u64,
}

impl<'a> Attribution<'a> {
    pub(super) fn new(a: &'a CacheAttribution) -> Self {
        Self {
            recent_seconds: a.recent_span.as_secs_f64(),
            completeness: a.completeness,
            horizon_seconds: a.totals.horizon.as_secs_f64(),
            gaps: a.totals.gaps,
            flushes: a.totals.flushes,
            total: counts(&a.totals.total()),
            events: a.totals.events,
            recent: a.recent.iter().map(namespace).collect(),
            totals: a.totals.namespaces.iter().map(namespace).collect(),
            other: counts(&a.totals.other),
            costs: a
                .costs
                .iter()
                .map(|c| Cost {
                    namespace: &c.namespace,
                    currency: &c.currency,
                    total: c.total,
                    per_hour: c.per_hour,
                    saved: c.saved,
                })
                .collect(),
            hit_ratios: a
                .hit_ratios
                .iter()
                .map(|h| HitRatio {
                    namespace: &h.namespace,
                    source: h.source,
                    estimate: h.source == LookupSource::Sample,
                    ratio: h.ratio,
                    lower: h.lower,
                    upper: h.upper,
                    lookups: h.lookups,
                })
                .collect(),
            namespaces_retired: a.totals.retired,
            removals_table: a.totals.removals,
            misses_table: a.totals.misses,
        }
    }
}

fn namespace(n: &NamespaceCounts) -> Namespace<'_> {
    Namespace {
        name: &n.name,
        configured: n.configured,
        counts: counts(&n.counters),
    }
}

fn counts(c: &Counters) -> Counts {
    Counts {
        misses: c.misses.total(),
        misses_by_cause: Cause::ALL
            .map(|cause| (cause.as_str(), c.misses.get(cause)))
            .into(),
        evictions: c.evictions,
        expirations: c.expirations,
        deletions: c.deletions,
        repeats: c.repeats,
        stampedes: c.stampedes,
        evicted_ages: ages(&c.evicted_ages),
        expired_ages: ages(&c.expired_ages),
    }
}

fn ages(ages: &Ages) -> Vec<Age> {
    ages.buckets()
        .filter(|(_, misses)| *misses > 0)
        .map(|(at_most_seconds, misses)| Age {
            at_most_seconds,
            misses,
        })
        .collect()
}
