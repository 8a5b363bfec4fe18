//! The routes as a client sees them, over real TCP, with a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::export::sample;
use crate::model::evidence::OwnEvidence;
use crate::model::incident::{AlertState, Evidence, Look, Notification, Severity, Transition};
use crate::model::name::Name;
use crate::model::record::{
    Attempt, HistoryPoint, IncidentRecord, OutboxItem, OutboxStatus, TransitionRecord,
};
use crate::model::secret::Secret;
use crate::serve::listener::Limits;
use crate::serve::router;
use crate::serve::tests::{Answer, Frozen, Server};
use crate::serve::{AppState, Intake};
use crate::store::{Backend, Batch, Store};

mod changing;
mod reading;

const TOKEN: &str = "0123456789abcdef";
const OPEN: &str = "products-CacheMissRatioHigh-1";
const PAST: &str = "products-CacheMissRatioHigh-0";

fn now() -> Timestamp {
    sample::now().wall
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn notification(id: &str, transition: Transition) -> Arc<Notification> {
    Arc::new(Notification {
        incident: id.to_owned(),
        transition,
        rule: Name::new("CacheMissRatioHigh").unwrap(),
        cache: Name::new("products").unwrap(),
        subject: None,
        severity: Severity::Critical,
        labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        started: ago(30),
        pending_since: ago(31),
        at: ago(30),
        duration: Duration::ZERO,
        runbook: None,
        note: None,
        coincidences: Vec::new(),
        evidence: Evidence::Own(OwnEvidence {
            problem: "p".to_owned(),
            why: "w".to_owned(),
            advice: "a".to_owned(),
        }),
    })
}

fn incident(id: &str, started: Timestamp, resolved: Option<Timestamp>) -> IncidentRecord {
    let notification = notification(id, Transition::Firing);
    IncidentRecord {
        id: id.to_owned(),
        cache: notification.cache.clone(),
        rule: notification.rule.clone(),
        subject: String::new(),
        severity: notification.severity,
        labels: notification.labels.clone(),
        started,
        resolved,
        headline: "Miss rate 39 % on products".to_owned(),
        notification,
        acknowledged: None,
    }
}

/// One open incident with its story, one past one.
fn story() -> Batch {
    let mut batch = Batch::new(now());
    batch.incidents = vec![
        incident(PAST, ago(600), Some(ago(500))),
        incident(OPEN, ago(30), None),
    ];
    let step = |minutes, from, to, why: &str| TransitionRecord {
        cache: Name::new("products").unwrap(),
        rule: Name::new("CacheMissRatioHigh").unwrap(),
        subject: String::new(),
        incident: Some(OPEN.to_owned()),
        at: ago(minutes),
        from,
        to,
        why: why.to_owned(),
    };
    batch.transitions = vec![
        step(31, AlertState::Ok, AlertState::Pending, "above 20 %"),
        step(30, AlertState::Pending, AlertState::Firing, "39 % for 1m"),
    ];
    batch.outbox = vec![OutboxItem {
        key: format!("{OPEN}/firing/hook"),
        channel: Name::new("hook").unwrap(),
        notification: notification(OPEN, Transition::Firing),
        queued: ago(30),
        due: ago(30),
        attempts: 0,
        status: OutboxStatus::Waiting,
    }];
    batch
}

fn attempt() -> Attempt {
    Attempt {
        key: format!("{OPEN}/firing/hook"),
        incident: OPEN.to_owned(),
        transition: Transition::Firing,
        channel: Name::new("hook").unwrap(),
        at: ago(30),
        took_seconds: 0.25,
        code: Some(503),
        outcome: "retry".to_owned(),
        why: Some("HTTP 503".to_owned()),
        next: Some(ago(29)),
    }
}

async fn start(token: Option<&str>) -> (Server, Store) {
    let (queue, _batches) = mpsc::channel(1);
    let token = token.map(|token| Secret::new(token.to_owned()));
    let intake = Intake {
        token: Arc::new(ArcSwapOption::from_pointee(token)),
        queue,
    };
    let mut snapshot = sample::rich();
    for cache in &mut snapshot.caches {
        for status in &mut Arc::make_mut(cache).alerts {
            if status.incident.as_deref() == Some(OPEN) {
                status.muted = Some("silenced until 14:30 by ann".to_owned());
                status.looks = vec![Look {
                    at: ago(2),
                    until: ago(1),
                    times: 12,
                    verdict: "breach",
                    value: Some(0.39),
                    why: Arc::from("above 20 %"),
                }];
            }
        }
    }
    let clock = Arc::new(Frozen(snapshot.at));
    let store = Store::open(Backend::Memory, Arc::<Frozen>::clone(&clock)).await;
    store.commit(story()).await;
    let keys = [format!("{OPEN}/firing/hook")];
    store
        .attempted(&attempt(), &keys, OutboxStatus::Waiting, ago(29))
        .await;
    let http = Arc::clone(&snapshot.own.http);
    let current = Arc::new(arc_swap::ArcSwap::from_pointee(snapshot));
    let state = AppState::new(current, http, clock)
        .with_intake(intake)
        .with_store(store.clone());
    let server = Server::with(Limits::default(), sample::rich(), |_| router(state)).await;
    (server, store)
}

async fn send(server: &Server, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let bearer = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Answer(server.raw(&request).await)
}

fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(answer.body()).unwrap_or_else(|e| panic!("{e}: {}", answer.0))
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let answer = server.get(path).await;
    (answer.status(), parsed(&answer))
}

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = send(server, "POST", path, TOKEN, &body.to_string()).await;
    (answer.status(), parsed(&answer))
}
