//! Corrupt, truncated, full, in the way, too new: nothing panics, nothing is deleted, alerts go on, and it is said.

use std::fs;

use super::*;
use crate::store::open::FILE;
use crate::store::sql::q;

/// The files of the folder that were set aside, in order.
fn set_aside(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().unwrap())
        .filter(|name| {
            name.contains(".corrupt-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .collect();
    names.sort();
    names
}

/// A file with something in it, closed.
async fn filled(folder: &Path) -> Vec<u8> {
    let store = open(folder).await;
    for n in 0..40 {
        store.commit(batch(n, &format!("i{n}"))).await;
    }
    store.close().await;
    fs::read(folder.join(FILE)).unwrap()
}

/// Whatever was on the disk: it works now.
async fn works(store: &Store) {
    let health = store.health();
    assert!(health.durable, "{health:?}");
    assert!(store.commit(batch(7_000, "new")).await.durable);
    assert_eq!(
        store.incident("new").await.unwrap(),
        Some(incident("new", 7_000, None))
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        let rubbish = format!("rubbish {round} {}", "x".repeat(5_000));
        fs::write(folder.path().join(FILE), &rubbish).unwrap();
        let store = open(folder.path()).await;
        works(&store).await;
        let aside = set_aside(folder.path());
        assert_eq!(aside.len(), round);
        assert_eq!(
            fs::read_to_string(folder.path().join(&aside[round - 1])).unwrap(),
            rubbish
        );
        assert!(
            store
                .health()
                .set_aside
                .unwrap()
                .ends_with(&aside[round - 1])
        );
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_anywhere_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path()).await;
    assert!(whole.len() > 30_000);
    let last = whole.len() - 1;
    let offsets = [
        0,
        1,
        15,
        16,
        17,
        99,
        100,
        101,
        511,
        4095,
        4096,
        4097,
        last - 4096,
        last,
    ];
    let spread = (1..20).map(|n| n * whole.len() / 20);
    for end in offsets.into_iter().chain(spread) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), &whole[..end]).unwrap();
        let store = open(folder.path()).await;
        works(&store).await;
        let aside = set_aside(folder.path());
        if aside.is_empty() && end > 0 {
            // Only zeros, or nothing that is in use, was cut off.
            let found = store.incidents(&all()).await.unwrap();
            assert_eq!((found.len(), end > whole.len() / 2), (41, true), "{end}");
        }
        if let Some(name) = aside.first() {
            let kept = fs::read(folder.path().join(name)).unwrap();
            assert_eq!(kept[..], whole[..end], "{end}: it was changed");
        }
    }
}

#[tokio::test]
async fn a_file_with_rubbish_in_the_middle_is_noticed_at_the_latest_when_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path()).await;
    for at in (4_096..whole.len()).step_by(4_096 * 7) {
        let folder = tempfile::tempdir().unwrap();
        let mut broken = whole.clone();
        broken[at..at + 512].fill(0xa5);
        fs::write(folder.path().join(FILE), &broken).unwrap();
        let store = open(folder.path()).await;
        store.books().await;
        store.incidents(&all()).await.unwrap();
        store.commit(batch(7_000, "new")).await;
        until("it works", async || store.health().durable).await;
        works(&store).await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.commit(batch(0, "i1")).await;
    {
        let mut disk = store.0.disk.lock().await;
        q("update _sqlx_migrations set version = version + 5")
            .execute(disk.link.as_mut().unwrap())
            .await
            .unwrap();
    }
    store.close().await;
    let before = fs::read(folder.path().join(FILE)).unwrap();
    let store = open(folder.path()).await;
    let error = store.health().error.unwrap();
    assert!(error.contains("newer cachewatch (schema 7)"), "{error}");
    assert!(!store.commit(batch(1, "i2")).await.durable);
    assert_eq!(
        store.due(&name("slack"), at(9), 9).await.len(),
        1,
        "alerts go on"
    );
    store.close().await;
    assert!(set_aside(folder.path()).is_empty());
    let after = fs::read(folder.path().join(FILE)).unwrap();
    assert!(after == before, "the file was touched");
}

#[tokio::test]
async fn a_full_disk_is_gone_round_and_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let slack = name("slack");
    store.commit(batch(0, "i0")).await;
    {
        let mut disk = store.0.disk.lock().await;
        let link = disk.link.as_mut().unwrap();
        q("pragma max_page_count = 1")
            .fetch_all(link)
            .await
            .unwrap();
    }
    let mut failed = None;
    for n in 1..500 {
        if !store.commit(batch(n, &format!("i{n}"))).await.durable {
            failed = Some(n);
            break;
        }
    }
    let last = failed.expect("the disk was never full");
    // While it is away or just after: the message is there exactly once, and so is everything before it.
    let due = store.due(&slack, at(1_000), 1_000).await;
    assert_eq!(due.len(), usize::try_from(last + 1).unwrap());
    let one = due.last().unwrap();
    let done = attempt(one, 600, "delivered");
    store
        .attempted(
            &done,
            std::slice::from_ref(&one.key),
            OutboxStatus::Delivered,
            at(600),
        )
        .await;
    until("the disk is back", async || store.health().durable).await;
    let health = store.health();
    assert_eq!((health.outages, health.waiting, health.rows_cut), (1, 0, 0));
    assert!(health.writes_failed >= 1 && health.error.is_none());
    store.close().await;

    let store = open(folder.path()).await;
    assert_eq!(
        store.due(&slack, at(1_000), 1_000).await.len(),
        usize::try_from(last).unwrap()
    );
    assert_eq!(store.attempts(&format!("i{last}")).await.unwrap(), [done]);
    assert_eq!(
        store
            .incidents(&IncidentFilter {
                limit: 500,
                ..all()
            })
            .await
            .unwrap()
            .len(),
        usize::try_from(last + 1).unwrap()
    );
    assert_eq!(
        store.books().await["sessions"],
        format!("{{\"at\":{last}}}")
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("occupied");
    fs::write(&inside, "").unwrap();
    let store = open(&inside).await;
    let error = store.health().error.unwrap();
    assert!(error.contains("occupied"), "{error}");
    assert!(!store.commit(batch(0, "i1")).await.durable);
    store
        .append_history(
            at(0),
            vec![(name("sessions"), point(0, Some(4)))],
            Vec::new(),
        )
        .await;
    assert_eq!(
        store
            .history(&name("sessions"), at(-60), at(60), 100)
            .await
            .unwrap()
            .len(),
        1
    );
    let key = store.key("links").await.unwrap();
    assert_eq!(store.key("links").await.unwrap(), key);

    fs::remove_file(&inside).unwrap();
    until("the disk is back", async || store.health().durable).await;
    store.close().await;
    let store = open(&inside).await;
    assert_eq!(
        store.incidents(&all()).await.unwrap(),
        [incident("i1", 0, None)]
    );
    assert_eq!(
        store
            .history(&name("sessions"), at(-60), at(60), 100)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.key("links").await.unwrap(), key);
}

#[tokio::test]
async fn a_new_file_in_place_of_a_corrupt_one_gets_what_memory_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.commit(batch(0, "i1")).await;
    store.add_silence(&silence("s1", 0, 1_000)).await.unwrap();
    let due = store.due(&name("slack"), at(9), 9).await;
    store
        .attempted(
            &attempt(&due[0], 9, "retry"),
            &[due[0].key.clone()],
            OutboxStatus::Waiting,
            at(20),
        )
        .await;
    // As if it had gone bad while it was in use.
    store
        .0
        .misread(&crate::store::StoreError::Corrupt("test".to_owned()))
        .await;
    for end in ["", "-wal", "-shm"] {
        fs::write(
            folder.path().join(format!("{FILE}{end}")),
            "rubbish that is no database at all",
        )
        .unwrap();
    }
    until("the disk is back", async || store.health().durable).await;
    assert_eq!(set_aside(folder.path()).len(), 1);
    store.close().await;
    let store = open(folder.path()).await;
    assert_eq!(
        store.silences(at(0)).await.unwrap(),
        [silence("s1", 0, 1_000)]
    );
    assert_eq!(
        store.incidents(&all()).await.unwrap(),
        [incident("i1", 0, None)]
    );
    let due = store.due(&name("slack"), at(20), 9).await;
    assert_eq!((due.len(), due[0].attempts), (1, 1));
}

#[tokio::test]
async fn two_of_them_on_one_file_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    for n in 0..50 {
        let first = one.commit(batch(n, &format!("a{n}")));
        let second = two.commit(batch(n, &format!("b{n}")));
        let (first, second) = tokio::join!(first, second);
        assert!(first.durable && second.durable, "{n}");
    }
    assert_eq!(one.due(&name("slack"), at(99), 999).await.len(), 100);
    assert_eq!(two.due(&name("slack"), at(99), 999).await.len(), 100);
}

#[tokio::test]
async fn what_is_not_fit_is_left_out_and_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut odd = point(0, Some(u64::MAX));
    odd.covered_seconds = f64::NAN;
    odd.miss_cost = Some(f64::INFINITY);
    store
        .append_history(
            at(0),
            vec![(name("x"), odd)],
            vec![(name("x"), namespace(0, "a\0b", u64::MAX))],
        )
        .await;
    let read = store
        .history(&name("x"), at(-60), at(60), 10)
        .await
        .unwrap();
    assert_eq!(
        (read[0].hits, read[0].covered_seconds, read[0].miss_cost),
        (Some(1 << 53), 0.0, None)
    );
    assert!(store.health().durable);
}

#[tokio::test]
async fn who_goes_away_in_the_middle_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for n in 0..200 {
        let id = format!("i{n}");
        let commit = store.commit(batch(n, &id));
        // Gone after one look.
        tokio::select! { biased; _ = commit => {}, () = std::future::ready(()) => {} }
    }
    until("all are there", async || {
        store.due(&name("slack"), at(999), 999).await.len() == 200
    })
    .await;
    assert!(
        store
            .commit(Batch {
                books: vec![("x".to_owned(), "{}".to_owned())],
                ..Batch::new(at(0))
            })
            .await
            .durable
    );
}

#[tokio::test]
async fn the_state_of_0_1_is_taken_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    fs::write(
        &state,
        r#"{"version":1,"books":{"sessions":{"cache":"sessions"}}}"#,
    )
    .unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.books().await["sessions"], r#"{"cache":"sessions"}"#);
    assert!(!state.exists() && folder.path().join("state.json.imported").exists());
    fs::write(&state, r#"{"version":1,"books":{"other":{}}}"#).unwrap();
    store.close().await;
    assert_eq!(open(folder.path()).await.books().await.len(), 1);
    assert!(state.exists());

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    fs::write(&state, "{").unwrap();
    works(&open(folder.path()).await).await;
    assert!(state.exists());
}
