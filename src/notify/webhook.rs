//! A generic webhook that gets Alertmanager's JSON, version 4, so that every bridge made for Alertmanager works with it.
//!
//! The shape is that of Alertmanager's `template.Data` with the fields of 0.34. A letter is one group of alerts.
//!
//! With a secret, requests are signed: `X-Cachewatch-Timestamp` holds seconds since 1970, `X-Cachewatch-Signature`
//! `sha256=` and the HMAC-SHA256 of `<timestamp>:<body>` in hexadecimal digits. A receiver computes the same over the bytes
//! it got, compares in constant time, and refuses what is more than five minutes old.
//!
//! Invariant: what is signed are the very bytes that are sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::model::incident::Transition;
use crate::model::name::ChannelName;
use crate::model::secret::Secret;
use crate::model::signed::hmac_hex;
use crate::model::time::Clock;
use crate::notify::http::{Body, Endpoint, Http};
use crate::notify::labelled::{annotations, fingerprint, labels};
use crate::notify::letter::{Angle, Letter, Part};
use crate::notify::outcome::Outcome;
use crate::notify::wording::{Occasion, Wording};
use crate::notify::{Channel, ChannelError};

/// What Alertmanager sends as the end of an alert that still fires.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// The most alerts of one request; the others are counted in `truncatedAlerts`.
const MAX_ALERTS: usize = 100;

/// A generic webhook.
pub(crate) struct Webhook {
    name: ChannelName,
    endpoint: Endpoint,
    secret: Option<Secret>,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// A channel that posts to this URL. `secret`: what requests are signed with.
    pub(crate) fn new(
        name: &ChannelName,
        url: &Secret,
        secret: Option<&Secret>,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        let endpoint = Endpoint::new(url)?;
        Ok(Self {
            name: name.clone(),
            endpoint: match secret {
                Some(secret) => endpoint.keeping(secret),
                None => endpoint,
            },
            secret: secret.cloned(),
            http,
            wording,
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let body = Body::json(&payload(letter, &self.name, &self.wording));
        let mut headers = vec![("Idempotency-Key", header_safe(letter.key))];
        if let Some(secret) = &self.secret {
            let timestamp = self.clock.now().wall.as_second().to_string();
            headers.push((
                "X-Cachewatch-Signature",
                signature(secret, &timestamp, &body.bytes),
            ));
            headers.push(("X-Cachewatch-Timestamp", timestamp));
        }
        match self
            .http
            .post(&self.endpoint, body, &headers, letter.trace)
            .await
        {
            Err(why) => Outcome::retry(why),
            Ok(reply) if reply.is_success() => Outcome::Delivered,
            Ok(reply) => reply.refusal(&self.endpoint, self.clock.now().wall),
        }
    }
}

impl Channel for Webhook {
    fn takes_digests(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}

/// What a receiver can verify the body by.
pub(crate) fn signature(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    let mac = hmac_hex(secret, &[timestamp.as_bytes(), b":", body]);
    format!("sha256={mac}")
}

/// The body of a request.
pub(crate) fn payload(letter: &Letter<'_>, receiver: &ChannelName, wording: &Wording) -> Value {
    let all = letter.parts;
    let told = all.iter().take(MAX_ALERTS);
    let alerts: Vec<Alert> = told.map(|part| alert(part, letter, wording)).collect();
    let first = letter.first();
    let single = all.len() == 1;
    let any = |transition| {
        let mut all = letter.notifications();
        all.any(|n| n.transition == transition)
    };
    let firing = any(Transition::Firing);
    let reminder = all.iter().all(|part| part.angle == Angle::Reminder);
    // One notification is a group by rule and cache; several are what came together.
    let (group, key) = if single {
        (
            json!({ "alertname": first.rule, "cache": first.cache }),
            // Names hold no character that would need an escape here.
            format!(
                "{{}}:{{alertname=\"{}\", cache=\"{}\"}}",
                first.rule, first.cache
            ),
        )
    } else {
        (json!({}), "{}:{}".to_owned())
    };
    let status = if firing {
        Transition::Firing
    } else {
        Transition::Resolved
    };
    let resolved = any(Transition::Resolved);
    let reason = match (firing, resolved, single) {
        _ if reminder => "repeat interval elapsed",
        (true, _, true) => "first notification",
        (true, false, false) => "new alerts added",
        (true, true, false) => "some alerts resolved",
        (false, _, _) => "all alerts resolved",
    };
    json!({
        "version": "4",
        "groupKey": key,
        "truncatedAlerts": all.len().saturating_sub(MAX_ALERTS),
        "status": status.as_str(),
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": common(alerts.iter().map(|a| &a.labels)),
        "commonAnnotations": common(alerts.iter().map(|a| &a.annotations)),
        "routeLabels": {},
        "externalURL": wording.links.external_url.as_deref().unwrap_or_default(),
        "notification_reason": reason,
        "alerts": alerts.iter().map(|a| a.json.clone()).collect::<Vec<_>>(),
    })
}

struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    json: Value,
}

fn alert(part: &Part, letter: &Letter<'_>, wording: &Wording) -> Alert {
    let n = &*part.notification;
    let occasion = Occasion::of(part, letter);
    let labels = labels(n, letter.test);
    let annotations = annotations(n, &wording.one(n, occasion));
    let ends_at = match n.transition {
        Transition::Firing => NO_END.to_owned(),
        Transition::Resolved => n.at.to_string(),
    };
    let json = json!({
        "status": n.transition.as_str(),
        "labels": labels,
        "annotations": annotations,
        "startsAt": n.started.to_string(),
        "endsAt": ends_at,
        "generatorURL": wording.links.page(n).unwrap_or_default(),
        "fingerprint": fingerprint(&labels),
    });
    Alert {
        labels,
        annotations,
        json,
    }
}

/// What all of them have alike.
fn common<'a, K: Ord + 'a>(
    mut all: impl Iterator<Item = &'a BTreeMap<K, String>>,
) -> BTreeMap<&'a K, &'a String> {
    let mut common: BTreeMap<&K, &String> = all.next().into_iter().flatten().collect();
    for other in all {
        common.retain(|name, value| other.get(*name) == Some(*value));
    }
    common
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
    use crate::model::incident::Notification;
    use crate::notify::letter::Trace;
    use crate::notify::testing::{golden, notification, with_reminder};
    use crate::notify::wording::Links;

    fn body_of(all: &[Notification]) -> Value {
        let all: Vec<_> = all.iter().cloned().map(|n| Arc::new(n).into()).collect();
        let letter = Letter {
            parts: &all,
            key: "k",
            late: None,
            test: false,
            trace: &Trace::default(),
        };
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        payload(&letter, &ChannelName::new("ops-hook").unwrap(), &wording)
    }

    #[test]
    fn payloads_are_as_the_golden_files_say() {
        for (name, n) in notification::named() {
            golden::check_json(&format!("webhook_{name}.json"), &body_of(&[n]));
        }
        golden::check_json("webhook_digest.json", &body_of(&notification::storm()));
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        let name = ChannelName::new("ops-hook").unwrap();
        let body = with_reminder(|letter| payload(letter, &name, &wording));
        assert_eq!(body["notification_reason"], "repeat interval elapsed");
        golden::check_json("webhook_reminder.json", &body);
    }

    #[test]
    fn an_alert_keeps_its_identity() {
        let firing = body_of(&[notification::miss_firing()]);
        let resolved = body_of(&[notification::miss_resolved()]);
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
    fn a_storm_is_one_group_with_a_bound() {
        let n = notification::miss_firing();
        let all: Vec<_> = (0..130)
            .map(|i| {
                let mut n = n.clone();
                n.incident = format!("i{i}");
                n.labels.insert("nth".to_owned(), i.to_string());
                n
            })
            .collect();
        let body = body_of(&all);
        assert_eq!(body["alerts"].as_array().unwrap().len(), MAX_ALERTS);
        assert_eq!(body["truncatedAlerts"], 30);
        assert_eq!(body["commonLabels"]["team"], "web");
        assert_eq!(body["commonLabels"].get("nth"), None);
    }

    #[test]
    fn a_signature_is_over_time_and_body() {
        let secret = Secret::new("a shared secret of both".to_owned());
        let of = |timestamp, body: &[u8]| signature(&secret, timestamp, body);
        // printf '1767323045:{"a":1}' | openssl dgst -sha256 -hmac 'a shared secret of both'
        assert_eq!(
            of("1767323045", b"{\"a\":1}"),
            "sha256=a7f5309ac53d700c5377e672d010cbcc37e4989bb86bb16961dcb7dc34746e8a"
        );
        assert_ne!(of("1", b"x"), of("2", b"x"));
        assert_ne!(of("1", b"x"), of("1", b"y"));
    }

    #[test]
    fn keys_fit_into_a_header() {
        assert_eq!(header_safe("a/b\r\nX: ü"), "a/b__X:__");
    }
}
