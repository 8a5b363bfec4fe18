//! Checks maintenance windows and inhibitions.
//!
//! Invariant: a window that passes is about something, has a beginning and an end, and names caches that there are.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Time;

use super::rule::watched;
use super::unique::Unique;
use super::week;
use crate::config::error::Errors;
use crate::config::maintenance::{Maintenance, When};
use crate::config::raw::{At, Given, RawInhibition, RawMaintenance};
use crate::config::{Inhibition, Rule};
use crate::model::name::Name;
use crate::model::silence::{MAX_MATCHERS, Matcher};
use crate::model::weekly::Weekly;

/// How many windows, and how many inhibitions, there may be.
const MAX: usize = 100;

/// Checks all windows.
pub(super) fn check_all(
    windows: Vec<RawMaintenance>,
    caches: &HashSet<String>,
    errors: &mut Errors,
) -> Vec<Maintenance> {
    if let Some(window) = windows.get(MAX) {
        errors.at(
            &window.origin,
            format!("there must not be more than {MAX} maintenance windows"),
        );
    }
    let mut names = Unique::default();
    let windows = windows.into_iter().take(MAX);
    windows
        .filter_map(|raw| check(&raw, &mut names, caches, errors))
        .collect()
}

fn check(
    raw: &RawMaintenance,
    names: &mut Unique,
    caches: &HashSet<String>,
    errors: &mut Errors,
) -> Option<Maintenance> {
    let name = names.name(&raw.name, &raw.origin, errors);
    let about = watched(&raw.caches, caches, errors);
    let matchers = matchers(&raw.matchers, errors);
    if !raw.caches.is_given() && !raw.matchers.is_given() {
        errors.at(
            &raw.origin,
            "says nothing of what it is about; give caches or matchers (matchers: [\"cache=*\"] is all)",
        );
    }
    let weekly = raw.from.is_given() || raw.to.is_given() || raw.days.is_given();
    let once = raw.starts.is_given() || raw.ends.is_given();
    let when = match (weekly, once) {
        (true, false) => weekly_of(raw, errors).map(When::Weekly),
        (false, true) => once_of(raw, errors),
        _ => {
            errors.at(
                &raw.origin,
                "give either from and to (and days, time_zone) for a window of each week, or starts and ends for one that happens once",
            );
            None
        }
    };
    Some(Maintenance {
        name: name?,
        caches: about,
        matchers,
        when: when?,
    })
}

fn matchers(given: &Given<Vec<At<String>>>, errors: &mut Errors) -> Vec<Matcher> {
    let Some(list) = given.get() else {
        return Vec::new();
    };
    if list.value.is_empty() || list.value.len() > MAX_MATCHERS {
        errors.at(
            &list.origin,
            format!("must have between 1 and {MAX_MATCHERS} entries"),
        );
    }
    let mut matchers = Vec::new();
    for at in &list.value {
        let parsed = at.value.parse::<Matcher>().map_err(|e| e.to_string());
        matchers.extend(errors.check(&at.origin, parsed));
    }
    matchers
}

fn weekly_of(raw: &RawMaintenance, errors: &mut Errors) -> Option<Weekly> {
    let days = week::days(&raw.days, errors);
    let mut time = |given: &Given<String>, key: &str| match given {
        Given::Yes(at) => {
            let parsed = clock(&at.value).ok_or("must be a time of the day, such as \"02:30\"");
            errors.check(&at.origin, parsed)
        }
        Given::No => {
            errors.at(&raw.origin, format!("the key `{key}` is missing"));
            None
        }
        Given::Bad => None,
    };
    let (from, to) = (time(&raw.from, "from"), time(&raw.to, "to"));
    let zone = week::zone(&raw.time_zone, errors);
    Some(Weekly {
        days,
        from: from?,
        to: to?,
        zone: zone?,
    })
}

/// `02:30`.
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn once_of(raw: &RawMaintenance, errors: &mut Errors) -> Option<When> {
    if let Given::Yes(at) = &raw.time_zone {
        errors.at(&at.origin, "is only for windows with from and to");
    }
    let mut moment = |given: &Given<String>, key: &str| match given {
        Given::Yes(at) => {
            let parsed = at.value.trim().parse::<Timestamp>();
            let parsed = parsed
                .map_err(|_| "must be a moment with its offset, such as 2026-12-01T20:00:00+01:00");
            errors.check(&at.origin, parsed)
        }
        Given::No => {
            errors.at(&raw.origin, format!("the key `{key}` is missing"));
            None
        }
        Given::Bad => None,
    };
    let (starts, ends) = (moment(&raw.starts, "starts"), moment(&raw.ends, "ends"));
    let (starts, ends) = (starts?, ends?);
    if let Given::Yes(at) = &raw.ends
        && ends <= starts
    {
        errors.at(&at.origin, "must be later than starts");
    }
    Some(When::Once { starts, ends })
}

/// Checks inhibitions: they name rules that there are.
pub(super) fn inhibitions(
    raw: &[RawInhibition],
    rules: &[Rule],
    errors: &mut Errors,
) -> Vec<Inhibition> {
    let mut checked = Vec::new();
    for inhibition in raw.iter().take(MAX) {
        let source = inhibition.source.get();
        let source = source.and_then(|at| rule_of(at, rules, errors));
        let targets = inhibition.targets.get();
        let targets = targets.map_or(&[] as &[_], |at| at.value.as_slice());
        let named: Vec<_> = targets
            .iter()
            .map(|at| rule_of(at, rules, errors))
            .collect();
        if let (Some(source), Some(targets)) = (source, named.into_iter().collect()) {
            checked.push(Inhibition { source, targets });
        }
    }
    checked
}

fn rule_of(at: &At<String>, rules: &[Rule], errors: &mut Errors) -> Option<Name> {
    let found = rules.iter().find(|rule| rule.name.as_str() == at.value);
    errors.check(
        &at.origin,
        found
            .map(|rule| rule.name.clone())
            .ok_or("there is no rule of this name"),
    )
}
