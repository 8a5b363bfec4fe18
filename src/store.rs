//! What survives a restart: books, incidents, messages on their way, silences, annotations, history.
//!
//! SQLite in the data folder, or PostgreSQL; without either, SQLite in memory, so that everything goes the same way.
//! While the database does not work, memory goes on in its place and brings it up to date afterwards; see `inner`.
//!
//! Deliberately absent: what any of it means. Nobody outside this room names sqlx.
//!
//! Invariant: what [`Store::commit`] calls durable is on the disk, wholly, and no trouble with a disk stops a caller for
//! more than some seconds. A file that cannot be used is set aside, never deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::incident::Notification;
use crate::model::name::{CacheName, ChannelName};
use crate::model::record::{
    Acknowledgement, Annotation, Attempt, HistoryPoint, IncidentRecord, NamespacePoint, OutboxItem,
    OutboxStatus, TransitionRecord,
};
use crate::model::secret::Secret;
use crate::model::silence::Silence;
use crate::model::time::Clock;

mod backend;
mod batch;
mod error;
mod history;
mod import;
mod incidents;
mod inner;
mod live;
mod log;
mod merge;
mod notes;
mod op;
mod open;
mod outbox;
mod prune;
mod reader;
mod sql;

pub use crate::model::store_health::StoreHealth;
pub use backend::Backend;
pub use batch::{Batch, Committed};
pub use error::StoreError;
pub use history::MAX_NAMESPACES_KEPT;
pub use incidents::{IncidentFilter, MAX_INCIDENTS};
pub use notes::MAX_SILENCES;
pub use open::FILE;
pub use outbox::Waiting;
pub use reader::{Kept, MAX_CACHES, Reader};

use history::Append;
use inner::{Inner, ask, ask_both, ask_memory};
use op::Op;
use outbox::{Asker, Due, Tried};

/// The most open incidents that are looked at.
pub const MAX_OPEN: usize = 10_000;

/// The store. Clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl Store {
    /// Opens it. Never fails: what cannot be opened is set aside or replaced by memory, loudly, and tried again.
    pub async fn open(backend: Backend, clock: Arc<dyn Clock>) -> Self {
        let inner = Arc::new(Inner::new(backend, clock));
        if let Err(error) = inner.remember().await {
            tracing::error!(%error, "there is no memory for the store");
        }
        if inner.backend.is_wanted()
            && let Err(error) = inner.reopen().await
        {
            inner.lost(&error);
        }
        Self(inner)
    }

    /// How it stands. Cheap.
    pub fn health(&self) -> StoreHealth {
        self.0.health()
    }

    /// Brings over what waits, if that is possible now, and closes the file. To be called once, at the end.
    pub async fn close(&self) {
        self.0.end().await;
    }

    /// For measuring what it costs that commits are on the disk: from now on they are not yet when they return.
    #[doc(hidden)]
    pub async fn relax(&self) {
        self.0.relax().await;
    }

    /// Waits until the database has answered for the first time, but not longer than this. At once where none is wanted.
    pub async fn ready(&self, within: Duration) {
        self.0.ready_within(within).await;
    }

    /// The books that the database held when it answered for the first time, however late that was: whoever went on
    /// without them must now bring them together with its own. Once; `None`: it has not answered yet, or was asked before.
    pub fn found(&self) -> Option<BTreeMap<String, String>> {
        self.0.found()
    }

    /// The saved alert books: JSON by cache name.
    pub async fn books(&self) -> BTreeMap<String, String> {
        told(ask!(&self.0, link => incidents::books(link)))
    }

    /// Commits all of it in one transaction, or, where the disk does not take it, keeps it in memory.
    pub async fn commit(&self, batch: Batch) -> Committed {
        if batch.is_empty() {
            return Committed {
                durable: self.0.on_disk(),
            };
        }
        let done = self.0.write(Op::Commit(Arc::new(batch))).await;
        Committed {
            durable: done.durable,
        }
    }

    /// Takes in one slot of 10 s, and brings the wider slots that it lies in up to date.
    pub async fn append_history(
        &self,
        _at: Timestamp,
        caches: Vec<(CacheName, HistoryPoint)>,
        namespaces: Vec<(CacheName, NamespacePoint)>,
    ) {
        let mut append = Append { caches, namespaces };
        let cut = append.bounded();
        self.0.cut(cut);
        if append.rows() > 0 {
            self.0.write(Op::History(Arc::new(append))).await;
        }
    }

    /// Removes what is too old or too much; gives how many rows. To be called every minute or so.
    pub async fn prune(&self, now: Timestamp) -> u64 {
        let done = self.0.write(Op::Prune(now)).await;
        self.0.pruned(done.changed).await;
        done.changed
    }

    /// Messages to this channel that wait and are due, the oldest first.
    ///
    /// Where several processes share a PostgreSQL database, what one gets no other gets for two minutes.
    pub async fn due(
        &self,
        channel: &ChannelName,
        now: Timestamp,
        limit: usize,
    ) -> Vec<OutboxItem> {
        let asker = match self.0.backend {
            Backend::Postgres(_) if self.0.on_disk() => Asker::Worker(&self.0.name),
            _ => Asker::Alone,
        };
        let found: Result<Due, StoreError> = ask!(&self.0, link => {
            let asker = match link.backend_name() {
                "SQLite" => Asker::Alone,
                _ => asker,
            };
            outbox::due(link, channel, now, limit, asker)
        });
        let due = told(found);
        if !due.unreadable.is_empty() {
            tracing::error!(%channel, keys = ?due.unreadable, "messages in the store cannot be read and were given up");
            let given_up = Op::GiveUp(Arc::new(due.unreadable), now);
            self.0.write(given_up).await;
        }
        due.items
    }

    /// What waits for this channel.
    pub async fn waiting(&self, channel: &ChannelName) -> Waiting {
        told(ask!(&self.0, link => outbox::waiting(link, channel)))
    }

    /// An attempt was made for these messages: keeps the attempt, and how they stand now.
    pub async fn attempted(
        &self,
        attempt: &Attempt,
        keys: &[String],
        status: OutboxStatus,
        due: Timestamp,
    ) {
        let tried = Tried {
            attempt: attempt.clone(),
            keys: keys.to_vec(),
            status,
            due,
        };
        self.0.write(Op::Attempted(Arc::new(tried))).await;
    }

    /// These messages are needless now; those that do not wait stay as they are.
    pub async fn supersede(&self, keys: &[String]) {
        self.0.write(Op::Supersede(Arc::new(keys.to_vec()))).await;
    }

    /// Puts messages there; one whose key is there already is ignored.
    pub async fn enqueue(&self, items: Vec<OutboxItem>) {
        self.0.write(Op::Enqueue(Arc::new(items))).await;
    }

    /// The newest notification to this channel about each incident that is open, or was resolved since.
    pub async fn resend(
        &self,
        channel: &ChannelName,
        resolved_since: Timestamp,
    ) -> Vec<Arc<Notification>> {
        told(ask!(&self.0, link => outbox::resend(link, channel, resolved_since)))
    }

    /// Incidents, the newest first.
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
    ) -> Result<Vec<IncidentRecord>, StoreError> {
        ask_both!(&self.0, link => incidents::incidents(link, filter))
            .map(|found| merge::incidents(found, filter))
    }

    /// All open incidents, as far as there are not more than [`MAX_OPEN`].
    pub async fn open_incidents(&self) -> Result<Vec<IncidentRecord>, StoreError> {
        let mut open = Vec::new();
        loop {
            let filter = IncidentFilter {
                open: Some(true),
                offset: open.len(),
                ..IncidentFilter::default()
            };
            let found = self.incidents(&filter).await?;
            let last = found.len() < MAX_INCIDENTS;
            open.extend(found);
            if last || open.len() >= MAX_OPEN {
                return Ok(open);
            }
        }
    }

    /// One incident.
    pub async fn incident(&self, id: &str) -> Result<Option<IncidentRecord>, StoreError> {
        ask_both!(&self.0, link => incidents::incident(link, id))
            .map(|(old, new)| new.flatten().or(old))
    }

    /// Somebody takes an incident on; `false`: there is none of this id.
    pub async fn acknowledge(&self, id: &str, ack: Acknowledgement) -> Result<bool, StoreError> {
        let op = Op::Acknowledge(Arc::new((id.to_owned(), ack)));
        self.change(op).await.map(|changed| changed > 0)
    }

    /// The steps of an incident, in order.
    pub async fn transitions(&self, incident: &str) -> Result<Vec<TransitionRecord>, StoreError> {
        ask_both!(&self.0, link => incidents::transitions(link, incident)).map(merge::transitions)
    }

    /// The steps of all rules of a cache, in order.
    pub async fn transitions_between(
        &self,
        cache: &CacheName,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<TransitionRecord>, StoreError> {
        ask_both!(&self.0, link => incidents::transitions_between(link, cache, from, to))
            .map(merge::transitions)
    }

    /// What was tried for the messages about an incident, in order.
    pub async fn attempts(&self, incident: &str) -> Result<Vec<Attempt>, StoreError> {
        ask_both!(&self.0, link => outbox::attempts(link, incident)).map(merge::attempts)
    }

    /// The messages about an incident, in order.
    pub async fn messages(&self, incident: &str) -> Result<Vec<OutboxItem>, StoreError> {
        ask_both!(&self.0, link => outbox::messages(link, incident)).map(merge::messages)
    }

    /// Messages that were given up, the newest first.
    pub async fn dead(&self, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        ask_both!(&self.0, link => outbox::dead(link, limit)).map(|found| {
            let mut dead = merge::messages(found);
            dead.reverse();
            dead.truncate(limit);
            dead
        })
    }

    /// Silences that hold, will hold, or ended since; in the order in which they were made.
    pub async fn silences(&self, ended_since: Timestamp) -> Result<Vec<Silence>, StoreError> {
        ask!(&self.0, link => notes::silences(link, ended_since))
    }

    /// Adds a silence, or moves the end of the one with its id. At most [`MAX_SILENCES`] may not have ended.
    pub async fn add_silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let now = self.0.wall();
        let hold = ask!(&self.0, link => notes::silences_after(link, now))?;
        if hold >= MAX_SILENCES && silence.ends > now {
            return Err(StoreError::TooMany("silences", hold));
        }
        let op = Op::AddSilence(Arc::new(silence.clone()));
        self.change(op).await.map(drop)
    }

    /// Ends a silence; `false`: there is none of this id, or it has ended.
    pub async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let op = Op::EndSilence(Arc::from(id), at);
        self.change(op).await.map(|changed| changed > 0)
    }

    /// What people told about a cache (`None`: about any) and about all caches, in order.
    pub async fn annotations(
        &self,
        cache: Option<&CacheName>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Annotation>, StoreError> {
        ask_both!(&self.0, link => notes::annotations(link, cache, from, to))
            .map(merge::annotations)
    }

    /// Keeps what somebody told; one whose id is there already is ignored.
    pub async fn add_annotation(&self, annotation: &Annotation) -> Result<(), StoreError> {
        let op = Op::Annotate(Arc::new(annotation.clone()));
        self.change(op).await.map(drop)
    }

    /// What happened to a cache, in the finest slots that are kept so far back, summed up to at most `points` of them
    /// (1 to 3,000). A slot of which nothing is known is left out.
    pub async fn history(
        &self,
        cache: &CacheName,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let now = self.0.wall();
        ask_both!(&self.0, link => history::history(link, cache, (from, to), points, now))
            .map(merge::history)
    }

    /// What happened to the namespaces of a cache, in slots of 1 min or 15 min, by time and name.
    pub async fn namespace_history(
        &self,
        cache: &CacheName,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<NamespacePoint>, StoreError> {
        let now = self.0.wall();
        ask_both!(&self.0, link => history::namespace_history(link, cache, (from, to), now))
            .map(merge::namespaces)
    }

    /// The key of this name: 32 random bytes in hex, made when it is first asked for.
    pub async fn key(&self, name: &str) -> Result<Secret, StoreError> {
        if let Some(key) = ask!(&self.0, link => notes::key(link, name))? {
            return Ok(Secret::new(key));
        }
        let fresh = notes::fresh_key()?;
        let op = Op::Key(Arc::new((name.to_owned(), fresh.clone())));
        self.change(op).await?;
        // Another process may have been faster.
        let kept = ask!(&self.0, link => notes::key(link, name))?;
        Ok(Secret::new(kept.unwrap_or(fresh)))
    }

    async fn change(&self, op: Op) -> Result<u64, StoreError> {
        let done = self.0.write(op).await;
        match done.fault {
            Some(fault) => Err(fault),
            None => Ok(done.changed),
        }
    }
}

/// For callers that have nobody to tell.
fn told<T: Default>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "the store gave no answer");
        T::default()
    })
}

#[cfg(test)]
mod tests;
