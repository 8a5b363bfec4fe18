//! Checks what a rule says about a number and its limit.
//!
//! Invariant: there is exactly one limit, and it is over on its good side.

use std::time::Duration;

use super::{Holds, clear_beyond, in_window, min_lookups};
use crate::config::LimitRule;
use crate::config::error::Errors;
use crate::config::raw::{At, Given, RawRule};
use crate::config::signal::{GAUGES, Measure, SignalRow, Span};

/// The longest currency, in bytes.
const MAX_CURRENCY: usize = 8;

pub(super) fn limit(
    raw: &RawRule,
    measure: Measure,
    holds: Holds,
    errors: &mut Errors,
) -> Option<LimitRule> {
    let row = measure.row();
    let window = in_window(&raw.window, errors);
    let lookups = min_lookups(raw, errors);
    refuse(raw, row, errors);
    let metric = metric(raw, measure, errors);
    if measure == Measure::CauseShare && !raw.cause.is_given() {
        errors.at(&raw.origin, "the key `cause` is missing");
    }
    if let Given::Yes(at) = &raw.currency
        && (at.value.len() > MAX_CURRENCY || !at.value.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        errors.at(
            &at.origin,
            "must be a currency as in namespaces, such as EUR",
        );
    }
    let (above, threshold, clear) = match (&raw.above, &raw.below) {
        (Given::Yes(_), Given::Yes(below)) => {
            errors.at(&below.origin, "give either above or below, not both");
            return None;
        }
        (Given::Yes(at), _) => (true, within(at, row, errors)?, &raw.clear_below),
        (_, Given::Yes(at)) => (false, within(at, row, errors)?, &raw.clear_above),
        (Given::No, Given::No) => {
            errors.at(&raw.origin, "the limit is missing: give above or below");
            return None;
        }
        _ => return None,
    };
    let wrong = if above {
        &raw.clear_above
    } else {
        &raw.clear_below
    };
    if let Given::Yes(at) = wrong {
        let message = if above {
            "goes with below; with above it is clear_below"
        } else {
            "goes with above; with below it is clear_above"
        };
        errors.at(&at.origin, message);
    }
    let given = clear.get().and_then(|at| within(at, row, errors));
    clear_beyond(clear, given, threshold, above, errors);
    let default = LimitRule::new(measure, above, threshold);
    Some(LimitRule {
        cause: raw.cause.get().map(|at| at.value),
        currency: raw
            .currency
            .get()
            .map_or(default.currency, |at| at.value.clone()),
        metric,
        metric_labels: raw
            .metric_labels
            .iter()
            .map(|(name, value)| (name.value.clone(), value.clone()))
            .collect(),
        clear_threshold: given.unwrap_or(default.clear_threshold),
        window: window.unwrap_or(default.window),
        min_lookups: lookups.unwrap_or(default.min_lookups),
        for_: holds.for_.unwrap_or(default.for_),
        clear_for: holds.clear_for.unwrap_or(default.clear_for),
        ..LimitRule::new(measure, above, threshold)
    })
}

fn within(at: &At<f64>, row: &SignalRow, errors: &mut Errors) -> Option<f64> {
    let message = if row.is_ratio() && !(0.0..=1.0).contains(&at.value) {
        "must be between 0 and 1 (0.2 is 20 %)"
    } else if row.measure != Measure::Gauge && at.value < 0.0 {
        "must not be negative"
    } else {
        return Some(at.value);
    };
    errors.at(&at.origin, message);
    None
}

fn metric(raw: &RawRule, measure: Measure, errors: &mut Errors) -> Option<String> {
    if measure != Measure::Gauge {
        return None;
    }
    let Some(at) = raw.metric.get() else {
        if !raw.metric.is_given() {
            errors.at(&raw.origin, "the key `metric` is missing");
        }
        return None;
    };
    if !GAUGES.contains(&at.value.as_str()) {
        errors.at(
            &at.origin,
            "must be an exported gauge that is not about alerts, such as cache_keys; docs/metrics.md lists them",
        );
    }
    Some(at.value.clone())
}

/// Keys that this signal has no use for.
fn refuse(raw: &RawRule, row: &SignalRow, errors: &mut Errors) {
    let only = |origin, needed: bool, what: &str, errors: &mut Errors| {
        if let (Some(origin), false) = (origin, needed) {
            errors.at(origin, format!("is only for {what}"));
        }
    };
    let windowed: Option<&At<Duration>> = raw.window.get();
    only(
        windowed.map(|at| &at.origin),
        row.span == Span::Window,
        "rates and shares that are taken over a window",
        errors,
    );
    only(
        raw.min_lookups.get().map(|at| &at.origin),
        row.share,
        "ratios and shares of lookups or misses",
        errors,
    );
    only(
        raw.cause.get().map(|at| &at.origin),
        row.measure == Measure::CauseShare,
        "rules with signal cause_share",
        errors,
    );
    only(
        raw.currency.get().map(|at| &at.origin),
        row.measure == Measure::CostPerHour,
        "rules with signal cost_per_hour",
        errors,
    );
    only(
        raw.metric.get().map(|at| &at.origin),
        row.measure == Measure::Gauge,
        "rules with signal gauge",
        errors,
    );
    only(
        raw.metric_labels.first().map(|(name, _)| &name.origin),
        row.measure == Measure::Gauge,
        "rules with signal gauge",
        errors,
    );
}
