//! A database that an older cachewatch made is read as it is, and brought forward with what is in it.

use super::super::open::{SCHEMA, of_schema, schema};
use super::super::reader::Reader;
use super::super::sql::{micros, q};
use super::*;

/// What cachewatch wrote before it kept lookups by namespace.
const ROWS: [&str; 4] = [
    "insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, miss_cost)
     values (10, 'a', $1, 10, 70, 30, 2, 3, 0.5)",
    "insert into history (width, cache, at, covered_seconds, hits, misses, evictions, expirations, miss_cost)
     values (60, 'a', $1, 10, 70, 30, 2, 3, 0.5)",
    "insert into namespace_history (width, cache, at, namespace, misses, expired, evicted, deleted, flushed, never_seen,
         unknown, evictions, expirations, cost) values (10, 'a', $1, 's:*', 30, 10, 20, 0, 0, 0, 0, 2, 3, 0.5)",
    "insert into namespace_history (width, cache, at, namespace, misses, expired, evicted, deleted, flushed, never_seen,
         unknown, evictions, expirations, cost) values (60, 'a', $1, 's:*', 30, 10, 20, 0, 0, 0, 0, 2, 3, 0.5)",
];

/// A minute before [`START`], where a slot of each width begins.
const OLD: i64 = -60;

pub(super) async fn is_brought_forward(backend: Backend) {
    let mut begun = None;
    until("the server answers", async || {
        begun = of_schema(&backend, 1).await.ok();
        begun.is_some()
    })
    .await;
    let mut link = begun.unwrap();
    for row in ROWS {
        let row = q(row).bind(micros(at(OLD)));
        row.execute(&mut link).await.unwrap();
    }
    drop(link);
    let (cache, all) = (name("a"), (at(-900), at(900)));

    let mut reader = Reader::open(&backend).await.unwrap();
    let before = reader.namespaces(&cache, 60, all).await.unwrap();
    assert_eq!(
        (before[0].misses, before[0].told),
        (30, None),
        "read as it is"
    );
    let slots = reader.slots(&cache, 60, all).await.unwrap();
    assert_eq!(
        (slots[0].hits, slots[0].saved, slots[0].sampled),
        (Some(70), None, None)
    );
    drop(reader);

    let store = Store::open(backend.clone(), Set::at(0)).await;
    until("the store is durable", async || store.health().durable).await;
    let points = vec![
        (cache.clone(), point(0, Some(10))),
        (cache.clone(), point(10, Some(20))),
    ];
    let spaces = vec![
        (cache.clone(), namespace(0, "s:*", 4)),
        (cache.clone(), namespace(0, "t:*", 1)),
    ];
    store.append_history(at(20), points, spaces).await;
    store.close().await;

    let mut link = of_schema(&backend, SCHEMA).await.unwrap();
    assert_eq!(schema(&mut link).await.unwrap(), SCHEMA);
    drop(link);
    let mut reader = Reader::open(&backend).await.unwrap();
    let slots = reader.slots(&cache, 60, all).await.unwrap();
    let found: Vec<_> = slots.iter().map(|slot| (slot.hits, slot.saved)).collect();
    assert_eq!(
        found,
        [(Some(70), None), (Some(30), Some(3.0))],
        "old ones and new ones"
    );
    let mut both = point(0, Some(10)).sampled.unwrap();
    both.add(&point(10, Some(20)).sampled.unwrap());
    assert_eq!(slots[1].sampled, Some(both), "wide slots are sums");
    let sums = reader.namespaces(&cache, 60, all).await.unwrap();
    let new = namespace(0, "s:*", 4);
    assert_eq!((sums[0].namespace.as_str(), sums[0].misses), ("s:*", 34));
    assert_eq!(
        (sums[0].told, sums[0].saved, sums[0].sampled),
        (new.told, new.saved, new.sampled)
    );
    assert_eq!(
        (sums[1].told, sums[1].saved, sums[1].sampled),
        (None, None, None),
        "not 0"
    );
}

#[tokio::test]
async fn an_sqlite_file_is_brought_forward() {
    let folder = tempfile::tempdir().unwrap();
    is_brought_forward(Backend::Sqlite(folder.path().to_owned())).await;
}

#[tokio::test]
async fn a_report_refuses_a_newer_database() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::Sqlite(folder.path().to_owned());
    let mut link = of_schema(&backend, SCHEMA).await.unwrap();
    q("update _sqlx_migrations set version = version + 10")
        .execute(&mut link)
        .await
        .unwrap();
    drop(link);
    let refused = Reader::open(&backend).await.err().unwrap();
    assert!(
        refused.to_string().contains("newer cachewatch (schema 12)"),
        "{refused}"
    );
}
