//! A made-up past: a week of history, incidents that were told and refused, annotations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cachewatch::model::evidence::{Evidence, MissEvidence};
use cachewatch::model::incident::{
    AlertState, Coincidence, CoincidenceKind, Notification, Severity, Transition,
};
use cachewatch::model::name::Name;
use cachewatch::model::record::{
    Annotation, Attempt, HistoryPoint, IncidentRecord, OutboxItem, OutboxStatus, TransitionRecord,
};
use cachewatch::model::snapshot::CacheSnapshot;
use cachewatch::store::{Batch, Store};
use jiff::{SignedDuration, Timestamp};

use super::fleet::{self, OPEN};

/// One that is past.
pub const PAST: &str = "products-CacheMissRatioHigh-0";
/// One whose words want to do harm.
pub const HOSTILE: &str = "hostile-CacheMissRatioHigh-1";

/// History of a week for the caches that are looked at, and incidents.
pub async fn write(store: &Store, caches: &[Arc<CacheSnapshot>], now: Timestamp) {
    let looked_at = ["products", "hostile"];
    for cache in caches {
        if looked_at.contains(&cache.name.as_str()) {
            history(store, &cache.name, now).await;
            incidents(store, &cache.name, now).await;
        }
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn before(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

/// Dense for two hours, then a point every minute for a day, then one every fifteen.
async fn history(store: &Store, cache: &Name, now: Timestamp) {
    let mut ages: Vec<i64> = (1..720).map(|i| i * 10).collect();
    ages.extend((120..720).map(|i| i * 60));
    ages.extend((48..672).map(|i| i * 900));
    for age in ages.into_iter().rev() {
        // Some minutes of which nothing is known.
        if (9_000..10_200).contains(&age) {
            continue;
        }
        let at = before(now, age);
        let point = vec![(cache.clone(), point(at, age))];
        store.append_history(at, point, Vec::new()).await;
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
fn point(at: Timestamp, age: i64) -> HistoryPoint {
    let day = (at.as_second() as f64 / 86_400.0 * std::f64::consts::TAU).sin();
    let wave = (age as f64 / 170.0).sin() * 0.01;
    let open = age < 1_500;
    let past = (14_000..17_000).contains(&age);
    let miss = wave
        + match (open, past) {
            (true, _) => 0.36,
            (_, true) => 0.29,
            _ => 0.07,
        };
    let lookups = 13_000.0 + 4_000.0 * day + (age as f64 / 60.0).sin() * 500.0;
    HistoryPoint {
        at,
        covered_seconds: 10.0,
        hits: Some((lookups * (1.0 - miss)) as u64),
        misses: Some((lookups * miss) as u64),
        evictions: Some(if open || past { lookups * 0.1 } else { 0.0 } as u64),
        expirations: Some((lookups * 0.02) as u64),
        memory_used_bytes: Some((96e6 + 3e6 * day) as u64),
        memory_limit_bytes: Some(100_000_000),
        ..HistoryPoint::default()
    }
}

async fn incidents(store: &Store, cache: &Name, now: Timestamp) {
    let hostile = cache.as_str() == "hostile";
    let mut batch = Batch::new(now);
    let open = if hostile { HOSTILE } else { OPEN };
    let began = before(now, 1_400);
    let mut first = incident(open, cache, began, None);
    if hostile {
        first.headline = format!("{}{}", fleet::HARMFUL, "x".repeat(300));
        fleet::HARMFUL.clone_into(&mut first.subject);
        first.labels = BTreeMap::from([("team".to_owned(), fleet::HARMFUL.to_owned())]);
    } else {
        let past = incident(PAST, cache, before(now, 17_000), Some(before(now, 14_000)));
        steps(&mut batch, &past);
        batch.incidents.push(past);
        for i in 2..70 {
            let began = before(now, i * 40_000);
            let id = format!("products-CacheMissRatioHigh-old-{i}");
            let ended = began + SignedDuration::from_secs(300 + i * 7);
            batch
                .incidents
                .push(incident(&id, cache, began, Some(ended)));
        }
    }
    steps(&mut batch, &first);
    let channels = ["team-slack", "oncall-mail"].map(name);
    let keys = channels
        .each_ref()
        .map(|c| first.notification.idempotency_key(c));
    for (channel, key) in channels.iter().zip(&keys) {
        batch.outbox.push(OutboxItem {
            key: key.clone(),
            channel: channel.clone(),
            notification: Arc::clone(&first.notification),
            queued: began,
            due: began,
            attempts: 0,
            status: OutboxStatus::Waiting,
        });
    }
    batch.incidents.push(first);
    store.commit(batch).await;

    let why = if hostile {
        fleet::HARMFUL
    } else {
        "Service Unavailable"
    };
    let later = began + SignedDuration::from_secs(8);
    let attempt = |channel: usize, at, code| Attempt {
        key: keys[channel].clone(),
        incident: open.to_owned(),
        transition: Transition::Firing,
        channel: channels[channel].clone(),
        at,
        took_seconds: 0.184,
        code: Some(code),
        outcome: if code == 503 { "retry" } else { "delivered" }.to_owned(),
        why: (code == 503).then(|| why.to_owned()),
        next: (code == 503).then_some(later),
    };
    for attempt in [
        attempt(0, began, 503),
        attempt(0, later, 200),
        attempt(1, began, 250),
    ] {
        let status = match attempt.outcome.as_str() {
            "delivered" => OutboxStatus::Delivered,
            _ => OutboxStatus::Waiting,
        };
        let keys = std::slice::from_ref(&attempt.key);
        store.attempted(&attempt, keys, status, later).await;
    }
    let annotation = Annotation {
        id: format!("{cache}-1"),
        cache: Some(cache.clone()),
        at: before(now, 1_700),
        until: None,
        kind: "deploy".to_owned(),
        text: if hostile {
            fleet::HARMFUL
        } else {
            "shop 2.14 by ann"
        }
        .to_owned(),
    };
    store.add_annotation(&annotation).await.unwrap();
    let lasted = Annotation {
        id: format!("{cache}-2"),
        at: before(now, 15_000),
        until: Some(before(now, 9_000)),
        kind: "import".to_owned(),
        text: if hostile {
            fleet::HARMFUL
        } else {
            "all prices"
        }
        .to_owned(),
        ..annotation
    };
    store.add_annotation(&lasted).await.unwrap();
}

fn steps(batch: &mut Batch, incident: &IncidentRecord) {
    use AlertState::{Firing, Ok, Pending, Recovering};
    let mut step = |at, from, to, why: &str| {
        batch.transitions.push(TransitionRecord {
            cache: incident.cache.clone(),
            rule: incident.rule.clone(),
            subject: incident.subject.clone(),
            incident: Some(incident.id.clone()),
            at,
            from,
            to,
            why: why.to_owned(),
        });
    };
    let began = incident.started;
    step(
        before(began, 60),
        Ok,
        Pending,
        "24.1 % of 3120 lookups missed in 1m, above 20 %",
    );
    let why = "39.0 % of 18240 lookups missed in 5m, and 31.2 % in 15m, above 20 %";
    step(began, Pending, Firing, why);
    if let Some(resolved) = incident.resolved {
        let why = "11.0 % missed in 5m, below 15 %";
        step(before(resolved, 120), Firing, Recovering, why);
        step(resolved, Recovering, Ok, "below 15 % for 2m");
    }
}

fn incident(
    id: &str,
    cache: &Name,
    started: Timestamp,
    resolved: Option<Timestamp>,
) -> IncidentRecord {
    let notification = Notification {
        incident: id.to_owned(),
        transition: match resolved {
            Some(_) => Transition::Resolved,
            None => Transition::Firing,
        },
        rule: name("CacheMissRatioHigh"),
        cache: cache.clone(),
        subject: None,
        severity: Severity::Critical,
        labels: BTreeMap::new(),
        started,
        pending_since: before(started, 60),
        at: resolved.unwrap_or(started),
        duration: Duration::from_mins(1),
        runbook: Some("https://runbooks.example.org/cache-misses".to_owned()),
        note: None,
        coincidences: vec![Coincidence {
            at: before(started, 240),
            kind: CoincidenceKind::Annotation,
            text: "deploy of shop 2.14 by ann".to_owned(),
        }],
        evidence: Evidence::MissRatio(evidence()),
    };
    IncidentRecord {
        id: id.to_owned(),
        cache: cache.clone(),
        rule: name("CacheMissRatioHigh"),
        subject: String::new(),
        severity: Severity::Critical,
        labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        started,
        resolved,
        headline: format!(
            "{cache}: 39 % of lookups miss (limit 20 %), mostly product:*:detail, evicted"
        ),
        notification: Arc::new(notification),
        acknowledged: None,
    }
}

fn evidence() -> MissEvidence {
    MissEvidence {
        short_ratio: Some(0.39),
        short_seconds: 300.0,
        long_ratio: Some(0.312),
        long_seconds: 900.0,
        long_lower: Some(0.304),
        confidence: 0.99,
        lookups: 18_240,
        misses: 5_691,
        threshold: 0.2,
        lookups_per_second: Some(1_240.0),
        evictions_per_second: Some(130.0),
        expirations_per_second: Some(22.0),
        memory_used_ratio: Some(0.98),
        peak_ratio: Some(0.41),
        normal_ratio: Some(0.07),
        normal_range: None,
        extra_misses: None,
        history: std::iter::empty().collect(),
        attribution: None,
    }
}
