//! HTTP: metrics, health, the status page and the API.
//!
//! Deliberately absent: anything that asks a cache something. Every answer comes from the current [`Snapshot`] and the
//! [`Store`], so a request can neither block on a cache nor name a host. Routes that change something want the token, see
//! [`Intake`], or a link that was signed.
//!
//! Invariant: every response is counted by class and carries the security headers.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, map_response_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::export::Renderer;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::stats::HttpStats;
use crate::model::time::Clock;
use crate::store::Store;

mod api;
mod charts;
mod compress;
mod guard;
mod health;
mod incidents;
mod listener;
mod live;
mod lookups;
mod page;
mod routes;
#[cfg(test)]
mod tests;

pub use api::{CachesResponse, caches};
pub use listener::{BindError, bind, serve};
pub use lookups::Intake;

/// The largest request body in bytes.
const MAX_BODY: usize = 64 * 1024;
/// How long an answer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What the routes answer from.
#[derive(Clone)]
pub struct AppState {
    /// The current snapshot.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// Where responses are counted; the same that the snapshot and the listener have.
    pub http: Arc<HttpStats>,
    /// Makes expositions and keeps them.
    pub renderer: Arc<Renderer>,
    /// Tells how old the snapshot is.
    pub clock: Arc<dyn Clock>,
    /// Where what applications tell goes; `None`: nowhere, and nobody is let in.
    pub intake: Option<Intake>,
    /// What is remembered: history, incidents, silences, annotations; `None`: nothing, and the pages say so.
    pub store: Option<Store>,
    /// Pages that are live.
    live: live::Live,
    /// Draws charts.
    charts: charts::Charts,
}

impl AppState {
    /// A state whose renderer has rendered nothing yet.
    pub fn new(
        snapshot: Arc<ArcSwap<Snapshot>>,
        http: Arc<HttpStats>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            snapshot,
            http,
            renderer: Arc::new(Renderer::new()),
            clock,
            intake: None,
            store: None,
            live: live::Live::new(CancellationToken::new()),
            charts: charts::Charts::new(),
        }
    }

    /// What is streamed ends when this is cancelled.
    #[must_use]
    pub fn ending_with(mut self, end: CancellationToken) -> Self {
        self.live = live::Live::new(end);
        self
    }

    /// With somewhere to put what applications tell.
    #[must_use]
    pub fn with_intake(mut self, intake: Intake) -> Self {
        self.intake = Some(intake);
        self
    }

    /// With something to remember things in.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// What a request must bring that changes something; `None`: nobody may.
    fn token(&self) -> Option<Arc<Secret>> {
        self.intake.as_ref()?.token.load_full()
    }

    /// What surrounds the page at `here`.
    fn frame(&self, snapshot: &Snapshot, here: &'static str) -> page::Frame {
        let frame = page::Frame::new(snapshot, here, routes::ASSETS);
        frame.seen_at(self.clock.now())
    }
}

/// All routes with their limits.
pub fn router(state: AppState) -> Router {
    let counts = Arc::clone(&state.http);
    let routes = Router::new()
        .route("/", get(routes::overview))
        .route("/caches/{cache}", get(routes::cache))
        .route("/charts/{cache}/{file}", get(charts::chart))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}", get(incidents::one))
        .route("/incidents/{id}/acknowledge", post(incidents::acknowledge))
        .route("/incidents/{id}/silence", post(incidents::silence))
        .route("/act/{action}", get(incidents::ask).post(incidents::follow))
        .route("/health", get(routes::health_page))
        .route("/configuration", get(routes::configuration))
        .route("/live", get(live::live))
        .route("/metrics", get(routes::metrics))
        .route("/healthz", get(routes::healthz))
        .route("/readyz", get(routes::readyz))
        .route("/api/v1/caches", get(routes::api_caches))
        .route(
            "/api/v1/caches/{cache}/lookups",
            post(lookups::receive).fallback(lookups::post_only),
        )
        .merge(api::routes())
        .route("/static/style.css", get(routes::style))
        .route("/static/icon.svg", get(routes::icon))
        .route("/static/live.js", get(routes::script))
        .method_not_allowed_fallback(routes::method_not_allowed)
        .fallback(routes::not_found)
        .with_state(state);
    limited(routes, counts)
}

/// The routes with what holds for all of them.
fn limited(routes: Router, counts: Arc<HttpStats>) -> Router {
    let limits = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ));
    routes
        .layer(from_fn(compress::gzip))
        .layer(limits)
        .layer(map_response_with_state(counts, finish))
}

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Counts the response and adds what every one has.
async fn finish(State(counts): State<Arc<HttpStats>>, mut response: Response) -> Response {
    let status = response.status();
    if status.is_server_error() {
        counts.server_error.inc();
    } else if status.is_client_error() {
        counts.client_error.inc();
    } else {
        counts.ok.inc();
    }
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The values of a header that is text.
fn values(request: &Request, name: HeaderName) -> impl Iterator<Item = &str> {
    let all = request.headers().get_all(name).into_iter();
    all.filter_map(|value| value.to_str().ok())
}
