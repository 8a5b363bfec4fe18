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
use cachewatch::model::incident::{Notification, OwnEvidence};
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

/// What has arrived: incidents, in how many letters, and how many of those twice.
#[derive(Default)]
struct Arrived {
    letters: HashSet<String>,
    incidents: HashSet<String>,
    twice: usize,
}

impl Arrived {
    fn take(&mut self, head: &str, body: &str) {
        let key = head
            .lines()
            .find_map(|l| l.strip_prefix("idempotency-key: "));
        if !self.letters.insert(key.unwrap().to_owned()) {
            self.twice += 1;
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        for alert in body.get("alerts").unwrap().as_array().unwrap() {
            let incident = alert.pointer("/annotations/incident").unwrap();
            self.incidents.insert(incident.as_str().unwrap().to_owned());
        }
    }
}

/// Answers `200 ok` to everything and notes what arrived.
async fn receiver(tracker: &TaskTracker, arrived: Arc<Mutex<Arrived>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let within = tracker.clone();
    tracker.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let arrived = Arc::clone(&arrived);
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
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                arrived.lock().unwrap().take(head, body);
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
    let evidence = OwnEvidence {
        problem: format!("the problem number {n}"),
        why: "it is a benchmark".to_owned(),
        advice: String::new(),
    };
    let cache = Name::new(&format!("cache{n}")).unwrap();
    let own = Notification::own(
        format!("cache{n}-{n}"),
        "Bench",
        BTreeMap::new(),
        at,
        evidence,
    );
    Notification {
        cache,
        ..own.unwrap()
    }
}

async fn run(backend: Backend, name: &str) {
    let tracker = TaskTracker::new();
    let arrived: Arc<Mutex<Arrived>> = Arc::default();
    let url = receiver(&tracker, Arc::clone(&arrived)).await;
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
    loop {
        let there = arrived.lock().unwrap().incidents.len();
        if there >= MESSAGES {
            break;
        }
        assert!(began.elapsed() < LIMIT, "only {there} arrived");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = began.elapsed();
    assert_eq!(dispatcher.drain(Duration::from_secs(10)).await, 0, "left");
    store.close().await;
    let arrived = arrived.lock().unwrap();
    println!(
        "{name:8} {MESSAGES} committed in {:.2} s, delivered in {:.2} s: {:.0} a second in {} letters, none lost, {} twice",
        committed.as_secs_f64(),
        took.as_secs_f64(),
        MESSAGES as f64 / took.as_secs_f64(),
        arrived.letters.len(),
        arrived.twice,
    );
}

fn main() {
    cachewatch::install_tls_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(run(Backend::Memory, "memory"));
    runtime.block_on(run(Backend::Sqlite(folder.path().to_owned()), "sqlite"));
}
