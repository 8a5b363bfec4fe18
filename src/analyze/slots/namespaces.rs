//! What the namespaces of a cache counted between two beginnings of a slot: misses and removals by events, lookups by what
//! the application told and by what samples add up to.
//!
//! Deliberately absent: ratios. They are made where slots are summed up again, so that none is ever averaged.
//!
//! Invariant: what nobody told of is absent, never 0; a namespace in which nothing happened has no point.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::attribution::{AttributionSnapshot, Cause, Counters, NamespaceCost, OTHER};
use crate::model::lookups::SampleTotals;
use crate::model::record::{NamespacePoint, ToldLookups};
use crate::model::snapshot::CacheSnapshot;

/// What the application told so far, by namespace.
pub(super) type Told = HashMap<Arc<str>, ToldLookups>;

/// By name and admission: one that comes back counts from 0 again.
type Counted = HashMap<(String, u64), (Counters, Option<f64>)>;

/// How the namespaces of a cache stood when the slot began.
#[derive(Debug)]
pub(super) struct Begun {
    /// `None`: events were not attributed.
    counted: Option<Counted>,
    told: Told,
    sampled: Arc<SampleTotals>,
}

impl Begun {
    pub(super) fn of(cache: &CacheSnapshot) -> Self {
        let attribution = cache.attribution.as_ref();
        Self {
            counted: attribution.map(|a| counted(&a.totals, &a.costs)),
            told: told(cache),
            sampled: Arc::clone(&cache.lookups.sampled),
        }
    }

    /// What came since `before`, in order of the names.
    pub(super) fn points(
        &self,
        before: &Self,
        began: Timestamp,
        cache: &CacheSnapshot,
    ) -> Vec<NamespacePoint> {
        let mut points = BTreeMap::<String, NamespacePoint>::new();
        let both = self.counted.as_ref().zip(before.counted.as_ref());
        for (key, (now, cost), before) in both
            .iter()
            .flat_map(|(now, before)| now.iter().map(|(key, now)| (key, now, before.get(key))))
        {
            let (before, cost_before) = before.copied().unwrap_or_default();
            let point = point(&mut points, &key.0, began);
            for (sum, cause) in point.causes.iter_mut().zip(Cause::ALL) {
                let grown = now.misses.get(cause);
                *sum += grown.saturating_sub(before.misses.get(cause));
            }
            point.misses = point.causes.iter().sum();
            point.evictions += now.evictions.saturating_sub(before.evictions);
            point.expirations += now.expirations.saturating_sub(before.expirations);
            point.cost = cost.map(|cost| (cost - cost_before.unwrap_or(0.0)).max(0.0));
        }
        for (name, told) in told_since(&self.told, &before.told) {
            let point = point(&mut points, name, began);
            point.told = Some(told);
            point.saved = per_miss(cache, name).map(|price| told.hits as f64 * price);
        }
        for (name, sums) in &self.sampled.namespaces {
            let before = before.sampled.namespaces.get(name).copied();
            if let Some(new) = sums.since(&before.unwrap_or_default()) {
                point(&mut points, name, began).sampled = Some(new);
            }
        }
        let happened = |point: &NamespacePoint| {
            point.misses + point.evictions + point.expirations > 0
                || point.told.is_some()
                || point.sampled.is_some()
        };
        points.into_values().filter(happened).collect()
    }
}

fn point<'a>(
    points: &'a mut BTreeMap<String, NamespacePoint>,
    name: &str,
    began: Timestamp,
) -> &'a mut NamespacePoint {
    points
        .entry(name.to_owned())
        .or_insert_with(|| NamespacePoint {
            at: began,
            namespace: name.to_owned(),
            causes: vec![0; Cause::ALL.len()],
            ..NamespacePoint::default()
        })
}

fn counted(totals: &AttributionSnapshot, costs: &[NamespaceCost]) -> Counted {
    let cost = |name: &str| {
        let of = costs.iter().find(|cost| cost.namespace == name);
        of.map(|cost| cost.total)
    };
    let named = totals
        .namespaces
        .iter()
        .map(|n| ((n.name.clone(), n.id), (n.counters, cost(&n.name))));
    let other = ((OTHER.to_owned(), u64::MAX), (totals.other, None));
    named.chain([other]).collect()
}

/// What the application told so far.
pub(super) fn told(cache: &CacheSnapshot) -> Told {
    let told = cache.lookups.application.iter().map(|namespace| {
        let lookups = ToldLookups {
            hits: namespace.hits,
            misses: namespace.misses,
        };
        (Arc::clone(&namespace.namespace), lookups)
    });
    told.collect()
}

/// What it told since; only where it told of any lookup.
pub(super) fn told_since<'a>(
    now: &'a Told,
    before: &Told,
) -> impl Iterator<Item = (&'a str, ToldLookups)> {
    now.iter().filter_map(|(name, now)| {
        let before = before.get(name).copied().unwrap_or_default();
        let new = ToldLookups {
            hits: now.hits.saturating_sub(before.hits),
            misses: now.misses.saturating_sub(before.misses),
        };
        (new.lookups() > 0).then_some((&**name, new))
    })
}

/// What one miss of a namespace costs, and one hit saves.
pub(super) fn per_miss(cache: &CacheSnapshot, namespace: &str) -> Option<f64> {
    let costs = &cache.attribution.as_ref()?.costs;
    let cost = costs.iter().find(|cost| cost.namespace == namespace)?;
    Some(cost.per_miss)
}
