//! Reads history back, in the finest width that reaches far enough, summed up to as many points as fit a chart.
//!
//! Deliberately absent: gaps. A slot of which nothing is known has no point.

use jiff::Timestamp;

use super::super::sql::{Link, Result, all, micros, q};
use super::{SECOND, points, read_namespace, slot};
use crate::model::name::CacheName;
use crate::model::record::{HistoryPoint, NamespacePoint, RESOLUTIONS};

/// The most points that one question gets.
const MAX_POINTS: usize = 3_000;
/// The most namespace points that one question gets.
const MAX_NAMESPACE_POINTS: i64 = 50_000;

/// The finest width that is kept back to `from`.
fn width(from: Timestamp, now: Timestamp, widths: &[(u32, u64)]) -> u32 {
    let age = now.duration_since(from).as_secs();
    let reaches = |(_, kept): &&(u32, u64)| i64::try_from(*kept).unwrap_or(i64::MAX) >= age;
    let fitting = widths.iter().find(reaches).or(widths.last());
    fitting.map_or(RESOLUTIONS[2].0, |(width, _)| *width)
}

pub(in super::super) async fn history(
    link: &mut Link,
    cache: &CacheName,
    (from, to): (Timestamp, Timestamp),
    at_most: usize,
    now: Timestamp,
) -> Result<Vec<HistoryPoint>> {
    let at_most = i64::try_from(at_most.clamp(1, MAX_POINTS)).unwrap_or(1);
    let width = width(from, now, &RESOLUTIONS);
    let seconds = i64::from(width);
    let (from, to) = (micros(from), micros(to));
    let span = to.saturating_sub(from).max(0);
    let slots = span / (seconds * SECOND) + 1;
    // One more slot than asked for may come of the alignment.
    let together = match at_most {
        1 => slots.max(1),
        _ => slots.div_euclid(at_most) + i64::from(slots % at_most != 0),
    };
    let wide = together.saturating_mul(seconds);
    let begin = slot(from, seconds);
    let narrow = points(link, cache, width, (begin, to)).await?;
    let mut summed = Vec::<HistoryPoint>::new();
    for point in narrow {
        let step = (micros(point.at).saturating_sub(begin)).div_euclid(wide.saturating_mul(SECOND));
        let at = begin.saturating_add(step.saturating_mul(wide.saturating_mul(SECOND)));
        match summed.last_mut().filter(|last| micros(last.at) == at) {
            Some(last) => add(last, &point),
            None => summed.push(HistoryPoint {
                at: Timestamp::from_microsecond(at).unwrap_or(point.at),
                ..point
            }),
        }
    }
    Ok(summed)
}

fn add(sum: &mut HistoryPoint, point: &HistoryPoint) {
    let both = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (known, None) | (None, known) => known,
    };
    sum.covered_seconds += point.covered_seconds;
    sum.hits = both(sum.hits, point.hits);
    sum.misses = both(sum.misses, point.misses);
    sum.evictions = both(sum.evictions, point.evictions);
    sum.expirations = both(sum.expirations, point.expirations);
    sum.memory_used_bytes = point.memory_used_bytes.or(sum.memory_used_bytes);
    sum.memory_limit_bytes = point.memory_limit_bytes.or(sum.memory_limit_bytes);
    let amounts = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (known, None) | (None, known) => known,
    };
    sum.miss_cost = amounts(sum.miss_cost, point.miss_cost);
    sum.saved = amounts(sum.saved, point.saved);
    if let Some(sampled) = &point.sampled {
        sum.sampled.get_or_insert_default().add(sampled);
    }
}

pub(in super::super) async fn namespace_history(
    link: &mut Link,
    cache: &CacheName,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Vec<NamespacePoint>> {
    let width = width(from, now, &RESOLUTIONS[1..]);
    let rows = q(
        "select * from namespace_history where width = $1 and cache = $2 and at >= $3 and at < $4
         order by at desc, misses desc, namespace limit $5",
    )
    .bind(i64::from(width))
    .bind(cache.to_string())
    .bind(slot(micros(from), i64::from(width)))
    .bind(micros(to))
    .bind(MAX_NAMESPACE_POINTS)
    .fetch_all(link)
    .await?;
    let mut points = all(&rows, read_namespace);
    points.reverse();
    points.sort_by(|a, b| (a.at, &a.namespace).cmp(&(b.at, &b.namespace)));
    Ok(points)
}
