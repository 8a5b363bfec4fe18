//! The configuration in force, fit to be shown: to a person at a terminal, on a page, in a bug report.
//!
//! Deliberately a type of its own instead of a serialiser of [`Config`]: a field is shown because somebody put it here.
//!
//! Invariant: no password and no address of a web hook is in it; of those addresses only scheme and host are.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{
    ChannelKind, Config, NamespaceConfig, Password, Rule, Signal, SmtpSecurity, Transport,
};
use crate::model::name::{CacheName, ChannelName, NodeName, RuleName};
use crate::model::secret::Secret;

const HIDDEN: &str = "[REDACTED]";

/// A configuration without its secrets. `Display` gives JSON.
#[derive(Debug, Serialize)]
pub struct Redacted {
    file: Option<String>,
    listen: String,
    data_dir: Option<String>,
    store: Option<&'static str>,
    external_url: Option<String>,
    dashboard_url: Option<String>,
    api_token: Option<&'static str>,
    caches: Vec<Cache>,
    channels: Vec<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<String>,
    rules: Vec<ShownRule>,
}

#[derive(Debug, Serialize)]
struct Cache {
    name: CacheName,
    node: NodeName,
    tls: bool,
    username: Option<String>,
    password: Option<String>,
    poll_interval: String,
    connect_timeout: String,
    response_timeout: String,
    events: bool,
    deletions: bool,
    notifications: &'static str,
    namespaces: Vec<Namespace>,
    max_namespaces: usize,
    separators: String,
    removals: usize,
    refill_time: String,
    sampling: Option<String>,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Namespace {
    name: String,
    pattern: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_per_miss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

#[derive(Debug, Serialize)]
struct Channel {
    name: ChannelName,
    r#type: &'static str,
    address: String,
    from: Option<String>,
    to: Vec<String>,
    send_resolved: bool,
    own_template: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    r#match: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severities: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_every: Option<String>,
    quiet_hours: usize,
}

#[derive(Debug, Serialize)]
struct ShownRule {
    name: RuleName,
    signal: &'static str,
    subject: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detector: Option<crate::config::Detector>,
    severity: &'static str,
    caches: Vec<CacheName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_above: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_lookups: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    r#for: String,
    clear_for: String,
    labels: BTreeMap<String, String>,
    runbook: Option<String>,
}

impl Config {
    /// What may be shown of it.
    pub fn redacted(&self) -> Redacted {
        Redacted {
            file: self.file.as_ref().map(|p| p.display().to_string()),
            listen: self.listen.to_string(),
            data_dir: self.data_dir.as_ref().map(|p| p.display().to_string()),
            store: self.store.as_ref().map(|_| HIDDEN),
            external_url: self.external_url.clone(),
            dashboard_url: self.dashboard_url.clone(),
            api_token: self.api_token.as_ref().map(|_| HIDDEN),
            caches: self
                .caches
                .iter()
                .map(|cache| Cache {
                    name: cache.name.clone(),
                    node: cache.node(),
                    tls: matches!(cache.transport, Transport::Tcp { tls: Some(_), .. }),
                    username: cache.username.clone(),
                    password: cache.password.as_ref().map(|password| match password {
                        Password::Inline(_) => HIDDEN.to_owned(),
                        Password::File(path) => format!("in the file {}", path.display()),
                    }),
                    poll_interval: show(cache.poll_interval),
                    connect_timeout: show(cache.connect_timeout),
                    response_timeout: show(cache.response_timeout),
                    events: cache.events,
                    deletions: cache.attribution.deletions,
                    notifications: cache.attribution.notifications.as_str(),
                    namespaces: cache.attribution.namespaces.iter().map(namespace).collect(),
                    max_namespaces: cache.attribution.max_namespaces,
                    separators: String::from_utf8_lossy(&cache.attribution.separators).into_owned(),
                    removals: cache.attribution.removals,
                    refill_time: show(cache.attribution.refill_time),
                    sampling: cache.sampling.map(|s| {
                        let (duration, every) = (show(s.duration), show(s.every));
                        format!(
                            "MONITOR for {duration} every {every}, {} bytes",
                            s.max_bytes
                        )
                    }),
                    labels: cache.labels.clone(),
                })
                .collect(),
            channels: self
                .channels
                .iter()
                .map(|channel| {
                    let (address, from, to) = match &channel.kind {
                        ChannelKind::SlackWebhook { url }
                        | ChannelKind::Webhook { url, .. }
                        | ChannelKind::Teams { url } => (hook(url), None, Vec::new()),
                        ChannelKind::SlackBot(bot) => {
                            (hook(&bot.api_url), None, vec![bot.channel.clone()])
                        }
                        ChannelKind::PagerDuty(pagerduty) => {
                            (hook(&pagerduty.url), None, Vec::new())
                        }
                        ChannelKind::Alertmanager(alertmanager) => {
                            let all: Vec<_> = alertmanager.urls.iter().map(hook).collect();
                            (all.join(" "), None, Vec::new())
                        }
                        ChannelKind::Email(email) => {
                            let scheme = match email.security {
                                SmtpSecurity::Implicit => "smtps",
                                SmtpSecurity::StartTls => "smtp+starttls",
                                SmtpSecurity::None => "smtp",
                            };
                            let address =
                                format!("{scheme}://{}", NodeName::tcp(&email.host, email.port));
                            (address, Some(email.from.clone()), email.to.clone())
                        }
                    };
                    Channel {
                        name: channel.name.clone(),
                        r#type: channel.kind.as_str(),
                        address,
                        from,
                        to,
                        send_resolved: channel.send_resolved,
                        own_template: channel.template.is_some(),
                        r#match: channel
                            .routing
                            .matchers
                            .iter()
                            .map(ToString::to_string)
                            .collect(),
                        severities: channel.routing.severities.as_ref().map(|wanted| {
                            wanted.iter().map(|severity| severity.as_str()).collect()
                        }),
                        repeat_every: channel.routing.repeat_every.map(show),
                        quiet_hours: channel.routing.quiet_hours.len(),
                    }
                })
                .collect(),
            heartbeat: self
                .heartbeat
                .as_ref()
                .map(|h| format!("{} every {}", hook(&h.url), show(h.every))),
            rules: self.rules.iter().map(rule).collect(),
        }
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

fn namespace(namespace: &NamespaceConfig) -> Namespace {
    Namespace {
        name: namespace.name.clone(),
        pattern: namespace.pattern.clone(),
        cost_per_miss: namespace.price.as_ref().map(|p| p.of(1)),
        currency: namespace.price.as_ref().map(|p| p.currency().to_owned()),
    }
}

fn rule(rule: &Rule) -> ShownRule {
    let (for_, clear_for) = rule.signal.holds();
    let (mut above, mut below) = (None, None);
    let (mut windows, mut min_lookups, mut confidence) = (Vec::new(), None, None);
    let (mut metric, mut detector) = (None, None);
    match &rule.signal {
        Signal::MissRatio(r) => {
            above = Some((r.threshold, r.clear_threshold));
            windows = vec![r.short_window, r.long_window, r.extended_window];
            (min_lookups, confidence) = (Some(r.min_lookups), Some(r.confidence));
            detector = Some(r.detector);
        }
        Signal::Baseline(r) => {
            windows = vec![r.window];
            (min_lookups, confidence) = (Some(r.min_lookups), Some(r.confidence));
        }
        Signal::Limit(r) => {
            let limits = Some((r.threshold, r.clear_threshold));
            *(if r.above { &mut above } else { &mut below }) = limits;
            windows = vec![r.window];
            metric.clone_from(&r.metric);
        }
        Signal::Down(_) => {}
    }
    ShownRule {
        name: rule.name.clone(),
        signal: rule.signal.name(),
        subject: rule.scope.kind().as_str(),
        metric,
        detector,
        severity: rule.severity.as_str(),
        caches: rule.caches.clone(),
        above: above.map(|(limit, _)| limit),
        clear_below: above.map(|(_, clear)| clear),
        below: below.map(|(limit, _)| limit),
        clear_above: below.map(|(_, clear)| clear),
        windows: windows.into_iter().map(show).collect(),
        min_lookups,
        confidence,
        r#for: show(for_),
        clear_for: show(clear_for),
        labels: rule.labels.clone(),
        runbook: rule.runbook.clone(),
    }
}

fn hook(url: &Secret) -> String {
    match url::Url::parse(url.expose()) {
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            format!("{}://{host}{port}/{HIDDEN}", url.scheme())
        }
        Err(_) => HIDDEN.to_owned(),
    }
}

fn show(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
