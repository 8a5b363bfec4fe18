//! What delivery needs of the store: messages that wait, what became of them, and the incidents they are about.
//!
//! A trait, so that the worker's tests have an outbox whose time can be paused; [`crate::store::Store`] is the real one.
//! Deliberately absent: errors. The store falls back to memory by itself, and what it cannot tell is not known here.
//!
//! Invariant: a message that waits is handed out again until it was told what became of it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::model::incident::Notification;
use crate::model::name::ChannelName;
use crate::model::record::{Attempt, IncidentRecord, OutboxItem, OutboxStatus, TransitionRecord};
use crate::model::silence::Silence;
use crate::notify::group::Standing;

mod store;

/// What waits for a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Waiting {
    /// How many messages.
    pub(crate) count: u64,
    /// When the first of them may be tried.
    pub(crate) next_due: Option<Timestamp>,
    /// When the oldest of them was put there.
    pub(crate) oldest: Option<Timestamp>,
    /// How many were given up and are still shown.
    pub(crate) dead: u64,
}

/// Something that happened to an incident, with the messages about it: all of it is stored, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The incident as it is then.
    pub(crate) incident: IncidentRecord,
    /// What happened.
    pub(crate) transition: TransitionRecord,
    /// The messages.
    pub(crate) outbox: Vec<OutboxItem>,
}

/// What delivery needs of the store.
pub(crate) trait Outbox: Send + Sync + 'static {
    /// Messages that wait and are due by then, oldest first.
    fn due<'a>(
        &'a self,
        channel: &'a ChannelName,
        by: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Vec<OutboxItem>>;

    /// What waits, in numbers.
    fn waiting<'a>(&'a self, channel: &'a ChannelName) -> BoxFuture<'a, Waiting>;

    /// All messages about an incident, to any channel, done ones too.
    fn about<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Vec<OutboxItem>>;

    /// How an incident stands.
    fn standing<'a>(&'a self, incident: &'a str) -> BoxFuture<'a, Standing>;

    /// Notes what came of an attempt for all messages that it carried.
    fn attempted<'a>(
        &'a self,
        attempt: &'a Attempt,
        keys: &'a [String],
        status: OutboxStatus,
        due: Timestamp,
    ) -> BoxFuture<'a, ()>;

    /// Marks messages as needless, as far as they wait.
    fn supersede<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, ()>;

    /// Puts messages there; one whose key is there already is ignored.
    fn enqueue(&self, items: Vec<OutboxItem>) -> BoxFuture<'_, ()>;

    /// Stores a step of an incident of our own.
    fn commit(&self, step: Step) -> BoxFuture<'_, ()>;

    /// The newest notification of each incident that is open, or was resolved since then, as far as the channel was
    /// to be told of it.
    fn resend<'a>(
        &'a self,
        channel: &'a ChannelName,
        resolved_since: Timestamp,
    ) -> BoxFuture<'a, Vec<Arc<Notification>>>;

    /// All open incidents.
    fn open(&self) -> BoxFuture<'_, Vec<IncidentRecord>>;

    /// Silences that have not ended by then.
    fn silences(&self, now: Timestamp) -> BoxFuture<'_, Vec<Silence>>;

    /// Whether what is stored is stored where it was meant to be.
    fn healthy(&self) -> bool;
}
