//! History in three widths, and what is pruned.

use super::*;

/// A moment that begins a slot of 15 min.
fn begin() -> i64 {
    START.div_euclid(900) * 900 - START
}

async fn feed(store: &Store, slots: impl Iterator<Item = i64>) {
    for n in slots {
        let hits = u64::try_from(n % 7).unwrap();
        let caches = vec![
            (name("a"), point(begin() + n * 10, Some(hits))),
            (name("b"), point(begin() + n * 10, None)),
        ];
        let namespaces = vec![(name("a"), namespace(begin() + n * 10, "user:*", 3))];
        store
            .append_history(at(begin() + n * 10), caches, namespaces)
            .await;
    }
}

fn hits(points: &[HistoryPoint]) -> u64 {
    points.iter().filter_map(|p| p.hits).sum()
}

#[tokio::test]
async fn every_width_has_the_same_sums_also_over_restarts_and_repetitions() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at(begin() + 1_800);
    let backend = || Backend::Sqlite(folder.path().to_owned());
    let store = Store::open(backend(), Arc::<Set>::clone(&clock)).await;
    feed(&store, 0..100).await;
    drop(store);
    let store = Store::open(backend(), Arc::<Set>::clone(&clock)).await;
    feed(&store, 95..180).await;
    let (from, to) = (at(begin()), at(begin() + 1_800));
    let expected: u64 = (0..180).map(|n| n % 7).sum();
    let fine = store.history(&name("a"), from, to, 3_000).await.unwrap();
    assert_eq!((fine.len(), hits(&fine)), (180, expected));
    let rows = store.history(&name("a"), from, to, 7).await.unwrap();
    assert!(rows.len() <= 7 && hits(&rows) == expected, "{}", rows.len());
    assert_eq!(
        store.history(&name("a"), from, to, 1).await.unwrap().len(),
        1
    );
    assert_eq!(
        store.history(&name("b"), from, to, 9).await.unwrap()[0].hits,
        None
    );

    for (later, width, slots) in [(3 * 3_600, 60, 30), (9 * 86_400, 900, 2)] {
        let clock = Set::at(begin() + later);
        let store = Store::open(backend(), clock).await;
        let points = store.history(&name("a"), from, to, 3_000).await.unwrap();
        assert_eq!((points.len(), hits(&points)), (slots, expected), "{width}");
        assert_eq!(points[1].at.duration_since(points[0].at).as_secs(), width);
        let seconds = f64::from(i32::try_from(width).unwrap());
        assert!((points[0].covered_seconds - seconds).abs() < 1e-9);
        let last = u64::try_from(width / 10 - 1).unwrap() % 7;
        assert_eq!(
            points[0].memory_used_bytes,
            Some(1_000 + last),
            "that at its end"
        );
        assert_eq!(points[0].expirations, None);
        let spaces = store.namespace_history(&name("a"), from, to).await.unwrap();
        assert_eq!(spaces.len(), slots);
        assert_eq!(spaces.iter().map(|p| p.misses).sum::<u64>(), 180 * 3);
        assert_eq!(spaces[0].causes[0], spaces[0].misses);
    }
}

#[tokio::test]
async fn only_the_worst_namespaces_of_a_slot_are_kept() {
    let store = Store::open(Backend::Memory, Set::at(60)).await;
    let many = (0..100)
        .map(|n| (name("a"), namespace(0, &format!("n{n}"), n)))
        .collect();
    store.append_history(at(0), Vec::new(), many).await;
    let kept = store
        .namespace_history(&name("a"), at(-60), at(60))
        .await
        .unwrap();
    assert_eq!(kept.len(), super::super::MAX_NAMESPACES_KEPT);
    assert!(kept.iter().all(|p| p.misses >= 68));
    assert_eq!(store.health().rows_cut, 68);
}

#[tokio::test]
async fn what_is_old_goes_and_what_is_open_or_waits_stays() {
    let day = 86_400;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut one = batch(0, "open");
    one.incidents.push(incident("past", 0, Some(10)));
    one.outbox
        .push(item("past", Transition::Firing, "slack", 0));
    store.commit(one).await;
    let [open_item, past_item] =
        ["open", "past"].map(|id| item(id, Transition::Firing, "slack", 0));
    for item in [&open_item, &past_item] {
        store
            .attempted(
                &attempt(item, 1, "delivered"),
                std::slice::from_ref(&item.key),
                OutboxStatus::Delivered,
                at(1),
            )
            .await;
    }
    store
        .enqueue(vec![item("past", Transition::Resolved, "slack", 10)])
        .await;
    feed(&store, 0..3).await;
    store.add_silence(&silence("s", 0, 9)).await.unwrap();

    assert_eq!(store.prune(at(7_000)).await, 0);
    assert_eq!(store.prune(at(7_400)).await, 9, "slots of 10 s");
    store.prune(at(9 * day)).await;
    let left: Vec<_> = store
        .messages("past")
        .await
        .unwrap()
        .iter()
        .map(|i| i.status)
        .collect();
    assert_eq!(left, [OutboxStatus::Waiting]);
    assert_eq!(store.messages("open").await.unwrap().len(), 1);
    store.prune(at(401 * day)).await;
    assert_eq!(store.incident("past").await.unwrap(), None);
    assert!(store.incident("open").await.unwrap().is_some());
    assert_eq!(store.due(&name("slack"), at(401 * day), 9).await.len(), 1);
    assert!(store.silences(Timestamp::MIN).await.unwrap().is_empty());
    assert!(store.transitions("open").await.unwrap().is_empty());
    let health = store.health();
    assert!(health.rows_pruned > 9 && health.durable);
}
