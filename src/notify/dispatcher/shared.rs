//! What the dispatcher and its tasks share: the channels with their workers, the outbox, the way to the steward.
//!
//! Invariant: no lock is held while anything is awaited.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::ChannelConfig;
use crate::model::incident::Notification;
use crate::model::name::ChannelName;
use crate::model::record::OutboxItem;
use crate::model::stats::{ChannelStats, HeartbeatStats};
use crate::notify::heartbeat::Pulse;
use crate::notify::outbox::Outbox;
use crate::notify::steward::Event;
use crate::notify::worker::Target;
use crate::notify::{Links, Parts, route};

/// A channel that has been failing for so long does not work, for the heartbeat.
const FAILING_AFTER: Duration = Duration::from_mins(15);

/// What the dispatcher and its tasks share.
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) pulse: Pulse,
    pub(crate) heartbeat: Arc<HeartbeatStats>,
    /// Ends everything at once.
    pub(crate) ended: CancellationToken,
    /// Nothing more comes.
    pub(crate) hurry: CancellationToken,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) entries: Mutex<Vec<Entry>>,
}

/// One channel.
pub(super) struct Entry {
    pub(super) config: Arc<ChannelConfig>,
    pub(super) links: Links,
    pub(super) target: watch::Sender<Target>,
    pub(super) bell: Arc<Notify>,
    pub(super) stats: Arc<ChannelStats>,
    pub(super) stop: CancellationToken,
    pub(super) task: Option<JoinHandle<()>>,
}

impl Shared {
    /// All channels as they are configured.
    pub(crate) fn configs(&self) -> Vec<Arc<ChannelConfig>> {
        let entries = self.entries();
        entries.iter().map(|e| Arc::clone(&e.config)).collect()
    }

    /// The numbers of a channel, where there is one of that name.
    pub(crate) fn stats_of(&self, channel: &ChannelName) -> Option<Arc<ChannelStats>> {
        let entries = self.entries();
        let entry = entries.iter().find(|e| e.config.name == *channel);
        entry.map(|e| Arc::clone(&e.stats))
    }

    /// The messages about trouble of our own, to all channels but the one that has it. When none of them wants it by its
    /// routing, all get it: somebody must know.
    pub(crate) fn plan_around(
        &self,
        channel: Option<&ChannelName>,
        n: &Arc<Notification>,
        now: Timestamp,
    ) -> Vec<OutboxItem> {
        let entries = self.entries();
        let others = || {
            entries
                .iter()
                .map(|e| &*e.config)
                .filter(|config| Some(&config.name) != channel)
        };
        let planned = route::plan(others(), n, now);
        if !planned.is_empty() {
            return planned;
        }
        let open: Vec<ChannelConfig> = others()
            .map(|config| ChannelConfig {
                routing: crate::config::Routing::default(),
                ..config.clone()
            })
            .collect();
        route::plan(open.iter(), n, now)
    }

    /// Makes every worker look.
    pub(crate) fn ring(&self) {
        for entry in self.entries().iter() {
            entry.bell.notify_one();
        }
    }

    /// Whether people can be told: some channel works, or none is configured.
    pub(crate) fn any_channel_works(&self) -> bool {
        let now = self.parts.clock.now().wall;
        let entries = self.entries();
        let works = |e: &Entry| {
            let waiting = e.stats.oldest_waiting(now).unwrap_or_default();
            e.stats.broken().is_none() && (waiting < FAILING_AFTER || e.stats.failing.get() == 0)
        };
        entries.is_empty() || entries.iter().any(works)
    }

    /// Waits until the steward has taken in what it was told.
    pub(super) async fn settle(&self, deadline: tokio::time::Instant) {
        let (done, settled) = oneshot::channel();
        let asking = async {
            if self.events.send(Event::Settle(done)).await.is_ok() {
                // A steward that has ended has taken in everything.
                drop(settled.await);
            }
        };
        if tokio::time::timeout_at(deadline, asking).await.is_err() {
            tracing::warn!("the store is slow: the last messages may be missing in it");
        }
    }

    /// Tells the steward; never waits.
    pub(super) fn tell(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            tracing::error!("too much at once: a message to the delivery's own task was lost");
        }
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        lock(&self.entries)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can leave a value half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
