//! A generic webhook that gets Alertmanager's JSON, version 4, so that every bridge made for Alertmanager works with it.
//!
//! The shape is that of Alertmanager's `template.Data` with the fields of 0.34. One notification is one group of one alert.
//!
//! Invariant: values are annotations, never labels, so that an alert keeps its identity; its fingerprint is the one that
//! Alertmanager would compute from the same labels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::model::incident::{Evidence, MissAttribution, Notification, Transition};
use crate::model::name::ChannelName;
use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http};
use crate::notify::letter::Letter;
use crate::notify::message::{self, Message};
use crate::notify::outcome::{Outcome, retry_after};
use crate::notify::text::{Fnv, clean};
use crate::notify::{Channel, ChannelError};

/// The longest value of a label or an annotation, in characters.
const MAX_VALUE_CHARS: usize = 4000;

/// What Alertmanager sends as the end of an alert that still fires.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// A generic webhook.
pub(crate) struct Webhook {
    name: ChannelName,
    endpoint: Endpoint,
    http: Http,
    external_url: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// A channel that posts to this URL.
    pub(crate) fn new(
        name: &ChannelName,
        url: &Secret,
        http: Http,
        external_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        Ok(Self {
            name: name.clone(),
            endpoint: Endpoint::new(url)?,
            http,
            external_url: external_url.map(str::to_owned),
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let body = payload(
            letter.first(),
            &self.name,
            self.external_url.as_deref(),
            letter.late,
        );
        let headers = [("Idempotency-Key", header_safe(letter.key))];
        let sent = self
            .http
            .post_json(&self.endpoint, &body, &headers, letter.trace);
        match sent.await {
            Err(why) => Outcome::retry(why),
            Ok(reply) if (200..300).contains(&reply.status) => Outcome::Delivered,
            Ok(reply) => {
                let said = reply.body.unwrap_or_default();
                let after = reply
                    .retry_after
                    .and_then(|header| retry_after(&header, self.clock.now().wall));
                Outcome::of_refusal(reply.status, after, &self.endpoint.excerpt(&said))
            }
        }
    }
}

impl Channel for Webhook {
    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}

/// The body of a request.
pub(crate) fn payload(
    n: &Notification,
    receiver: &ChannelName,
    external_url: Option<&str>,
    late: Option<Duration>,
) -> Value {
    let message = message::render(n, external_url, late);
    let labels = labels(n);
    let annotations = annotations(n, &message);
    let group = json!({ "alertname": n.rule, "cache": n.cache });
    let (reason, ends_at) = match n.transition {
        Transition::Firing => ("first notification", NO_END.to_owned()),
        Transition::Resolved => ("all alerts resolved", n.at.to_string()),
    };
    json!({
        "version": "4",
        // Names hold no character that would need an escape here.
        "groupKey": format!("{{}}:{{alertname=\"{}\", cache=\"{}\"}}", n.rule, n.cache),
        "truncatedAlerts": 0,
        "status": n.transition.as_str(),
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "routeLabels": {},
        "externalURL": external_url.unwrap_or_default(),
        "notification_reason": reason,
        "alerts": [{
            "status": n.transition.as_str(),
            "labels": labels,
            "annotations": annotations,
            "startsAt": n.started.to_string(),
            "endsAt": ends_at,
            "generatorURL": external_url.map_or_else(String::new, |base| message::page_url(n, base)),
            "fingerprint": fingerprint(&labels),
        }],
    })
}

/// What identifies the alert. Configured labels do not replace ours.
fn labels(n: &Notification) -> BTreeMap<String, String> {
    let ours = [
        ("alertname", n.rule.as_str()),
        ("cache", n.cache.as_str()),
        ("severity", n.severity.as_str()),
    ];
    n.labels
        .iter()
        .map(|(name, value)| (clean(name, MAX_VALUE_CHARS), clean(value, MAX_VALUE_CHARS)))
        .chain(ours.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

fn annotations(n: &Notification, message: &Message) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::from([
        ("summary", message.headline.clone()),
        ("description", message.summary.join("\n")),
        ("incident", clean(&n.incident, MAX_VALUE_CHARS)),
    ]);
    if let Some(runbook) = &n.runbook {
        all.insert("runbook_url", clean(runbook, MAX_VALUE_CHARS));
    }
    if let Some(chart) = &message.chart {
        all.insert("sparkline", chart.bars.clone());
    }
    if n.transition == Transition::Resolved {
        all.insert("duration_seconds", number(n.duration.as_secs_f64()));
    }
    // For machines: plain numbers in base units, as the metrics have them.
    match &n.evidence {
        Evidence::MissRatio(e) => {
            let (value, lower) = match n.transition {
                Transition::Firing => (e.long_ratio.or(e.short_ratio), e.long_lower),
                Transition::Resolved => (e.short_ratio, None),
            };
            all.insert("threshold", number(e.threshold));
            all.insert("lookups", e.lookups.to_string());
            all.insert("misses", e.misses.to_string());
            all.extend(value.map(|v| ("value", number(v))));
            all.extend(lower.map(|v| ("value_lower_bound", number(v))));
            all.extend(e.normal_ratio.map(|v| ("normal", number(v))));
            all.extend(e.peak_ratio.map(|v| ("peak", number(v))));
            all.extend(e.extra_misses.map(|v| ("extra_misses", v.to_string())));
            // What is behind the end of an incident is not what was behind it.
            if n.transition == Transition::Firing {
                all.extend(e.attribution.iter().flat_map(attribution));
            }
        }
        Evidence::Down(e) => {
            all.insert("value", e.nodes.len().to_string());
            all.insert("nodes", e.total.to_string());
        }
        Evidence::Signal(e) => {
            all.insert("signal", e.name.clone());
            all.insert("threshold", number(e.threshold));
            all.extend(e.value.map(|v| ("value", number(v))));
            all.extend(e.normal.map(|v| ("normal", number(v))));
            all.extend(e.peak.map(|v| ("peak", number(v))));
        }
        Evidence::Own(_) => {}
    }
    all
}

/// The main namespace and cause, for machines: lists are in the description only.
fn attribution(a: &MissAttribution) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(top) = a.namespaces.first() {
        all.push(("namespace", clean(&top.name, MAX_VALUE_CHARS)));
        all.push(("namespace_share", number(top.share)));
        all.push(("namespace_cause", top.cause.as_str().to_owned()));
        all.push(("namespace_cause_share", number(top.cause_share)));
    }
    if let Some((cause, share)) = a.cause {
        all.push(("cause", cause.as_str().to_owned()));
        all.push(("cause_share", number(share)));
    }
    all.extend(a.completeness.map(|c| ("events_completeness", number(c))));
    all.extend(a.ttl_cliff.map(|cliff| ("ttl_cliff", cliff.at.to_string())));
    let costs = a.extra_cost_per_hour.iter();
    let costs: Vec<_> = costs
        .map(|(cost, currency)| format!("{} {currency}", number(*cost)))
        .collect();
    if !costs.is_empty() {
        all.push((
            "extra_cost_per_hour",
            clean(&costs.join(", "), MAX_VALUE_CHARS),
        ));
    }
    all
}

/// Up to six decimals, none that say nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// FNV-1a over the sorted labels, each name and value followed by 0xff: `model.LabelSet.Fingerprint` in
/// prometheus/common.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    labels
        .iter()
        .fold(Fnv::EMPTY, |hash, (name, value)| {
            hash.add(name.as_bytes())
                .add(&[0xff])
                .add(value.as_bytes())
                .add(&[0xff])
        })
        .hex()
}

/// A header value holds visible ASCII only.
fn header_safe(key: &str) -> String {
    key.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::{golden, notification};

    #[test]
    fn payloads_are_as_the_golden_files_say() {
        for (name, n) in notification::named() {
            let body = payload(
                &n,
                &ChannelName::new("ops-hook").unwrap(),
                Some("https://cw.example.org"),
                None,
            );
            golden::check_json(&format!("webhook_{name}.json"), &body);
        }
    }

    #[test]
    fn our_labels_win() {
        let mut n = notification::miss_firing();
        n.labels.insert("cache".to_owned(), "other".to_owned());
        n.labels.insert("team".to_owned(), "web\nx".to_owned());
        let labels = labels(&n);
        assert_eq!(labels["cache"], "sessions");
        assert_eq!(labels["team"], "web x");
    }

    #[test]
    fn an_alert_keeps_its_identity() {
        let firing = payload(
            &notification::miss_firing(),
            &ChannelName::new("a").unwrap(),
            None,
            None,
        );
        let resolved = payload(
            &notification::miss_resolved(),
            &ChannelName::new("a").unwrap(),
            None,
            None,
        );
        let fingerprint = |p: &Value| p["alerts"][0]["fingerprint"].as_str().unwrap().to_owned();
        assert_eq!(fingerprint(&firing), fingerprint(&resolved));
        assert_eq!(fingerprint(&firing).len(), 16);
        assert_eq!(firing["groupKey"], resolved["groupKey"]);
        assert_eq!(
            firing["alerts"][0]["startsAt"],
            resolved["alerts"][0]["startsAt"]
        );
        assert_eq!(firing["alerts"][0]["endsAt"], NO_END);
    }

    #[test]
    fn the_fingerprint_is_alertmanagers() {
        // The values of signature_test.go in prometheus/common.
        let labels = [("name", "garland, briggs"), ("fear", "love is not enough")];
        for (labels, value) in [
            (&labels[..0], 14_695_981_039_346_656_037_u64),
            (&labels[..], 5_799_056_148_416_392_346),
        ] {
            let labels = labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect();
            assert_eq!(fingerprint(&labels), format!("{value:016x}"));
        }
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number(0.341), "0.341");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(840.0), "840");
    }

    #[test]
    fn keys_fit_into_a_header() {
        assert_eq!(header_safe("a/b\r\nX: ü"), "a/b__X:__");
    }
}
