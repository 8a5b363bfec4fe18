//! Random operations, with restarts and a disk that goes away in between, against a plain model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub(super) enum Act {
    Commit(u8, bool),
    Attempt(u8, bool),
    Supersede(u8),
    Acknowledge(u8),
    Silence(u8),
    EndSilence(u8),
    Restart,
    Outage,
    Prune,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..6_u8, any::<bool>()).prop_map(|(id, over)| Act::Commit(id, over)),
        3 => (0..6_u8, any::<bool>()).prop_map(|(id, done)| Act::Attempt(id, done)),
        1 => (0..6_u8).prop_map(Act::Supersede),
        1 => (0..6_u8).prop_map(Act::Acknowledge),
        1 => (0..4_u8).prop_map(Act::Silence),
        1 => (0..4_u8).prop_map(Act::EndSilence),
        1 => Just(Act::Restart),
        1 => Just(Act::Outage),
        1 => Just(Act::Prune),
    ];
    proptest::collection::vec(act, 1..40)
}

#[derive(Default)]
struct Model {
    incidents: BTreeMap<String, IncidentRecord>,
    outbox: BTreeMap<String, OutboxItem>,
    attempts: BTreeMap<String, usize>,
    silences: BTreeMap<String, Silence>,
}

fn key(id: u8) -> String {
    item(&format!("i{id}"), Transition::Firing, "slack", 0).key
}

impl Model {
    async fn act(&mut self, store: &Store, act: &Act, second: i64) {
        match act {
            Act::Commit(id, over) => {
                let id = format!("i{id}");
                let mut batch = batch(0, &id);
                batch.incidents[0].resolved = over.then(|| at(second));
                self.outbox
                    .entry(batch.outbox[0].key.clone())
                    .or_insert_with(|| batch.outbox[0].clone());
                let mut record = batch.incidents[0].clone();
                record.acknowledged = self.incidents.get(&id).and_then(|i| i.acknowledged.clone());
                self.incidents.insert(id, record);
                store.commit(batch).await;
            }
            Act::Attempt(id, done) => {
                let item = item(&format!("i{id}"), Transition::Firing, "slack", 0);
                let status = if *done {
                    OutboxStatus::Delivered
                } else {
                    OutboxStatus::Waiting
                };
                if let Some(row) = self.outbox.get_mut(&item.key) {
                    (row.status, row.due) = (status, at(second + 10));
                    row.attempts += 1;
                }
                *self.attempts.entry(format!("i{id}")).or_default() += 1;
                store
                    .attempted(
                        &attempt(&item, second, "x"),
                        std::slice::from_ref(&item.key),
                        status,
                        at(second + 10),
                    )
                    .await;
            }
            Act::Supersede(id) => {
                if let Some(row) = self
                    .outbox
                    .get_mut(&key(*id))
                    .filter(|r| r.status == OutboxStatus::Waiting)
                {
                    row.status = OutboxStatus::Superseded;
                }
                store.supersede(&[key(*id)]).await;
            }
            Act::Acknowledge(id) => {
                let known = self.incidents.get_mut(&format!("i{id}"));
                let there = known.is_some();
                if let Some(incident) = known {
                    incident.acknowledged = Some(ack("ann"));
                }
                assert_eq!(
                    store
                        .acknowledge(&format!("i{id}"), ack("ann"))
                        .await
                        .unwrap(),
                    there
                );
            }
            Act::Silence(id) => {
                let new = silence(&format!("s{id}"), 0, second + 50);
                self.silences.insert(new.id.clone(), new.clone());
                store.add_silence(&new).await.unwrap();
            }
            Act::EndSilence(id) => {
                let known = self
                    .silences
                    .get_mut(&format!("s{id}"))
                    .filter(|s| s.ends > at(second));
                let there = known.is_some();
                if let Some(silence) = known {
                    silence.ends = at(second);
                }
                assert_eq!(
                    store
                        .end_silence(&format!("s{id}"), at(second))
                        .await
                        .unwrap(),
                    there
                );
            }
            Act::Prune => drop(store.prune(at(second)).await),
            Act::Outage => {
                store
                    .0
                    .misread(&StoreError::Corrupt("as if".to_owned()))
                    .await;
            }
            Act::Restart => {}
        }
    }

    async fn compare(&self, store: &Store, second: i64) {
        let mut found = store.incidents(&all()).await.unwrap();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(found, self.incidents.values().cloned().collect::<Vec<_>>());
        for id in self.incidents.keys() {
            let messages = store.messages(id).await.unwrap();
            let expected = self
                .outbox
                .values()
                .filter(|i| i.notification.incident == *id);
            assert_eq!(messages, expected.cloned().collect::<Vec<_>>());
        }
        let waiting = |item: &&OutboxItem| item.status == OutboxStatus::Waiting;
        let due: Vec<_> = self
            .outbox
            .values()
            .filter(waiting)
            .filter(|i| i.due <= at(second))
            .cloned()
            .collect();
        assert_eq!(store.due(&name("slack"), at(second), 100).await, due);
        let count = store.waiting(&name("slack")).await.count;
        assert_eq!(
            usize::try_from(count).unwrap(),
            self.outbox.values().filter(waiting).count()
        );
        for (id, number) in &self.attempts {
            assert_eq!(store.attempts(id).await.unwrap().len(), *number);
        }
        let mut silences = store.silences(Timestamp::MIN).await.unwrap();
        silences.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(
            silences,
            self.silences.values().cloned().collect::<Vec<_>>()
        );
    }
}

/// Does all of it, and looks after each step; `reopen` is a restart.
pub(super) async fn run(backend: Backend, acts: &[Act], stay: bool) {
    let mut model = Model::default();
    let mut store = Store::open(backend.clone(), Set::at(0)).await;
    for (second, act) in (1_i64..).zip(acts) {
        if matches!(act, Act::Restart) && !stay {
            store.close().await;
            store = Store::open(backend.clone(), Set::at(0)).await;
        }
        model.act(&store, act, second).await;
        model.compare(&store, second).await;
    }
    if backend != Backend::Memory {
        until("the disk is back", async || store.health().durable).await;
        model.compare(&store, 1_000).await;
        store.close().await;
        let store = Store::open(backend, Set::at(0)).await;
        model.compare(&store, 1_000).await;
        assert_eq!(store.health().rows_cut, 0);
    }
}

/// The same random histories for every kind of database.
pub(super) fn histories(number: u32, mut test: impl FnMut(Vec<Act>)) {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    for _ in 0..number {
        test(acts().new_tree(&mut runner).unwrap().current());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_agrees_with_the_model(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        runtime().block_on(run(Backend::Sqlite(folder.path().to_owned()), &acts, false));
    }

    #[test]
    fn memory_agrees_with_the_model(acts in acts()) {
        runtime().block_on(run(Backend::Memory, &acts, true));
    }
}
