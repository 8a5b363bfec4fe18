//! The store as the outbox.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{Outbox, Step, Waiting};
use crate::model::incident::Notification;
use crate::model::name::ChannelName;
use crate::model::record::{Attempt, IncidentRecord, OutboxItem, OutboxStatus};
use crate::model::silence::Silence;
use crate::notify::group::Standing;
use crate::store::{Batch, Store, StoreError};

impl Outbox for Store {
    fn due<'a>(
        &'a self,
        channel: &'a ChannelName,
        by: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Vec<OutboxItem>> {
        Box::pin(self.due(channel, by, limit))
    }

    fn waiting<'a>(&'a self, channel: &'a ChannelName) -> BoxFuture<'a, Waiting> {
        Box::pin(async move {
            let waiting = self.waiting(channel).await;
            Waiting {
                count: waiting.count,
                next_due: waiting.next_due,
                oldest: waiting.oldest,
                dead: waiting.dead,
            }
        })
    }

    fn about<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Vec<OutboxItem>> {
        Box::pin(async move { known(self.messages(incident).await) })
    }

    fn standing<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Standing> {
        Box::pin(async move {
            match known(self.incident(incident).await) {
                Some(record) if record.resolved.is_some() => Standing::Over,
                Some(record) if record.acknowledged.is_some() => Standing::Acknowledged,
                _ => Standing::Open,
            }
        })
    }

    fn attempted<'a>(
        &'a self,
        attempt: &'a Attempt,
        keys: &'a [String],
        status: OutboxStatus,
        due: Timestamp,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.attempted(attempt, keys, status, due))
    }

    fn supersede<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, ()> {
        Box::pin(self.supersede(keys))
    }

    fn enqueue(&self, items: Vec<OutboxItem>) -> BoxFuture<'_, ()> {
        Box::pin(self.enqueue(items))
    }

    fn commit(&self, step: Step) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut batch = Batch::new(step.transition.at);
            batch.transitions.push(step.transition);
            batch.incidents.push(step.incident);
            batch.outbox = step.outbox;
            // Whether it is durable shows in the health of the store.
            self.commit(batch).await;
        })
    }

    fn resend<'a>(
        &'a self,
        channel: &'a ChannelName,
        resolved_since: Timestamp,
    ) -> BoxFuture<'a, Vec<Arc<Notification>>> {
        Box::pin(self.resend(channel, resolved_since))
    }

    fn open(&self) -> BoxFuture<'_, Vec<IncidentRecord>> {
        Box::pin(async move { known(self.open_incidents().await) })
    }

    fn silences(&self, now: Timestamp) -> BoxFuture<'_, Vec<Silence>> {
        Box::pin(async move { known(self.silences(now).await) })
    }

    fn healthy(&self) -> bool {
        let health = self.health();
        health.durable || !health.wanted
    }
}

/// What the store does not tell is not known.
fn known<T: Default>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "the store gave no answer");
        T::default()
    })
}
