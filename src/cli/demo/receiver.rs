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
            lines.push(format!("  │ {}", plain(line)));
        }
    };
    let attachments = payload
        .get("attachments")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if attachments.is_empty() {
        put(payload
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default());
    }
    for block in attachments
        .iter()
        .filter_map(|a| a.get("blocks"))
        .filter_map(Value::as_array)
        .flatten()
    {
        let text = block.pointer("/text/text").and_then(Value::as_str);
        text.into_iter().for_each(&mut put);
        let fields = block
            .get("fields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for field in fields
            .filter_map(|f| f.get("text"))
            .filter_map(Value::as_str)
        {
            put(&field.replacen('\n', "  ", 1));
        }
        let elements = block
            .get("elements")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for element in elements.filter_map(|e| e.get("text")) {
            let text = element
                .as_str()
                .or_else(|| element.get("text").and_then(Value::as_str));
            text.into_iter().for_each(&mut put);
        }
    }
    lines.push("  └────────────────────────────────────────────────────────────".to_owned());
    lines.join("\n")
}

/// Slack's markup taken away.
fn plain(mrkdwn: &str) -> String {
    mrkdwn
        .replace(['*', '`'], "")
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
            {"type": "header", "text": {"type": "plain_text", "text": "Miss rate 34 %"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Lookups*\n12 &amp; 3"}]},
        ]}]});
        let text = render(&payload);
        assert!(text.contains("│ Miss rate 34 %"), "{text}");
        assert!(text.contains("│ Lookups  12 & 3"), "{text}");
    }
}
