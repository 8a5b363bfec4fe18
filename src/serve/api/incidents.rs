//! `/api/v1/incidents`: what fired and fires, and who has taken it on.
//!
//! Deliberately absent: the last evaluations and attempts, which [`super::explain`] tells.
//!
//! Invariant: an incident that is open says how it stands now; one that is over stands as `resolved`.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Refusal, admitted, store};
use super::fields::Fields;
use super::query::Asked;
use crate::model::incident::{AlertStatus, Notification, Severity};
use crate::model::record::{Acknowledgement, IncidentRecord};
use crate::model::silence::{MAX_COMMENT, MAX_TEXT};
use crate::model::snapshot::Snapshot;
use crate::serve::AppState;
use crate::store::IncidentFilter;

/// Incidents in one answer, when nothing is said.
const USUAL: usize = 50;
/// The most incidents in one answer.
const MOST: usize = 200;
/// The furthest offset.
const FURTHEST: usize = 1_000_000;

/// One incident.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    id: &'a str,
    cache: &'a str,
    rule: &'a str,
    /// The namespace or node; `null`: the cache as a whole.
    subject: Option<&'a str>,
    severity: Severity,
    labels: &'a BTreeMap<String, String>,
    /// `firing`, `recovering`, `silenced`, or `resolved`.
    state: &'static str,
    started: Timestamp,
    resolved: Option<Timestamp>,
    duration_seconds: f64,
    /// The whole matter in one line.
    headline: &'a str,
    acknowledged: Option<&'a Acknowledgement>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(incident: &'a IncidentRecord, snapshot: &Snapshot, now: Timestamp) -> Self {
        let until = incident.resolved.unwrap_or(now);
        let lasted = until.duration_since(incident.started).as_secs_f64();
        Self {
            id: &incident.id,
            cache: incident.cache.as_str(),
            rule: incident.rule.as_str(),
            subject: Some(incident.subject.as_str()).filter(|subject| !subject.is_empty()),
            severity: incident.severity,
            labels: &incident.labels,
            state: state_of(incident, snapshot),
            started: incident.started,
            resolved: incident.resolved,
            duration_seconds: lasted.max(0.0),
            headline: &incident.headline,
            acknowledged: incident.acknowledged.as_ref(),
        }
    }
}

fn state_of(incident: &IncidentRecord, snapshot: &Snapshot) -> &'static str {
    if incident.resolved.is_some() {
        return "resolved";
    }
    let status = statuses(incident, snapshot);
    let status = status
        .iter()
        .find(|status| status.incident.as_ref() == Some(&incident.id));
    // What no cache knows of is cachewatch's own, or of a cache that has just gone.
    status.map_or("firing", |status| status.state.as_str())
}

/// How the rules of its cache stand now.
pub(super) fn statuses<'a>(incident: &IncidentRecord, snapshot: &'a Snapshot) -> &'a [AlertStatus] {
    let caches = snapshot.caches.iter();
    let cache = caches.into_iter().find(|c| c.name == incident.cache);
    cache.map_or(&[], |cache| cache.alerts.as_slice())
}

#[derive(Serialize)]
struct Listed<'a> {
    incidents: Vec<Shown<'a>>,
    /// Whether there are more behind these.
    more: bool,
}

/// Several, the newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let known = ["state", "cache", "since", "limit", "offset"];
    let asked = Asked::read(query.as_deref(), &known)?;
    let now = state.clock.now().wall;
    let open = match asked.text("state") {
        None => None,
        Some("open") => Some(true),
        Some("past") => Some(false),
        Some(_) => {
            let remedy = "send open, past, or nothing for both";
            return Err(Refusal::bad("state: not understood", remedy));
        }
    };
    let limit = asked.number("limit", 1..=MOST, USUAL)?;
    let filter = IncidentFilter {
        open,
        cache: asked.cache()?,
        since: asked.time("since", now)?,
        limit: limit + 1,
        offset: asked.number("offset", 0..=FURTHEST, 0)?,
    };
    let found = store(&state)?.incidents(&filter).await?;
    let snapshot = state.snapshot.load();
    let shown = found.iter().take(limit);
    let listed = Listed {
        incidents: shown.map(|one| Shown::new(one, &snapshot, now)).collect(),
        more: found.len() > limit,
    };
    Ok(Json(listed).into_response())
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    /// The last notification about it: its numbers.
    notification: &'a Notification,
}

/// One, with its numbers.
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    Asked::read(query.as_deref(), &[])?;
    let incident = find(&state, &id).await?;
    Ok(shown_whole(&state, &incident))
}

fn shown_whole(state: &AppState, incident: &IncidentRecord) -> Response {
    let snapshot = state.snapshot.load();
    let whole = Whole {
        shown: Shown::new(incident, &snapshot, state.clock.now().wall),
        notification: &incident.notification,
    };
    Json(whole).into_response()
}

/// The incident of this id.
pub(super) async fn find(state: &AppState, id: &str) -> Result<IncidentRecord, Refusal> {
    let found = store(state)?.incident(id).await?;
    found.ok_or_else(Refusal::no_incident)
}

/// Somebody takes it on.
pub(super) async fn acknowledge(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let store = admitted(&state, &headers)?;
    let example = r#"{"author": "ann", "comment": "looking"}"#;
    let fields = Fields::read(body, &["author", "comment"], example)?;
    let ack = Acknowledgement {
        author: fields.words("author", MAX_TEXT, "say who: others will want to ask you")?,
        comment: fields.text("comment", MAX_COMMENT)?.unwrap_or_default(),
        at: state.clock.now().wall,
    };
    if find(&state, &id).await?.resolved.is_some() {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "this incident is over",
            "there is nothing to acknowledge any more",
        ));
    }
    tracing::info!(incident = id, author = ack.author, "acknowledged");
    if !store.acknowledge(&id, ack).await? {
        return Err(Refusal::no_incident());
    }
    let incident = find(&state, &id).await?;
    Ok(shown_whole(&state, &incident))
}
