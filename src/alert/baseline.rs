//! Whether a cache misses more than it used to: its miss ratio against the same hour of earlier days.
//!
//! Normal is the median of those hours, and their spread the median absolute deviation, scaled to a standard deviation
//! (x 1.4826): up to half of the days may have been bad ones. It holds when the Wilson lower bound of the present ratio
//! is above the median by more than so many deviations, and by more than a floor: a past without any spread must not
//! make every change an alarm. For caches that live at 35 %, where a fixed threshold says nothing.
//!
//! Deliberately absent: where the past comes from, and which hours are the same.
//!
//! Invariant: a breach rests on `min_days` past hours and `min_lookups` lookups, and exceeds the median by `floor`.

use super::machine::Verdict;
use super::words::{grouped, percent, percent_set, span};
use crate::analyze::wilson;
use crate::model::window::WindowStats;

/// Of a longer past only so many hours are looked at.
pub const MAX_PAST: usize = 60;

/// Makes a median absolute deviation of normal values their standard deviation.
const TO_SIGMA: f64 = 1.482_602_218_505_602;

/// One past hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// Misses / lookups, 0..1.
    pub ratio: f64,
    /// Lookups in it.
    pub lookups: u64,
}

/// What the rule is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// How many deviations are too many. Default 4.
    pub deviations: f64,
    /// The least difference that is one, in parts of all lookups. Default 0.05.
    pub floor: f64,
    /// How many past hours there must be. Default 3, and never less than 1.
    pub min_days: usize,
    /// How many lookups each of them must have, and the present. Default 200.
    pub min_lookups: u64,
    /// Of the bound, 0.5..0.9999. Default 0.98.
    pub confidence: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            deviations: 4.0,
            floor: 0.05,
            min_days: 3,
            min_lookups: 200,
            confidence: 0.98,
        }
    }
}

/// What is normal at this hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// Of the miss ratio, 0..1.
    pub median: f64,
    /// The scaled median absolute deviation.
    pub deviation: f64,
    /// A breach is above this.
    pub limit: f64,
    /// Clear is below this: half way back to the median.
    pub clear: f64,
    /// Of how many past hours.
    pub days: usize,
}

/// What the rule finds, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// In a word.
    pub verdict: Verdict,
    /// What is normal. `None` while too little of the past is known.
    pub normal: Option<Normal>,
    /// Lower confidence bound of the present ratio.
    pub lower: Option<f64>,
    /// One line: what was found, with the numbers.
    pub explanation: String,
}

/// What is normal, given the same hour of earlier days, the latest first. `None` with too few good ones.
pub fn normal(params: &Params, past: &[Past]) -> Option<Normal> {
    let good = |hour: &&Past| {
        hour.lookups >= params.min_lookups.max(1) && (0.0..=1.0).contains(&hour.ratio)
    };
    let ratios: Vec<f64> = past
        .iter()
        .filter(good)
        .take(MAX_PAST)
        .map(|hour| hour.ratio)
        .collect();
    let days = ratios.len();
    if days < params.min_days.max(1) {
        return None;
    }
    let centre = median(ratios.clone())?;
    let deviation = TO_SIGMA * median(ratios.iter().map(|r| (r - centre).abs()).collect())?;
    let margin = (params.deviations * deviation)
        .max(params.floor)
        .clamp(0.0, 1.0);
    Some(Normal {
        median: centre,
        deviation,
        limit: centre + margin,
        clear: centre + margin / 2.0,
        days,
    })
}

/// Compares the present window with the past, the latest hour first. `fresh`: the cache has a recent reading.
pub fn evaluate(params: &Params, present: &WindowStats, past: &[Past], fresh: bool) -> Evaluation {
    let normal = normal(params, past);
    let lookups = present.lookups().unwrap_or(0);
    let z = wilson::z_for_confidence(params.confidence);
    let lower = present
        .delta
        .misses
        .and_then(|misses| wilson::lower(misses, lookups, z));
    let (verdict, explanation) = match (normal, present.miss_ratio, lower) {
        _ if !fresh => {
            let words = "no reading to judge by: the last poll failed, or is late".to_owned();
            (Verdict::NoData, words)
        }
        (Some(normal), Some(ratio), Some(lower)) if lookups >= params.min_lookups => {
            judge(params, &normal, present, ratio, lower)
        }
        (None, ..) => {
            let words = format!(
                "fewer than {} earlier days with at least {} lookups at this hour",
                params.min_days.max(1),
                grouped(params.min_lookups)
            );
            (Verdict::InsufficientTraffic, words)
        }
        _ => {
            let words = format!(
                "only {} lookups in {}, fewer than the {} that a judgement needs",
                grouped(lookups),
                span(present.window),
                grouped(params.min_lookups)
            );
            (Verdict::InsufficientTraffic, words)
        }
    };
    Evaluation {
        verdict,
        normal,
        lower,
        explanation,
    }
}

fn judge(
    params: &Params,
    normal: &Normal,
    present: &WindowStats,
    ratio: f64,
    lower: f64,
) -> (Verdict, String) {
    let numbers = format!(
        "{} of {} lookups missed in {} (at least {} with {} confidence); normal at this hour is {} (median of {} days), \
         the limit {}",
        percent(ratio),
        grouped(present.lookups().unwrap_or(0)),
        span(present.window),
        percent(lower),
        percent_set(params.confidence),
        percent(normal.median),
        normal.days,
        percent(normal.limit.min(1.0)),
    );
    if lower > normal.limit {
        (
            Verdict::Breach,
            format!("{numbers}: the bound is above the limit"),
        )
    } else if ratio < normal.clear {
        let words = format!("{numbers}: below {}", percent(normal.clear.min(1.0)));
        (Verdict::Clear, words)
    } else {
        let words = format!("{numbers}: the bound is not above the limit");
        (Verdict::Between, words)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len().is_multiple_of(2) {
        let lower = *values.get(values.len() / 2 - 1)?;
        Some(f64::midpoint(lower, upper))
    } else {
        Some(upper)
    }
}

#[cfg(test)]
mod tests;
