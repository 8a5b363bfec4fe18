//! Checks channels, from wherever they come.

use std::collections::BTreeSet;

use super::files::Files;
use super::unique::Unique;
use crate::config::address::{SmtpUrl, check_web_url, default_sender, is_mailbox};
use crate::config::error::Errors;
use crate::config::raw::{At, Given, RawChannel, RawExtras, RawKind, RawRouting};
use crate::config::{ChannelConfig, ChannelKind, EmailConfig};
use crate::model::secret::Secret;

mod extras;

/// How many channels there may be.
const MAX_CHANNELS: usize = 50;
/// How many recipients an e-mail channel may have.
const MAX_RECIPIENTS: usize = 50;

/// Checks all channels. `labels`: the names of all labels that an alert may have, for templates.
pub(super) fn check_all(
    channels: Vec<RawChannel>,
    labels: &BTreeSet<String>,
    files: &mut Files,
    errors: &mut Errors,
) -> Vec<ChannelConfig> {
    if let Some(channel) = channels.get(MAX_CHANNELS) {
        let message = format!("there must not be more than {MAX_CHANNELS} channels");
        errors.at(&channel.origin, message);
    }
    let mut names = Unique::default();
    let mut checked = Vec::new();
    for mut raw in channels.into_iter().take(MAX_CHANNELS) {
        let name = names.name(&raw.name, &raw.origin, errors);
        let send_resolved = std::mem::replace(&mut raw.send_resolved, Given::No);
        let template = std::mem::replace(&mut raw.extras.template, Given::No);
        let template = extras::template(template, labels, errors);
        let routing = std::mem::replace(&mut raw.routing, RawRouting::empty());
        let routing = super::routing::check(routing, errors);
        let kind = raw.kind.get().map(|at| at.value);
        let kind = kind.and_then(|kind| check_kind(kind, raw, files, errors));
        if let (Some(name), Some(kind)) = (name, kind) {
            checked.push(ChannelConfig {
                name,
                kind,
                send_resolved: send_resolved.ok().is_none_or(|at| at.value),
                template,
                routing,
            });
        }
    }
    checked
}

fn check_kind(
    kind: RawKind,
    raw: RawChannel,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<ChannelKind> {
    refuse_foreign_keys(kind, &raw, errors);
    match kind {
        RawKind::Slack => {
            hook(raw, files, errors).map(|(url, _)| ChannelKind::SlackWebhook { url })
        }
        RawKind::Webhook => {
            let (url, extras) = hook(raw, files, errors)?;
            let secret = extras::signing_secret(extras, files, errors);
            Some(ChannelKind::Webhook { url, secret })
        }
        RawKind::Teams => hook(raw, files, errors).map(|(url, _)| ChannelKind::Teams { url }),
        RawKind::Email => email(raw, files, errors).map(ChannelKind::Email),
        RawKind::SlackBot => extras::slack_bot(raw, files, errors).map(ChannelKind::SlackBot),
        RawKind::Alertmanager => extras::alertmanager(raw, errors).map(ChannelKind::Alertmanager),
        RawKind::PagerDuty => extras::pagerduty(raw, files, errors).map(ChannelKind::PagerDuty),
    }
}

/// Tells of keys that are for channels of other types.
fn refuse_foreign_keys(kind: RawKind, raw: &RawChannel, errors: &mut Errors) {
    use RawKind::{Alertmanager, Email, PagerDuty, Slack, SlackBot, Teams, Webhook};
    let extras = &raw.extras;
    let with_url = [Slack, SlackBot, Webhook, PagerDuty, Teams].as_slice();
    let mut refuse = |given: Option<&crate::config::error::Origin>, kinds: &[RawKind]| {
        if let Some(origin) = given
            && !kinds.contains(&kind)
        {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            let (last, first) = names.split_last().unwrap_or((&"", &[]));
            let names = if first.is_empty() {
                (*last).to_owned()
            } else {
                format!("{} or {last}", first.join(", "))
            };
            errors.at(origin, format!("is only for channels of type {names}"));
        }
    };
    refuse(place(&raw.url), with_url);
    refuse(place(&raw.url_file), &[Slack, Webhook, Teams]);
    for given in [
        &raw.smtp_url,
        &raw.from,
        &raw.username,
        &raw.password,
        &raw.password_file,
    ] {
        refuse(place(given), &[Email]);
    }
    refuse(place(&raw.to), &[Email]);
    refuse(place(&extras.secret), &[Webhook]);
    refuse(place(&extras.secret_file), &[Webhook]);
    refuse(place(&extras.token), &[SlackBot]);
    refuse(place(&extras.token_file), &[SlackBot]);
    refuse(place(&extras.channel), &[SlackBot]);
    refuse(place(&extras.on_resolved), &[SlackBot]);
    refuse(place(&extras.routing_key), &[PagerDuty]);
    refuse(place(&extras.routing_key_file), &[PagerDuty]);
    refuse(place(&extras.urls), &[Alertmanager]);
    refuse(place(&extras.resend_every), &[Alertmanager]);
}

fn place<T>(given: &Given<T>) -> Option<&crate::config::error::Origin> {
    given.get().map(|at| &at.origin)
}

/// The address of a web hook.
fn hook(raw: RawChannel, files: &mut Files, errors: &mut Errors) -> Option<(Secret, RawExtras)> {
    if !raw.url.is_given() && !raw.url_file.is_given() {
        errors.at(
            &raw.origin,
            "one of the keys `url` and `url_file` is missing",
        );
    }
    let at = one_of(raw.url, raw.url_file, "url and url_file", files, errors)?;
    let url = At {
        value: at.value.trim().to_owned(),
        origin: at.origin,
    };
    errors.check(&url.origin, check_web_url(&url.value))?;
    Some((Secret::new(url.value), raw.extras))
}

/// A secret that is given as it is or by the file that holds it, but not both.
pub(super) fn one_of(
    inline: Given<String>,
    file: Given<String>,
    names: &str,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<At<String>> {
    if let (true, Given::Yes(at)) = (inline.is_given(), &file) {
        errors.at(&at.origin, format!("keep one of {names}"));
        return None;
    }
    match file {
        Given::Yes(at) => files.secret(&at, errors).map(|value| At {
            value,
            origin: at.origin,
        }),
        Given::No => inline.ok(),
        Given::Bad => None,
    }
}

fn email(raw: RawChannel, files: &mut Files, errors: &mut Errors) -> Option<EmailConfig> {
    for (given, key) in [
        (raw.smtp_url.is_given(), "smtp_url"),
        (raw.to.is_given(), "to"),
    ] {
        if !given {
            errors.at(&raw.origin, format!("the key `{key}` is missing"));
        }
    }
    let password_given = raw.password.is_given() || raw.password_file.is_given();
    let own_password = one_of(
        raw.password,
        raw.password_file,
        "password and password_file",
        files,
        errors,
    );
    let own_username = raw.username.ok();
    let to = raw.to.ok().and_then(|at| recipients(&at, errors));
    let from = match raw.from.ok() {
        Some(at) => {
            let ok = is_mailbox(&at.value);
            if !ok {
                errors.at(&at.origin, MAILBOX);
            }
            ok.then_some(at.value)
        }
        None => Some(default_sender()),
    };

    let at = raw.smtp_url.ok()?;
    let url = errors.check(&at.origin, SmtpUrl::parse(at.value.trim()))?;
    for (own, in_url, key) in [
        (own_username.as_ref(), url.username.is_some(), "user"),
        (own_password.as_ref(), url.password.is_some(), "password"),
    ] {
        if let (Some(own), true) = (own, in_url) {
            let message =
                format!("the address of the mail server holds a {key} too; keep one of them");
            errors.at(&own.origin, message);
        }
    }
    let username_origin = own_username.as_ref().map(|own| own.origin.clone());
    let username = own_username.map(|own| own.value).or(url.username);
    let password = own_password.map(|own| own.value).or(url.password);
    if username.is_some() != (password.is_some() || password_given) {
        let origin = username_origin.unwrap_or(at.origin);
        errors.at(
            &origin,
            "a user and a password need each other; set both or none",
        );
    }
    Some(EmailConfig {
        host: url.host,
        port: url.port,
        security: url.security,
        username,
        password: password.map(Secret::new),
        from: from?,
        to: to?,
    })
}

const MAILBOX: &str = "must be a mailbox: ops@example.org or Ops team <ops@example.org>";

fn recipients(list: &At<Vec<At<String>>>, errors: &mut Errors) -> Option<Vec<String>> {
    if list.value.is_empty() || list.value.len() > MAX_RECIPIENTS {
        let message = format!("must have between 1 and {MAX_RECIPIENTS} recipients");
        errors.at(&list.origin, message);
        return None;
    }
    let mut recipients = Vec::new();
    for at in &list.value {
        if is_mailbox(&at.value) {
            recipients.push(at.value.clone());
        } else {
            errors.at(&at.origin, MAILBOX);
        }
    }
    Some(recipients)
}
