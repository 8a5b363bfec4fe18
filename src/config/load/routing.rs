//! Checks the routing keys of channels, and `heartbeat`.

use super::channel::one_of;
use super::files::Files;
use super::week;
use crate::config::address::check_web_url;
use crate::config::error::Errors;
use crate::config::heartbeat::{DEFAULT_EVERY, HeartbeatConfig, MAX_EVERY, MIN_EVERY};
use crate::config::raw::{At, Given, RawHeartbeat, RawQuietHours, RawRouting, severity};
use crate::config::routing::{
    MAX_MATCHERS, MAX_QUIET_HOURS, MAX_REPEAT_EVERY, MIN_REPEAT_EVERY, QuietHours, Routing,
};
use crate::model::incident::Severity;
use crate::model::secret::Secret;
use crate::model::silence::Matcher;
use crate::model::weekly::Weekly;

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

/// Checks which messages a channel gets.
pub(super) fn check(raw: RawRouting, errors: &mut Errors) -> Routing {
    if let (true, Given::Yes(at)) = (raw.severities.is_given(), &raw.min_severity) {
        errors.at(&at.origin, "keep one of severities and min_severity");
    }
    let at_least = raw.min_severity.ok().map(|at| {
        let least = at.value;
        SEVERITIES.into_iter().filter(|s| *s >= least).collect()
    });
    let repeat_every = raw.repeat_every.ok().map(|at| {
        if !(MIN_REPEAT_EVERY..=MAX_REPEAT_EVERY).contains(&at.value) {
            errors.at(&at.origin, "must be between 5m and 7d");
        }
        at.value
    });
    if let Some(many) = raw.quiet_hours.get(MAX_QUIET_HOURS) {
        let message = format!("there must not be more than {MAX_QUIET_HOURS} quiet hours");
        errors.at(&many.origin, message);
    }
    Routing {
        matchers: matchers(raw.matchers, errors),
        severities: severities(raw.severities, errors).or(at_least),
        repeat_every,
        quiet_hours: raw
            .quiet_hours
            .into_iter()
            .take(MAX_QUIET_HOURS)
            .filter_map(|quiet| quiet_hours(quiet, errors))
            .collect(),
    }
}

fn matchers(given: Given<Vec<At<String>>>, errors: &mut Errors) -> Vec<Matcher> {
    let Some(list) = given.ok() else {
        return Vec::new();
    };
    if list.value.len() > MAX_MATCHERS {
        let message = format!("there must not be more than {MAX_MATCHERS} matchers");
        errors.at(&list.origin, message);
    }
    list.value
        .iter()
        .filter_map(|at| {
            let matcher = at.value.parse::<Matcher>();
            errors.check(&at.origin, matcher.map_err(|error| error.to_string()))
        })
        .collect()
}

/// A list that holds at least one of certain words.
fn words<T: Copy>(
    given: Given<Vec<At<String>>>,
    read: impl Fn(&str) -> Option<T>,
    known: &str,
    errors: &mut Errors,
) -> Option<Vec<T>> {
    let list = given.ok()?;
    if list.value.is_empty() {
        let message = format!("must hold at least one of {known}; remove the key for all of them");
        errors.at(&list.origin, message);
    }
    let read = |at: &At<String>| {
        let word = read(&at.value).ok_or_else(|| format!("must be one of {known}"));
        errors.check(&at.origin, word)
    };
    Some(list.value.iter().filter_map(read).collect())
}

fn severities(given: Given<Vec<At<String>>>, errors: &mut Errors) -> Option<Vec<Severity>> {
    words(given, severity, "info, warning, critical", errors)
}

fn quiet_hours(raw: RawQuietHours, errors: &mut Errors) -> Option<QuietHours> {
    let days = week::days(&raw.days, errors);
    let held = severities(raw.severities, errors);
    let zone = week::zone(&raw.zone, errors);
    Some(QuietHours {
        span: Weekly {
            days,
            from: raw.from.ok()?.value,
            to: raw.to.ok()?.value,
            zone: zone?,
        },
        severities: held.unwrap_or_else(|| vec![Severity::Info, Severity::Warning]),
    })
}

/// Checks `heartbeat`.
pub(super) fn heartbeat(
    raw: Given<RawHeartbeat>,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<HeartbeatConfig> {
    let raw = raw.ok()?.value;
    if !raw.url.is_given() && !raw.url_file.is_given() {
        let message = "one of the keys `url` and `url_file` is missing";
        errors.at(&raw.origin, message);
    }
    let every = raw.every.ok().map_or(DEFAULT_EVERY, |at| {
        if !(MIN_EVERY..=MAX_EVERY).contains(&at.value) {
            errors.at(&at.origin, "must be between 10s and 24h");
        }
        at.value
    });
    let at = one_of(raw.url, raw.url_file, "url and url_file", files, errors)?;
    let url = at.value.trim();
    errors.check(&at.origin, check_web_url(url))?;
    Some(HeartbeatConfig {
        url: Secret::new(url.to_owned()),
        every,
    })
}
