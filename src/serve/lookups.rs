//! `POST /api/v1/caches/{cache}/lookups`: an application tells how many of its lookups were hits, by namespace.
//!
//! It changes something, and so asks for the token. What it takes in goes to the engine
//! through a bounded queue; nothing is kept here. Deliberately absent: waiting for room in the queue.
//!
//! Invariants: without a token in the configuration nobody is let in; a request is taken in whole or not at all; an
//! answer repeats nothing of what was sent.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::AppState;
use crate::model::lookups::LookupBatch;
use crate::model::secret::Secret;

mod body;

/// Where requests go, and who may make them.
#[derive(Clone)]
pub struct Intake {
    /// The token in force; empty: nobody is let in. Whoever reloads the configuration changes it.
    pub token: Arc<ArcSwapOption<Secret>>,
    /// To the engine.
    pub queue: mpsc::Sender<LookupBatch>,
}

/// Takes in what an application has counted since it told us last.
pub(super) async fn receive(
    State(state): State<AppState>,
    Path(cache): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some((intake, token)) = state
        .intake
        .as_ref()
        .and_then(|intake| Some((intake, intake.token.load_full()?)))
    else {
        return text(
            StatusCode::FORBIDDEN,
            "nothing may be changed here: set api_token in the configuration file, or CACHEWATCH_API_TOKEN, and send it as `Authorization: Bearer …`",
        );
    };
    if !is_allowed(&headers, &token) {
        let mut response = text(
            StatusCode::UNAUTHORIZED,
            "the token is missing or is not that of the configuration: send `Authorization: Bearer …` with api_token",
        );
        let scheme = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
        return response;
    }
    let snapshot = state.snapshot.load();
    let known = snapshot.caches.iter().map(|c| &c.name);
    let known = known.into_iter().find(|name| name.as_str() == cache);
    let Some(cache) = known.cloned() else {
        return text(
            StatusCode::NOT_FOUND,
            "no cache of this name is watched; /api/v1/caches lists them",
        );
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 64 KiB: send it in parts",
            );
        }
        Err(_) => return text(StatusCode::BAD_REQUEST, "the body could not be read"),
    };
    let lookups = match body::read(&body) {
        Ok(lookups) => lookups,
        Err(error) => {
            let status = match error {
                body::BodyError::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            };
            return text(status, &error.to_string());
        }
    };
    let sum = |part: fn(&crate::model::lookups::NamespaceLookups) -> u64| {
        lookups.iter().map(part).fold(0, u64::saturating_add)
    };
    let accepted = serde_json::json!({
        "accepted": { "entries": lookups.len(), "hits": sum(|l| l.hits), "misses": sum(|l| l.misses) }
    });
    match intake.queue.try_send(LookupBatch { cache, lookups }) {
        Ok(()) => (StatusCode::ACCEPTED, Json(accepted)).into_response(),
        Err(TrySendError::Full(_)) => {
            let mut response = text(
                StatusCode::TOO_MANY_REQUESTS,
                "too much waits to be taken in already: keep the counts and send them with the next request",
            );
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
            response
        }
        Err(TrySendError::Closed(_)) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "cachewatch is stopping")
        }
    }
}

/// Every other method.
pub(super) async fn post_only() -> Response {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed; lookups are told by POST, and read from /api/v1/caches",
    );
    let allow = HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

const SCHEME: &[u8] = b"bearer ";

/// Whether there is exactly one token and it is this one. How long that takes tells nothing but its length.
pub(super) fn is_allowed(headers: &HeaderMap, token: &Secret) -> bool {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return false;
    };
    let Some((scheme, given)) = given.as_bytes().split_at_checked(SCHEME.len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(SCHEME) && is_equal(given.trim_ascii(), token.expose().as_bytes())
}

/// Looks at every byte, wherever the first difference is.
pub(super) fn is_equal(given: &[u8], wanted: &[u8]) -> bool {
    let pairs = given.iter().zip(wanted);
    let differences = pairs.fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    std::hint::black_box(differences) == 0 && given.len() == wanted.len()
}

fn text(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}

#[cfg(test)]
mod tests;
