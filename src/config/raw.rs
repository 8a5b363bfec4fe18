//! The file as people write it: which keys there are, and of which type.
//!
//! Deliberately absent: defaults, ranges, and everything that needs to know two fields at once; `load` has that. Also
//! no serde: it stops at the first error, and people want all of them (see `raw::walk`).
//!
//! Invariant: every value carries its place, and nothing here can be printed, since it holds secrets in the clear.

use std::time::Duration;

mod channel;
mod given;
mod maintenance;
mod routing;
mod rule;
mod sampling;
mod substitute;
mod suggest;
mod tree;
mod walk;

pub(super) use channel::{RawExtras, RawTemplate};
pub(super) use given::{At, Given};
pub(super) use maintenance::{RawInhibition, RawMaintenance};
pub(super) use routing::{RawHeartbeat, RawQuietHours, RawRouting, severity};
pub(super) use rule::{RawRule, RawSignal};
pub(super) use sampling::{RawMonitor, RawSampling};
pub(super) use walk::{DURATION, Walk, duration};

use super::attribution::Notifications;
use super::error::Origin;
use walk::Fields;

/// The whole file.
pub(super) struct RawConfig {
    pub(super) listen: Given<String>,
    pub(super) data_dir: Given<String>,
    pub(super) store: Given<String>,
    pub(super) external_url: Given<String>,
    pub(super) dashboard_url: Given<String>,
    pub(super) api_token: Given<String>,
    pub(super) api_token_file: Given<String>,
    pub(super) poll_interval: Given<Duration>,
    pub(super) attribution: RawAttribution,
    pub(super) caches: Vec<RawCache>,
    pub(super) channels: Vec<RawChannel>,
    pub(super) heartbeat: Given<RawHeartbeat>,
    pub(super) rules: Vec<RawRule>,
    pub(super) maintenance: Vec<RawMaintenance>,
    pub(super) inhibitions: Vec<RawInhibition>,
}

/// A cache.
pub(super) struct RawCache {
    pub(super) origin: Origin,
    pub(super) name: Given<String>,
    pub(super) url: Given<String>,
    pub(super) username: Given<String>,
    pub(super) password: Given<String>,
    pub(super) password_file: Given<String>,
    pub(super) poll_interval: Given<Duration>,
    pub(super) connect_timeout: Given<Duration>,
    pub(super) response_timeout: Given<Duration>,
    pub(super) events: Given<bool>,
    pub(super) attribution: RawAttribution,
    pub(super) sampling: Given<RawSampling>,
    pub(super) labels: Vec<(At<String>, String)>,
    pub(super) tls: Given<RawTls>,
}

/// How misses are attributed: keys of the top level and of each cache.
pub(super) struct RawAttribution {
    pub(super) namespaces: Option<Vec<RawNamespace>>,
    pub(super) max_namespaces: Given<u64>,
    pub(super) separators: Given<String>,
    pub(super) removals: Given<u64>,
    pub(super) refill_time: Given<Duration>,
    pub(super) deletions: Given<bool>,
    pub(super) notifications: Given<Notifications>,
}

/// A configured namespace.
pub(super) struct RawNamespace {
    pub(super) origin: Origin,
    pub(super) name: Given<String>,
    pub(super) pattern: Given<String>,
    pub(super) cost_per_miss: Given<f64>,
    pub(super) currency: Given<String>,
}

/// How TLS is done.
pub(super) struct RawTls {
    pub(super) ca_file: Given<String>,
    pub(super) cert_file: Given<String>,
    pub(super) key_file: Given<String>,
    pub(super) server_name: Given<String>,
}

/// A channel.
pub(super) struct RawChannel {
    pub(super) origin: Origin,
    pub(super) name: Given<String>,
    pub(super) kind: Given<RawKind>,
    pub(super) url: Given<String>,
    pub(super) url_file: Given<String>,
    pub(super) smtp_url: Given<String>,
    pub(super) from: Given<String>,
    pub(super) to: Given<Vec<At<String>>>,
    pub(super) username: Given<String>,
    pub(super) password: Given<String>,
    pub(super) password_file: Given<String>,
    pub(super) send_resolved: Given<bool>,
    pub(super) extras: RawExtras,
    pub(super) routing: RawRouting,
}

/// The `type` of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RawKind {
    Slack,
    SlackBot,
    Webhook,
    Email,
    Alertmanager,
    PagerDuty,
    Teams,
}

impl RawKind {
    /// As in the file.
    pub(super) fn as_str(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }

    const ALL: [(&'static str, Self); 7] = [
        ("slack", Self::Slack),
        ("slack_bot", Self::SlackBot),
        ("webhook", Self::Webhook),
        ("email", Self::Email),
        ("alertmanager", Self::Alertmanager),
        ("pagerduty", Self::PagerDuty),
        ("teams", Self::Teams),
    ];
}

/// Reads the text of the file. `None`: it could not be read to its end, or is no map; that has been told.
pub(super) fn parse(text: &str, walk: &mut Walk<'_>) -> Option<RawConfig> {
    let mut complaints = Vec::new();
    let parsed = tree::parse(text, &mut complaints);
    for (position, message) in complaints {
        let origin = walk.origin(position, String::new());
        walk.errors.at(&origin, message);
    }
    match parsed {
        Ok(Some(root)) => Fields::open(walk, &root, String::new()).map(|root| config(walk, root)),
        Ok(None) => Some(RawConfig::empty()),
        Err((position, message)) => {
            let origin = walk.origin(position, String::new());
            walk.errors.at(&origin, message);
            None
        }
    }
}

impl RawConfig {
    /// A file that says nothing.
    pub(super) fn empty() -> Self {
        Self {
            listen: Given::No,
            data_dir: Given::No,
            store: Given::No,
            external_url: Given::No,
            dashboard_url: Given::No,
            api_token: Given::No,
            api_token_file: Given::No,
            poll_interval: Given::No,
            attribution: RawAttribution::empty(),
            caches: Vec::new(),
            channels: Vec::new(),
            heartbeat: Given::No,
            rules: Vec::new(),
            maintenance: Vec::new(),
            inhibitions: Vec::new(),
        }
    }
}

fn config(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawConfig {
    let config = RawConfig {
        listen: fields.text(walk, "listen"),
        data_dir: fields.text(walk, "data_dir"),
        store: fields.text(walk, "store"),
        external_url: fields.text(walk, "external_url"),
        dashboard_url: fields.text(walk, "dashboard_url"),
        api_token: fields.text(walk, "api_token"),
        api_token_file: fields.text(walk, "api_token_file"),
        poll_interval: fields.duration(walk, "poll_interval"),
        attribution: attribution(walk, &mut fields),
        caches: fields.sections(walk, "caches", cache),
        channels: fields.sections(walk, "channels", channel),
        heartbeat: fields.section(walk, "heartbeat", routing::heartbeat),
        rules: fields.sections(walk, "rules", rule::rule),
        maintenance: fields.sections(walk, "maintenance", maintenance::window),
        inhibitions: fields.sections(walk, "inhibitions", maintenance::inhibition),
    };
    fields.close(walk);
    config
}

fn cache(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawCache {
    fields.require(walk, "name");
    fields.require(walk, "url");
    RawCache {
        name: fields.text(walk, "name"),
        url: fields.text(walk, "url"),
        username: fields.text(walk, "username"),
        password: fields.text(walk, "password"),
        password_file: fields.text(walk, "password_file"),
        poll_interval: fields.duration(walk, "poll_interval"),
        connect_timeout: fields.duration(walk, "connect_timeout"),
        response_timeout: fields.duration(walk, "response_timeout"),
        events: fields.flag(walk, "events"),
        attribution: attribution(walk, &mut fields),
        sampling: fields.section(walk, "sampling", sampling::sampling),
        labels: fields.labels(walk, "labels"),
        tls: fields.section(walk, "tls", tls),
        origin: fields.close(walk),
    }
}

impl RawAttribution {
    /// Nothing said.
    pub(super) fn empty() -> Self {
        Self {
            namespaces: None,
            max_namespaces: Given::No,
            separators: Given::No,
            removals: Given::No,
            refill_time: Given::No,
            deletions: Given::No,
            notifications: Given::No,
        }
    }
}

fn attribution(walk: &mut Walk<'_>, fields: &mut Fields<'_>) -> RawAttribution {
    let notifications = |text: &str| match text {
        "verify" => Some(Notifications::Verify),
        "manage" => Some(Notifications::Manage),
        _ => None,
    };
    RawAttribution {
        // An empty list of a cache is not the same as none: it takes the place of the one at the top level.
        namespaces: fields
            .has("namespaces")
            .then(|| fields.sections(walk, "namespaces", namespace)),
        max_namespaces: fields.whole(walk, "max_namespaces"),
        separators: fields.text(walk, "separators"),
        removals: fields.whole(walk, "removals"),
        refill_time: fields.duration(walk, "refill_time"),
        deletions: fields.flag(walk, "deletions"),
        notifications: fields.scalar(
            walk,
            "notifications",
            "one of verify, manage",
            notifications,
        ),
    }
}

fn namespace(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawNamespace {
    fields.require(walk, "pattern");
    RawNamespace {
        name: fields.text(walk, "name"),
        pattern: fields.text(walk, "pattern"),
        cost_per_miss: fields.number(walk, "cost_per_miss"),
        currency: fields.text(walk, "currency"),
        origin: fields.close(walk),
    }
}

fn tls(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawTls {
    let tls = RawTls {
        ca_file: fields.text(walk, "ca_file"),
        cert_file: fields.text(walk, "cert_file"),
        key_file: fields.text(walk, "key_file"),
        server_name: fields.text(walk, "server_name"),
    };
    fields.close(walk);
    tls
}

fn channel(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawChannel {
    fields.require(walk, "name");
    fields.require(walk, "type");
    let kind = |text: &str| {
        let found = RawKind::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| kind)
    };
    RawChannel {
        name: fields.text(walk, "name"),
        kind: fields.scalar(
            walk,
            "type",
            "one of slack, slack_bot, webhook, email, alertmanager, pagerduty, teams",
            kind,
        ),
        url: fields.text(walk, "url"),
        url_file: fields.text(walk, "url_file"),
        smtp_url: fields.text(walk, "smtp_url"),
        from: fields.text(walk, "from"),
        to: fields.texts(walk, "to"),
        username: fields.text(walk, "username"),
        password: fields.text(walk, "password"),
        password_file: fields.text(walk, "password_file"),
        send_resolved: fields.flag(walk, "send_resolved"),
        extras: channel::extras(walk, &mut fields),
        routing: routing::routing(walk, &mut fields),
        origin: fields.close(walk),
    }
}
