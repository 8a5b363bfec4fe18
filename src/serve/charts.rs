//! `GET /charts/{cache}/{signal}.svg|png`: what the store remembers of a cache, drawn.
//!
//! Deliberately absent: drawing (`chart`), and asking a cache. Drawing takes milliseconds, so it happens on threads that
//! may block, a few at a time; a picture is kept until there is something new to draw.
//!
//! Invariants: at most [`AT_A_TIME`] pictures are drawn at a time and [`WAITING`] wait; what is kept is bounded in bytes;
//! a parameter that is not known is refused, so that nobody can fill the cache with names.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::AppState;
use crate::chart::{self, ChartError};
use crate::model::fnv::Fnv;
use crate::model::snapshot::CacheSnapshot;
use crate::store::{Store, StoreError};

pub(super) mod data;
mod kept;
pub(super) mod request;

use kept::Kept;
use request::{Form, Request};

/// Pictures that are drawn at a time.
const AT_A_TIME: usize = 2;
/// Requests that may wait for their turn.
const WAITING: usize = 64;
/// For how long a browser need not ask again for a picture whose right edge is given.
const FIXED_SECONDS: u64 = 300;

/// Draws, and keeps what it drew.
#[derive(Clone)]
pub(super) struct Charts {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    kept: Arc<Kept>,
}

impl Charts {
    pub(super) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            places: Arc::new(Semaphore::new(WAITING)),
            kept: Arc::new(Kept::default()),
        }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Request(#[from] request::RequestError),
    #[error("there is no cache of this name; / lists all of them")]
    NoCache,
    #[error("there is no history to draw: cachewatch runs without a store")]
    NoStore,
    #[error("too many charts are being drawn; try again in a moment")]
    Busy,
    #[error("the history cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Chart(#[from] ChartError),
    #[error("the chart could not be drawn")]
    Lost,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::NoCache => StatusCode::NOT_FOUND,
            Self::NoStore | Self::Busy | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Chart(_) | Self::Lost => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// One picture.
pub(super) async fn chart(
    State(state): State<AppState>,
    Path((cache, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let request = match Request::parse(&file, query.as_deref().unwrap_or_default()) {
        Ok(request) => request,
        Err(error) => return refuse(&Refused::Request(error)),
    };
    let picture = match picture(&state, &cache, request).await {
        Ok(picture) => picture,
        Err(refused) => return refuse(&refused),
    };
    let etag = format!("\"{}\"", Fnv::of(&picture).hex());
    let seconds = match request.until {
        Some(_) => FIXED_SECONDS,
        None => request.range.slot(),
    };
    let head = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, format!("private, max-age={seconds}")),
        (header::CONTENT_TYPE, request.form.content_type().to_owned()),
    ];
    if super::routes::is_known(&headers, &etag) {
        (StatusCode::NOT_MODIFIED, head).into_response()
    } else {
        (head, picture).into_response()
    }
}

fn refuse(refused: &Refused) -> Response {
    let status = refused.status();
    if status.is_server_error() {
        tracing::warn!(%refused, "no chart");
    }
    let mut response = (status, format!("{refused}\n")).into_response();
    if matches!(refused, Refused::Busy) {
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
    }
    response
}

async fn picture(state: &AppState, name: &str, request: Request) -> Result<Bytes, Refused> {
    let snapshot = state.snapshot.load_full();
    let cache = snapshot.caches.iter().find(|c| c.name.as_str() == name);
    let cache = cache.ok_or(Refused::NoCache)?;
    let store = state.store.as_ref().ok_or(Refused::NoStore)?;
    let to = request.edge(state.clock.now().wall);
    let charts = &state.charts;
    if let Some(kept) = charts.kept.get(name, &request, to) {
        return Ok(kept);
    }
    let _place = charts.places.try_acquire().map_err(|_| Refused::Busy)?;
    let turn = Arc::clone(&charts.turns).acquire_owned().await;
    let turn = turn.map_err(|_| Refused::Lost)?;
    // Somebody else may have drawn it meanwhile.
    if let Some(kept) = charts.kept.get(name, &request, to) {
        return Ok(kept);
    }
    let past = past(store, cache, request.range.span(), to).await?;
    let chart = past.chart(cache, request.signal);
    let drawn = tokio::task::spawn_blocking(move || {
        // The turn is over when it is drawn, also when nobody waits for it any more.
        let _turn = turn;
        draw(&chart, &request)
    });
    let drawn = drawn.await.map_err(|_| Refused::Lost)??;
    charts.kept.put(name, &request, to, drawn.clone());
    Ok(drawn)
}

fn draw(chart: &chart::Chart, request: &Request) -> Result<Bytes, ChartError> {
    Ok(match request.form {
        Form::Svg => Bytes::from(chart::render_svg(chart, &request.look)?),
        Form::Png => Bytes::from(chart::render_png(chart, &request.look)?),
    })
}

/// What the store remembers of the cache in the time before `to`.
pub(super) async fn past(
    store: &Store,
    cache: &CacheSnapshot,
    span: Duration,
    to: Timestamp,
) -> Result<data::Past, StoreError> {
    let period = chart::Period::before(to, span);
    let history = store
        .history(&cache.name, period.from, period.to, data::POINTS)
        .await?;
    let filter = crate::store::IncidentFilter {
        cache: Some(cache.name.clone()),
        since: Some(period.from),
        limit: chart::MAX_BANDS,
        ..crate::store::IncidentFilter::default()
    };
    Ok(data::Past {
        period,
        history,
        incidents: store.incidents(&filter).await?,
        annotations: store
            .annotations(Some(&cache.name), period.from, period.to)
            .await?,
    })
}
