//! The server as a client sees it, over real TCP on a free port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::{Limits, serve_within};
use super::{AppState, bind, caches, router};
use crate::export::sample;
use crate::model::snapshot::Snapshot;
use crate::model::stats::HttpStats;
use crate::model::time::{Clock, Now};

mod connections;
mod live;
mod past;

const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still.
pub(super) struct Frozen(pub(super) Now);

impl Clock for Frozen {
    fn now(&self) -> Now {
        self.0
    }
}

pub(super) struct Server {
    address: SocketAddr,
    current: Arc<ArcSwap<Snapshot>>,
    stats: Arc<HttpStats>,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl Server {
    pub(super) async fn start(limits: Limits) -> Self {
        Self::with(limits, sample::rich(), |router| router).await
    }

    pub(super) async fn with(
        limits: Limits,
        snapshot: Snapshot,
        change: impl FnOnce(Router) -> Router,
    ) -> Self {
        let stats = Arc::clone(&snapshot.own.http);
        let clock = Arc::new(Frozen(snapshot.at));
        let current = Arc::new(ArcSwap::from_pointee(snapshot));
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let base = AppState::new(Arc::clone(&current), Arc::clone(&stats), clock);
        let app = change(router(base.ending_with(cancel.clone())));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            current,
            stats: Arc::clone(&stats),
            cancel: cancel.clone(),
            tracker: tracker.clone(),
        };
        tracker.spawn(serve_within(
            limits,
            listener,
            app,
            stats,
            cancel,
            tracker.clone(),
        ));
        server
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a whole request on a new connection and returns what comes until it is closed.
    pub(super) async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    pub(super) async fn request(&self, method: &str, path: &str, headers: &str) -> Answer {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        Answer(self.raw(&request).await)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "").await
    }

    async fn until(&self, condition: impl Fn(&HttpStats) -> bool) {
        let wait = async {
            while !condition(&self.stats) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("the condition never holds");
    }
}

pub(super) struct Answer(pub(super) String);

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(super) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A reset is an end too.
    let _ended = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn every_route_answers() {
    let server = Server::start(Limits::default()).await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/?q=x&sort=name&state=nonsense", "text/html; charset=utf-8"),
        ("/caches/sessions", "text/html; charset=utf-8"),
        ("/health", "text/html; charset=utf-8"),
        ("/configuration", "text/html; charset=utf-8"),
        ("/static/live.js", "text/javascript; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
        ("/api/v1/caches", "application/json"),
        ("/static/style.css?v=1", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        let head = server.request("HEAD", path, "").await;
        assert_eq!((head.status(), head.body()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), Some(content_type), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = Server::start(Limits::default()).await;
    let before = server.stats.client_error.get();
    let answer = server.get("/nope").await;
    assert_eq!(answer.status(), 404);
    assert!(answer.body().contains("/metrics"));
    let answer = server.request("DELETE", "/metrics", "").await;
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert!(answer.header("content-security-policy").is_some());
    assert_eq!(server.stats.client_error.get(), before + 2);
}

#[tokio::test]
async fn openmetrics_and_gzip_for_those_who_ask() {
    let server = Server::start(Limits::default()).await;
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2\r\n";
    let answer = server.request("GET", "/metrics", accept).await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores")
    );
    assert!(answer.body().ends_with("# EOF\n"));
    let answer = server
        .request("GET", "/metrics", "Accept-Encoding: gzip\r\n")
        .await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.header("vary"), Some("accept, accept-encoding"));
    let length =
        |answer: &Answer| -> usize { answer.header("content-length").unwrap().parse().unwrap() };
    let plain = server.request("GET", "/metrics", "").await;
    assert!(
        length(&answer) * 4 < length(&plain),
        "{} of {}",
        length(&answer),
        length(&plain)
    );
}

#[tokio::test]
async fn the_stylesheet_is_sent_once() {
    let server = Server::start(Limits::default()).await;
    let etag = server
        .get("/static/style.css")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let again = server
        .request(
            "GET",
            "/static/style.css",
            &format!("If-None-Match: {etag}\r\n"),
        )
        .await;
    assert_eq!((again.status(), again.body()), (304, ""));
}

#[tokio::test]
async fn a_loop_that_hangs_is_not_healthy() {
    let mut snapshot = sample::rich();
    snapshot.at.mono -= Duration::from_mins(1);
    let now = sample::now();
    let state = AppState::new(
        Arc::new(ArcSwap::from_pointee(snapshot)),
        Arc::default(),
        Arc::new(Frozen(now)),
    );
    let server = Server::with(Limits::default(), sample::rich(), |_| router(state)).await;
    assert_eq!(server.get("/healthz").await.status(), 503);
}

#[tokio::test]
async fn bodies_and_heads_are_bounded() {
    let server = Server::start(Limits::default()).await;
    let answer = server
        .request("POST", "/metrics", "Content-Length: 70000\r\n")
        .await;
    assert_eq!(answer.status(), 413);
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    let answer = server.request("GET", "/metrics", &long).await;
    assert_eq!(answer.status(), 431);
    let answer = Answer(server.raw("\u{16}\u{3}\u{1} is no HTTP\r\n\r\n").await);
    assert_eq!(answer.status(), 400);
    server.until(|s| s.client_error.get() == 5 + 3).await;
}

#[tokio::test]
async fn a_panic_is_one_answer_only() {
    async fn bad() -> &'static str {
        panic!("on purpose")
    }
    let limits = Limits::default();
    let snapshot = sample::rich();
    let app = super::limited(
        Router::new().route("/bad", axum::routing::get(bad)),
        Arc::clone(&snapshot.own.http),
    );
    let server = Server::with(limits, snapshot, |router| router.merge(app)).await;
    assert_eq!(server.get("/bad").await.status(), 500);
    assert_eq!(server.stats.server_error.get(), 1);
    assert_eq!(server.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_stops_listening() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0_u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    server.cancel.cancel();
    server.tracker.close();
    tokio::time::timeout(PATIENCE, server.tracker.wait())
        .await
        .expect("it does not end");
    read_all(&mut stream).await;
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_told_with_what_to_do() {
    let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let error = bind(taken.local_addr().unwrap())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
    assert!(error.contains("another process listens there"), "{error}");
    assert!(error.contains("--listen"), "{error}");
}

#[test]
fn the_api_keeps_its_shape() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/testdata/caches.json");
    let snapshot = sample::rich();
    let mut json = serde_json::to_value(caches(&snapshot)).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    json["version"] = "VERSION".into();
    let text = serde_json::to_string_pretty(&json).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "the JSON differs; v1 only ever gets new fields. If it should: UPDATE_GOLDEN=1 cargo test"
    );
}
