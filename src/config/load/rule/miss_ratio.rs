//! Checks what a rule says about the miss ratio of a cache, and about its own past.
//!
//! Invariant: short < long <= extended window; the clear threshold is not above the threshold.

use std::time::Duration;

use super::{Holds, MAX_WINDOW, clear_beyond, confidence, in_window, min_lookups, ratio};
use crate::config::error::Errors;
use crate::config::raw::{Given, RawRule};
use crate::config::{BaselineRule, Detector, MissRatioRule};

/// Where `clear_below` lies when only `above` is given.
const CLEAR_FRACTION: f64 = 0.8;

/// The miss ratio of a cache.
pub(super) fn miss_ratio(raw: &RawRule, holds: Holds, errors: &mut Errors) -> MissRatioRule {
    let detector = raw
        .detector
        .get()
        .map_or(Detector::default(), |at| at.value);
    let default = match detector {
        Detector::Sequential => MissRatioRule::sequential(),
        Detector::Windowed => MissRatioRule::default(),
    };
    let above = ratio(&raw.above, errors);
    let clear_below = ratio(&raw.clear_below, errors);
    let threshold = above.unwrap_or(default.threshold);
    let clear_threshold = clear_below.unwrap_or(match above {
        Some(above) => above * CLEAR_FRACTION,
        None => default.clear_threshold,
    });
    // With a wrong `above` there is nothing to compare with.
    if above.is_some() || !raw.above.is_given() {
        clear_beyond(&raw.clear_below, clear_below, threshold, true, errors);
    }
    let [short_window, long_window, extended_window] = windows(raw, &default, errors);
    MissRatioRule {
        detector,
        threshold,
        clear_threshold,
        short_window,
        long_window,
        extended_window,
        min_lookups: min_lookups(raw, errors).unwrap_or(default.min_lookups),
        confidence: confidence(raw, errors).unwrap_or(default.confidence),
        for_: holds.for_.unwrap_or(default.for_),
        clear_for: holds.clear_for.unwrap_or(default.clear_for),
    }
}

/// The miss ratio of a cache against its past.
pub(super) fn baseline(raw: &RawRule, holds: Holds, errors: &mut Errors) -> BaselineRule {
    let default = BaselineRule::default();
    if let Given::Yes(at) = &raw.deviations
        && !(1.0..=20.0).contains(&at.value)
    {
        errors.at(&at.origin, "must be between 1 and 20");
    }
    if let Given::Yes(at) = &raw.min_days
        && !(1..=30).contains(&at.value)
    {
        errors.at(&at.origin, "must be between 1 and 30");
    }
    BaselineRule {
        window: in_window(&raw.window, errors).unwrap_or(default.window),
        deviations: raw
            .deviations
            .get()
            .map_or(default.deviations, |at| at.value),
        margin: ratio(&raw.margin, errors).unwrap_or(default.margin),
        min_days: raw.min_days.get().map_or(default.min_days, |at| at.value),
        min_lookups: min_lookups(raw, errors).unwrap_or(default.min_lookups),
        confidence: confidence(raw, errors).unwrap_or(default.confidence),
        for_: holds.for_.unwrap_or(default.for_),
        clear_for: holds.clear_for.unwrap_or(default.clear_for),
    }
}

/// short < long <= extended <= 1 h. When only some are given, a complaint is put to one of those.
fn windows(raw: &RawRule, default: &MissRatioRule, errors: &mut Errors) -> [Duration; 3] {
    let given = [&raw.short_window, &raw.long_window, &raw.extended_window];
    let [short, long, extended] = [
        (given[0], default.short_window),
        (given[1], default.long_window),
        (given[2], default.extended_window),
    ]
    .map(|(given, default)| given.get().map_or(default, |at| at.value));
    let mut sound = true;
    for at in given.into_iter().filter_map(Given::get) {
        if at.value < Duration::from_secs(1) || at.value > MAX_WINDOW {
            errors.at(&at.origin, "must be between 1s and 1h");
            sound = false;
        }
    }
    if !sound || given.iter().any(|given| matches!(given, Given::Bad)) {
        return [short, long, extended];
    }
    let mut complain = |places: [&Given<Duration>; 2], message: String| {
        if let Some(at) = places.into_iter().find_map(Given::get) {
            errors.at(&at.origin, message);
        }
    };
    let show = |window| humantime::format_duration(window).to_string();
    if short >= long {
        complain(
            [given[0], given[1]],
            format!(
                "short_window ({}) must be shorter than long_window ({})",
                show(short),
                show(long)
            ),
        );
    }
    if long > extended {
        complain(
            [given[1], given[2]],
            format!(
                "long_window ({}) must not be longer than extended_window ({})",
                show(long),
                show(extended)
            ),
        );
    }
    [short, long, extended]
}
