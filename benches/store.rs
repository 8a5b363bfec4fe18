//! What the store costs: commits a second, ten thousand messages through the outbox, history of a hundred caches, and the
//! size of the file after a week. Beside it, in the same run, what a plain JSON file rewritten at each change would take.
//!
//! A program that prints a table. Figures depend on the disk; ratios less so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::type_complexity,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cachewatch::model::incident::{AlertState, Notification, OwnEvidence, Transition};
use cachewatch::model::name::Name;
use cachewatch::model::record::{
    Attempt, HistoryPoint, IncidentRecord, NamespacePoint, OutboxItem, OutboxStatus,
    TransitionRecord,
};
use cachewatch::model::time::SystemClock;
use cachewatch::store::{Backend, Batch, FILE, Store};
use jiff::{SignedDuration, Timestamp};

/// How many commits are timed.
const COMMITS: usize = 500;
/// How many messages go through the outbox.
const MESSAGES: usize = 10_000;
/// How many are put there at once, and asked for at once.
const AT_ONCE: usize = 100;
/// How often the JSON file is rewritten; it takes too long for more.
const REWRITES: usize = 20;
const MINUTE: i64 = 60;
const WEEK: i64 = 7 * 24 * 60 * MINUTE;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_100).unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn notification(n: usize) -> Notification {
    let evidence = OwnEvidence {
        problem: format!("the problem number {n}"),
        why: "it is a benchmark".to_owned(),
        advice: String::new(),
    };
    let labels = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
    let own = Notification::own(
        format!("cache{n}-{n}"),
        "Bench",
        labels,
        after(n as i64),
        evidence,
    );
    Notification {
        cache: name(&format!("cache{n}")),
        ..own.unwrap()
    }
}

fn item(n: usize) -> OutboxItem {
    let notification = Arc::new(notification(n));
    OutboxItem {
        key: notification.idempotency_key(&name("hook")),
        channel: name("hook"),
        queued: notification.at,
        due: notification.at,
        notification,
        attempts: 0,
        status: OutboxStatus::Waiting,
    }
}

/// What an incident's beginning puts into one transaction: book, incident, transition, message.
fn batch(n: usize) -> Batch {
    let item = item(n);
    let told = Arc::clone(&item.notification);
    let mut batch = Batch::new(told.at);
    batch.books = vec![("sessions".to_owned(), "x".repeat(1_000))];
    batch.transitions = vec![TransitionRecord {
        cache: told.cache.clone(),
        rule: told.rule.clone(),
        subject: String::new(),
        incident: Some(told.incident.clone()),
        at: told.at,
        from: AlertState::Pending,
        to: AlertState::Firing,
        why: "no answer for 30 s".to_owned(),
    }];
    batch.incidents = vec![IncidentRecord {
        id: told.incident.clone(),
        cache: told.cache.clone(),
        rule: told.rule.clone(),
        subject: String::new(),
        severity: told.severity,
        labels: told.labels.clone(),
        started: told.started,
        resolved: None,
        headline: "sessions is down".to_owned(),
        notification: Arc::clone(&told),
        acknowledged: None,
    }];
    batch.outbox = vec![item];
    batch
}

async fn open(folder: &Path) -> Store {
    let backend = Backend::Sqlite(folder.to_owned());
    let store = Store::open(backend, Arc::new(SystemClock::start())).await;
    assert!(store.health().durable, "{:?}", store.health());
    store
}

fn per_second(number: usize, took: Duration) -> f64 {
    number as f64 / took.as_secs_f64()
}

/// All of it as JSON, beside the file, on the disk, then renamed over it.
fn rewrite<T: serde::Serialize>(folder: &Path, all: &T) {
    let path = folder.join("state.json.new");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&serde_json::to_vec(all).unwrap()).unwrap();
    file.sync_all().unwrap();
    std::fs::rename(path, folder.join("state.json")).unwrap();
}

async fn commits() {
    let mut rates = [0.0; 2];
    for (relaxed, rate) in [false, true].into_iter().zip(&mut rates) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        if relaxed {
            store.relax().await;
        }
        let began = Instant::now();
        for n in 0..COMMITS {
            assert!(store.commit(batch(n)).await.durable);
        }
        *rate = per_second(COMMITS, began.elapsed());
        store.close().await;
    }
    let [full, normal] = rates;
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<IncidentRecord> = Vec::new();
    let began = Instant::now();
    for n in 0..COMMITS {
        all.extend(batch(n).incidents);
        rewrite(folder.path(), &all);
    }
    let json = per_second(COMMITS, began.elapsed());
    println!("commits of an incident (book, incident, transition, message), {COMMITS} in a row");
    println!("  synchronous = full (as it is)   {full:>9.0} a second");
    println!(
        "  synchronous = normal            {:>9.0} a second, {:.1} times as many",
        normal,
        normal / full
    );
    println!(
        "  JSON file rewritten each time   {json:>9.0} a second, {:.2} times as many",
        json / full
    );
}

async fn outbox() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let items: Vec<_> = (0..MESSAGES).map(item).collect();
    let began = Instant::now();
    for some in items.chunks(AT_ONCE) {
        store.enqueue(some.to_vec()).await;
    }
    let put = began.elapsed();
    let (mut asked, mut noted, mut got) = (Duration::ZERO, Duration::ZERO, 0);
    loop {
        let began = Instant::now();
        let due = store.due(&name("hook"), after(WEEK), AT_ONCE).await;
        asked += began.elapsed();
        if due.is_empty() {
            break;
        }
        let began = Instant::now();
        for item in &due {
            let attempt = Attempt {
                key: item.key.clone(),
                incident: item.notification.incident.clone(),
                transition: Transition::Firing,
                channel: item.channel.clone(),
                at: item.due,
                took_seconds: 0.1,
                code: Some(200),
                outcome: "delivered".to_owned(),
                why: None,
                next: None,
            };
            let key = std::slice::from_ref(&item.key);
            store
                .attempted(&attempt, key, OutboxStatus::Delivered, item.due)
                .await;
        }
        noted += began.elapsed();
        got += due.len();
    }
    assert_eq!(got, MESSAGES, "some were lost");
    assert!(store.health().durable, "{:?}", store.health());
    store.close().await;

    let folder = tempfile::tempdir().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|item| (&item.key, item.status.as_str(), &*item.notification))
        .collect();
    let began = Instant::now();
    for _ in 0..REWRITES {
        rewrite(folder.path(), &told);
    }
    let one = began.elapsed() / REWRITES as u32;
    let whole = one * MESSAGES as u32;
    let took = put + asked + noted;
    println!(
        "{MESSAGES} messages through the outbox, {AT_ONCE} at once in and out, each noted by itself"
    );
    println!(
        "  put there {:.2} s, asked for {:.2} s, noted {:.2} s: {:.0} a second",
        put.as_secs_f64(),
        asked.as_secs_f64(),
        noted.as_secs_f64(),
        per_second(MESSAGES, took)
    );
    println!(
        "  JSON file of {MESSAGES} rewritten for each: {:.1} ms each, so {:.0} s, {:.0} times as long",
        one.as_secs_f64() * 1e3,
        whole.as_secs_f64(),
        whole.as_secs_f64() / took.as_secs_f64()
    );
}

fn points(
    caches: usize,
    namespaces: usize,
    at: Timestamp,
) -> (Vec<(Name, HistoryPoint)>, Vec<(Name, NamespacePoint)>) {
    let seed = at.as_second().unsigned_abs();
    let all = (0..caches).map(|n| name(&format!("cache{n}")));
    let point = |n: u64| HistoryPoint {
        at,
        covered_seconds: 10.0,
        hits: Some(seed % 9_000 + n),
        misses: Some(seed % 700 + n),
        evictions: Some(0),
        expirations: Some(seed % 300),
        memory_used_bytes: Some(100_000_000 + seed % 1_000_000),
        memory_limit_bytes: Some(1 << 30),
        miss_cost: None,
        ..HistoryPoint::default()
    };
    let namespace = |n: usize| NamespacePoint {
        at,
        namespace: format!("service{n}:user:*:profile"),
        misses: seed % 50 + 1,
        causes: vec![1, 0, 0, 0, seed % 50, 0],
        evictions: 0,
        expirations: seed % 20,
        cost: None,
        ..NamespacePoint::default()
    };
    let points = all.clone().zip(0..).map(|(cache, n)| (cache, point(n)));
    let points = points.collect();
    let spaces = all.flat_map(|cache| (0..namespaces).map(move |n| (cache.clone(), namespace(n))));
    (points, spaces.collect())
}

async fn append() {
    const SLOTS: i64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let began = Instant::now();
    for slot in 0..SLOTS {
        let at = after(slot * 10);
        let (caches, namespaces) = points(100, 50, at);
        store.append_history(at, caches, namespaces).await;
    }
    let took = began.elapsed() / SLOTS as u32;
    assert!(store.health().durable, "{:?}", store.health());
    println!("history of 100 caches with 50 namespaces (32 of them are kept), each slot of 10 s");
    println!(
        "  {:.0} ms, {:.2} % of the time there is for it",
        took.as_secs_f64() * 1e3,
        took.as_secs_f64() * 10.0
    );
    store.close().await;
}

/// A slot a minute gives the same rows as six, except in the last two hours.
async fn week() {
    let (caches, namespaces) = (2, 10);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.relax().await;
    let began = Instant::now();
    let fine = WEEK - 2 * 60 * MINUTE;
    let mut second = 0;
    while second < WEEK {
        let at = after(second);
        let (of_caches, of_namespaces) = points(caches, namespaces, at);
        store.append_history(at, of_caches, of_namespaces).await;
        if second % 3_600 == 0 {
            store.prune(at).await;
        }
        second += if second < fine { MINUTE } else { 10 };
    }
    store.prune(after(WEEK)).await;
    assert!(store.health().durable, "{:?}", store.health());
    store.close().await;
    let bytes = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
    println!(
        "a week of {caches} caches with {namespaces} namespaces each ({:.0} s to simulate)",
        began.elapsed().as_secs_f64()
    );
    println!(
        "  {:.1} MB, {:.2} MB a cache",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / caches as f64
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        commits().await;
        outbox().await;
        append().await;
        week().await;
    });
}
