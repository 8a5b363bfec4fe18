//! A message as Slack's Block Kit, within Slack's limits.
//!
//! Text that may come from elsewhere goes into `plain_text` objects, where Slack knows no markup: there is no way to
//! escape `*`, `_`, `~` and the backtick in `mrkdwn`. What stands in `mrkdwn` is made of our own characters only.
//! `&`, `<` and `>` are escaped everywhere, as Slack asks; without that, `<!channel>` in an error would wake everybody.
//!
//! A coloured bar exists only on attachments, so the blocks are in one. `text` is what phones and screen readers show.
//!
//! Invariant: no text is empty or longer than its limit, and no escape is cut in two.

use serde_json::{Value, json};

use crate::model::incident::{Severity, Transition};
use crate::notify::message::Message;
use crate::notify::text::CUT;

/// Slack's limit for a header block.
const HEADER: usize = 150;
/// Slack's limit for the text of a section.
const SECTION: usize = 3000;
/// Slack's limit for the number of fields of a section.
const FIELDS: usize = 10;
/// Slack allows 2000 for a field; a whole message must stay below about 13 000, and our numbers are short.
const FIELD: usize = 200;
/// For the line that phones show. Slack's own limit is far above.
const TEXT: usize = 500;
/// For the line at the bottom; Slack's limit is 2000.
const CONTEXT: usize = 1000;
/// Slack's limit for the address of a button.
const URL: usize = 3000;

/// The body of a request.
pub(crate) fn payload(message: &Message) -> Value {
    let headline = escape(&status_line(message), TEXT);
    json!({
        "text": headline,
        "mrkdwn": false,
        "attachments": [{
            "color": color(message),
            "fallback": headline,
            "blocks": blocks(message),
        }],
    })
}

/// The status first: where only the beginning of a line is shown, it must not look like its opposite.
fn status_line(message: &Message) -> String {
    match message.status {
        Transition::Firing => {
            format!(
                "{}: {}",
                message.severity.as_str().to_uppercase(),
                message.headline
            )
        }
        Transition::Resolved => message.headline.clone(),
    }
}

fn blocks(message: &Message) -> Vec<Value> {
    let mut blocks = vec![json!({ "type": "header", "text": plain(&message.title, HEADER) })];
    if let Some(chart) = &message.chart {
        // Bars are block characters: safe as mrkdwn. The caption may name a signal or a currency.
        let text = format!("`{}`", escape(&chart.bars, FIELD));
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } }));
        let caption = plain(&chart.caption, CONTEXT);
        blocks.push(json!({ "type": "context", "elements": [caption] }));
    }
    if !message.summary.is_empty() {
        let text = plain(&message.summary.join("\n"), SECTION);
        blocks.push(json!({ "type": "section", "text": text }));
    }
    if !message.fields.is_empty() {
        let fields: Vec<Value> = message
            .fields
            .iter()
            .take(FIELDS)
            .map(|(name, value)| {
                // Names are constants of ours, values are numbers that we formatted, but some have a currency.
                let text = format!("*{name}*\n{}", escape(&unmarked(value), FIELD));
                json!({ "type": "mrkdwn", "text": text })
            })
            .collect();
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let buttons: Vec<Value> = message
        .links
        .iter()
        .filter(|link| link.url.chars().count() <= URL)
        .map(|link| json!({ "type": "button", "text": plain(link.label, 75), "url": link.url }))
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    blocks.push(json!({ "type": "context", "elements": [plain(&message.footer, CONTEXT)] }));
    blocks
}

fn color(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        (Transition::Resolved, _) => "#2e7d32",
        (Transition::Firing, Severity::Critical) => "#d32f2f",
        (Transition::Firing, Severity::Warning) => "#f9a825",
        (Transition::Firing, Severity::Info) => "#1976d2",
    }
}

/// Without what would be markup, for where there is no escape.
fn unmarked(text: &str) -> String {
    text.replace(['*', '_', '~', '`'], "")
}

fn plain(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": escape(text, max), "emoji": false })
}

/// Escapes `&`, `<`, `>` and cuts so that the result is at most `max` long. Length is counted in UTF-16 units, the most
/// cautious reading of what Slack calls a character. Never empty: Slack refuses empty texts.
fn escape(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    // Where to cut, should the rest not fit: the last place that leaves room for the mark.
    let mut cut_at = 0;
    for c in text.chars() {
        let mut buffer = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c => &*c.encode_utf8(&mut buffer),
        };
        length += piece.encode_utf16().count();
        if length > max {
            out.truncate(cut_at);
            out.push(CUT);
            return out;
        }
        out.push_str(piece);
        if length < max {
            cut_at = out.len();
        }
    }
    if out.is_empty() {
        out.push('-');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::incident::{DownEvidence, Evidence, Notification, Subject};
    use crate::model::name::NodeName;
    use crate::notify::letter::{Letter, Trace};
    use crate::notify::testing::{golden, notification, with_reminder};
    use crate::notify::wording::{Links, Wording};

    fn page() -> Wording {
        Wording::plain(Links::to_page("https://cw.example.org"))
    }

    fn render(n: &Notification, wording: &Wording) -> Message {
        digest(std::slice::from_ref(n), wording)
    }

    fn digest(all: &[Notification], wording: &Wording) -> Message {
        let all: Vec<_> = all
            .iter()
            .cloned()
            .map(|n| std::sync::Arc::new(n).into())
            .collect();
        wording.message(&Letter {
            parts: &all,
            key: "k",
            late: None,
            test: false,
            trace: &Trace::default(),
        })
    }

    #[test]
    fn payloads_are_as_the_golden_files_say() {
        for (name, n) in notification::named() {
            let message = render(&n, &page());
            golden::check_json(&format!("slack_{name}.json"), &payload(&message));
        }
        let message = digest(&notification::storm(), &page());
        golden::check_json("slack_digest.json", &payload(&message));
        let message = with_reminder(|letter| page().message(letter));
        golden::check_json("slack_reminder.json", &payload(&message));
    }

    #[test]
    fn escapes_are_never_cut_in_two() {
        assert_eq!(escape("a<b", 99), "a&lt;b");
        assert_eq!(escape("a<b", 5), "a…");
        assert_eq!(escape("abc", 3), "abc");
        assert_eq!(escape("abcd", 3), "ab…");
        assert_eq!(escape("😀😀", 3), "😀…");
        assert_eq!(escape("", 3), "-");
    }

    #[test]
    fn no_button_without_an_address() {
        let mut n = notification::miss_firing();
        n.runbook = None;
        assert!(
            !payload(&render(&n, &Wording::default()))
                .to_string()
                .contains("button")
        );
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<!channel>".to_owned()),
            Just("<@U123|x> <https://evil.example|ok>".to_owned()),
            Just("*bold* _it_ ~st~ `code` ```pre``` &amp; &<>".to_owned()),
            Just("\u{202e}drawkcab \u{2066}\r\n> quote".to_owned()),
            Just("😀👩‍👩‍👧:fire:".repeat(20)),
            Just("x".repeat(300)),
            Just("&".repeat(400)),
            any::<String>(),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn units(text: &str) -> usize {
        text.encode_utf16().count()
    }

    /// Checks one text object; its limit is given by where it stands.
    fn check(text: &Value, limit: usize, hostile_allowed: bool) {
        let content = text["text"].as_str().unwrap();
        assert!(
            !content.is_empty() && units(content) <= limit,
            "{limit}: {content}"
        );
        assert!(!content.contains(['<', '>']), "{content}");
        for rest in content.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;"].iter().any(|e| rest.starts_with(e)),
                "{content}"
            );
        }
        match text["type"].as_str().unwrap() {
            "plain_text" => assert_eq!(text["emoji"], false),
            "mrkdwn" => {
                assert!(!hostile_allowed, "text from elsewhere in mrkdwn: {content}");
                let (_, value) = content.split_once('\n').unwrap();
                assert!(!value.contains(['*', '_', '~', '`']), "{content}");
            }
            other => panic!("{other}"),
        }
    }

    /// Checks everything against Block Kit's limits.
    fn check_body(body: &Value) {
        assert_eq!(body["mrkdwn"], false);
        let attachment = &body["attachments"][0];
        for line in [&body["text"], &attachment["fallback"]] {
            check(
                &json!({ "type": "plain_text", "emoji": false, "text": line }),
                TEXT,
                true,
            );
        }
        let blocks = attachment["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => check(&block["text"], 150, true),
                "section" => {
                    if block["text"]["type"] == "mrkdwn" {
                        // The one text in markup besides fields: bars, and nothing from elsewhere.
                        let bars = block["text"]["text"].as_str().unwrap();
                        assert!(bars.chars().all(|c| "`·▁▂▃▄▅▆▇█".contains(c)), "{bars}");
                    } else if block.get("text").is_some() {
                        check(&block["text"], 3000, true);
                    }
                    let fields = block["fields"].as_array().cloned().unwrap_or_default();
                    assert!(fields.len() <= 10);
                    for field in fields {
                        check(&field, 2000, false);
                    }
                }
                "context" => check(&block["elements"][0], 2000, true),
                "actions" => {
                    for button in block["elements"].as_array().unwrap() {
                        check(&button["text"], 75, true);
                        let url = button["url"].as_str().unwrap();
                        assert!(url.starts_with("http") && units(url) <= 3000);
                    }
                }
                other => panic!("{other}"),
            }
        }
        assert!(
            units(&body.to_string()) < 13_000,
            "Slack refuses more as msg_blocks_too_long"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn limits_hold_for_hostile_text(
            error in hostile(), host in hostile(), incident in hostile(), runbook in hostile(), nodes in 0_usize..40,
            namespace in proptest::option::of(hostile()), title in proptest::option::of(hostile()),
        ) {
            let mut n = notification::down_firing();
            let node = (NodeName::tcp(&host, 1), error);
            n.evidence = Evidence::Down(DownEvidence { nodes: vec![node; nodes], total: nodes });
            if let Some(namespace) = &namespace {
                n = notification::of_namespace(namespace);
            }
            if let Some(title) = title {
                n = notification::signal_firing();
                if let Evidence::Signal(e) = &mut n.evidence {
                    e.unit = crate::model::incident::Unit::PerHour(title.clone());
                    e.title = title;
                }
                n.subject = Some(Subject::Namespace(namespace.unwrap_or_default()));
            }
            n.incident = incident;
            n.runbook = Some(runbook);
            check_body(&payload(&render(&n, &page())));
            // Each an incident of its own, and all of them hostile.
            let storm: Vec<_> = (0..40).map(|i| Notification { incident: format!("{i}"), ..n.clone() }).collect();
            check_body(&payload(&digest(&storm, &page())));
        }
    }
}
