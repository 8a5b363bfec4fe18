//! One function a route.
//!
//! Invariant: a handler loads the snapshot once, so that everything in one response is of the same tick.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};

use crate::export::{Format, accepts_gzip};

use super::charts::request::Range;
use super::{AppState, api, health, page, values};
use crate::model::fnv::Fnv;
use crate::model::snapshot::CacheSnapshot;

const STYLE: &str = include_str!("../../templates/static/style.css");
const SCRIPT: &str = include_str!("../../templates/static/live.js");
const ICON: &str = include_str!("../../templates/static/icon.svg");

/// The exposition in the format that the scraper asks for.
pub(super) async fn metrics(State(state): State<AppState>, request: Request) -> Response {
    let format = Format::negotiate(values(&request, header::ACCEPT));
    let gzip = accepts_gzip(values(&request, header::ACCEPT_ENCODING));
    let snapshot = state.snapshot.load();
    let body = match state.renderer.render(&snapshot, format, gzip) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "/metrics failed");
            return text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"));
        }
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("accept, accept-encoding"),
    );
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// 200 while the main loop turns.
pub(super) async fn healthz(State(state): State<AppState>) -> Response {
    probe(
        health::alive(&state.snapshot.load(), state.clock.now()),
        "ok",
    )
}

/// 200 when every cache has been polled, or has had its chance.
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    probe(
        health::ready(&state.snapshot.load(), state.clock.now()),
        "ready",
    )
}

/// All caches.
pub(super) async fn overview(
    State(state): State<AppState>,
    query: Result<Query<page::Query>, QueryRejection>,
) -> Response {
    let snapshot = state.snapshot.load();
    // A query that makes no sense is as if there were none: a page must come.
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let frame = state.frame(&snapshot, "/");
    html(&page::Overview::new(&snapshot, query, frame))
}

/// One cache.
pub(super) async fn cache(
    State(state): State<AppState>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let snapshot = state.snapshot.load_full();
    let found = snapshot.caches.iter().find(|c| c.name.as_str() == name);
    match found {
        Some(cache) => {
            let charts = charts(&state, cache, query.as_deref().unwrap_or_default()).await;
            let frame = state.frame(&snapshot, "");
            html(&page::CachePage::new(&snapshot, cache, charts, frame))
        }
        None => text(
            StatusCode::NOT_FOUND,
            "there is no cache of this name; / lists all of them\n".to_owned(),
        ),
    }
}

/// What is remembered of a cache over the range that was asked for.
async fn charts(state: &AppState, cache: &CacheSnapshot, query: &str) -> page::ChartsView {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let range = pairs.find(|(name, _)| name == "range");
    // A range that makes no sense is as if there were none: a page must come.
    let range = range.and_then(|(_, value)| Range::parse(&value));
    let range = range.unwrap_or_default();
    let Some(store) = &state.store else {
        let words = "cachewatch runs without a store, so there is no history to draw.";
        return page::ChartsView::none(range, words.to_owned());
    };
    let until = range.edge(state.clock.now().wall);
    match super::charts::past(store, cache, range.span(), until).await {
        Ok(past) => page::ChartsView::new(cache, range, until, &past),
        Err(error) => {
            let words = format!("The history cannot be read: {error}");
            page::ChartsView::none(range, words)
        }
    }
}

/// cachewatch itself.
pub(super) async fn health_page(State(state): State<AppState>) -> Response {
    let snapshot = state.snapshot.load();
    let frame = state.frame(&snapshot, "/health");
    html(&page::HealthPage::new(&snapshot, frame))
}

/// The configuration in force.
pub(super) async fn configuration(State(state): State<AppState>) -> Response {
    let snapshot = state.snapshot.load();
    let frame = state.frame(&snapshot, "/configuration");
    html(&page::ConfigurationPage::new(&snapshot, frame))
}

pub(super) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page cannot be rendered");
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page cannot be rendered; /api/v1/caches has the same as JSON\n".to_owned(),
            )
        }
    }
}

/// The snapshot as JSON.
pub(super) async fn api_caches(State(state): State<AppState>) -> Response {
    Json(api::caches(&state.snapshot.load())).into_response()
}

/// The page's stylesheet.
pub(super) async fn style(headers: HeaderMap) -> Response {
    asset(&headers, "text/css; charset=utf-8", STYLE)
}

/// What makes the page live.
pub(super) async fn script(headers: HeaderMap) -> Response {
    asset(&headers, "text/javascript; charset=utf-8", SCRIPT)
}

/// The page's icon.
pub(super) async fn icon(headers: HeaderMap) -> Response {
    asset(&headers, "image/svg+xml", ICON)
}

pub(super) async fn not_found() -> Response {
    text(
        StatusCode::NOT_FOUND,
        "not found; there are /, /incidents, /metrics, /healthz, /readyz and /api/v1/caches\n"
            .to_owned(),
    )
}

pub(super) async fn method_not_allowed() -> Response {
    let body = "method not allowed; everything here is only for reading: GET or HEAD\n".to_owned();
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, body);
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn probe(result: Result<(), String>, good: &str) -> Response {
    match result {
        Ok(()) => text(StatusCode::OK, format!("{good}\n")),
        Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

pub(super) fn text(status: StatusCode, body: String) -> Response {
    (status, body).into_response()
}

/// Pages ask for stylesheet and script by their version, so that a new build is never shown with old ones.
pub(super) const ASSETS: u64 = Fnv::of(STYLE.as_bytes()).get() ^ Fnv::of(SCRIPT.as_bytes()).get();

fn asset(headers: &HeaderMap, content_type: &'static str, body: &'static str) -> Response {
    let etag = format!("\"{}\"", Fnv::of(body.as_bytes()).hex());
    let known = is_known(headers, &etag);
    let headers = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "public, max-age=86400".to_owned()),
        (header::CONTENT_TYPE, content_type.to_owned()),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, body).into_response()
    }
}

/// Whether the browser has it already.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).into_iter();
    known
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|tag| matches!(tag.trim().trim_start_matches("W/"), t if t == etag || t == "*"))
}
