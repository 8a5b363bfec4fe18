//! What a webhook was told, as its owner would count it: messages with the same idempotency key are one.

use std::collections::BTreeSet;

use super::Receiver;
use super::wait::{eventually, secs};

/// The notifications that came, each once: alert name, status, incident, in order.
pub fn told(receiver: &Receiver) -> Vec<(String, String, String)> {
    let mut seen = BTreeSet::new();
    let mut told = Vec::new();
    for request in receiver.requests() {
        if seen.insert(request.header("idempotency-key").unwrap().to_owned()) {
            let json = request.json();
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            told.push((
                text(&json["commonLabels"]["alertname"]),
                text(&json["status"]),
                text(&json["commonAnnotations"]["incident"]),
            ));
        }
    }
    told
}

/// Waits for one of them; its incident.
#[track_caller]
pub fn wait_told(receiver: &Receiver, rule: &str, status: &str) -> String {
    eventually(secs(60), &format!("{rule} {status} is told"), || {
        let mut told = told(receiver).into_iter();
        told.find(|t| t.0 == rule && t.1 == status).map(|t| t.2)
    })
}
