//! Checks rules and puts them over the default ones.
//!
//! Here is what all rules have; `miss_ratio` and `limit` check what only some signals have.

use std::collections::HashSet;
use std::time::Duration;

use super::labels::check_labels;
use super::unique::Unique;
use crate::config::address::check_web_url;
use crate::config::error::Errors;
use crate::config::raw::{At, Given, RawRule, RawSignal};
use crate::config::signal::{Measure, SubjectKind};
use crate::config::{DEFAULT_WARM_UP, DownRule, MissRatioRule, Rule, Signal};
use crate::model::incident::Severity;
use crate::model::name::{CacheName, Name, RuleName};
use crate::model::reading::Role;

mod limit;
mod miss_ratio;
mod scope;

/// How many rules there may be.
const MAX_RULES: usize = 200;
/// The longest window: that is how much history the ledgers keep.
const MAX_WINDOW: Duration = Duration::from_hours(1);
const MAX_HOLD: Duration = Duration::from_hours(24);

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
        RawSignal::Down => Signal::Down(DownRule::default()),
        _ => Signal::MissRatio(MissRatioRule::sequential()),
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
    // Checked in any case, so that their errors are told together with those of the signal.
    let about = watched(&raw.caches, caches, errors);
    let runbook = raw.runbook.get().and_then(|at| {
        errors.check(&at.origin, check_web_url(&at.value))?;
        Some(at.value.clone())
    });
    let labels = check_labels(&raw.labels, &raw.origin, errors);
    let roles = roles(&raw, errors);
    let warm_up = hold(&raw.warm_up, errors).unwrap_or(DEFAULT_WARM_UP);
    let holds = Holds::of(&raw, errors);
    let subject = scope::subject(&raw);
    let kind = match kind? {
        // Of a part of a cache it is a number like any other.
        RawSignal::MissRatio if subject != SubjectKind::Cache => {
            RawSignal::Other(Measure::MissRatio)
        }
        kind => kind,
    };
    refuse(&raw, kind, errors);
    let scope = scope::scope(&raw, kind, errors);
    let signal = match kind {
        RawSignal::MissRatio => Some(Signal::MissRatio(miss_ratio::miss_ratio(
            &raw, holds, errors,
        ))),
        RawSignal::Baseline => Some(Signal::Baseline(miss_ratio::baseline(&raw, holds, errors))),
        RawSignal::Other(measure) => limit::limit(&raw, measure, holds, errors).map(Signal::Limit),
        RawSignal::Down => {
            let default = DownRule::default();
            Some(Signal::Down(DownRule {
                for_: holds.for_.unwrap_or(default.for_),
                clear_for: holds.clear_for.unwrap_or(default.clear_for),
            }))
        }
    };
    let default_severity = default.map_or(Severity::Warning, |(_, _, severity)| *severity);
    let severity = raw.severity.ok().map_or(default_severity, |at| at.value);
    Some(Rule {
        scope,
        roles,
        labels,
        runbook,
        caches: about,
        warm_up,
        ..Rule::new(name?, signal?, severity)
    })
}

/// How long things must hold, where that was said.
#[derive(Clone, Copy)]
struct Holds {
    for_: Option<Duration>,
    clear_for: Option<Duration>,
}

impl Holds {
    fn of(raw: &RawRule, errors: &mut Errors) -> Self {
        if let (Given::Yes(_), Given::Yes(at)) = (&raw.clear_for, &raw.keep_firing_for) {
            errors.at(
                &at.origin,
                "is another word for clear_for, as Prometheus has it; give one of them",
            );
        }
        let clear_for = hold(&raw.clear_for, errors);
        Self {
            for_: hold(&raw.for_, errors),
            clear_for: clear_for.or(hold(&raw.keep_firing_for, errors)),
        }
    }
}

/// The caches that a list names; empty: all.
pub(super) fn watched(
    given: &Given<Vec<At<String>>>,
    caches: &HashSet<String>,
    errors: &mut Errors,
) -> Vec<CacheName> {
    let Some(list) = given.get() else {
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

fn roles(raw: &RawRule, errors: &mut Errors) -> Vec<Role> {
    let Some(list) = raw.roles.get() else {
        return Vec::new();
    };
    let known = [Role::Primary, Role::Replica];
    let mut roles = Vec::new();
    for at in &list.value {
        let role = known.into_iter().find(|role| role.as_str() == at.value);
        roles.extend(errors.check(&at.origin, role.ok_or("must be one of primary, replica")));
    }
    if list.value.is_empty() {
        errors.at(&list.origin, "must name a role; remove the key for all");
    }
    roles
}

fn hold(given: &Given<Duration>, errors: &mut Errors) -> Option<Duration> {
    let at = given.get()?;
    if at.value > MAX_HOLD {
        errors.at(&at.origin, "must be at most 24h");
    }
    Some(at.value)
}

fn ratio(given: &Given<f64>, errors: &mut Errors) -> Option<f64> {
    let at = given.get()?;
    if at.value <= 0.0 || at.value >= 1.0 {
        errors.at(
            &at.origin,
            "must be greater than 0 and less than 1 (0.2 is 20 %)",
        );
        return None;
    }
    Some(at.value)
}

fn in_window(given: &Given<Duration>, errors: &mut Errors) -> Option<Duration> {
    let at = given.get()?;
    if at.value < Duration::from_secs(1) || at.value > MAX_WINDOW {
        errors.at(&at.origin, "must be between 1s and 1h");
    }
    Some(at.value)
}

fn min_lookups(raw: &RawRule, errors: &mut Errors) -> Option<u64> {
    let at = raw.min_lookups.get()?;
    if at.value == 0 {
        errors.at(&at.origin, "must be at least 1");
    }
    Some(at.value)
}

fn confidence(raw: &RawRule, errors: &mut Errors) -> Option<f64> {
    let at = raw.confidence.get()?;
    if !(0.5..=0.9999).contains(&at.value) {
        errors.at(&at.origin, "must be between 0.5 and 0.9999");
    }
    Some(at.value)
}

/// It must be over on the good side of the limit.
fn clear_beyond(
    given: &Given<f64>,
    clear: Option<f64>,
    limit: f64,
    above: bool,
    errors: &mut Errors,
) {
    let (Given::Yes(at), Some(clear)) = (given, clear) else {
        return;
    };
    if above && clear > limit {
        errors.at(
            &at.origin,
            format!("must be at most `above`, which is {limit}"),
        );
    } else if !above && clear < limit {
        errors.at(
            &at.origin,
            format!("must be at least `below`, which is {limit}"),
        );
    }
}

/// Complains about keys that this kind of rule does not have.
fn refuse(raw: &RawRule, kind: RawSignal, errors: &mut Errors) {
    const RATIO: &str = "rules with signal miss_ratio";
    const PAST: &str = "rules with signal miss_ratio_baseline";
    const BOTH: &str = "rules with signal miss_ratio or miss_ratio_baseline";
    const LIMIT: &str = "rules that compare a number with a limit";
    let (ratio, past, other) = (
        kind == RawSignal::MissRatio,
        kind == RawSignal::Baseline,
        matches!(kind, RawSignal::Other(_)),
    );
    let labels = raw.metric_labels.first().map(|(name, _)| &name.origin);
    let places = [
        (raw.above.place(), ratio || other, LIMIT),
        (raw.clear_below.place(), ratio || other, LIMIT),
        (
            raw.below.place(),
            other,
            "signals other than the miss ratio of a cache, which has above",
        ),
        (
            raw.clear_above.place(),
            other,
            "signals other than the miss ratio of a cache, which has clear_below",
        ),
        (raw.detector.place(), ratio, RATIO),
        (raw.short_window.place(), ratio, RATIO),
        (raw.long_window.place(), ratio, RATIO),
        (raw.extended_window.place(), ratio, RATIO),
        (
            raw.window.place(),
            past || other,
            "signals that have one window",
        ),
        (
            raw.min_lookups.place(),
            ratio || past || other,
            "ratios and shares of lookups or misses",
        ),
        (raw.confidence.place(), ratio || past, BOTH),
        (raw.deviations.place(), past, PAST),
        (raw.margin.place(), past, PAST),
        (raw.min_days.place(), past, PAST),
        (raw.cause.place(), other, "rules with signal cause_share"),
        (
            raw.currency.place(),
            other,
            "rules with signal cost_per_hour",
        ),
        (raw.metric.place(), other, "rules with signal gauge"),
        (labels, other, "rules with signal gauge"),
        (
            raw.warm_up.place(),
            kind != RawSignal::Down,
            "rules that a cache which fills anew can trouble",
        ),
    ];
    for (place, has, whose) in places {
        if let (Some(origin), false) = (place, has) {
            errors.at(origin, format!("is only for {whose}"));
        }
    }
}
