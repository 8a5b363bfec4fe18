//! Lookups of namespaces: hit ratios and savings, where something is known of them.
//!
//! What the application counted is taken as it is; samples of MONITOR make an estimate, with the estimator that the page
//! uses (`analyze::sample`), over the sums of the whole period. Where both speak the application is believed. Two periods
//! are compared only where the same source speaks of both.
//!
//! Invariant: a ratio is hits / lookups of the whole period, never a mean of ratios; an estimate is marked as one and has
//! bounds; where nobody knows of lookups there is nothing.

use serde::Serialize;

use super::gather::part;
use crate::analyze::sample;
use crate::analyze::wilson::{Z_98, interval};
use crate::model::attribution::LookupSource;
use crate::model::lookups::SampleSums;
use crate::model::record::{HistoryPoint, NamespacePoint};

/// Of all bounds in a report.
const CONFIDENCE: f64 = 0.98;

/// The lookups of a namespace in a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lookups {
    /// Who told of them: `application`, or `sample`.
    pub source: LookupSource,
    /// Whether they are estimated from samples.
    pub estimated: bool,
    /// All of them; estimated: in the time that samples stand for.
    pub lookups: u64,
    /// Those that found their key.
    pub hits: u64,
    /// Those that did not, as the same source counts.
    pub misses: u64,
    /// hits / lookups.
    pub hit_ratio: f64,
    /// The lower end of its 98 % interval: Wilson's, or that of the estimate.
    pub hit_ratio_lower: f64,
    /// The upper end.
    pub hit_ratio_upper: f64,
    /// How many of them were seen in samples; `null`: they were counted.
    pub sampled: Option<u64>,
}

/// What the hits of a namespace saved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Saved {
    /// How much.
    pub amount: f64,
    /// Whether it is estimated from samples.
    pub estimated: bool,
    /// The lower end of the 98 % interval of an estimate.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
}

/// Samples of the lookups of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Samples {
    /// How many.
    pub count: u64,
    /// How much time they stand for.
    pub seconds: f64,
    /// Of how much of it they saw every lookup.
    pub covered_seconds: f64,
}

/// All samples of these slots, summed up.
pub(super) fn sampled(slots: &[HistoryPoint]) -> SampleSums {
    let mut sums = SampleSums::default();
    for sampled in slots.iter().filter_map(|slot| slot.sampled.as_ref()) {
        sums.add(sampled);
    }
    sums
}

pub(super) fn samples(sums: &SampleSums) -> Option<Samples> {
    (sums.intervals > 0).then_some(Samples {
        count: sums.intervals,
        seconds: sums.seconds,
        covered_seconds: sums.covered_seconds,
    })
}

/// What is known of the lookups of a namespace; `whole`: of its cache's samples.
pub(super) fn lookups(point: &NamespacePoint, whole: &SampleSums) -> Option<Lookups> {
    counted(point).or_else(|| estimated(point, whole))
}

/// The same of the period before, from the same source.
pub(super) fn lookups_before(
    now: &Lookups,
    before: &NamespacePoint,
    whole: &SampleSums,
) -> Option<Lookups> {
    match now.source {
        LookupSource::Application => counted(before),
        LookupSource::Sample => estimated(before, whole),
    }
}

fn counted(point: &NamespacePoint) -> Option<Lookups> {
    let told = point.told?;
    let lookups = told.lookups();
    let (lower, upper) = interval(told.hits, lookups, Z_98)?;
    Some(Lookups {
        source: LookupSource::Application,
        estimated: false,
        lookups,
        hits: told.hits,
        misses: told.misses,
        hit_ratio: part(told.hits as f64, lookups as f64)?,
        hit_ratio_lower: lower,
        hit_ratio_upper: upper,
        sampled: None,
    })
}

fn estimated(point: &NamespacePoint, whole: &SampleSums) -> Option<Lookups> {
    let estimate = sample::estimate(whole, &point.sampled?, CONFIDENCE).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate is not negative, and the cast saturates"
    )]
    let lookups = (estimate.lookups.value.round() as u64).max(estimate.misses);
    let ratio = estimate.hit_ratio;
    Some(Lookups {
        source: LookupSource::Sample,
        estimated: true,
        lookups,
        hits: lookups - estimate.misses,
        misses: estimate.misses,
        hit_ratio: ratio.value,
        hit_ratio_lower: ratio.lower,
        hit_ratio_upper: ratio.upper,
        sampled: Some(estimate.sampled),
    })
}

/// What the hits saved: what was added up as the application told of them, at the price of that time; or what a miss cost,
/// for each hit that was estimated.
pub(super) fn saved(point: &NamespacePoint, found: &Lookups, whole: &SampleSums) -> Option<Saved> {
    if !found.estimated {
        return point.saved.map(|amount| Saved {
            amount,
            estimated: false,
            lower: None,
            upper: None,
        });
    }
    let price = part(point.cost?, point.misses as f64)?;
    let estimate = sample::estimate(whole, &point.sampled?, CONFIDENCE).ok()?;
    let worth = |lookups: f64| (lookups - estimate.misses as f64).max(0.0) * price;
    Some(Saved {
        amount: worth(estimate.lookups.value),
        estimated: true,
        lower: Some(worth(estimate.lookups.lower)),
        upper: Some(worth(estimate.lookups.upper)),
    })
}

/// How the hit ratio changed, and whether that is more than chance.
pub(super) fn change(now: &Lookups, before: &Lookups) -> (f64, bool) {
    let clear = now.hit_ratio_lower > before.hit_ratio_upper
        || now.hit_ratio_upper < before.hit_ratio_lower;
    (now.hit_ratio - before.hit_ratio, clear)
}
