//! What a page costs: the overview of 1, 100 and 1,000 caches and a chart, beside the snapshot as JSON in the same run.
//!
//! A program that prints a table. Bounded: a fixed number of requests. What the ratio buys is words, order and markup.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use cachewatch::model::record::HistoryPoint;
use cachewatch::model::stats::HttpStats;
use cachewatch::model::time::{Clock, Now, SystemClock};
use cachewatch::serve::{self, AppState};
use cachewatch::store::{Backend, Store};
use tower::ServiceExt as _;

#[path = "../tests/it/browser/fleet.rs"]
mod fleet;

const ROUNDS: u32 = 20;

struct Still(Now);

impl Clock for Still {
    fn now(&self) -> Now {
        self.0
    }
}

#[tokio::main]
async fn main() {
    println!("milliseconds a request, best of {ROUNDS}; KB");
    println!(
        "{:>7} {:>10} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "caches", "JSON", "page", "page gzip", "page/JSON", "JSON KB", "page KB", "gzip KB"
    );
    for n in [1, 100, 1_000] {
        let app = app(n).await;
        let (json, json_size) = best(&app, "/api/v1/caches", false).await;
        let (page, page_size) = best(&app, "/", false).await;
        let (packed, packed_size) = best(&app, "/", true).await;
        println!(
            "{n:>7} {json:>10.3} {page:>9.3} {packed:>10.3} {:>9.2} {:>9.1} {:>9.1} {:>9.1}",
            page / json,
            json_size,
            page_size,
            packed_size
        );
    }
    let app = app(1).await;
    println!();
    println!("charts of a day, drawn anew and kept; milliseconds and KB");
    for form in ["svg", "png"] {
        let mut drawn = f64::MAX;
        let mut size = 0.0;
        for width in 700..700 + ROUNDS {
            let path = format!("/charts/sessions-00/hit_ratio.{form}?range=24h&width={width}");
            let (took, bytes) = once(&app, &path, false).await;
            drawn = drawn.min(took);
            size = bytes;
        }
        let path = format!("/charts/sessions-00/hit_ratio.{form}?range=24h&width=700");
        let (kept, _) = best(&app, &path, false).await;
        println!("{form:>7} {drawn:>10.3} {kept:>9.3} {size:>10.1}");
    }
}

async fn app(n: usize) -> Router {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let now = clock.now();
    let store = Store::open(Backend::Memory, clock).await;
    let caches = fleet::many(n, now);
    for minutes in (1..1_440).rev() {
        let at = now.wall - jiff::SignedDuration::from_mins(minutes);
        let point = HistoryPoint {
            at,
            covered_seconds: 60.0,
            hits: Some(1_000),
            misses: Some(100),
            ..HistoryPoint::default()
        };
        let point = vec![(caches[0].name.clone(), point)];
        store.append_history(at, point, Vec::new()).await;
    }
    let snapshot = Arc::new(ArcSwap::from_pointee(fleet::snapshot(caches, now)));
    let state = AppState::new(
        snapshot,
        Arc::new(HttpStats::default()),
        Arc::new(Still(now)),
    );
    serve::router(state.with_store(store))
}

async fn best(app: &Router, path: &str, gzip: bool) -> (f64, f64) {
    let mut best = (f64::MAX, 0.0);
    for _ in 0..ROUNDS {
        let (took, size) = once(app, path, gzip).await;
        best = (best.0.min(took), size);
    }
    best
}

async fn once(app: &Router, path: &str, gzip: bool) -> (f64, f64) {
    let mut request = Request::get(path);
    if gzip {
        request = request.header("accept-encoding", "gzip");
    }
    let request = request.body(Body::empty()).unwrap();
    let begun = Instant::now();
    let response = app.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{path}");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let took: Duration = begun.elapsed();
    (took.as_secs_f64() * 1_000.0, body.len() as f64 / 1_024.0)
}
