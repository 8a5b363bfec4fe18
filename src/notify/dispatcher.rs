//! What the engine holds: gives each notification to the worker of every channel, follows changes of the configuration,
//! and lets the workers finish at the end.
//!
//! Deliberately absent: routing. Every channel gets everything, but for `resolved` where it does not want that.
//!
//! Invariant: one worker for each channel, found by its name; a change of the configuration never loses what is waiting
//! for a channel that still exists.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ChannelConfig;
use crate::model::incident::{Notification, Transition};
use crate::model::name::ChannelName;
use crate::model::stats::ChannelStats;
use crate::model::time::Clock;
use crate::notify::http::{Http, Limits};
use crate::notify::queue::{CAPACITY, Job, Queue};
use crate::notify::tls::Trust;
use crate::notify::worker::{Target, Worker};
use crate::notify::{Links, NotifyError, Parts, open};

/// All channels with their workers.
pub struct Dispatcher {
    parts: Parts,
    tracker: TaskTracker,
    cancel: CancellationToken,
    hurry: CancellationToken,
    entries: Mutex<Vec<Entry>>,
}

/// One channel.
struct Entry {
    config: ChannelConfig,
    links: Links,
    target: watch::Sender<Target>,
    queue: Arc<Queue>,
    stats: Arc<ChannelStats>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Dispatcher {
    /// Starts a worker for each channel. `links`: what messages may link to. `cancel`
    /// ends the workers at once: call [`Dispatcher::drain`] before it is cancelled.
    pub fn new(
        channels: &[ChannelConfig],
        links: &Links,
        tracker: &TaskTracker,
        cancel: CancellationToken,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotifyError> {
        let trust = Trust::default();
        let http = Http::new(&trust, Limits::default()).map_err(NotifyError::Setup)?;
        let dispatcher = Self {
            parts: Parts { http, trust, clock },
            tracker: tracker.clone(),
            hurry: CancellationToken::new(),
            cancel,
            entries: Mutex::default(),
        };
        dispatcher.reconfigure(channels, links)?;
        Ok(dispatcher)
    }

    /// Gives a notification to every channel. Never waits: a queue that is full is cut and counts what it cut.
    pub fn notify(&self, n: Notification) {
        let n = Arc::new(n);
        let queued = self.parts.clock.now();
        for entry in self.entries().iter() {
            if n.transition == Transition::Resolved && !entry.config.send_resolved {
                continue;
            }
            let notification = Arc::clone(&n);
            let cut = entry.queue.push(Job {
                notification,
                queued,
            });
            if cut > 0 {
                tracing::error!(
                    channel = %entry.config.name,
                    cut,
                    "notifications lost: more than {CAPACITY} wait for this channel, or it is shutting down"
                );
            }
        }
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
        self.entries().iter().map(entry).collect()
    }

    /// Follows a new configuration. A channel that is still there keeps its queue and its numbers, and when it has changed
    /// it tries at once what is waiting; a channel that is gone loses what was waiting (counted as dropped). When one of
    /// the channels cannot be set up, nothing changes at all.
    pub fn reconfigure(
        &self,
        channels: &[ChannelConfig],
        links: &Links,
    ) -> Result<(), NotifyError> {
        // All of them first: then nothing can fail any more.
        let mut opened = Vec::with_capacity(channels.len());
        for config in channels {
            let channel =
                open(config, links, &self.parts).map_err(|error| NotifyError::Channel {
                    name: config.name.clone(),
                    error,
                })?;
            opened.push((
                config.clone(),
                Target {
                    channel,
                    kind: config.kind.as_str(),
                },
            ));
        }
        let mut entries = self.entries();
        let mut old = std::mem::take(&mut *entries);
        for (config, target) in opened {
            let known = old.iter().position(|e| e.config.name == config.name);
            let entry = match known.map(|at| old.swap_remove(at)) {
                Some(mut entry) => {
                    let same = entry.config.kind == config.kind
                        && entry.config.template == config.template
                        && entry.links == *links;
                    if !same {
                        entry.target.send_replace(target);
                    }
                    entry.config = config;
                    entry.links = links.clone();
                    entry
                }
                None => self.start(config, links, target),
            };
            entries.push(entry);
        }
        for gone in old {
            gone.stop.cancel();
        }
        Ok(())
    }

    /// Takes in nothing more, and waits until all that is waiting is delivered or given up, but not longer than `within`.
    /// Then ends the workers. Returns how many notifications were left undelivered.
    pub async fn drain(&self, within: Duration) -> u64 {
        let tasks: Vec<_> = {
            let mut entries = self.entries();
            for entry in entries.iter() {
                entry.queue.close();
            }
            entries
                .iter_mut()
                .filter_map(|e| {
                    e.task
                        .take()
                        .map(|task| (task, e.stop.clone(), Arc::clone(&e.stats)))
                })
                .collect()
        };
        self.hurry.cancel();
        let deadline = tokio::time::Instant::now() + within;
        let mut left = 0;
        for (mut task, stop, stats) in tasks {
            let dropped = stats.dropped.get();
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                stop.cancel();
                // It ends by itself now; should it have panicked, there is nothing more to do for it.
                if let Err(error) = task.await {
                    tracing::error!(%error, "a delivery worker ended badly");
                }
            }
            left += stats.dropped.get() - dropped;
        }
        left
    }

    fn start(&self, config: ChannelConfig, links: &Links, target: Target) -> Entry {
        let stats = Arc::new(ChannelStats::default());
        let queue = Arc::new(Queue::new(CAPACITY, Arc::clone(&stats)));
        let stop = self.cancel.child_token();
        let (target, receiver) = watch::channel(target);
        let worker = Worker {
            name: config.name.clone(),
            target: receiver,
            queue: Arc::clone(&queue),
            stats: Arc::clone(&stats),
            stop: stop.clone(),
            hurry: self.hurry.clone(),
            clock: Arc::clone(&self.parts.clock),
        };
        let task = Some(self.tracker.spawn(worker.run()));
        Entry {
            config,
            links: links.clone(),
            target,
            queue,
            stats,
            stop,
            task,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Nothing in here can leave the list half changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    /// A worker without its dispatcher would wait for ever.
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests;
