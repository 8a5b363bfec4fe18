//! Ten thousand notifications through the outbox of each kind of store to a local receiver: how long, and that none is lost.
//!
//! A program that prints a table. Ends with an error when one is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cachewatch::config::{ChannelConfig, ChannelKind, Routing};
use cachewatch::model::incident::{DownEvidence, Evidence, Notification, Severity, Transition};
use cachewatch::model::name::Name;
use cachewatch::model::secret::Secret;
use cachewatch::model::time::{Clock, SystemClock};
use cachewatch::notify::Dispatcher;
use cachewatch::store::{Backend, Batch, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many notifications.
const MESSAGES: usize = 10_000;
/// How many of them are committed together, as by a beat.
const BATCH: usize = 100;
/// The longest that a run may take.
const LIMIT: Duration = Duration::from_mins(5);

type Keys = Arc<Mutex<HashSet<String>>>;

/// Answers `200 ok` to everything and remembers the idempotency keys.
async fn receiver(tracker: &TaskTracker, keys: Keys) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let within = tracker.clone();
    tracker.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let keys = Arc::clone(&keys);
            within.spawn(async move {
                let mut request = Vec::new();
                let mut part = [0; 16 * 1024];
                while !is_whole(&request) {
                    match stream.read(&mut part).await {
                        Ok(n) if n > 0 => request.extend(part.iter().take(n)),
                        _ => return,
                    }
                }
                let text = String::from_utf8_lossy(&request);
                let key = text
                    .lines()
                    .find_map(|l| l.strip_prefix("idempotency-key: "));
                keys.lock().unwrap().insert(key.unwrap().to_owned());
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                drop(stream.write_all(answer).await);
            });
        }
    });
    format!("http://{address}/hook")
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "));
    length.is_none_or(|n| body.len() >= n.parse().unwrap_or(0))
}

fn notification(n: usize, clock: &dyn Clock) -> Notification {
    let at = clock.now().wall;
    Notification {
        incident: format!("cache{n}-CacheDown-{n}"),
        transition: Transition::Firing,
        rule: Name::new("CacheDown").unwrap(),
        cache: Name::new(&format!("cache{n}")).unwrap(),
        subject: None,
        severity: Severity::Critical,
        labels: BTreeMap::new(),
        started: at,
        pending_since: at,
        at,
        duration: Duration::ZERO,
        runbook: None,
        note: None,
        coincidences: Vec::new(),
        evidence: Evidence::Down(DownEvidence {
            nodes: Vec::new(),
            total: 1,
        }),
    }
}

async fn run(backend: Backend, name: &str) {
    let tracker = TaskTracker::new();
    let keys: Keys = Arc::default();
    let url = receiver(&tracker, Arc::clone(&keys)).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = Store::open(backend, Arc::clone(&clock)).await;
    let channel = ChannelConfig {
        name: Name::new("hook").unwrap(),
        kind: ChannelKind::Webhook {
            url: Secret::new(url),
            secret: None,
        },
        send_resolved: true,
        template: None,
        routing: Routing::default(),
    };
    let cancel = CancellationToken::new();
    let dispatcher = Dispatcher::new(
        &[channel],
        &cachewatch::notify::Links::default(),
        &tracker,
        &cancel,
        Arc::clone(&clock),
        store.clone(),
    )
    .unwrap();

    let began = Instant::now();
    for first in (0..MESSAGES).step_by(BATCH) {
        let mut batch = Batch::new(clock.now().wall);
        for n in first..first + BATCH {
            let notification = Arc::new(notification(n, &*clock));
            batch
                .outbox
                .extend(dispatcher.plan(&notification, batch.at));
        }
        store.commit(batch).await;
        dispatcher.wake();
    }
    let committed = began.elapsed();
    while keys.lock().unwrap().len() < MESSAGES {
        assert!(
            began.elapsed() < LIMIT,
            "only {} arrived",
            keys.lock().unwrap().len()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = began.elapsed();
    assert_eq!(dispatcher.drain(Duration::from_secs(10)).await, 0, "left");
    store.close().await;
    println!(
        "{name:8} {MESSAGES} committed in {:.2} s, delivered in {:.2} s: {:.0} a second, none lost",
        committed.as_secs_f64(),
        took.as_secs_f64(),
        MESSAGES as f64 / took.as_secs_f64(),
    );
}

fn main() {
    cachewatch::install_tls_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(run(Backend::Memory, "memory"));
    runtime.block_on(run(Backend::Sqlite(folder.path().to_owned()), "sqlite"));
}
