//! Checks rules and puts them over the default ones.

use std::collections::HashSet;
use std::time::Duration;

use super::labels::check_labels;
use super::unique::Unique;
use crate::config::address::check_web_url;
use crate::config::error::Errors;
use crate::config::raw::{Given, RawRule, RawSignal};
use crate::config::{DownRule, MissRatioRule, Rule, Signal};
use crate::model::incident::Severity;
use crate::model::name::{CacheName, Name, RuleName};

/// How many rules there may be.
const MAX_RULES: usize = 200;
/// The longest window: that is how much history the ledgers keep.
const MAX_WINDOW: Duration = Duration::from_hours(1);
const MAX_HOLD: Duration = Duration::from_hours(24);
/// Where `clear_below` lies when only `above` is given.
const CLEAR_FRACTION: f64 = 0.8;

/// The rules that are there without a word.
const DEFAULTS: [(&str, RawSignal, Severity); 2] = [
    (
        "CacheMissRatioHigh",
        RawSignal::MissRatio,
        Severity::Warning,
    ),
    ("CacheDown", RawSignal::Down, Severity::Critical),
];

/// The default rules with what the file says about them, then the other rules of the file.
pub(super) fn check_all(
    rules: Vec<RawRule>,
    caches: &HashSet<String>,
    errors: &mut Errors,
) -> Vec<Rule> {
    if let Some(rule) = rules.get(MAX_RULES) {
        errors.at(
            &rule.origin,
            format!("there must not be more than {MAX_RULES} rules"),
        );
    }
    let mut names = Unique::default();
    let mut defaults: Vec<(&str, Option<Rule>)> = DEFAULTS
        .iter()
        .map(|(name, signal, severity)| (*name, default_rule(name, *signal, *severity)))
        .collect();
    let mut own = Vec::new();
    for raw in rules.into_iter().take(MAX_RULES) {
        let name = names.name(&raw.name, &raw.origin, errors);
        let default = defaults
            .iter_mut()
            .find(|(default, _)| name.as_ref().is_some_and(|name| name.as_str() == *default));
        let enabled = raw.enabled.get().is_none_or(|at| at.value);
        let checked = check(raw, name, caches, errors).filter(|_| enabled);
        match default {
            Some((_, rule)) => *rule = checked,
            None => own.extend(checked),
        }
    }
    defaults
        .into_iter()
        .filter_map(|(_, rule)| rule)
        .chain(own)
        .collect()
}

fn default_rule(name: &str, signal: RawSignal, severity: Severity) -> Option<Rule> {
    let signal = match signal {
        RawSignal::MissRatio => Signal::MissRatio(MissRatioRule::default()),
        RawSignal::Down => Signal::Down(DownRule::default()),
    };
    Some(Rule::new(Name::new(name).ok()?, signal, severity))
}

fn check(
    raw: RawRule,
    name: Option<RuleName>,
    caches: &HashSet<String>,
    errors: &mut Errors,
) -> Option<Rule> {
    let default = DEFAULTS
        .iter()
        .find(|(default, ..)| name.as_ref().is_some_and(|name| name.as_str() == *default));
    let kind = match (&raw.signal, default) {
        (Given::Yes(at), Some((_, signal, _))) if at.value != *signal => {
            errors.at(
                &at.origin,
                "the default rule of this name watches another signal; give this rule another name",
            );
            None
        }
        (Given::Yes(at), _) => Some(at.value),
        (_, Some((_, signal, _))) => Some(*signal),
        (Given::No, None) => {
            // Without a name one cannot know whether the signal must be said.
            if name.is_some() {
                errors.at(&raw.origin, "the key `signal` is missing");
            }
            None
        }
        (Given::Bad, None) => None,
    };
    let watched = watched(&raw, caches, errors);
    let runbook = raw.runbook.get().and_then(|at| {
        errors.check(&at.origin, check_web_url(&at.value))?;
        Some(at.value.clone())
    });
    let labels = check_labels(&raw.labels, &raw.origin, errors);
    // Checked in any case, so that their errors are told together with those of the signal.
    let (for_, clear_for) = (hold(&raw.for_, errors), hold(&raw.clear_for, errors));
    let signal = match kind? {
        RawSignal::MissRatio => Signal::MissRatio(miss_ratio(&raw, for_, clear_for, errors)),
        RawSignal::Down => {
            refuse_miss_ratio_keys(&raw, errors);
            let default = DownRule::default();
            Signal::Down(DownRule {
                for_: for_.unwrap_or(default.for_),
                clear_for: clear_for.unwrap_or(default.clear_for),
            })
        }
    };
    let default_severity = default.map_or(Severity::Warning, |(_, _, severity)| *severity);
    let severity = raw.severity.ok().map_or(default_severity, |at| at.value);
    Some(Rule {
        labels,
        runbook,
        caches: watched,
        ..Rule::new(name?, signal, severity)
    })
}

fn watched(raw: &RawRule, caches: &HashSet<String>, errors: &mut Errors) -> Vec<CacheName> {
    let Some(list) = raw.caches.get() else {
        return Vec::new();
    };
    if list.value.is_empty() {
        errors.at(
            &list.origin,
            "must name a cache; remove the key to watch all of them",
        );
    }
    let mut watched = Vec::new();
    for at in &list.value {
        match Name::new(&at.value) {
            Ok(name) if caches.contains(name.as_str()) => watched.push(name),
            Ok(name) => errors.at(
                &at.origin,
                format!("there is no cache of the name `{name}`"),
            ),
            Err(error) => errors.at(&at.origin, error.to_string()),
        }
    }
    watched
}

fn hold(given: &Given<Duration>, errors: &mut Errors) -> Option<Duration> {
    let at = given.get()?;
    if at.value > MAX_HOLD {
        errors.at(&at.origin, "must be at most 24h");
    }
    Some(at.value)
}

fn miss_ratio(
    raw: &RawRule,
    for_: Option<Duration>,
    clear_for: Option<Duration>,
    errors: &mut Errors,
) -> MissRatioRule {
    let default = MissRatioRule::default();
    let mut ratio = |given: &Given<f64>| {
        let at = given.get()?;
        if at.value <= 0.0 || at.value >= 1.0 {
            errors.at(
                &at.origin,
                "must be greater than 0 and less than 1 (0.2 is 20 %)",
            );
            return None;
        }
        Some(at.value)
    };
    let above = ratio(&raw.above);
    let clear_below = ratio(&raw.clear_below);
    let threshold = above.unwrap_or(default.threshold);
    let clear_threshold = clear_below.unwrap_or(match above {
        Some(above) => above * CLEAR_FRACTION,
        None => default.clear_threshold,
    });
    if let (Given::Yes(at), Some(below)) = (&raw.clear_below, clear_below)
        && below > threshold
        // With a wrong `above` there is nothing to compare with.
        && (above.is_some() || !raw.above.is_given())
    {
        errors.at(
            &at.origin,
            format!("must be at most `above`, which is {threshold}"),
        );
    }
    let [short_window, long_window, extended_window] = windows(raw, &default, errors);
    if let Given::Yes(at) = &raw.min_lookups
        && at.value == 0
    {
        errors.at(&at.origin, "must be at least 1");
    }
    if let Given::Yes(at) = &raw.confidence
        && !(0.5..=0.9999).contains(&at.value)
    {
        errors.at(&at.origin, "must be between 0.5 and 0.9999");
    }
    MissRatioRule {
        detector: default.detector,
        threshold,
        clear_threshold,
        short_window,
        long_window,
        extended_window,
        min_lookups: raw
            .min_lookups
            .get()
            .map_or(default.min_lookups, |at| at.value),
        confidence: raw
            .confidence
            .get()
            .map_or(default.confidence, |at| at.value),
        for_: for_.unwrap_or(default.for_),
        clear_for: clear_for.unwrap_or(default.clear_for),
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

fn refuse_miss_ratio_keys(raw: &RawRule, errors: &mut Errors) {
    let places = [
        raw.above.get().map(|at| &at.origin),
        raw.clear_below.get().map(|at| &at.origin),
        raw.short_window.get().map(|at| &at.origin),
        raw.long_window.get().map(|at| &at.origin),
        raw.extended_window.get().map(|at| &at.origin),
        raw.min_lookups.get().map(|at| &at.origin),
        raw.confidence.get().map(|at| &at.origin),
    ];
    for origin in places.into_iter().flatten() {
        errors.at(origin, "is only for rules with signal miss_ratio");
    }
}
