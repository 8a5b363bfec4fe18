//! The forms on an incident's page: silence it, acknowledge it.
//!
//! Invariant: nothing happens without the token of the configuration; what a form had said comes back with the refusal,
//! but for the token.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;

use super::form::Fields;
use super::{AppState, done, fields, no_incident, page, show};
use crate::model::record::{Acknowledgement, IncidentRecord};
use crate::model::silence::{Matcher, Silence};
use crate::serve::lookups::is_equal;
use crate::store::{Store, StoreError};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActError {
    #[error("There is no such incident any more.")]
    NoIncident,
    #[error("Who are you? Others will want to ask you.")]
    NoAuthor,
    #[error("For how long? Choose one of the times.")]
    NoDuration,
    #[error("This incident is over; there is nothing to acknowledge.")]
    Over,
    #[error("It could not be written down: {0}")]
    Store(#[from] StoreError),
}

impl ActError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoIncident => StatusCode::NOT_FOUND,
            Self::NoAuthor | Self::NoDuration => StatusCode::BAD_REQUEST,
            Self::Over => StatusCode::CONFLICT,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// `POST /incidents/{id}/acknowledge`.
pub(in crate::serve) async fn acknowledge(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let fields = fields(body).unwrap_or_default();
    let acted = match admitted(&state, &fields) {
        Ok(store) => take_on(store, &state, &id, &fields).await,
        Err(refusal) => return refused(&state, &id, &fields, refusal).await,
    };
    answer(&state, &id, &fields, acted, "acknowledged").await
}

/// `POST /incidents/{id}/silence`.
pub(in crate::serve) async fn silence(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let fields = fields(body).unwrap_or_default();
    let acted = match admitted(&state, &fields) {
        Ok(store) => hush(store, &state, &id, &fields, fields.duration()).await,
        Err(refusal) => return refused(&state, &id, &fields, refusal).await,
    };
    answer(&state, &id, &fields, acted, "silenced").await
}

/// The store, where the token is right.
fn admitted<'a>(
    state: &'a AppState,
    fields: &Fields,
) -> Result<&'a Store, (StatusCode, &'static str)> {
    let (Some(token), Some(store)) = (state.token(), &state.store) else {
        return Err((
            StatusCode::FORBIDDEN,
            "Nothing may be changed here: set api_token in the configuration.",
        ));
    };
    let given = fields.get("token").trim();
    if is_equal(given.as_bytes(), token.expose().as_bytes()) {
        Ok(store)
    } else {
        Err((
            StatusCode::UNAUTHORIZED,
            "This is not the token of the configuration. Nothing was done.",
        ))
    }
}

pub(super) async fn take_on(
    store: &Store,
    state: &AppState,
    id: &str,
    fields: &Fields,
) -> Result<(), ActError> {
    let incident = open(store, id).await?;
    if incident.resolved.is_some() {
        return Err(ActError::Over);
    }
    let author = author(fields)?;
    tracing::info!(incident = id, author, "acknowledged");
    let acknowledgement = Acknowledgement {
        author,
        comment: fields.comment(),
        at: state.clock.now().wall,
    };
    if store.acknowledge(id, acknowledgement).await? {
        Ok(())
    } else {
        Err(ActError::NoIncident)
    }
}

pub(super) async fn hush(
    store: &Store,
    state: &AppState,
    id: &str,
    fields: &Fields,
    duration: Option<Duration>,
) -> Result<(), ActError> {
    let incident = open(store, id).await?;
    let author = author(fields)?;
    let duration = duration.ok_or(ActError::NoDuration)?;
    let now = state.clock.now().wall;
    let length = SignedDuration::try_from(duration).unwrap_or_default();
    let silence = Silence {
        id: format!("{:032x}", fastrand::u128(..)),
        matchers: matchers(&incident),
        author,
        comment: fields.comment(),
        starts: now,
        ends: now.saturating_add(length).unwrap_or(now),
        created: now,
    };
    tracing::info!(incident = id, author = silence.author, silence = silence.id, ends = %silence.ends, "silenced");
    store.add_silence(&silence).await?;
    Ok(())
}

/// The incident's cache and rule.
pub(super) fn matchers(incident: &IncidentRecord) -> Vec<Matcher> {
    let equal = |label: &str, value: &str| Matcher {
        label: label.to_owned(),
        equal: true,
        glob: value.to_owned(),
    };
    vec![
        equal("cache", incident.cache.as_str()),
        equal("rule", incident.rule.as_str()),
    ]
}

async fn open(store: &Store, id: &str) -> Result<IncidentRecord, ActError> {
    store.incident(id).await?.ok_or(ActError::NoIncident)
}

fn author(fields: &Fields) -> Result<String, ActError> {
    let author = fields.author();
    if author.is_empty() {
        return Err(ActError::NoAuthor);
    }
    Ok(author)
}

async fn answer(
    state: &AppState,
    id: &str,
    fields: &Fields,
    acted: Result<(), ActError>,
    what: &str,
) -> Response {
    match acted {
        Ok(()) => done(id, what),
        Err(ActError::NoIncident) => no_incident(),
        Err(error) => {
            let notice = page::Notice::trouble(error.to_string());
            show(state, id, error.status(), Some(notice), filled(fields)).await
        }
    }
}

async fn refused(
    state: &AppState,
    id: &str,
    fields: &Fields,
    (status, words): (StatusCode, &str),
) -> Response {
    let notice = page::Notice::trouble(words.to_owned());
    show(state, id, status, Some(notice), filled(fields)).await
}

fn filled(fields: &Fields) -> page::Filled {
    page::Filled {
        author: fields.author(),
        comment: fields.comment(),
    }
}
