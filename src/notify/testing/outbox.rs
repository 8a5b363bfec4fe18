//! An outbox in memory, which answers at once, so that time can be paused around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::model::incident::Notification;
use crate::model::name::ChannelName;
use crate::model::record::{Attempt, IncidentRecord, OutboxItem, OutboxStatus};
use crate::model::silence::Silence;
use crate::notify::group::Standing;
use crate::notify::outbox::{Outbox, Step, Waiting};

/// The outbox.
#[derive(Debug, Default)]
pub(crate) struct MemoryOutbox(Mutex<State>);

#[derive(Debug, Default)]
pub(crate) struct State {
    /// By key.
    pub(crate) items: BTreeMap<String, OutboxItem>,
    /// In the order they were told.
    pub(crate) attempts: Vec<Attempt>,
    /// By id.
    pub(crate) incidents: BTreeMap<String, IncidentRecord>,
    /// All of them.
    pub(crate) silences: Vec<Silence>,
    /// What is marked is forgotten at once, as by a disk that is full.
    pub(crate) forgets: bool,
    /// It is not healthy.
    pub(crate) sick: bool,
}

impl MemoryOutbox {
    /// What is in it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How a message stands.
    pub(crate) fn status(&self, key: &str) -> OutboxStatus {
        self.state().items[key].status
    }

    /// Keys of all messages with a status.
    pub(crate) fn keys(&self, status: OutboxStatus) -> Vec<String> {
        let state = self.state();
        let items = state.items.values().filter(|i| i.status == status);
        items.map(|i| i.key.clone()).collect()
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Outbox for MemoryOutbox {
    fn due<'a>(
        &'a self,
        channel: &'a ChannelName,
        by: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Vec<OutboxItem>> {
        let state = self.state();
        let waits = |i: &&OutboxItem| {
            i.channel == *channel && i.status == OutboxStatus::Waiting && i.due <= by
        };
        let mut due: Vec<_> = state.items.values().filter(waits).collect();
        due.sort_by(|a, b| (a.queued, &a.key).cmp(&(b.queued, &b.key)));
        due.truncate(limit);
        let due: Vec<OutboxItem> = due.into_iter().cloned().collect();
        ready(due)
    }

    fn waiting<'a>(&'a self, channel: &'a ChannelName) -> BoxFuture<'a, Waiting> {
        let state = self.state();
        let of = |status| {
            let of = move |i: &&OutboxItem| i.channel == *channel && i.status == status;
            state.items.values().filter(of)
        };
        ready(Waiting {
            count: of(OutboxStatus::Waiting).count() as u64,
            next_due: of(OutboxStatus::Waiting).map(|i| i.due).min(),
            oldest: of(OutboxStatus::Waiting).map(|i| i.queued).min(),
            dead: of(OutboxStatus::Dead).count() as u64,
        })
    }

    fn about<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Vec<OutboxItem>> {
        let state = self.state();
        let about = |i: &&OutboxItem| i.notification.incident == incident;
        ready(state.items.values().filter(about).cloned().collect())
    }

    fn standing<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Standing> {
        ready(match self.state().incidents.get(incident) {
            Some(record) if record.resolved.is_some() => Standing::Over,
            Some(record) if record.acknowledged.is_some() => Standing::Acknowledged,
            _ => Standing::Open,
        })
    }

    fn attempted<'a>(
        &'a self,
        attempt: &'a Attempt,
        keys: &'a [String],
        status: OutboxStatus,
        due: Timestamp,
    ) -> BoxFuture<'a, ()> {
        let mut state = self.state();
        state.attempts.push(attempt.clone());
        for key in keys {
            if let Some(item) = state.items.get_mut(key) {
                item.attempts += 1;
            }
            if !state.forgets
                && let Some(item) = state.items.get_mut(key)
            {
                item.status = status;
                item.due = due;
            }
        }
        ready(())
    }

    fn supersede<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, ()> {
        let mut state = self.state();
        for key in keys {
            if let Some(item) = state.items.get_mut(key)
                && item.status == OutboxStatus::Waiting
            {
                item.status = OutboxStatus::Superseded;
            }
        }
        ready(())
    }

    fn enqueue(&self, items: Vec<OutboxItem>) -> BoxFuture<'_, ()> {
        let mut state = self.state();
        for item in items {
            state.items.entry(item.key.clone()).or_insert(item);
        }
        ready(())
    }

    fn commit(&self, step: Step) -> BoxFuture<'_, ()> {
        let id = step.incident.id.clone();
        self.state().incidents.insert(id, step.incident);
        self.enqueue(step.outbox)
    }

    fn resend<'a>(
        &'a self,
        channel: &'a ChannelName,
        resolved_since: Timestamp,
    ) -> BoxFuture<'a, Vec<Arc<Notification>>> {
        let state = self.state();
        let told = |id: &str| {
            let mut items = state.items.values();
            items.any(|i| i.channel == *channel && i.notification.incident == id)
        };
        let live = state.incidents.values().filter(|record| {
            record.resolved.is_none_or(|at| at >= resolved_since) && told(&record.id)
        });
        ready(
            live.map(|record| Arc::clone(&record.notification))
                .collect(),
        )
    }

    fn open(&self) -> BoxFuture<'_, Vec<IncidentRecord>> {
        let state = self.state();
        let open = state.incidents.values().filter(|r| r.resolved.is_none());
        ready(open.cloned().collect())
    }

    fn silences(&self, _: Timestamp) -> BoxFuture<'_, Vec<Silence>> {
        ready(self.state().silences.clone())
    }

    fn healthy(&self) -> bool {
        !self.state().sick
    }
}
