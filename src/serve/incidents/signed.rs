//! `/act/silence` and `/act/acknowledge`: where a link in a message leads.
//!
//! The link is the right to do one thing to one incident. Following it only asks; the button acts, because scanners of
//! mail follow links.
//!
//! Invariant: the signature is verified for the question and again for the deed.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::form::Fields;
use super::{AppState, act, broken, done, fields, no_incident, page, routes};
use crate::model::signed::{Action, SignedError, Signer};

/// Silences by a link hold for an hour, as the message says.
const DURATION: Duration = Duration::from_hours(1);

/// What the link says.
struct Link {
    action: Action,
    incident: String,
    until: i64,
    signature: String,
}

/// `GET`: asks.
pub(in crate::serve) async fn ask(
    State(state): State<AppState>,
    Path(action): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let link = match verified(&state, &action, &fields) {
        Ok(link) => link,
        Err(refused) => return refuse(&state, refused),
    };
    question(&state, &link, StatusCode::OK, None).await
}

/// `POST`: acts.
pub(in crate::serve) async fn follow(
    State(state): State<AppState>,
    Path(action): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let fields = fields(body).unwrap_or_default();
    let link = match verified(&state, &action, &fields) {
        Ok(link) => link,
        Err(refused) => return refuse(&state, refused),
    };
    let Some(store) = &state.store else {
        return no_incident();
    };
    let id = link.incident.as_str();
    let (acted, what) = match link.action {
        Action::Silence => (
            act::hush(store, &state, id, &fields, Some(DURATION)).await,
            "silenced",
        ),
        Action::Acknowledge => (
            act::take_on(store, &state, id, &fields).await,
            "acknowledged",
        ),
    };
    match acted {
        Ok(()) => done(id, what),
        Err(error) => {
            let notice = page::Notice::trouble(error.to_string());
            question(&state, &link, error.status(), Some(notice)).await
        }
    }
}

async fn question(
    state: &AppState,
    link: &Link,
    status: StatusCode,
    notice: Option<page::Notice>,
) -> Response {
    let Some(store) = &state.store else {
        return no_incident();
    };
    let incident = match store.incident(&link.incident).await {
        Ok(Some(incident)) => incident,
        Ok(None) => return no_incident(),
        Err(error) => return broken(&error),
    };
    let snapshot = state.snapshot.load_full();
    let frame = state.frame(&snapshot, "/incidents");
    let hidden = vec![
        ("incident", link.incident.clone()),
        ("until", link.until.to_string()),
        ("signature", link.signature.clone()),
    ];
    let view = page::ActPage::new(link.action, &incident, hidden, notice, frame);
    let mut response = routes::html(&view);
    if status != StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// The link, if it is one of ours and still holds.
fn verified(state: &AppState, action: &str, fields: &Fields) -> Result<Link, SignedError> {
    let token = state.token().ok_or(SignedError::Forged)?;
    let link = Link {
        action: Action::parse(action).ok_or(SignedError::Forged)?,
        incident: fields.get("incident").to_owned(),
        until: fields
            .get("until")
            .parse()
            .map_err(|_| SignedError::Forged)?,
        signature: fields.get("signature").to_owned(),
    };
    Signer::new(&token).verify(
        link.action,
        &link.incident,
        link.until,
        &link.signature,
        state.clock.now().wall,
    )?;
    Ok(link)
}

fn refuse(state: &AppState, refused: SignedError) -> Response {
    let snapshot = state.snapshot.load_full();
    let frame = state.frame(&snapshot, "/incidents");
    let mut response = routes::html(&page::RefusedPage::new(refused.to_string(), frame));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
