//! What the engine holds: says which messages a notification leads to, rings the workers, follows changes of the
//! configuration, and lets the workers finish at the end.
//!
//! Deliberately absent: the queue. The engine puts what is planned into the store, in one transaction with the transition
//! that it is about; the workers find it there.
//!
//! Invariant: one worker for each channel, found by its name; a change of the configuration never loses what is waiting
//! for a channel that still exists.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{ChannelConfig, HeartbeatConfig};
use crate::model::incident::{Evidence, Notification};
use crate::model::name::ChannelName;
use crate::model::record::OutboxItem;
use crate::model::stats::{ChannelStats, HeartbeatStats};
use crate::model::time::{Clock, Now};
use crate::notify::heartbeat::{self, Pulse};
use crate::notify::http::{Endpoint, Http, Limits};
use crate::notify::outbox::Outbox;
use crate::notify::steward::{self, Event};
use crate::notify::tls::Trust;
use crate::notify::worker::{Target, Worker};
use crate::notify::{Links, NotifyError, Parts, open, route};
use crate::store::Store;

mod shared;

pub(crate) use shared::Shared;
use shared::{Entry, lock};

/// How much the steward may be told ahead.
const EVENTS: usize = 1_000;

/// All channels with their workers.
pub struct Dispatcher {
    shared: Arc<Shared>,
    tracker: TaskTracker,
    steward: Mutex<Option<JoinHandle<()>>>,
    heartbeat: Mutex<Option<(HeartbeatConfig, CancellationToken)>>,
}

impl Dispatcher {
    /// Starts a worker for each channel. `links`: what messages may link to. `cancel`
    /// ends the workers at once: call [`Dispatcher::drain`] before it is cancelled, and close `store` only afterwards.
    pub fn new(
        channels: &[ChannelConfig],
        links: &Links,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
        clock: Arc<dyn Clock>,
        store: Store,
    ) -> Result<Self, NotifyError> {
        let outbox = Arc::new(store);
        Self::with_outbox(channels, links, tracker, cancel, clock, outbox)
    }

    /// The same over any outbox.
    pub(crate) fn with_outbox(
        channels: &[ChannelConfig],
        links: &Links,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
        clock: Arc<dyn Clock>,
        outbox: Arc<dyn Outbox>,
    ) -> Result<Self, NotifyError> {
        let trust = Trust::default();
        let http = Http::new(&trust, Limits::default()).map_err(NotifyError::Setup)?;
        let (events, told) = mpsc::channel(EVENTS);
        let shared = Arc::new(Shared {
            parts: Parts { http, trust, clock },
            outbox,
            pulse: Pulse::default(),
            heartbeat: Arc::default(),
            ended: cancel.child_token(),
            hurry: CancellationToken::new(),
            events,
            entries: Mutex::default(),
        });
        let dispatcher = Self {
            shared: Arc::clone(&shared),
            tracker: tracker.clone(),
            steward: Mutex::default(),
            heartbeat: Mutex::default(),
        };
        // The engine has yet to begin: it is not late.
        dispatcher.pulse(shared.parts.clock.now());
        dispatcher.reconfigure(channels, links)?;
        let steward = tracker.spawn(steward::run(shared, told));
        *lock(&dispatcher.steward) = Some(steward);
        Ok(dispatcher)
    }

    /// The messages that a notification leads to: to be put into the outbox together with the transition that it is
    /// about. Call [`Dispatcher::wake`] when they are there.
    pub fn plan(&self, n: &Arc<Notification>, now: Timestamp) -> Vec<OutboxItem> {
        if matches!(n.evidence, Evidence::Own(_)) {
            return self.shared.plan_around(None, n, now);
        }
        let entries = self.shared.entries();
        route::plan(entries.iter().map(|e| &*e.config), n, now)
    }

    /// Something was put into the outbox.
    pub fn wake(&self) {
        self.shared.ring();
    }

    /// The engine's beat came: the heartbeat goes on.
    pub fn pulse(&self, now: Now) {
        self.shared.pulse.beat(now.mono);
    }

    /// Name, kind and numbers of each channel, in the order of the configuration.
    pub fn stats(&self) -> Vec<(ChannelName, &'static str, Arc<ChannelStats>)> {
        let entry = |e: &Entry| {
            (
                e.config.name.clone(),
                e.config.kind.as_str(),
                Arc::clone(&e.stats),
            )
        };
        self.shared.entries().iter().map(entry).collect()
    }

    /// What the heartbeat counts.
    pub fn heartbeat(&self) -> Arc<HeartbeatStats> {
        Arc::clone(&self.shared.heartbeat)
    }

    /// Follows a new configuration. A channel that is still there keeps what waits for it and its numbers, and when it has
    /// changed it tries at once what is waiting; what waits for a channel that is gone stays in the store (counted as
    /// dropped). When one of the channels cannot be set up, nothing changes at all.
    pub fn reconfigure(
        &self,
        channels: &[ChannelConfig],
        links: &Links,
    ) -> Result<(), NotifyError> {
        // All of them first: then nothing can fail any more.
        let mut opened = Vec::with_capacity(channels.len());
        for config in channels {
            let channel =
                open(config, links, &self.shared.parts).map_err(|error| NotifyError::Channel {
                    name: config.name.clone(),
                    error,
                })?;
            let config = Arc::new(config.clone());
            opened.push(Target { channel, config });
        }
        let mut entries = self.shared.entries();
        let mut old = std::mem::take(&mut *entries);
        for target in opened {
            let known = old.iter().position(|e| e.config.name == target.config.name);
            let entry = match known.map(|at| old.swap_remove(at)) {
                Some(mut entry) => {
                    self.change(&mut entry, target, links);
                    entry
                }
                None => self.start(target, links),
            };
            entries.push(entry);
        }
        drop(entries);
        for gone in old {
            gone.stats.dropped.add(gone.stats.pending.get());
            gone.stop.cancel();
            self.shared.tell(Event::Mended {
                channel: gone.config.name.clone(),
                note: Some("the channel was removed"),
            });
        }
        Ok(())
    }

    /// Follows a new configuration of the heartbeat.
    pub fn set_heartbeat(&self, config: Option<&HeartbeatConfig>) -> Result<(), NotifyError> {
        let endpoint = config.map(|c| Endpoint::new(&c.url)).transpose();
        let endpoint = endpoint.map_err(NotifyError::Heartbeat)?;
        let mut heartbeat = lock(&self.heartbeat);
        if heartbeat.as_ref().map(|(config, _)| config) == config {
            return Ok(());
        }
        if let Some((_, stop)) = heartbeat.take() {
            stop.cancel();
        }
        if let (Some(config), Some(endpoint)) = (config, endpoint) {
            let stop = self.shared.ended.child_token();
            self.tracker.spawn(heartbeat::run(
                config.clone(),
                endpoint,
                self.shared.parts.http.clone(),
                Arc::clone(&self.shared),
                stop.clone(),
            ));
            *heartbeat = Some((config.clone(), stop));
        }
        Ok(())
    }

    /// Waits until all that is due was tried once more, but not longer than `within`. Then ends all tasks. Returns how many
    /// notifications were left waiting; a store that survives the process still has them.
    pub async fn drain(&self, within: Duration) -> u64 {
        let tasks: Vec<_> = self
            .shared
            .entries()
            .iter_mut()
            .filter_map(|e| e.task.take().map(|task| (task, e.stop.clone())))
            .collect();
        let steward = lock(&self.steward).take();
        let deadline = tokio::time::Instant::now() + within;
        // What was handed over must be in the outbox before the workers look for the last time.
        self.shared.settle(deadline).await;
        self.shared.hurry.cancel();
        for (mut task, stop) in tasks {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                stop.cancel();
                ended(task.await);
            }
        }
        self.shared.ended.cancel();
        if let Some(steward) = steward {
            ended(steward.await);
        }
        self.stats()
            .iter()
            .map(|(_, _, stats)| stats.pending.get())
            .sum()
    }

    fn change(&self, entry: &mut Entry, target: Target, links: &Links) {
        let same_address = entry.config.kind == target.config.kind;
        let same_url = entry.links == *links;
        if !same_address && entry.stats.mended() {
            self.shared.tell(Event::Mended {
                channel: entry.config.name.clone(),
                note: Some("the channel was configured anew"),
            });
        }
        entry.config = Arc::clone(&target.config);
        if !same_address || !same_url || entry.target.borrow().config != target.config {
            entry.target.send_replace(target);
        }
        entry.links = links.clone();
    }

    fn start(&self, target: Target, links: &Links) -> Entry {
        let shared = &self.shared;
        let config = Arc::clone(&target.config);
        let stats = Arc::new(ChannelStats::default());
        let bell = Arc::new(Notify::new());
        let stop = shared.ended.child_token();
        let (target, receiver) = watch::channel(target);
        let worker = Worker {
            name: config.name.clone(),
            target: receiver,
            outbox: Arc::clone(&shared.outbox),
            stats: Arc::clone(&stats),
            bell: Arc::clone(&bell),
            events: shared.events.clone(),
            stop: stop.clone(),
            hurry: shared.hurry.clone(),
            clock: Arc::clone(&shared.parts.clock),
        };
        let task = Some(self.tracker.spawn(worker.run()));
        Entry {
            config,
            links: links.clone(),
            target,
            bell,
            stats,
            stop,
            task,
        }
    }
}

impl Drop for Dispatcher {
    /// Tasks without their dispatcher would wait for ever.
    fn drop(&mut self) {
        self.shared.ended.cancel();
    }
}

fn ended(result: Result<(), tokio::task::JoinError>) {
    // It has ended; should it have panicked, there is nothing more to do for it.
    if let Err(error) = result {
        tracing::error!(%error, "a delivery task ended badly");
    }
}

#[cfg(test)]
mod tests;
