//! `/api/v1/annotations`: what people and pipelines tell: deploys, warm-ups, flushes.
//!
//! Deliberately absent: what is made of them: charts show them, messages name them.
//!
//! Invariant: an annotation is about a cache that is watched, or about all of them.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use jiff::{SignedDuration, Timestamp};

use super::answer::{Refusal, admitted, store};
use super::fields::Fields;
use super::query::Asked;
use crate::model::name::CacheName;
use crate::model::record::Annotation;
use crate::model::snapshot::Snapshot;
use crate::serve::AppState;

/// What is shown when nothing is said.
const USUAL: Duration = Duration::from_hours(24);
/// The longest kind, in bytes.
const MAX_KIND: usize = 40;
/// The longest text, in bytes.
const MAX_TEXT: usize = 1_000;
/// How far ahead one may tell.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);
const EXAMPLE: &str = r#"{"kind": "deploy", "text": "shop 2.14", "cache": "sessions"}"#;

/// Those of a time, oldest first.
pub(super) async fn list(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = Asked::read(query.as_deref(), &["cache", "from", "to"])?;
    let now = state.clock.now().wall;
    let (from, to) = asked.span(USUAL, now)?;
    let cache = asked.cache()?;
    let found = store(&state)?.annotations(cache.as_ref(), from, to).await?;
    Ok(Json(serde_json::json!({ "annotations": found })).into_response())
}

/// A new one.
pub(super) async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let store = admitted(&state, &headers)?;
    let known = ["cache", "at", "until", "kind", "text"];
    let fields = Fields::read(body, &known, EXAMPLE)?;
    let annotation = read(&fields, &state.snapshot.load(), state.clock.now().wall)?;
    store.add_annotation(&annotation).await?;
    tracing::info!(kind = annotation.kind, id = annotation.id, "annotated");
    Ok((StatusCode::CREATED, Json(annotation)).into_response())
}

fn read(fields: &Fields, snapshot: &Snapshot, now: Timestamp) -> Result<Annotation, Refusal> {
    let kind = fields.words(
        "kind",
        MAX_KIND,
        "send deploy, warm_up, flush, or another word",
    )?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !kind.chars().all(plain) {
        let remedy = "send one word of letters, digits, _ and -, such as deploy";
        return Err(Refusal::bad("kind: this is no word", remedy));
    }
    let text = fields.words("text", MAX_TEXT, "say what happened, in a line")?;
    let at = fields.time("at", now)?.unwrap_or(now);
    let until = fields.time("until", now)?;
    if until.is_some_and(|until| until < at) {
        return Err(Refusal::bad(
            "until: it is before at",
            "send a later one, or none",
        ));
    }
    let latest = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    if at > latest || until.is_some_and(|until| until > latest) {
        let remedy = "send times within the next 30 days";
        return Err(Refusal::bad("at: this is too far ahead", remedy));
    }
    Ok(Annotation {
        id: super::random_id(),
        cache: cache(fields, snapshot)?,
        at,
        until,
        kind,
        text,
    })
}

fn cache(fields: &Fields, snapshot: &Snapshot) -> Result<Option<CacheName>, Refusal> {
    let Some(name) = fields.text("cache", 64)?.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let mut watched = snapshot.caches.iter().map(|cache| &cache.name);
    let found = watched.find(|watched| watched.as_str() == name);
    match found {
        Some(found) => Ok(Some(found.clone())),
        None => Err(Refusal::bad(
            "cache: no cache of this name is watched",
            "GET /api/v1/caches lists them; leave it out where it is about all of them",
        )),
    }
}
