//! What happened to caches and namespaces, slot by slot, in three widths.
//!
//! A slot of 10 s is written as it comes; the slots of 1 min and 15 min that it lies in are computed anew from the
//! narrower ones each time. So a restart in the middle of a slot, or a write that is repeated, changes nothing.
//!
//! Invariant: counts of a wide slot are the sum of the narrow ones that there were; what none of them knew is not known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sql::{Get, Link, Query, Result, all, count, micros, number, q, text};
use crate::model::attribution::Cause;
use crate::model::name::CacheName;
use crate::model::record::{HistoryPoint, NamespacePoint, RESOLUTIONS};

mod read;

pub(super) use read::{history, namespace_history};

/// The most namespaces of one cache that are kept for one slot; those with the most misses.
pub const MAX_NAMESPACES_KEPT: usize = 32;

/// The narrowest slots, and those computed from them: (from, to), in seconds.
const STEPS: [(i64, i64); 2] = [(10, 60), (60, 900)];
const SECOND: i64 = 1_000_000;

/// What is written for one slot.
#[derive(Debug, Clone)]
pub(super) struct Append {
    pub(super) caches: Vec<(CacheName, HistoryPoint)>,
    pub(super) namespaces: Vec<(CacheName, NamespacePoint)>,
}

impl Append {
    /// Keeps the bound on namespaces; gives how many points that cut.
    pub(super) fn bounded(&mut self) -> u64 {
        self.namespaces
            .sort_by(|(a, x), (b, y)| (a, x.at).cmp(&(b, y.at)).then(y.misses.cmp(&x.misses)));
        let before = self.namespaces.len();
        let mut seen: BTreeMap<(CacheName, Timestamp), usize> = BTreeMap::new();
        self.namespaces.retain(|(cache, point)| {
            let number = seen.entry((cache.clone(), point.at)).or_default();
            *number += 1;
            *number <= MAX_NAMESPACES_KEPT
        });
        u64::try_from(before - self.namespaces.len()).unwrap_or_default()
    }

    /// How many rows it brings.
    pub(super) fn rows(&self) -> usize {
        self.caches.len() + self.namespaces.len()
    }
}

/// The beginning of the slot of this width, in seconds, that a moment lies in; in microseconds.
fn slot(at: i64, width: i64) -> i64 {
    at.div_euclid(width * SECOND) * width * SECOND
}

pub(super) async fn append(link: &mut Link, append: &Append) -> Result<()> {
    let narrowest = i64::from(RESOLUTIONS[0].0);
    let mut slots = BTreeSet::new();
    for (cache, point) in &append.caches {
        let at = slot(micros(point.at), narrowest);
        slots.insert(at);
        write_point(link, cache, point, at).await?;
    }
    for (from, to) in STEPS {
        for at in wider(&slots, to) {
            roll(q(ROLL), at, from, to).execute(&mut *link).await?;
        }
    }
    slots.clear();
    for (cache, point) in &append.namespaces {
        let at = slot(micros(point.at), narrowest);
        slots.insert(at);
        write_namespace(link, cache, point, at).await?;
    }
    for (from, to) in STEPS {
        for at in wider(&slots, to) {
            roll(q(ROLL_NAMESPACES), at, from, to)
                .execute(&mut *link)
                .await?;
        }
    }
    Ok(())
}

fn wider(slots: &BTreeSet<i64>, width: i64) -> BTreeSet<i64> {
    slots.iter().map(|at| slot(*at, width)).collect()
}

fn roll(query: Query, at: i64, from: i64, to: i64) -> Query {
    query
        .bind(from)
        .bind(to)
        .bind(at)
        .bind(at.saturating_add(to * SECOND))
}

const ROLL: &str = "
    insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, memory_used,
        memory_limit, miss_cost)
    select $2, h.cache, $3, sum(h.covered_seconds), sum(h.hits), sum(h.misses), sum(h.evictions), sum(h.expirations),
        (select m.memory_used from history m where m.width = $1 and m.cache = h.cache and m.at >= $3 and m.at < $4
            and m.memory_used is not null order by m.at desc limit 1),
        (select m.memory_limit from history m where m.width = $1 and m.cache = h.cache and m.at >= $3 and m.at < $4
            and m.memory_limit is not null order by m.at desc limit 1),
        sum(h.miss_cost)
    from history h where h.width = $1 and h.at >= $3 and h.at < $4 group by h.cache
    on conflict (width, cache, at) do update set covered_seconds = excluded.covered_seconds, hits = excluded.hits,
        misses = excluded.misses, evictions = excluded.evictions, expirations = excluded.expirations,
        memory_used = excluded.memory_used, memory_limit = excluded.memory_limit, miss_cost = excluded.miss_cost";

const ROLL_NAMESPACES: &str = "
    insert into namespace_history (width, cache, at, namespace, misses, expired, evicted, deleted, flushed, never_seen,
        unknown, evictions, expirations, cost)
    select $2, cache, $3, namespace, sum(misses), sum(expired), sum(evicted), sum(deleted), sum(flushed),
        sum(never_seen), sum(unknown), sum(evictions), sum(expirations), sum(cost)
    from namespace_history where width = $1 and at >= $3 and at < $4 group by cache, namespace
    on conflict (width, cache, at, namespace) do update set misses = excluded.misses, expired = excluded.expired,
        evicted = excluded.evicted, deleted = excluded.deleted, flushed = excluded.flushed,
        never_seen = excluded.never_seen, unknown = excluded.unknown, evictions = excluded.evictions,
        expirations = excluded.expirations, cost = excluded.cost";

async fn write_point(
    link: &mut Link,
    cache: &CacheName,
    point: &HistoryPoint,
    at: i64,
) -> Result<()> {
    q("insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, memory_used,
           memory_limit, miss_cost)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (width, cache, at) do update set covered_seconds = excluded.covered_seconds, hits = excluded.hits,
           misses = excluded.misses, evictions = excluded.evictions, expirations = excluded.expirations,
           memory_used = excluded.memory_used, memory_limit = excluded.memory_limit, miss_cost = excluded.miss_cost")
    .bind(i64::from(RESOLUTIONS[0].0))
    .bind(cache.to_string())
    .bind(at)
    .bind(number(Some(point.covered_seconds)).unwrap_or_default())
    .bind(point.hits.map(count))
    .bind(point.misses.map(count))
    .bind(point.evictions.map(count))
    .bind(point.expirations.map(count))
    .bind(point.memory_used_bytes.map(count))
    .bind(point.memory_limit_bytes.map(count))
    .bind(number(point.miss_cost))
    .execute(link)
    .await?;
    Ok(())
}

async fn write_namespace(
    link: &mut Link,
    cache: &CacheName,
    point: &NamespacePoint,
    at: i64,
) -> Result<()> {
    let mut query = q("insert into namespace_history (width, cache, at, namespace, misses, evictions, expirations, cost,
           expired, evicted, deleted, flushed, never_seen, unknown)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       on conflict (width, cache, at, namespace) do update set misses = excluded.misses, expired = excluded.expired,
           evicted = excluded.evicted, deleted = excluded.deleted, flushed = excluded.flushed,
           never_seen = excluded.never_seen, unknown = excluded.unknown, evictions = excluded.evictions,
           expirations = excluded.expirations, cost = excluded.cost")
    .bind(i64::from(RESOLUTIONS[0].0))
    .bind(cache.to_string())
    .bind(at)
    .bind(text(&point.namespace))
    .bind(count(point.misses))
    .bind(count(point.evictions))
    .bind(count(point.expirations))
    .bind(number(point.cost));
    for cause in 0..Cause::ALL.len() {
        query = query.bind(count(point.causes.get(cause).copied().unwrap_or_default()));
    }
    query.execute(link).await?;
    Ok(())
}

fn read_point(row: &Get<'_>) -> Result<HistoryPoint> {
    Ok(HistoryPoint {
        at: row.time("at")?,
        covered_seconds: row.float("covered_seconds")?,
        hits: row.count_if("hits")?,
        misses: row.count_if("misses")?,
        evictions: row.count_if("evictions")?,
        expirations: row.count_if("expirations")?,
        memory_used_bytes: row.count_if("memory_used")?,
        memory_limit_bytes: row.count_if("memory_limit")?,
        miss_cost: row.float_if("miss_cost")?,
    })
}

pub(super) fn read_namespace(row: &Get<'_>) -> Result<NamespacePoint> {
    let causes = Cause::ALL.iter().map(|cause| row.count(cause.as_str()));
    Ok(NamespacePoint {
        at: row.time("at")?,
        namespace: row.text("namespace")?,
        misses: row.count("misses")?,
        causes: causes.collect::<Result<_>>()?,
        evictions: row.count("evictions")?,
        expirations: row.count("expirations")?,
        cost: row.float_if("cost")?,
    })
}

pub(super) async fn points(
    link: &mut Link,
    cache: &CacheName,
    width: u32,
    (from, to): (i64, i64),
) -> Result<Vec<HistoryPoint>> {
    let rows = q("select * from history where width = $1 and cache = $2 and at >= $3 and at < $4 order by at")
        .bind(i64::from(width))
        .bind(cache.to_string())
        .bind(from)
        .bind(to)
        .fetch_all(link)
        .await?;
    Ok(all(&rows, read_point))
}
