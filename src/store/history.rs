//! What happened to caches and namespaces, slot by slot, in three widths.
//!
//! A slot of 10 s is written as it comes; the slots of 1 min and 15 min that it lies in are computed anew from the
//! narrower ones each time. So a restart in the middle of a slot, or a write that is repeated, changes nothing.
//!
//! Invariant: counts of a wide slot are the sum of the narrow ones that there were; what none of them knew is not known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sql::{Link, Query, Result, all, micros, q};
use crate::model::name::CacheName;
use crate::model::record::{HistoryPoint, NamespacePoint, RESOLUTIONS, ToldLookups};

mod read;
mod rows;

pub(super) use read::{history, namespace_history};
pub(super) use rows::{SUMS, SUMS_WITHOUT_LOOKUPS, read_namespace};

/// The most namespaces of one cache that are kept for one slot; those with the most lookups as far as these are known, and
/// misses. Lookups vary less than misses: who is kept hardly depends on how well it went.
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
            .sort_by(|(a, x), (b, y)| (a, x.at).cmp(&(b, y.at)).then(traffic(y).cmp(&traffic(x))));
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

/// How much a namespace is used, as far as that is known.
fn traffic(point: &NamespacePoint) -> u64 {
    let told = point.told.map_or(0, ToldLookups::lookups);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and the cast saturates"
    )]
    let sampled = point.sampled.map_or(0, |sums| sums.part as u64);
    point.misses.max(told).max(sampled)
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
        rows::write_point(link, cache, point, at).await?;
    }
    for (from, to) in STEPS {
        for at in wider(&slots, to) {
            roll(q(rows::ROLL), at, from, to)
                .execute(&mut *link)
                .await?;
        }
    }
    slots.clear();
    for (cache, point) in &append.namespaces {
        let at = slot(micros(point.at), narrowest);
        slots.insert(at);
        rows::write_namespace(link, cache, point, at).await?;
    }
    for (from, to) in STEPS {
        for at in wider(&slots, to) {
            roll(q(rows::ROLL_NAMESPACES), at, from, to)
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
    Ok(all(&rows, rows::read_point))
}
