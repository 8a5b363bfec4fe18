//! Answers that say no: what is wrong, and what to do about it, as JSON.
//!
//! Deliberately absent: what was sent. A refusal names places and expectations; a field that is not known is named only
//! where it is a plain word.
//!
//! Invariant: every refusal of these routes has both parts.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};

use crate::serve::{AppState, lookups};
use crate::store::{Store, StoreError};

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    what: String,
    remedy: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status,
            what: what.into(),
            remedy: remedy.into(),
            header: None,
        }
    }

    /// Something in the request is wrong.
    pub(super) fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what, remedy)
    }

    /// There is no incident of this id.
    pub(super) fn no_incident() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is no incident of this id",
            "GET /api/v1/incidents lists those that are kept",
        )
    }

    #[cfg(test)]
    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let (status, remedy) = match error {
            StoreError::TooMany(..) => (
                StatusCode::CONFLICT,
                "GET /api/v1/silences lists them, DELETE /api/v1/silences/{id} ends one",
            ),
            StoreError::Unfit(_) => (StatusCode::BAD_REQUEST, "send something shorter or simpler"),
            _ => (
                StatusCode::SERVICE_UNAVAILABLE,
                "try again; the page /health says how the store stands",
            ),
        };
        Self::new(status, error.to_string(), remedy)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.what, "remedy": self.remedy });
        let mut response = (self.status, Json(body)).into_response();
        if let Some((name, value)) = self.header {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// What remembers.
pub(super) fn store(state: &AppState) -> Result<&Store, Refusal> {
    state.store.as_ref().ok_or_else(|| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing is kept in this process",
            "ask one that was started by cachewatch serve",
        )
    })
}

/// The store, for who brings the token.
pub(super) fn admitted<'a>(state: &'a AppState, headers: &HeaderMap) -> Result<&'a Store, Refusal> {
    let Some(token) = state.token() else {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "nothing may be changed here, as no token is configured",
            "set api_token in the configuration file, or CACHEWATCH_API_TOKEN, and send it as `Authorization: Bearer …`",
        ));
    };
    if !lookups::is_allowed(headers, &token) {
        let mut refusal = Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the token is missing or is not that of the configuration",
            "send `Authorization: Bearer …` with api_token",
        );
        refusal.header = Some((header::WWW_AUTHENTICATE, "Bearer"));
        return Err(refusal);
    }
    store(state)
}

/// Every other method, on a route that takes only these.
pub(super) async fn only_get(State(_): State<AppState>) -> Refusal {
    only("GET, HEAD")
}

/// As [`only_get`].
pub(super) async fn only_get_and_post(State(_): State<AppState>) -> Refusal {
    only("GET, HEAD, POST")
}

/// As [`only_get`].
pub(super) async fn only_post(State(_): State<AppState>) -> Refusal {
    only("POST")
}

/// As [`only_get`].
pub(super) async fn only_delete(State(_): State<AppState>) -> Refusal {
    only("DELETE")
}

fn only(methods: &'static str) -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed",
        format!("here it may be {methods}"),
    );
    refusal.header = Some((header::ALLOW, methods));
    refusal
}
