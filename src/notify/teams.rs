//! Microsoft Teams, by a workflow that takes Adaptive Cards (the connectors that took other JSON are gone).
//!
//! Text that may come from elsewhere is in rich text blocks, whose runs know no markup; text blocks and facts do, and hold
//! only words of ours. Adaptive Cards 1.4 is what Teams shows everywhere.
//!
//! Invariant: a message is never larger than [`MAX_BYTES`]; what does not fit is left out from the end, and that is said.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::model::incident::{Severity, Transition};
use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http};
use crate::notify::letter::Letter;
use crate::notify::message::Message;
use crate::notify::outcome::Outcome;
use crate::notify::wording::Wording;
use crate::notify::{Channel, ChannelError};

/// Teams takes 28 KB; this leaves some for what the workflow adds.
const MAX_BYTES: usize = 26 * 1024;
/// More than four requests a second are refused.
const PACE: Duration = Duration::from_secs(1);

/// A Teams workflow.
pub(crate) struct Teams {
    endpoint: Endpoint,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
}

impl Teams {
    /// A channel that posts to this workflow.
    pub(crate) fn new(
        url: &Secret,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        Ok(Self {
            endpoint: Endpoint::new(url)?,
            http,
            wording,
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let body = payload(self.wording.message(letter));
        let sent = self
            .http
            .post_json(&self.endpoint, &body, &[], letter.trace);
        let reply = match sent.await {
            Err(why) => return Outcome::retry(why),
            Ok(reply) => reply,
        };
        if !reply.is_success() {
            return reply.refusal(&self.endpoint, self.clock.now().wall);
        }
        match &reply.body {
            // Some answer 200 when what is behind them refused: "… delivery failed with error: … HTTP error 429 …".
            Ok(said) if tells_of_failure(said) => Outcome::retry(format!(
                "Teams answered {}, but: {}",
                reply.status,
                self.endpoint.excerpt(said)
            )),
            _ => Outcome::Delivered,
        }
    }
}

impl Channel for Teams {
    fn pace(&self) -> Duration {
        PACE
    }

    fn takes_digests(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}

fn tells_of_failure(said: &[u8]) -> bool {
    String::from_utf8_lossy(said).contains("delivery failed with error")
}

/// The body of a request.
fn payload(mut message: Message) -> Value {
    let mut left_out = 0_usize;
    loop {
        let body = envelope(&card(&message, left_out));
        if body.to_string().len() <= MAX_BYTES || message.summary.pop().is_none() {
            return body;
        }
        left_out += 1;
    }
}

fn envelope(card: &Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(message: &Message, left_out: usize) -> Value {
    let mut body = vec![rich(
        &message.headline,
        json!({ "size": "Large", "weight": "Bolder", "color": color(message) }),
    )];
    if let Some(chart) = &message.chart {
        body.push(rich(&chart.bars, json!({ "fontType": "Monospace" })));
        body.push(rich(
            &chart.caption,
            json!({ "size": "Small", "isSubtle": true }),
        ));
    }
    body.extend(message.summary.iter().map(|line| rich(line, json!({}))));
    if left_out > 0 {
        let text = format!("… {left_out} more lines are left out.");
        body.push(rich(&text, json!({ "isSubtle": true })));
    }
    if !message.fields.is_empty() {
        let facts: Vec<Value> = message
            .fields
            .iter()
            .map(|(name, value)| json!({ "title": name, "value": unmarked(value) }))
            .collect();
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.push(rich(
        &message.footer,
        json!({ "size": "Small", "isSubtle": true }),
    ));
    let actions: Vec<Value> = message
        .links
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": link.label, "url": link.url }))
        .collect();
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": message.headline,
        "msteams": { "width": "Full" },
        "body": body,
        "actions": actions,
    })
}

/// A paragraph without markup.
fn rich(text: &str, style: Value) -> Value {
    let mut run = style;
    if let Some(fields) = run.as_object_mut() {
        fields.insert("type".to_owned(), "TextRun".into());
        fields.insert("text".to_owned(), text.into());
    }
    json!({ "type": "RichTextBlock", "inlines": [run] })
}

/// The values of facts know some markup; ours are numbers with a unit.
fn unmarked(value: &str) -> String {
    value.replace(['*', '_', '~', '`', '[', ']', '<', '>', '#', '\\'], "")
}

fn color(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        (Transition::Resolved, _) => "Good",
        (Transition::Firing, Severity::Critical) => "Attention",
        (Transition::Firing, Severity::Warning) => "Warning",
        (Transition::Firing, Severity::Info) => "Accent",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::incident::{Notification, Subject};
    use crate::notify::testing::{golden, notification, with_letter, with_reminder};
    use crate::notify::wording::Links;

    fn body_of(all: &[Notification]) -> Value {
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        with_letter(all, |letter| payload(wording.message(letter)))
    }

    #[test]
    fn cards_are_as_the_golden_files_say() {
        for (name, n) in notification::named() {
            golden::check_json(&format!("teams_{name}.json"), &body_of(&[n]));
        }
        golden::check_json("teams_digest.json", &body_of(&notification::storm()));
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        let body = with_reminder(|letter| payload(wording.message(letter)));
        golden::check_json("teams_reminder.json", &body);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_said() {
        let wording = Wording::default();
        let mut message = with_letter(&[notification::miss_firing()], |letter| {
            wording.message(letter)
        });
        message.summary = vec!["\u{1f525}".repeat(400); 40];
        let body = payload(message).to_string();
        assert!(body.len() <= MAX_BYTES && body.contains("more lines are left out"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn hostile_text_stays_text(text in "\\PC{0,900}|.{0,900}|(\\[x\\]\\(https://evil.example\\)|<at>all</at>|\\*\\*b\\*\\*){0,60}") {
            let mut n = notification::of_namespace(&text);
            n.incident.clone_from(&text);
            n.subject = Some(Subject::Namespace(text));
            let storm: Vec<_> = (0..60).map(|i| Notification { incident: i.to_string(), ..n.clone() }).collect();
            for body in [body_of(&[n]), body_of(&storm)] {
                prop_assert!(body.to_string().len() <= 28 * 1024);
                for block in body["attachments"][0]["content"]["body"].as_array().unwrap() {
                    match block["type"].as_str().unwrap() {
                        "RichTextBlock" => prop_assert_eq!(&block["inlines"][0]["type"], "TextRun"),
                        "FactSet" => {
                            for fact in block["facts"].as_array().unwrap() {
                                prop_assert!(!fact["value"].as_str().unwrap().contains(['[', '<', '*', '`', '_']));
                            }
                        }
                        other => panic!("{other} knows markup"),
                    }
                }
            }
        }
    }
}
