//! Accepts connections and serves HTTP/1 on them, within limits.
//!
//! An own loop, because `axum::serve` has no time-out for heads and no bound on connections.
//!
//! Invariant: at most [`Limits::connections`] connections are open, and each ends by itself if its peer does nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::model::stats::HttpStats;

use super::guard::{Guard, Phase};

/// The server cannot listen where it should.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {advice}")]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    advice: String,
    #[source]
    source: io::Error,
}

/// Listens on the address; port 0 takes a free one.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| {
        let advice = match source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "another process listens there; stop it, or choose another address (--listen 127.0.0.1:{})",
                address.port().checked_add(1).unwrap_or(9721)
            ),
            io::ErrorKind::PermissionDenied => {
                "not permitted; ports below 1024 need a privilege, choose a higher one (--listen)"
                    .to_owned()
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; choose 127.0.0.1 or 0.0.0.0 (--listen)".to_owned()
            }
            _ => format!("{source}; choose another address (--listen)"),
        };
        BindError { address, advice, source }
    })
}

/// What a peer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at a time; further ones are closed at once.
    pub(super) connections: usize,
    /// From the first byte of a request to the end of its head.
    pub(super) head: Duration,
    /// Between requests on a connection. Longer than the usual scrape interval of a minute.
    pub(super) idle: Duration,
    /// Without progress while an answer is written.
    pub(super) write: Duration,
    /// For answers under way when shutting down.
    pub(super) shutdown: Duration,
    /// Bytes of a request's head.
    pub(super) head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head: Duration::from_secs(5),
            idle: Duration::from_secs(90),
            write: Duration::from_secs(10),
            shutdown: Duration::from_secs(5),
            head_bytes: 16 * 1024,
        }
    }
}

/// Serves until cancelled. Connections run on `tracker`; waiting for it waits for the last answers, at most 5 s.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stats: Arc<HttpStats>,
    cancel: CancellationToken,
    tracker: TaskTracker,
) {
    serve_within(Limits::default(), listener, router, stats, cancel, tracker).await;
}

pub(super) async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    stats: Arc<HttpStats>,
    cancel: CancellationToken,
    tracker: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                if !is_peers_fault(&error) {
                    tracing::warn!(%error, "cannot accept HTTP connections; trying on");
                    // Most likely out of file descriptors: accepting again at once would spin.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            stats.refused_connections.inc();
            continue;
        };
        let (router, cancel, open) = (router.clone(), cancel.clone(), Open::new(&stats));
        tracker.spawn(async move {
            connection(limits, stream, router, cancel, Arc::clone(&open.0)).await;
            drop(place);
        });
    }
}

/// Counts a connection as open for as long as it lives, even if its task panics.
struct Open(Arc<HttpStats>);

impl Open {
    fn new(stats: &Arc<HttpStats>) -> Self {
        stats.open_connections.inc();
        Self(Arc::clone(stats))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_connections.dec();
    }
}

async fn connection(
    limits: Limits,
    stream: TcpStream,
    router: Router,
    cancel: CancellationToken,
    stats: Arc<HttpStats>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let phase = Phase::new();
    let guard = Guard::new(
        stream,
        phase.clone(),
        limits.head,
        limits.write,
        Arc::clone(&stats),
    );
    let io = TokioIo::new(guard);
    let service = service_fn(move |request: Request<Incoming>| {
        phase.busy();
        let (phase, answer) = (phase.clone(), router.clone().oneshot(request));
        async move {
            let answer = answer.await;
            phase.idle();
            answer
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(limits.head_bytes)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = cancel.cancelled() => {
            serving.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.shutdown, serving).await {
                Ok(result) => result,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = result {
        if error.is_parse() {
            // hyper has answered by itself.
            stats.client_error.inc();
        } else if error.is_timeout() {
            // Idle for too long; slower ones are counted by the guard.
            stats.timed_out_connections.inc();
        }
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

fn is_peers_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
