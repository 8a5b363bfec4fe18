//! Every function of the store once, on a real file that is opened again in between, and in memory.

use super::*;
use crate::model::record::OutboxStatus::{Dead, Delivered, Superseded, Waiting};

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("deep/er %20?#")).await;
    assert!(store.commit(batch(0, "i1")).await.durable);
    assert!(store.commit(batch(0, "i1")).await.durable, "again");
    assert!(store.health().durable && store.health().error.is_none());
    store.close().await;
    let store = open(&folder.path().join("deep/er %20?#")).await;
    assert_eq!(store.books().await["sessions"], "{\"at\":0}");
    assert_eq!(
        store.incidents(&all()).await.unwrap(),
        [incident("i1", 0, None)]
    );
    assert_eq!(
        store.incident("i1").await.unwrap(),
        Some(incident("i1", 0, None))
    );
    assert_eq!(store.incident("i2").await.unwrap(), None);
    let steps = [step("i1", 0, AlertState::Firing)];
    assert_eq!(store.transitions("i1").await.unwrap(), steps);
    let sessions = name("sessions");
    let between = store.transitions_between(&sessions, at(0), at(0)).await;
    assert_eq!(between.unwrap(), steps);
    let messages = [item("i1", Transition::Firing, "slack", 0)];
    assert_eq!(store.messages("i1").await.unwrap(), messages);
    assert_eq!(store.due(&name("slack"), at(0), 10).await, messages);
    assert_eq!(store.due(&name("mail"), at(0), 10).await, []);
    assert_eq!(store.due(&name("slack"), at(-1), 10).await, []);
    store
        .commit(Batch {
            books: vec![("sessions".to_owned(), String::new())],
            ..Batch::new(at(1))
        })
        .await;
    assert!(store.books().await.is_empty());
}

async fn outbox(store: Store) {
    let slack = name("slack");
    let (one, two) = (
        item("i1", Transition::Firing, "slack", 0),
        item("i1", Transition::Resolved, "slack", 5),
    );
    store.commit(batch(0, "i1")).await;
    store
        .enqueue(vec![two.clone(), one.clone(), two.clone()])
        .await;
    assert_eq!(
        store.due(&slack, at(9), 1).await,
        std::slice::from_ref(&one)
    );
    let waiting = store.waiting(&slack).await;
    assert_eq!((waiting.count, waiting.dead), (2, 0));
    assert_eq!(
        (waiting.next_due, waiting.oldest),
        (Some(at(0)), Some(at(0)))
    );

    let both = [one.key.clone(), two.key.clone()];
    let first = attempt(&one, 10, "retry");
    for _ in 0..2 {
        store.attempted(&first, &both, Waiting, at(20)).await;
    }
    assert_eq!(store.due(&slack, at(19), 9).await, []);
    let due = store.due(&slack, at(20), 9).await;
    assert_eq!(due.iter().map(|i| i.attempts).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(store.attempts("i1").await.unwrap(), [first]);

    store.supersede(&both[..1]).await;
    store
        .attempted(
            &attempt(&two, 21, "delivered"),
            &both[1..],
            Delivered,
            at(21),
        )
        .await;
    store.supersede(&both).await;
    let messages = store.messages("i1").await.unwrap();
    let status: Vec<_> = messages.iter().map(|i| i.status).collect();
    assert_eq!(status, [Superseded, Delivered]);
    assert_eq!(
        store.waiting(&slack).await,
        super::super::Waiting::default()
    );

    let lost = item("i2", Transition::Firing, "slack", 30);
    store.enqueue(Vec::from([lost.clone()])).await;
    store
        .attempted(
            &attempt(&lost, 31, "refused"),
            std::slice::from_ref(&lost.key),
            Dead,
            at(31),
        )
        .await;
    assert_eq!(store.waiting(&slack).await.dead, 1);
    let dead = store.dead(5).await.unwrap();
    assert_eq!(dead.iter().map(|i| &i.key).collect::<Vec<_>>(), [&lost.key]);
    assert_eq!(store.dead(0).await.unwrap(), []);

    let resend = store.resend(&slack, at(0)).await;
    assert_eq!(resend, [Arc::clone(&two.notification)]);
    let mut ended = batch(40, "i1");
    ended.incidents = vec![incident("i1", 0, Some(40))];
    store.commit(ended).await;
    assert_eq!(store.resend(&slack, at(40)).await.len(), 1);
    assert_eq!(store.resend(&slack, at(41)).await.len(), 0);
}

#[tokio::test]
async fn messages_go_their_way_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    outbox(open(folder.path()).await).await;
}

#[tokio::test]
async fn messages_go_their_way_in_memory() {
    let store = Store::open(Backend::Memory, Set::at(0)).await;
    outbox(store.clone()).await;
    let health = store.health();
    assert!(!health.durable && !health.wanted && health.error.is_none());
    assert_eq!((health.backend, health.waiting), ("memory", 0));
}

#[tokio::test]
async fn an_acknowledgement_outlives_what_the_engine_writes_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert!(!store.acknowledge("i1", ack("ann")).await.unwrap());
    store.commit(batch(0, "i1")).await;
    assert!(store.acknowledge("i1", ack("ann")).await.unwrap());
    store.commit(batch(9, "i1")).await;
    let incident = store.incident("i1").await.unwrap().unwrap();
    assert_eq!(incident.acknowledged, Some(ack("ann")));
}

#[tokio::test]
async fn incidents_are_filtered_and_paged() {
    let store = Store::open(Backend::Memory, Set::at(0)).await;
    let mut batch = Batch::new(at(0));
    batch.incidents = (0..20)
        .map(|n| incident(&format!("i{n:02}"), n, (n % 2 == 0).then_some(n + 100)))
        .collect();
    batch.incidents[3].cache = name("other");
    store.commit(batch).await;
    let ids = async |filter: IncidentFilter| {
        let found = store.incidents(&filter).await.unwrap();
        found.into_iter().map(|i| i.id).collect::<Vec<_>>()
    };
    let open = IncidentFilter {
        open: Some(true),
        limit: 2,
        ..all()
    };
    assert_eq!(ids(open).await, ["i19", "i17"]);
    let page = IncidentFilter {
        limit: 2,
        offset: 2,
        ..all()
    };
    assert_eq!(ids(page).await, ["i17", "i16"]);
    let other = IncidentFilter {
        cache: Some(name("other")),
        ..all()
    };
    assert_eq!(ids(other).await, ["i03"]);
    let since = IncidentFilter {
        open: Some(false),
        since: Some(at(116)),
        ..all()
    };
    assert_eq!(ids(since).await, ["i18", "i16"]);
    assert_eq!(ids(all()).await.len(), 20);
}

#[tokio::test]
async fn silences_are_kept_ended_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_silence(&silence("s1", 0, 100)).await.unwrap();
    store.add_silence(&silence("s2", 1, 200)).await.unwrap();
    let store = open(folder.path()).await;
    let both = [silence("s1", 0, 100), silence("s2", 1, 200)];
    assert_eq!(store.silences(at(100)).await.unwrap(), both);
    assert_eq!(store.silences(at(101)).await.unwrap(), both[1..]);
    assert!(store.end_silence("s2", at(50)).await.unwrap());
    assert!(
        !store.end_silence("s2", at(60)).await.unwrap(),
        "it has ended"
    );
    assert!(!store.end_silence("s3", at(50)).await.unwrap());
    assert_eq!(store.silences(at(0)).await.unwrap()[1].ends, at(50));
    for n in 0..super::super::MAX_SILENCES - 2 {
        store
            .add_silence(&silence(&format!("n{n}"), 2, 100))
            .await
            .unwrap();
    }
    let error = store
        .add_silence(&silence("more", 2, 100))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there are 1000 silences already; end some first"
    );
}

#[tokio::test]
async fn annotations_are_those_of_the_cache_and_of_all() {
    let store = Store::open(Backend::Memory, Set::at(0)).await;
    for a in [
        annotation("a", None, 0),
        annotation("b", Some("x"), 10),
        annotation("c", Some("y"), 20),
    ] {
        store.add_annotation(&a).await.unwrap();
    }
    let ids = async |cache: Option<&str>, from, to| {
        let cache = cache.map(name);
        let found = store
            .annotations(cache.as_ref(), at(from), at(to))
            .await
            .unwrap();
        found.into_iter().map(|a| a.id).collect::<String>()
    };
    assert_eq!(ids(None, 0, 100).await, "abc");
    assert_eq!(ids(Some("x"), 0, 100).await, "ab");
    assert_eq!(ids(None, 61, 100).await, "bc");
    assert_eq!(ids(None, 0, 19).await, "ab");
}

#[tokio::test]
async fn a_key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let key = store.key("links").await.unwrap();
    assert_eq!(key.expose().len(), 64);
    assert_ne!(store.key("other").await.unwrap(), key);
    drop(store);
    assert_eq!(open(folder.path()).await.key("links").await.unwrap(), key);
}
