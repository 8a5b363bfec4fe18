//! PagerDuty, by its Events API version 2: one incident here is one incident there, found again by its `dedup_key`.
//!
//! An event that comes twice changes nothing, so that retries are safe. No digests: each incident is its own. Where people
//! reach the page by HTTPS, an event has the address of a chart, which PagerDuty's servers fetch if they can reach it, too.
//!
//! Invariant: an event holds what PagerDuty's limits allow: a summary of 1024 characters, a key of 255, 512 kB in all.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::config::PagerDutyConfig;
use crate::model::incident::{Notification, Severity, Subject, Transition};
use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http};
use crate::notify::labelled::annotations;
use crate::notify::letter::Letter;
use crate::notify::outcome::Outcome;
use crate::notify::text::{Fnv, clean};
use crate::notify::wording::Wording;
use crate::notify::{Channel, ChannelError};

/// The longest summary, in characters.
const MAX_SUMMARY: usize = 1024;
/// The longest `dedup_key`, in characters.
const MAX_KEY: usize = 255;
/// For the other texts; their limit is not documented.
const MAX_TEXT: usize = 255;
/// The most links; we have five.
const MAX_LINKS: usize = 10;
/// The largest event, in bytes.
const MAX_EVENT: usize = 512_000;
/// Some 120 events a minute are taken for one key; this leaves room for others with the same key.
const PACE: Duration = Duration::from_secs(1);

/// A service of PagerDuty.
pub(crate) struct PagerDuty {
    endpoint: Endpoint,
    routing_key: Secret,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
}

impl PagerDuty {
    /// A channel that sends events with this key.
    pub(crate) fn new(
        config: &PagerDutyConfig,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        Ok(Self {
            endpoint: Endpoint::new(&config.url)?.keeping(&config.routing_key),
            routing_key: config.routing_key.clone(),
            http,
            wording,
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let mut event = event(letter, &self.wording);
        if let Some(fields) = event.as_object_mut() {
            let key = self.routing_key.expose().to_owned();
            fields.insert("routing_key".to_owned(), key.into());
        }
        let sent = self
            .http
            .post_json(&self.endpoint, &event, &[], letter.trace);
        match sent.await {
            Err(why) => Outcome::retry(why),
            Ok(reply) if reply.is_success() => Outcome::Delivered,
            Ok(reply) => reply.refusal(&self.endpoint, self.clock.now().wall),
        }
    }
}

impl Channel for PagerDuty {
    fn pace(&self) -> Duration {
        PACE
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}

/// The event, but for the routing key. Of several notifications only the last word counts: they are about one incident.
fn event(letter: &Letter<'_>, wording: &Wording) -> Value {
    let n: &Notification = letter
        .notifications()
        .last()
        .map_or(letter.first(), AsRef::as_ref);
    let message = wording.message(letter);
    let action = match n.transition {
        Transition::Firing => "trigger",
        Transition::Resolved => "resolve",
    };
    let links: Vec<Value> = message
        .links
        .iter()
        .take(MAX_LINKS)
        .map(|link| json!({ "href": link.url, "text": link.label }))
        .collect();
    let component = n.subject.as_ref().map(|subject| match subject {
        Subject::Namespace(name) => clean(name, MAX_TEXT),
        Subject::Node(node) => clean(node.as_str(), MAX_TEXT),
    });
    let mut event = json!({
        "event_action": action,
        "dedup_key": dedup_key(&n.incident),
        "client": "cachewatch",
        "payload": {
            "summary": clean(&message.headline, MAX_SUMMARY),
            "source": n.cache,
            "severity": severity(n.severity),
            "timestamp": n.at.to_string(),
            "group": n.cache,
            "class": n.rule,
            "custom_details": details(n, &message.summary, annotations(n, &message)),
        },
        "links": links,
    });
    if let (Some(image), Some(fields)) = (image(n, wording), event.as_object_mut()) {
        fields.insert("images".to_owned(), json!([image]));
    }
    if let (Some(component), Some(payload)) = (component, payload_of(&mut event)) {
        payload.insert("component".to_owned(), component.into());
    }
    if let (Some(page), Some(fields)) = (wording.links.page(n), event.as_object_mut()) {
        fields.insert("client_url".to_owned(), page.into());
    }
    // Better without details than refused.
    if event.to_string().len() > MAX_EVENT
        && let Some(payload) = payload_of(&mut event)
    {
        payload.remove("custom_details");
    }
    event
}

/// The chart. PagerDuty fetches it itself, and takes only what is served by HTTPS.
fn image(n: &Notification, wording: &Wording) -> Option<Value> {
    let src = wording.links.chart(n)?;
    let mut image = json!({ "src": src, "alt": alt(n) });
    if let (Some(page), Some(fields)) = (wording.links.page(n), image.as_object_mut()) {
        fields.insert("href".to_owned(), page.into());
    }
    Some(image)
}

fn alt(n: &Notification) -> String {
    format!("{} over the hour until then", n.cache)
}

fn payload_of(event: &mut Value) -> Option<&mut Map<String, Value>> {
    event.get_mut("payload")?.as_object_mut()
}

fn details(
    n: &Notification,
    summary: &[String],
    annotations: std::collections::BTreeMap<&'static str, String>,
) -> Map<String, Value> {
    let mut details: Map<String, Value> = n
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), clean(value, MAX_TEXT).into()))
        .collect();
    for (name, value) in annotations {
        if name != "description" && name != "summary" {
            details.insert(name.to_owned(), value.into());
        }
    }
    details.insert("description".to_owned(), summary.join("\n").into());
    details
}

fn severity(severity: Severity) -> &'static str {
    // The same words, but for `error`, which we do not have.
    severity.as_str()
}

/// The incident, or as much of it as fits, kept apart from others by a hash.
fn dedup_key(incident: &str) -> String {
    let key = clean(incident, MAX_KEY);
    if key == incident {
        return key;
    }
    let hash = Fnv::EMPTY.add(incident.as_bytes()).hex();
    format!("{}-{hash}", clean(incident, MAX_KEY - hash.len() - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::testing::{golden, notification, with_letter, with_reminder};
    use crate::notify::wording::Links;

    fn event_of(n: Notification) -> Value {
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        with_letter(&[n], |letter| event(letter, &wording))
    }

    #[test]
    fn events_are_as_the_golden_files_say() {
        for (name, n) in notification::named() {
            golden::check_json(&format!("pagerduty_{name}.json"), &event_of(n));
        }
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        let body = with_reminder(|letter| event(letter, &wording));
        golden::check_json("pagerduty_reminder.json", &body);
    }

    #[test]
    fn the_end_finds_its_incident() {
        let [firing, resolved] =
            [notification::miss_firing(), notification::miss_resolved()].map(event_of);
        assert_eq!(firing["dedup_key"], resolved["dedup_key"]);
        assert_eq!(
            (&firing["event_action"], &resolved["event_action"]),
            (&json!("trigger"), &json!("resolve"))
        );
        assert_eq!(dedup_key("a"), "a");
        let long = |end: &str| dedup_key(&format!("{}{end}", "x".repeat(400)));
        assert_ne!(long("a"), long("b"));
    }

    fn linked(n: Notification, links: Links) -> Value {
        let wording = Wording::plain(links);
        with_letter(&[n], |letter| event(letter, &wording))
    }

    #[test]
    fn a_chart_needs_an_address_that_pagerduty_can_fetch() {
        let public = || Links::to_page("https://cw.example.org/x");
        let body = linked(notification::miss_firing(), public());
        assert_eq!(
            body["images"],
            json!([{
                "src": "https://cw.example.org/x/charts/sessions/hit_ratio.png?range=1h&until=1767323050",
                "href": "https://cw.example.org/x/caches/sessions",
                "alt": "sessions over the hour until then",
            }])
        );
        let evictions = linked(notification::signal_firing(), public());
        let src = evictions["images"][0]["src"].as_str().unwrap();
        assert!(src.contains("/charts/sessions/evictions.png?"), "{src}");
        let none = |n, links| {
            let body = linked(n, links);
            assert_eq!(body.get("images"), None, "{body}");
        };
        none(notification::miss_firing(), Links::default());
        none(
            notification::miss_firing(),
            Links::to_page("http://cw.example.org"),
        );
        none(notification::down_firing(), public());
        // There are charts of whole caches only.
        let mut part = notification::miss_firing();
        part.subject = Some(Subject::Namespace("a:*".to_owned()));
        none(part, public());
    }

    #[test]
    fn links_lead_to_page_runbook_dashboard_and_silence() {
        let links = Links {
            dashboard_url: Some("https://g.example.org/d/{cache}".to_owned()),
            signer: Some(crate::model::signed::Signer::new(&Secret::new(
                "k".repeat(32),
            ))),
            ..Links::to_page("https://cw.example.org")
        };
        let body = linked(notification::miss_firing(), links);
        let links = body["links"].as_array().unwrap();
        let texts: Vec<_> = links.iter().map(|l| l["text"].as_str().unwrap()).collect();
        assert_eq!(
            texts,
            [
                "Open in cachewatch",
                "Runbook",
                "Dashboard",
                "Acknowledge",
                "Silence"
            ]
        );
        for link in links {
            assert!(
                link["href"].as_str().unwrap().starts_with("https://"),
                "{link}"
            );
        }
    }

    proptest! {
        #[test]
        fn limits_hold_for_hostile_text(text in "\\PC{0,600}|.{0,600}") {
            let mut n = notification::of_namespace(&text);
            n.incident.clone_from(&text);
            n.subject = Some(Subject::Namespace(text.clone()));
            n.labels.insert("x".to_owned(), text.clone());
            let event = event_of(n);
            let chars = |v: &Value| v.as_str().map_or(0, |t| t.chars().count());
            prop_assert!(chars(&event["payload"]["summary"]) <= 1024);
            prop_assert!(chars(&event["dedup_key"]) <= 255);
            prop_assert!(event.to_string().len() <= 512_000);
            for image in event["images"].as_array().into_iter().flatten() {
                prop_assert!(image["src"].as_str().unwrap().starts_with("https://"));
            }
            for link in event["links"].as_array().unwrap() {
                prop_assert!(chars(&link["text"]) <= 255 && chars(&link["href"]) <= 2000);
            }
            prop_assert!(["critical", "error", "warning", "info"].contains(&event["payload"]["severity"].as_str().unwrap()));
        }
    }
}
