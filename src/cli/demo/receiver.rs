//! Plays Slack: takes what would have been posted and prints it in the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Listens on loopback; returns the address to post to and a count of the messages that came.
pub(super) async fn start(
    tracker: &TaskTracker,
    cancel: CancellationToken,
) -> anyhow::Result<(String, Arc<AtomicUsize>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("cannot listen for the demo's messages")?;
    let url = format!("http://{}/services/demo", listener.local_addr()?);
    let count = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .route("/services/demo", post(message))
        .with_state(Arc::clone(&count));
    tracker.spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(cancel.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::warn!(%error, "the demo's receiver ended");
        }
    });
    Ok((url, count))
}

#[expect(
    clippy::print_stdout,
    reason = "showing the message is what the demo is for"
)]
async fn message(
    State(count): State<Arc<AtomicUsize>>,
    axum::Json(payload): axum::Json<Value>,
) -> &'static str {
    count.fetch_add(1, Ordering::Relaxed);
    println!("{}", render(&payload));
    "ok"
}

/// The message as lines with a bar at the left, as Slack would show it.
fn render(payload: &Value) -> String {
    let mut lines =
        vec!["  ┌─ Slack would show ─────────────────────────────────────────".to_owned()];
    let mut put = |text: &str| {
        for line in text.lines() {
            lines.push(format!("  │ {line}"));
        }
    };
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let attachments = list(payload, "attachments");
    if attachments.is_empty() {
        put(&shown(payload));
    }
    for block in attachments
        .iter()
        .flat_map(|attachment| list(attachment, "blocks"))
    {
        if let Some(text) = block.get("text") {
            put(&shown(text));
        }
        for field in list(&block, "fields") {
            put(&shown(&field).replacen('\n', "  ", 1));
        }
        for element in list(&block, "elements") {
            // A button holds a text object, a context element is one.
            put(&shown(
                element
                    .get("text")
                    .filter(|text| text.is_object())
                    .unwrap_or(&element),
            ));
        }
    }
    lines.push("  └────────────────────────────────────────────────────────────".to_owned());
    lines.join("\n")
}

/// A text object as Slack would show it: entities are decoded, and markup is taken away where there is any.
fn shown(object: &Value) -> String {
    let text = object
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let marked = object.get("type").and_then(Value::as_str) == Some("mrkdwn");
    let plain = if marked {
        text.replace(['*', '`'], "")
    } else {
        text.to_owned()
    };
    plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines() {
        let payload = serde_json::json!({"text": "x", "attachments": [{"blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Miss rate 34 % on `user:*`, &gt; 20 %"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Lookups*\n12 &amp; 3"}]},
        ]}]});
        let text = render(&payload);
        assert!(
            text.contains("│ Miss rate 34 % on `user:*`, > 20 %"),
            "{text}"
        );
        assert!(text.contains("│ Lookups  12 & 3"), "{text}");
    }
}
