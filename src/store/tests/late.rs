//! A database that answers late or slowly, and rows in it that cannot be read.

use std::fs;

use super::*;
use crate::store::inner::Inner;
use crate::store::open::{FILE, check};
use crate::store::sql::q;

fn book(text: &str) -> Batch {
    Batch {
        books: vec![("sessions".to_owned(), text.to_owned())],
        ..Batch::new(at(0))
    }
}

#[tokio::test]
async fn the_books_of_the_last_process_are_there_also_when_the_disk_comes_late() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, away) = (parent.path().join("data"), parent.path().join("away"));
    let store = open(&folder).await;
    store.commit(book("{\"old\":1}")).await;
    store.close().await;

    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let store = open(&folder).await;
    assert_eq!(store.found(), None, "nothing is known yet");
    assert!(!store.commit(book("{\"new\":1}")).await.durable);
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    store.ready(Duration::from_secs(10)).await;
    assert!(store.health().durable);
    assert_eq!(store.found().unwrap()["sessions"], "{\"old\":1}");
    assert_eq!(store.found(), None, "once");
    assert_eq!(store.books().await["sessions"], "{\"new\":1}");
}

#[tokio::test]
async fn without_a_database_there_is_nothing_to_wait_for() {
    let store = Store::open(Backend::Memory, Set::at(0)).await;
    store.ready(Duration::from_hours(1)).await;
    assert!(store.found().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_too_large_to_check_is_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for n in 0..40 {
        store.commit(batch(n, &format!("i{n}"))).await;
    }
    store.close().await;
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 8_192 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let day = Duration::from_hours(24);
    assert!(check(&path, u64::MAX, day).await.is_err(), "it is broken");
    assert!(check(&path, 4_096, day).await.is_ok());
}

/// Changes a row behind the store's back.
async fn spoil(inner: &Inner, sql: &'static str) {
    let mut disk = inner.disk.lock().await;
    let link = disk.link.as_mut().unwrap();
    assert_eq!(q(sql).execute(link).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_given_up_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let slack = name("slack");
    store.commit(batch(0, "i0")).await;
    store.commit(batch(1, "i1")).await;
    spoil(
        &store.0,
        "update outbox set notification = '{\"half\":' where incident = 'i0'",
    )
    .await;
    let due = store.due(&slack, at(9), 9).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].notification.incident, "i1");
    let waiting = store.waiting(&slack).await;
    assert_eq!((waiting.count, waiting.dead), (1, 1));
    let dead = store.dead(9).await.unwrap();
    assert_eq!((dead.len(), dead[0].status), (1, OutboxStatus::Dead));
    assert_eq!(dead[0].notification.incident, "i0");
    let attempts = store.attempts("i0").await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0].why.as_ref().unwrap().contains("cannot be read"));
    assert_eq!(
        store.due(&slack, at(9), 9).await,
        due,
        "no other is touched"
    );
}
