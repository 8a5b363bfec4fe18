//! Checks what only some kinds of channels have.

use std::collections::BTreeSet;
use std::time::Duration;

use super::one_of;
use crate::config::address::check_web_url;
use crate::config::error::Errors;
use crate::config::load::files::Files;
use crate::config::raw::{At, Given, RawChannel, RawExtras, RawTemplate};
use crate::config::template::{Template, check};
use crate::config::{AlertmanagerConfig, PagerDutyConfig, SlackBotConfig};
use crate::model::secret::Secret;

/// How many replicas an Alertmanager may have.
const MAX_REPLICAS: usize = 10;
/// The shortest key that requests are signed with, in bytes: anything shorter can be guessed.
const MIN_SIGNING_BYTES: usize = 16;

pub(super) fn template(
    raw: Given<RawTemplate>,
    labels: &BTreeSet<String>,
    errors: &mut Errors,
) -> Option<Template> {
    let at = raw.ok()?;
    let mut checked = |given: Given<String>| {
        let at = given.ok()?;
        errors.check(
            &at.origin,
            check(&at.value, labels).map_err(|e| e.to_string()),
        )?;
        Some(at.value)
    };
    let title = checked(at.value.title);
    let body = checked(at.value.body);
    if title.is_none() && body.is_none() {
        return None;
    }
    Some(Template::new(title.as_deref(), body.as_deref()))
}

/// What requests of a web hook are signed with.
pub(super) fn signing_secret(
    extras: RawExtras,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<Secret> {
    let names = "secret and secret_file";
    let at = one_of(extras.secret, extras.secret_file, names, files, errors)?;
    if at.value.len() < MIN_SIGNING_BYTES {
        let message = format!("must be at least {MIN_SIGNING_BYTES} bytes long");
        errors.at(&at.origin, message);
        return None;
    }
    Some(Secret::new(at.value))
}

/// A secret that is put into a header or a body as it is.
fn token(
    inline: Given<String>,
    file: Given<String>,
    key: &str,
    raw: &crate::config::error::Origin,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<Secret> {
    if !inline.is_given() && !file.is_given() {
        errors.at(
            raw,
            format!("one of the keys `{key}` and `{key}_file` is missing"),
        );
    }
    let names = format!("{key} and {key}_file");
    let at = one_of(inline, file, &names, files, errors)?;
    if !at.value.bytes().all(|b| b.is_ascii_graphic()) {
        errors.at(
            &at.origin,
            "must hold letters, digits and signs only, without a space",
        );
        return None;
    }
    Some(Secret::new(at.value))
}

/// An address that is there unless said otherwise.
fn address(given: Given<String>, default: &str, errors: &mut Errors) -> Option<Secret> {
    match given {
        Given::No => Some(Secret::new(default.to_owned())),
        Given::Bad => None,
        Given::Yes(at) => {
            let url = at.value.trim().trim_end_matches('/').to_owned();
            errors.check(&at.origin, check_web_url(&url))?;
            Some(Secret::new(url))
        }
    }
}

pub(super) fn slack_bot(
    raw: RawChannel,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<SlackBotConfig> {
    let extras = raw.extras;
    if !extras.channel.is_given() {
        errors.at(&raw.origin, "the key `channel` is missing");
    }
    let token = token(
        extras.token,
        extras.token_file,
        "token",
        &raw.origin,
        files,
        errors,
    );
    let channel = extras.channel.parse(
        errors,
        "the ID or the name of a Slack channel, such as C0123456789 or #alerts",
        |text| is_slack_channel(text).then(|| text.clone()),
    );
    let api_url = address(raw.url, SlackBotConfig::API_URL, errors);
    let on_resolved = match extras.on_resolved {
        Given::No => Some(crate::config::OnResolved::default()),
        given => given.ok().map(|at| at.value),
    };
    Some(SlackBotConfig {
        token: token?,
        channel: channel.ok()?.value,
        on_resolved: on_resolved?,
        api_url: api_url?,
    })
}

fn is_slack_channel(text: &str) -> bool {
    (1..=81).contains(&text.chars().count())
        && text
            .chars()
            .enumerate()
            .all(|(i, c)| c.is_alphanumeric() || matches!(c, '-' | '_') || (i == 0 && c == '#'))
}

pub(super) fn pagerduty(
    raw: RawChannel,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<PagerDutyConfig> {
    let extras = raw.extras;
    let routing_key = token(
        extras.routing_key,
        extras.routing_key_file,
        "routing_key",
        &raw.origin,
        files,
        errors,
    );
    let url = address(raw.url, PagerDutyConfig::URL, errors);
    Some(PagerDutyConfig {
        routing_key: routing_key?,
        url: url?,
    })
}

pub(super) fn alertmanager(raw: RawChannel, errors: &mut Errors) -> Option<AlertmanagerConfig> {
    let extras = raw.extras;
    if !extras.urls.is_given() {
        errors.at(&raw.origin, "the key `urls` is missing");
    }
    let resend_every = match extras.resend_every {
        Given::No => Some(AlertmanagerConfig::RESEND_EVERY),
        given => given
            .parse(errors, "between 10s and 10m", |every| {
                let range = Duration::from_secs(10)..=Duration::from_mins(10);
                range.contains(every).then_some(*every)
            })
            .ok()
            .map(|at| at.value),
    };
    let urls = extras.urls.ok().and_then(|at| replicas(&at, errors));
    Some(AlertmanagerConfig {
        urls: urls?,
        resend_every: resend_every?,
    })
}

fn replicas(list: &At<Vec<At<String>>>, errors: &mut Errors) -> Option<Vec<Secret>> {
    if list.value.is_empty() || list.value.len() > MAX_REPLICAS {
        let message =
            format!("must have between 1 and {MAX_REPLICAS} addresses, one for each replica");
        errors.at(&list.origin, message);
        return None;
    }
    let mut urls = Vec::new();
    for at in &list.value {
        let url = at.value.trim().trim_end_matches('/').to_owned();
        if errors.check(&at.origin, check_web_url(&url)).is_some() {
            urls.push(Secret::new(url));
        }
    }
    Some(urls)
}
