//! The pages of incidents, and the forms that silence and acknowledge one.
//!
//! Deliberately absent: sessions and cookies. A form brings the token of the API with it, in its body; a link that was
//! signed for one incident brings its signature. So no other site can act in somebody's name.
//!
//! Invariant: a GET changes nothing. What changes something says in the log who did it, and to what.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{AppState, page, routes};
use crate::model::name::Name;
use crate::model::record::IncidentRecord;
use crate::store::{IncidentFilter, Store, StoreError};

mod act;
mod form;
mod signed;

pub(super) use act::{acknowledge, silence};
pub(super) use signed::{ask, follow};

/// Past incidents on one page.
const PAGE: usize = 50;
/// The furthest page.
const MAX_PAGE: usize = 10_000;

/// All of them: open ones first, then past ones.
pub(super) async fn list(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let snapshot = state.snapshot.load_full();
    let (mut cache, mut number) = (None, 1_usize);
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "cache" => cache = Name::new(&value).ok(),
            "page" => number = value.parse().unwrap_or(1),
            _ => {}
        }
    }
    let number = number.clamp(1, MAX_PAGE);
    let filter = |open, limit, offset| IncidentFilter {
        open: Some(open),
        cache: cache.clone(),
        limit,
        offset,
        ..IncidentFilter::default()
    };
    let found = match &state.store {
        Some(store) => {
            let open = store.incidents(&filter(true, 0, 0)).await;
            let past = store
                .incidents(&filter(false, PAGE + 1, (number - 1) * PAGE))
                .await;
            open.and_then(|open| Ok((open, past?)))
        }
        None => Ok((Vec::new(), Vec::new())),
    };
    let frame = state.frame(&snapshot, "/incidents");
    let shown = page::Shown {
        cache,
        page: number,
        page_size: PAGE,
    };
    routes::html(&page::IncidentsPage::new(&snapshot, found, &shown, frame))
}

/// One of them.
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let notice = match query.as_str() {
        "done=silenced" => Some(page::Notice::done(
            "Silenced. Nobody is told of it until then.",
        )),
        "done=acknowledged" => Some(page::Notice::done(
            "Acknowledged. There will be no more reminders.",
        )),
        _ => None,
    };
    show(&state, &id, StatusCode::OK, notice, page::Filled::default()).await
}

/// The incident's page, with a word on what was just tried.
async fn show(
    state: &AppState,
    id: &str,
    status: StatusCode,
    notice: Option<page::Notice>,
    filled: page::Filled,
) -> Response {
    let story = match story(state, id).await {
        Ok(Some(story)) => story,
        Ok(None) => return no_incident(),
        Err(error) => return broken(&error),
    };
    let snapshot = state.snapshot.load_full();
    let frame = state.frame(&snapshot, "/incidents");
    let now = state.clock.now().wall;
    let allowed = state.token().is_some();
    let view = page::IncidentPage::new(&snapshot, &story, now, frame)
        .with_forms(allowed, filled)
        .with_notice(notice);
    let mut response = routes::html(&view);
    if status != StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// All that is known of it.
async fn story(state: &AppState, id: &str) -> Result<Option<page::Story>, StoreError> {
    let Some(store) = &state.store else {
        return Ok(None);
    };
    let Some(incident) = store.incident(id).await? else {
        return Ok(None);
    };
    Ok(Some(page::Story {
        transitions: store.transitions(id).await?,
        attempts: store.attempts(id).await?,
        messages: store.messages(id).await?,
        silences: store.silences(incident.started).await?,
        past: past(state, store, &incident).await?,
        incident,
    }))
}

/// What the cache did around it, where the cache is still watched.
async fn past(
    state: &AppState,
    store: &Store,
    incident: &IncidentRecord,
) -> Result<Option<page::Around>, StoreError> {
    let snapshot = state.snapshot.load_full();
    let cache = snapshot.caches.iter().find(|c| c.name == incident.cache);
    let Some(cache) = cache else {
        return Ok(None);
    };
    let (range, until) = page::around(incident, state.clock.now().wall);
    let past = super::charts::past(store, cache, range.span(), until).await?;
    Ok(Some(page::Around::new(cache, range, until, &past)))
}

fn no_incident() -> Response {
    routes::text(
        StatusCode::NOT_FOUND,
        "there is no such incident, or it is too long ago; /incidents lists those that are known\n"
            .to_owned(),
    )
}

fn broken(error: &StoreError) -> Response {
    tracing::warn!(%error, "no incident can be shown");
    let mut response = routes::text(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("the incident cannot be read: {error}\n"),
    );
    let retry = HeaderValue::from_static("5");
    response.headers_mut().insert(header::RETRY_AFTER, retry);
    response
}

/// To the incident's page, which says that it is done.
fn done(id: &str, what: &str) -> Response {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    // In a path a plus is a plus.
    let path = format!("/incidents/{}?done={what}", id.replace('+', "%20"));
    match HeaderValue::from_str(&path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The body of a form, or why it is none.
fn fields(body: Result<Bytes, axum::extract::rejection::BytesRejection>) -> Option<form::Fields> {
    form::Fields::parse(&body.ok()?)
}
