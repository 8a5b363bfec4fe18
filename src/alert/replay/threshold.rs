//! Which threshold would be quiet: fire less than once a week.
//!
//! The higher the limit, the rarer it fires: nearly always, so the search halves the range, and what it finds is replayed
//! once more by whoever prints it.
//!
//! Invariant: the answer was itself replayed and was quiet; [`Quiet::None`] was replayed at the farthest limit.

use super::{Replayed, Slot, replay};
use crate::config::signal::Measure;
use crate::config::{Rule, Signal};
use crate::model::name::CacheName;

/// A rule that fires less often than this is quiet.
const PER_WEEK: f64 = 1.0;
/// How fine ratios are looked at.
const STEP: f64 = 0.01;
/// Steps of limits that are no ratio: each a tenth beyond the last, from a hundredth of the configured limit up.
const GROWTH: f64 = 1.1;
/// How many of those: up to about ten thousand times the smallest.
const STEPS: u32 = 96;

/// What the search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quiet {
    /// From this limit on (for a rule about too little: up to this limit).
    At(f64),
    /// No limit is quiet.
    None,
    /// The history is too short to say: nothing is known.
    Unknown,
    /// The rule has no single limit, or cannot be replayed.
    Unsuited,
}

/// The limit of a rule that has one.
pub fn threshold_of(rule: &Rule) -> Option<f64> {
    match &rule.signal {
        Signal::MissRatio(miss) => Some(miss.threshold),
        Signal::Limit(limit) => Some(limit.threshold),
        Signal::Down(_) | Signal::Baseline(_) => None,
    }
}

/// The same rule with another limit; the clear limit keeps its distance in proportion. `None`: it has no limit.
pub fn with_threshold(rule: &Rule, threshold: f64) -> Option<Rule> {
    let mut rule = rule.clone();
    match &mut rule.signal {
        Signal::MissRatio(miss) => {
            miss.clear_threshold = proportion(miss.clear_threshold, miss.threshold, threshold);
            miss.threshold = threshold;
        }
        Signal::Limit(limit) => {
            limit.clear_threshold = limit.measure.row().clear_of(threshold, limit.above);
            limit.threshold = threshold;
        }
        Signal::Down(_) | Signal::Baseline(_) => return None,
    }
    Some(rule)
}

fn proportion(part: f64, whole: f64, of: f64) -> f64 {
    if whole > 0.0 {
        (part / whole * of).min(of)
    } else {
        of
    }
}

/// The mildest limit at which a rule would fire less than once a week.
pub fn quiet_threshold(cache: &CacheName, rule: &Rule, slots: &[Slot]) -> Quiet {
    let Some(limits) = limits(rule).filter(|_| super::cannot(rule).is_none()) else {
        return Quiet::Unsuited;
    };
    let frequency = |limit: f64| {
        let rule = with_threshold(rule, limit)?;
        Replayed::per_week(&replay(cache, &rule, slots))
    };
    let is_quiet = |limit: &f64| frequency(*limit).is_some_and(|often| often < PER_WEEK);
    let Some(strictest) = limits.last() else {
        return Quiet::Unsuited;
    };
    match frequency(*strictest) {
        None => return Quiet::Unknown,
        Some(often) if often >= PER_WEEK => return Quiet::None,
        Some(_) => {}
    }
    let noisy = limits.partition_point(|limit| !is_quiet(limit));
    limits
        .get(noisy)
        .map_or(Quiet::None, |limit| Quiet::At(*limit))
}

/// The limits that are tried, the mildest first: each fires at most as often as the one before it.
fn limits(rule: &Rule) -> Option<Vec<f64>> {
    let ratios = || (1..100_u32).map(|percent| f64::from(percent) * STEP);
    match &rule.signal {
        Signal::MissRatio(_) => Some(ratios().collect()),
        Signal::Limit(limit) if limit.measure.row().is_ratio() => Some(if limit.above {
            ratios().collect()
        } else {
            ratios().rev().collect()
        }),
        Signal::Limit(limit) if limit.measure != Measure::Gauge && limit.threshold > 0.0 => {
            let least = limit.threshold / 100.0;
            let grown = (0..STEPS).map(|step| rounded(least * GROWTH.powi(step.cast_signed())));
            Some(if limit.above {
                grown.collect()
            } else {
                grown.rev().collect()
            })
        }
        Signal::Limit(_) | Signal::Down(_) | Signal::Baseline(_) => None,
    }
}

/// Two digits that count.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}
