//! History in slots of ten seconds (and of a minute for namespaces), as the store keeps it: what each cache counted
//! between two beginnings of a slot.
//!
//! Deliberately absent: storing, rolling up, pruning.
//!
//! Invariant: what is counted is in exactly one slot: the one that was begun when a beat first saw it. A cache that is
//! new, or comes back, begins with the next slot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::attribution::NamespaceCost;
use crate::model::lookups::SampleSums;
use crate::model::name::CacheName;
use crate::model::record::{HistoryPoint, NamespacePoint, RESOLUTIONS};
use crate::model::snapshot::CacheSnapshot;
use crate::model::window::Totals;

mod namespaces;

use namespaces::Told;

/// The width of a slot.
pub const SLOT: Duration = Duration::from_secs(RESOLUTIONS[0].0 as u64);
/// The width of a slot of namespaces.
pub const NAMESPACE_SLOT: Duration = Duration::from_secs(RESOLUTIONS[1].0 as u64);

/// What was counted in slots that are over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finished {
    /// By cache.
    pub caches: Vec<(CacheName, HistoryPoint)>,
    /// By cache and namespace; only namespaces in which something happened.
    pub namespaces: Vec<(CacheName, NamespacePoint)>,
}

/// Cuts what caches count into slots.
#[derive(Debug, Default)]
pub struct Slots {
    slot: Option<i64>,
    minute: Option<i64>,
    caches: BTreeMap<CacheName, Begun>,
    namespaces: BTreeMap<CacheName, namespaces::Begun>,
}

/// How a cache stood when the slot began.
#[derive(Debug)]
struct Begun {
    totals: Totals,
    read_at: Option<Duration>,
    cost: Option<f64>,
    told: Told,
    sampled: SampleSums,
}

impl Slots {
    /// Takes in how all caches are. Gives what is over: mostly nothing.
    pub fn step(&mut self, caches: &[Arc<CacheSnapshot>], at: Timestamp) -> Option<Finished> {
        let slot = index(at, SLOT);
        if self.slot == Some(slot) {
            return None;
        }
        let mut finished = Finished::default();
        let began = self.slot.replace(slot).and_then(|slot| start(slot, SLOT));
        let before = std::mem::take(&mut self.caches);
        for cache in caches {
            if let (Some(began), Some(before)) = (began, before.get(&cache.name)) {
                let point = point(began, before, cache);
                finished.caches.push((cache.name.clone(), point));
            }
            self.caches.insert(cache.name.clone(), Begun::of(cache));
        }
        self.step_namespaces(caches, at, &mut finished);
        Some(finished)
    }

    fn step_namespaces(
        &mut self,
        caches: &[Arc<CacheSnapshot>],
        at: Timestamp,
        finished: &mut Finished,
    ) {
        let minute = index(at, NAMESPACE_SLOT);
        if self.minute == Some(minute) {
            return;
        }
        let began = self
            .minute
            .replace(minute)
            .and_then(|minute| start(minute, NAMESPACE_SLOT));
        let before = std::mem::take(&mut self.namespaces);
        for cache in caches {
            let now = namespaces::Begun::of(cache);
            if let (Some(began), Some(before)) = (began, before.get(&cache.name)) {
                let points = now.points(before, began, cache);
                let named = |point| (cache.name.clone(), point);
                finished.namespaces.extend(points.into_iter().map(named));
            }
            self.namespaces.insert(cache.name.clone(), now);
        }
    }
}

impl Begun {
    fn of(cache: &CacheSnapshot) -> Self {
        Self {
            totals: cache.totals,
            read_at: read_at(cache),
            cost: cost(cache),
            told: namespaces::told(cache),
            sampled: cache.lookups.sampled.whole,
        }
    }
}

/// When the last reading of any node came.
fn read_at(cache: &CacheSnapshot) -> Option<Duration> {
    let times = cache
        .nodes
        .iter()
        .filter_map(|node| node.read_at.map(|at| at.mono));
    times.max()
}

/// What misses have cost so far; `None` without prices, or when they are in several currencies.
fn cost(cache: &CacheSnapshot) -> Option<f64> {
    Some(costs(cache)?.iter().map(|cost| cost.total).sum())
}

/// Those of all namespaces with a price; `None`: there are none, or they cannot be summed up.
fn costs(cache: &CacheSnapshot) -> Option<&[NamespaceCost]> {
    let costs = &cache.attribution.as_ref()?.costs;
    let (first, rest) = costs.split_first()?;
    let same = rest.iter().all(|cost| cost.currency == first.currency);
    same.then_some(costs)
}

/// What the hits of namespaces with a price saved, as far as the application told of them since `before`.
fn saved(now: &Told, before: &Told, cache: &CacheSnapshot) -> Option<f64> {
    costs(cache)?;
    let saved = namespaces::told_since(now, before)
        .filter_map(|(name, told)| Some(told.hits as f64 * namespaces::per_miss(cache, name)?));
    saved.reduce(|a, b| a + b)
}

fn point(began: Timestamp, before: &Begun, cache: &CacheSnapshot) -> HistoryPoint {
    let now = Begun::of(cache);
    let covered = now
        .read_at
        .zip(before.read_at)
        .map_or(Duration::ZERO, |(now, before)| now.saturating_sub(before));
    let grown = |of: fn(&Totals) -> Option<u64>| {
        // What is first reported within the slot has grown from 0.
        of(&now.totals).map(|now| now.saturating_sub(of(&before.totals).unwrap_or(0)))
    };
    let memory = |of: fn(&crate::model::reading::Reading) -> Option<u64>| {
        let known = cache
            .nodes
            .iter()
            .filter(|node| node.up)
            .filter_map(|node| of(node.reading.as_deref()?));
        known.reduce(u64::saturating_add)
    };
    HistoryPoint {
        at: began,
        covered_seconds: covered.as_secs_f64(),
        hits: grown(|t| t.hits),
        misses: grown(|t| t.misses),
        evictions: grown(|t| t.evictions),
        expirations: grown(|t| t.expirations),
        memory_used_bytes: memory(|r| r.memory.used),
        memory_limit_bytes: memory(|r| r.memory.limit).filter(|limit| *limit > 0),
        miss_cost: now
            .cost
            .map(|cost| (cost - before.cost.unwrap_or(0.0)).max(0.0)),
        saved: saved(&now.told, &before.told, cache),
        sampled: now.sampled.since(&before.sampled),
    }
}

/// Which slot a moment is in.
fn index(at: Timestamp, width: Duration) -> i64 {
    let width = i64::try_from(width.as_secs()).unwrap_or(i64::MAX).max(1);
    at.as_second().div_euclid(width)
}

fn start(slot: i64, width: Duration) -> Option<Timestamp> {
    let width = i64::try_from(width.as_secs()).ok()?;
    Timestamp::from_second(slot.checked_mul(width)?).ok()
}

#[cfg(test)]
mod tests;
