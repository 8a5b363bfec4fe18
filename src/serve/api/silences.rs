//! `/api/v1/silences`: who is not to be told about what, until when.
//!
//! Invariant: a silence has an author, at least one matcher and an end, and says which open incidents it is about, so
//! that a mistyped one is noticed at once. More than 30 days need a `force`.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::answer::{Refusal, admitted, store};
use super::fields::Fields;
use super::query::Asked;
use crate::model::incident::Subject;
use crate::model::record::IncidentRecord;
use crate::model::silence::{MAX_COMMENT, MAX_MATCHERS, MAX_TEXT, Matcher, Silence};
use crate::serve::AppState;
use crate::store::IncidentFilter;

/// Longer than this only with `force`.
const LONG: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What may be said.
const KNOWN: [&str; 7] = [
    "matchers", "author", "comment", "starts", "ends", "duration", "force",
];
const EXAMPLE: &str =
    r#"{"matchers": ["cache=sessions"], "author": "ann", "comment": "deploy", "duration": "2h"}"#;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    silence: &'a Silence,
    /// `active`, `pending` or `expired`.
    state: &'static str,
}

impl<'a> Shown<'a> {
    fn new(silence: &'a Silence, now: Timestamp) -> Self {
        let state = if silence.holds(now) {
            "active"
        } else if silence.starts > now && silence.ends > silence.starts {
            "pending"
        } else {
            "expired"
        };
        Self { silence, state }
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    silences: Vec<Shown<'a>>,
}

/// Those that hold or will; with `ended_since` also those that ended since.
pub(super) async fn list(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = Asked::read(query.as_deref(), &["ended_since"])?;
    let now = state.clock.now().wall;
    let since = asked.time("ended_since", now)?;
    let mut silences = store(&state)?.silences(since.unwrap_or(now)).await?;
    if since.is_none() {
        silences.retain(|silence| silence.ends > now);
    }
    let silences = silences.iter().map(|one| Shown::new(one, now)).collect();
    Ok(Json(Listed { silences }).into_response())
}

#[derive(Serialize)]
struct Added<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    /// The incidents that are open now and that it is about.
    open_incidents: Vec<&'a str>,
}

/// A new one.
pub(super) async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let store = admitted(&state, &headers)?;
    let now = state.clock.now().wall;
    let silence = read(&Fields::read(body, &KNOWN, EXAMPLE)?, now)?;
    store.add_silence(&silence).await?;
    let Silence {
        id, author, ends, ..
    } = &silence;
    tracing::info!(silence = id, author, %ends, "silenced");
    let open = IncidentFilter {
        open: Some(true),
        ..IncidentFilter::default()
    };
    let open = store.incidents(&open).await?;
    let about = open.iter().filter(|one| silence.matches(&labels(one)));
    let added = Added {
        shown: Shown::new(&silence, now),
        open_incidents: about.map(|one| one.id.as_str()).collect(),
    };
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

/// Ends one, now.
pub(super) async fn end(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let store = admitted(&state, &headers)?;
    let now = state.clock.now().wall;
    if !store.end_silence(&id, now).await? {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no silence of this id, or it is over",
            "GET /api/v1/silences lists those that hold",
        ));
    }
    tracing::info!(silence = id, "the silence was ended");
    Ok(Json(serde_json::json!({ "id": id, "ended": now })).into_response())
}

fn read(fields: &Fields, now: Timestamp) -> Result<Silence, Refusal> {
    let matchers = fields.list("matchers")?;
    if matchers.is_empty() || matchers.len() > MAX_MATCHERS {
        return Err(Refusal::bad(
            format!("matchers: there must be 1 to {MAX_MATCHERS}"),
            "send what must match, such as [\"cache=sessions\", \"severity!=critical\"]; all of them must",
        ));
    }
    let matchers = matchers.iter().enumerate().map(|(index, text)| {
        text.parse::<Matcher>().map_err(|error| {
            let what = format!("matchers[{index}]: {error}");
            Refusal::bad(what, "send it as cache=sessions or severity!=critical")
        })
    });
    let matchers = matchers.collect::<Result<_, _>>()?;
    let starts = fields.time("starts", now)?.unwrap_or(now);
    let ends = match (fields.time("ends", now)?, fields.duration("duration")?) {
        (Some(ends), None) => ends,
        (None, Some(length)) => SignedDuration::try_from(length)
            .ok()
            .and_then(|length| starts.checked_add(length).ok())
            .ok_or_else(|| Refusal::bad("duration: too long", "send some hours, such as 2h"))?,
        _ => {
            let remedy = "send duration, such as 2h, or ends, a time";
            return Err(Refusal::bad(
                "ends: it must be said once when it ends",
                remedy,
            ));
        }
    };
    if ends <= starts || ends <= now {
        let remedy = "send an end that lies in the future and after starts";
        return Err(Refusal::bad("ends: it would be over already", remedy));
    }
    if ends.duration_since(starts) > LONG && !fields.flag("force")? {
        return Err(Refusal::bad(
            "ends: it would be silent for more than 30 days",
            "send a nearer end; or \"force\": true, if nobody is to hear of it for so long",
        ));
    }
    fields.flag("force")?;
    Ok(Silence {
        id: super::random_id(),
        matchers,
        author: fields.words("author", MAX_TEXT, "say who: others will want to ask you")?,
        comment: fields.text("comment", MAX_COMMENT)?.unwrap_or_default(),
        starts,
        ends,
        created: now,
    })
}

/// The labels that matchers see.
fn labels(incident: &IncidentRecord) -> BTreeMap<String, String> {
    let mut labels = incident.labels.clone();
    let mut set = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    set("cache", incident.cache.as_str());
    set("rule", incident.rule.as_str());
    set("severity", incident.severity.as_str());
    match &incident.notification.subject {
        None => {}
        Some(Subject::Namespace(name)) => drop(set("namespace", name)),
        Some(Subject::Node(name)) => drop(set("node", name.as_str())),
    }
    labels
}
