//! The store as its callers see it, on real files.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::{Backend, Batch, IncidentFilter, Store};
use crate::model::incident::{
    AlertState, DownEvidence, Evidence, Notification, Severity, Transition,
};
use crate::model::lookups::{NamespaceSums, SampleSums};
use crate::model::name::Name;
use crate::model::record::{
    Acknowledgement, Annotation, Attempt, HistoryPoint, IncidentRecord, NamespacePoint, OutboxItem,
    OutboxStatus, ToldLookups, TransitionRecord,
};
use crate::model::silence::Silence;
use crate::model::time::{Clock, Now};

mod api;
mod late;
mod past;
mod postgres;
mod random;
mod trouble;
mod versions;

/// When the tests begin.
pub(super) const START: i64 = 1_790_000_100;

/// A clock that is set by hand.
pub(super) struct Set(Mutex<Now>);

impl Set {
    pub(super) fn at(second: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Now {
            mono: Duration::ZERO,
            wall: at(second),
        })))
    }
}

impl Clock for Set {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }
}

/// Seconds after [`START`].
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub(super) fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

/// Waits for a condition; fails after a while.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain: {what}");
}

pub(super) async fn open(folder: &Path) -> Store {
    Store::open(Backend::Sqlite(folder.to_owned()), Set::at(0)).await
}

pub(super) fn notification(
    incident: &str,
    transition: Transition,
    second: i64,
) -> Arc<Notification> {
    Arc::new(Notification {
        incident: incident.to_owned(),
        transition,
        rule: name("CacheDown"),
        cache: name("sessions"),
        subject: None,
        severity: Severity::Critical,
        labels: [("team".to_owned(), "web \u{1f600} \"'\\".to_owned())].into(),
        started: at(0),
        pending_since: at(0),
        at: at(second),
        duration: Duration::from_mins(1),
        runbook: None,
        note: None,
        coincidences: Vec::new(),
        evidence: Evidence::Down(DownEvidence {
            nodes: Vec::new(),
            total: 1,
        }),
    })
}

pub(super) fn incident(id: &str, second: i64, resolved: Option<i64>) -> IncidentRecord {
    IncidentRecord {
        id: id.to_owned(),
        cache: name("sessions"),
        rule: name("CacheDown"),
        subject: String::new(),
        severity: Severity::Critical,
        labels: [("team".to_owned(), "web".to_owned())].into(),
        started: at(second),
        resolved: resolved.map(at),
        headline: "sessions is down".to_owned(),
        notification: notification(id, Transition::Firing, second),
        acknowledged: None,
    }
}

pub(super) fn item(
    incident: &str,
    transition: Transition,
    channel: &str,
    second: i64,
) -> OutboxItem {
    let notification = notification(incident, transition, second);
    OutboxItem {
        key: notification.idempotency_key(&name(channel)),
        channel: name(channel),
        notification,
        queued: at(second),
        due: at(second),
        attempts: 0,
        status: OutboxStatus::Waiting,
    }
}

pub(super) fn step(incident: &str, second: i64, to: AlertState) -> TransitionRecord {
    TransitionRecord {
        cache: name("sessions"),
        rule: name("CacheDown"),
        subject: String::new(),
        incident: Some(incident.to_owned()),
        at: at(second),
        from: AlertState::Pending,
        to,
        why: "34 % of 120 lookups".to_owned(),
    }
}

pub(super) fn attempt(item: &OutboxItem, second: i64, outcome: &str) -> Attempt {
    Attempt {
        key: item.key.clone(),
        incident: item.notification.incident.clone(),
        transition: item.notification.transition,
        channel: item.channel.clone(),
        at: at(second),
        took_seconds: 0.25,
        code: Some(503),
        outcome: outcome.to_owned(),
        why: Some("503 Service Unavailable".to_owned()),
        next: Some(at(second + 10)),
    }
}

pub(super) fn silence(id: &str, from: i64, until: i64) -> Silence {
    Silence {
        id: id.to_owned(),
        matchers: vec!["cache=sess*".parse().unwrap(), "team!=x".parse().unwrap()],
        author: "ann".to_owned(),
        comment: "deploy\nof 2.14".to_owned(),
        starts: at(from),
        ends: at(until),
        created: at(from),
    }
}

pub(super) fn annotation(id: &str, cache: Option<&str>, second: i64) -> Annotation {
    Annotation {
        id: id.to_owned(),
        cache: cache.map(name),
        at: at(second),
        until: Some(at(second + 60)),
        kind: "deploy".to_owned(),
        text: "shop 2.14 <b>".to_owned(),
    }
}

pub(super) fn point(second: i64, hits: Option<u64>) -> HistoryPoint {
    HistoryPoint {
        at: at(second),
        covered_seconds: 10.0,
        hits,
        misses: hits.map(|hits| hits / 2),
        evictions: Some(1),
        expirations: None,
        memory_used_bytes: hits.map(|hits| hits.saturating_add(1_000)),
        memory_limit_bytes: None,
        miss_cost: Some(0.5),
        saved: Some(1.5),
        sampled: hits.map(|hits| SampleSums {
            intervals: 1,
            seconds: 60.0,
            covered_seconds: 0.2,
            lookups: hits,
            all: 3.0,
            all_squared: 9.0,
            all_weighted: 27.0,
        }),
    }
}

pub(super) fn namespace(second: i64, namespace: &str, misses: u64) -> NamespacePoint {
    NamespacePoint {
        at: at(second),
        namespace: namespace.to_owned(),
        misses,
        causes: vec![misses, 0, 0, 0, 0, 0],
        evictions: 2,
        expirations: 3,
        cost: None,
        told: (misses > 1).then_some(ToldLookups {
            hits: misses.saturating_mul(9),
            misses,
        }),
        saved: (misses > 1).then_some(0.25),
        sampled: (misses > 2).then_some(NamespaceSums {
            sampled: 5,
            misses,
            part: 1.5,
            part_squared: 2.25,
            product: 6.75,
        }),
    }
}

pub(super) fn batch(second: i64, id: &str) -> Batch {
    Batch {
        books: vec![("sessions".to_owned(), format!("{{\"at\":{second}}}"))],
        transitions: vec![step(id, second, AlertState::Firing)],
        incidents: vec![incident(id, second, None)],
        outbox: vec![item(id, Transition::Firing, "slack", second)],
        ..Batch::new(at(second))
    }
}

pub(super) fn all() -> IncidentFilter {
    IncidentFilter::default()
}

pub(super) fn ack(author: &str) -> Acknowledgement {
    Acknowledgement {
        author: author.to_owned(),
        comment: "on it".to_owned(),
        at: at(5),
    }
}
