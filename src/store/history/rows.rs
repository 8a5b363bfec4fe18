//! Rows of history: how slots are written, read, rolled up into wider ones, and summed up.
//!
//! Deliberately absent: which slots. Every statement names its columns, so that an older cachewatch beside a newer one
//! still writes what it knows.
//!
//! Invariant: a sum of what is not known is not known (`sum` of nothing but nulls is null). Columns that came later are
//! read as not known where they are missing.

use super::super::sql::{Get, Link, Result, count, number, q, text};
use crate::model::attribution::Cause;
use crate::model::lookups::{NamespaceSums, SampleSums};
use crate::model::name::CacheName;
use crate::model::record::{HistoryPoint, NamespacePoint, RESOLUTIONS, ToldLookups};

pub(super) const ROLL: &str = "
    insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, memory_used,
        memory_limit, miss_cost, saved, sampled_intervals, sampled_seconds, sampled_covered, sampled_lookups,
        sampled_all, sampled_all_squared, sampled_all_weighted)
    select $2, h.cache, $3, sum(h.covered_seconds), sum(h.hits), sum(h.misses), sum(h.evictions), sum(h.expirations),
        (select m.memory_used from history m where m.width = $1 and m.cache = h.cache and m.at >= $3 and m.at < $4
            and m.memory_used is not null order by m.at desc limit 1),
        (select m.memory_limit from history m where m.width = $1 and m.cache = h.cache and m.at >= $3 and m.at < $4
            and m.memory_limit is not null order by m.at desc limit 1),
        sum(h.miss_cost), sum(h.saved), sum(h.sampled_intervals), sum(h.sampled_seconds), sum(h.sampled_covered),
        sum(h.sampled_lookups), sum(h.sampled_all), sum(h.sampled_all_squared), sum(h.sampled_all_weighted)
    from history h where h.width = $1 and h.at >= $3 and h.at < $4 group by h.cache
    on conflict (width, cache, at) do update set covered_seconds = excluded.covered_seconds, hits = excluded.hits,
        misses = excluded.misses, evictions = excluded.evictions, expirations = excluded.expirations,
        memory_used = excluded.memory_used, memory_limit = excluded.memory_limit, miss_cost = excluded.miss_cost,
        saved = excluded.saved, sampled_intervals = excluded.sampled_intervals,
        sampled_seconds = excluded.sampled_seconds, sampled_covered = excluded.sampled_covered,
        sampled_lookups = excluded.sampled_lookups, sampled_all = excluded.sampled_all,
        sampled_all_squared = excluded.sampled_all_squared, sampled_all_weighted = excluded.sampled_all_weighted";

pub(super) const ROLL_NAMESPACES: &str = "
    insert into namespace_history (width, cache, at, namespace, misses, expired, evicted, deleted, flushed, never_seen,
        unknown, evictions, expirations, cost, told_hits, told_misses, saved, sampled_lookups, sampled_misses,
        sampled_part, sampled_part_squared, sampled_product)
    select $2, cache, $3, namespace, sum(misses), sum(expired), sum(evicted), sum(deleted), sum(flushed),
        sum(never_seen), sum(unknown), sum(evictions), sum(expirations), sum(cost), sum(told_hits), sum(told_misses),
        sum(saved), sum(sampled_lookups), sum(sampled_misses), sum(sampled_part), sum(sampled_part_squared),
        sum(sampled_product)
    from namespace_history where width = $1 and at >= $3 and at < $4 group by cache, namespace
    on conflict (width, cache, at, namespace) do update set misses = excluded.misses, expired = excluded.expired,
        evicted = excluded.evicted, deleted = excluded.deleted, flushed = excluded.flushed,
        never_seen = excluded.never_seen, unknown = excluded.unknown, evictions = excluded.evictions,
        expirations = excluded.expirations, cost = excluded.cost, told_hits = excluded.told_hits,
        told_misses = excluded.told_misses, saved = excluded.saved, sampled_lookups = excluded.sampled_lookups,
        sampled_misses = excluded.sampled_misses, sampled_part = excluded.sampled_part,
        sampled_part_squared = excluded.sampled_part_squared, sampled_product = excluded.sampled_product";

/// Sums by namespace. PostgreSQL's sums of whole numbers are of a type that does not fit one.
pub(in super::super) const SUMS: &str = "
    select min(at) as at, namespace, cast(sum(misses) as bigint) as misses, cast(sum(expired) as bigint) as expired,
        cast(sum(evicted) as bigint) as evicted, cast(sum(deleted) as bigint) as deleted,
        cast(sum(flushed) as bigint) as flushed, cast(sum(never_seen) as bigint) as never_seen,
        cast(sum(unknown) as bigint) as unknown, cast(sum(evictions) as bigint) as evictions,
        cast(sum(expirations) as bigint) as expirations, sum(cost) as cost,
        cast(sum(told_hits) as bigint) as told_hits, cast(sum(told_misses) as bigint) as told_misses,
        sum(saved) as saved, cast(sum(sampled_lookups) as bigint) as sampled_lookups,
        cast(sum(sampled_misses) as bigint) as sampled_misses, sum(sampled_part) as sampled_part,
        sum(sampled_part_squared) as sampled_part_squared, sum(sampled_product) as sampled_product
    from namespace_history where width = $1 and cache = $2 and at >= $3 and at < $4
    group by namespace order by 3 desc, 2 limit $5";

/// The same of a database that has no lookups by namespace yet.
pub(in super::super) const SUMS_WITHOUT_LOOKUPS: &str = "
    select min(at) as at, namespace, cast(sum(misses) as bigint) as misses, cast(sum(expired) as bigint) as expired,
        cast(sum(evicted) as bigint) as evicted, cast(sum(deleted) as bigint) as deleted,
        cast(sum(flushed) as bigint) as flushed, cast(sum(never_seen) as bigint) as never_seen,
        cast(sum(unknown) as bigint) as unknown, cast(sum(evictions) as bigint) as evictions,
        cast(sum(expirations) as bigint) as expirations, sum(cost) as cost
    from namespace_history where width = $1 and cache = $2 and at >= $3 and at < $4
    group by namespace order by 3 desc, 2 limit $5";

pub(super) async fn write_point(
    link: &mut Link,
    cache: &CacheName,
    point: &HistoryPoint,
    at: i64,
) -> Result<()> {
    let sampled = point.sampled;
    let sum = |of: fn(SampleSums) -> f64| number(sampled.map(of));
    q("insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, memory_used,
           memory_limit, miss_cost, saved, sampled_intervals, sampled_seconds, sampled_covered, sampled_lookups,
           sampled_all, sampled_all_squared, sampled_all_weighted)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
       on conflict (width, cache, at) do update set covered_seconds = excluded.covered_seconds, hits = excluded.hits,
           misses = excluded.misses, evictions = excluded.evictions, expirations = excluded.expirations,
           memory_used = excluded.memory_used, memory_limit = excluded.memory_limit, miss_cost = excluded.miss_cost,
           saved = excluded.saved, sampled_intervals = excluded.sampled_intervals,
           sampled_seconds = excluded.sampled_seconds, sampled_covered = excluded.sampled_covered,
           sampled_lookups = excluded.sampled_lookups, sampled_all = excluded.sampled_all,
           sampled_all_squared = excluded.sampled_all_squared, sampled_all_weighted = excluded.sampled_all_weighted")
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
    .bind(number(point.saved))
    .bind(sampled.map(|sums| count(sums.intervals)))
    .bind(sum(|sums| sums.seconds))
    .bind(sum(|sums| sums.covered_seconds))
    .bind(sampled.map(|sums| count(sums.lookups)))
    .bind(sum(|sums| sums.all))
    .bind(sum(|sums| sums.all_squared))
    .bind(sum(|sums| sums.all_weighted))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn write_namespace(
    link: &mut Link,
    cache: &CacheName,
    point: &NamespacePoint,
    at: i64,
) -> Result<()> {
    let sampled = point.sampled;
    let sum = |of: fn(NamespaceSums) -> f64| number(sampled.map(of));
    let mut query = q("insert into namespace_history (width, cache, at, namespace, misses, evictions, expirations, cost,
           told_hits, told_misses, saved, sampled_lookups, sampled_misses, sampled_part, sampled_part_squared,
           sampled_product, expired, evicted, deleted, flushed, never_seen, unknown)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
       on conflict (width, cache, at, namespace) do update set misses = excluded.misses, expired = excluded.expired,
           evicted = excluded.evicted, deleted = excluded.deleted, flushed = excluded.flushed,
           never_seen = excluded.never_seen, unknown = excluded.unknown, evictions = excluded.evictions,
           expirations = excluded.expirations, cost = excluded.cost, told_hits = excluded.told_hits,
           told_misses = excluded.told_misses, saved = excluded.saved, sampled_lookups = excluded.sampled_lookups,
           sampled_misses = excluded.sampled_misses, sampled_part = excluded.sampled_part,
           sampled_part_squared = excluded.sampled_part_squared, sampled_product = excluded.sampled_product")
    .bind(i64::from(RESOLUTIONS[0].0))
    .bind(cache.to_string())
    .bind(at)
    .bind(text(&point.namespace))
    .bind(count(point.misses))
    .bind(count(point.evictions))
    .bind(count(point.expirations))
    .bind(number(point.cost))
    .bind(point.told.map(|told| count(told.hits)))
    .bind(point.told.map(|told| count(told.misses)))
    .bind(number(point.saved))
    .bind(sampled.map(|sums| count(sums.sampled)))
    .bind(sampled.map(|sums| count(sums.misses)))
    .bind(sum(|sums| sums.part))
    .bind(sum(|sums| sums.part_squared))
    .bind(sum(|sums| sums.product));
    for cause in 0..Cause::ALL.len() {
        query = query.bind(count(point.causes.get(cause).copied().unwrap_or_default()));
    }
    query.execute(link).await?;
    Ok(())
}

pub(super) fn read_point(row: &Get<'_>) -> Result<HistoryPoint> {
    let sum = |column| -> Result<f64> { Ok(Get::later(row.float_if(column))?.unwrap_or_default()) };
    let sampled = match Get::later(row.count_if("sampled_intervals"))? {
        None => None,
        Some(intervals) => Some(SampleSums {
            intervals,
            seconds: sum("sampled_seconds")?,
            covered_seconds: sum("sampled_covered")?,
            lookups: row.count_if("sampled_lookups")?.unwrap_or_default(),
            all: sum("sampled_all")?,
            all_squared: sum("sampled_all_squared")?,
            all_weighted: sum("sampled_all_weighted")?,
        }),
    };
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
        saved: Get::later(row.float_if("saved"))?,
        sampled,
    })
}

pub(in super::super) fn read_namespace(row: &Get<'_>) -> Result<NamespacePoint> {
    let causes = Cause::ALL.iter().map(|cause| row.count(cause.as_str()));
    let later = |column| Get::later(row.count_if(column));
    let sum = |column| -> Result<f64> { Ok(Get::later(row.float_if(column))?.unwrap_or_default()) };
    let told = later("told_hits")?.zip(later("told_misses")?);
    let sampled = match later("sampled_lookups")?.zip(later("sampled_misses")?) {
        None => None,
        Some((sampled, misses)) => Some(NamespaceSums {
            sampled,
            misses,
            part: sum("sampled_part")?,
            part_squared: sum("sampled_part_squared")?,
            product: sum("sampled_product")?,
        }),
    };
    Ok(NamespacePoint {
        at: row.time("at")?,
        namespace: row.text("namespace")?,
        misses: row.count("misses")?,
        causes: causes.collect::<Result<_>>()?,
        evictions: row.count("evictions")?,
        expirations: row.count("expirations")?,
        cost: row.float_if("cost")?,
        told: told.map(|(hits, misses)| ToldLookups { hits, misses }),
        saved: Get::later(row.float_if("saved"))?,
        sampled,
    })
}
