//! The worker of one channel: takes one notification after the other and tries until it is delivered or given up.
//!
//! In order, because `resolved` before `firing` confuses; so a receiver that is away holds up everything behind, and all of
//! it is sent, with a word on how late it is, once the receiver is back.
//!
//! Invariant: each notification ends as exactly one of delivered, failed or dropped; whatever is counted is logged by one
//! line, which holds no secret.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::name::ChannelName;
use crate::model::stats::ChannelStats;
use crate::model::time::Clock;
use crate::notify::letter::{Letter, Trace};
use crate::notify::outcome::Outcome;
use crate::notify::queue::{Job, Queue};
use crate::notify::{Channel, backoff};

/// How long a notification is tried. Later than that it is history, not an alert; it stays visible in `failed`.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_hours(1);
/// From how much on a delay is told.
pub(crate) const LATE_AFTER: Duration = Duration::from_mins(1);

/// A channel, and what its worker should know about it.
#[derive(Clone)]
pub(crate) struct Target {
    /// The channel.
    pub(crate) channel: Arc<dyn Channel>,
    /// Its kind, for the log.
    pub(crate) kind: &'static str,
}

/// A worker; [`Worker::run`] is its life.
pub(crate) struct Worker {
    /// The name of the channel.
    pub(crate) name: ChannelName,
    /// The channel as it is configured now. A change ends the waiting: the new address may be the right one.
    pub(crate) target: watch::Receiver<Target>,
    /// What is to be delivered.
    pub(crate) queue: Arc<Queue>,
    /// What is counted.
    pub(crate) stats: Arc<ChannelStats>,
    /// Ends the worker at once, whatever it does.
    pub(crate) stop: CancellationToken,
    /// Set when no more comes: the waiting is over, one more attempt now.
    pub(crate) hurry: CancellationToken,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Worker {
    /// Delivers until the queue is closed and empty, or until stopped.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        if stop.run_until_cancelled(self.work()).await.is_none() {
            let left = self.queue.abandon();
            if left > 0 {
                tracing::error!(channel = %self.name, left, "stopped with notifications undelivered");
            }
        }
    }

    async fn work(&mut self) {
        let mut last = None;
        while let Some(job) = self.queue.pop().await {
            self.deliver(&job, &mut last).await;
            self.queue.done();
        }
    }

    /// Tries until it is decided. `last` is when something was last sent to the channel.
    async fn deliver(&mut self, job: &Job, last: &mut Option<Instant>) {
        let n = &job.notification;
        let key = n.idempotency_key(&self.name);
        let mut attempts = 0_u32;
        loop {
            let target = self.target.borrow_and_update().clone();
            if let Some(last) = *last {
                tokio::time::sleep_until(last + target.channel.pace()).await;
            }
            attempts += 1;
            let waited = self.waited(job);
            let late = Some(waited).filter(|w| *w >= LATE_AFTER);
            let trace = Trace::default();
            let letter = Letter {
                notifications: std::slice::from_ref(n),
                key: &key,
                late,
                test: false,
                trace: &trace,
            };
            let outcome = target.channel.send(&letter).await;
            *last = Some(Instant::now());

            let line = Line {
                worker: self,
                job,
                kind: target.kind,
                attempts,
            };
            let (after, why) = match outcome {
                Outcome::Delivered => {
                    self.stats.delivered.inc();
                    line.delivered(late);
                    return;
                }
                Outcome::Permanent { why } => {
                    self.stats.failed.inc();
                    line.failed("refused for good", &why);
                    return;
                }
                Outcome::Retry { after, why } => (after, why),
            };
            let wait = after.unwrap_or_else(|| backoff::wait(attempts, fastrand::f64()));
            if self.waited(job) + wait > GIVE_UP_AFTER {
                self.stats.failed.inc();
                line.failed("given up", &why);
                return;
            }
            self.stats.retried.inc();
            line.retried(wait, &why);
            self.pause(wait, after.is_some()).await;
        }
    }

    /// Waits, or until the channel is configured anew. A wait of our own choice ends when there is hurry; one that the
    /// receiver asked for does not.
    async fn pause(&mut self, wait: Duration, asked_for: bool) {
        let may_hurry = !asked_for && !self.hurry.is_cancelled();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.hurry.cancelled(), if may_hurry => {}
            // Its other end lives as long as the dispatcher; without it, the time alone counts.
            Ok(()) = self.target.changed() => {}
        }
    }

    fn waited(&self, job: &Job) -> Duration {
        self.clock.now().since(job.queued)
    }
}

/// What a log line about an attempt says.
struct Line<'a> {
    worker: &'a Worker,
    job: &'a Job,
    kind: &'static str,
    attempts: u32,
}

macro_rules! log {
    ($level:ident, $line:expr, $($rest:tt)*) => {{
        let n = &$line.job.notification;
        tracing::$level!(
            channel = %$line.worker.name,
            kind = $line.kind,
            rule = %n.rule,
            cache = %n.cache,
            incident = ?n.incident,
            transition = n.transition.as_str(),
            attempts = $line.attempts,
            $($rest)*
        );
    }};
}

impl Line<'_> {
    fn delivered(&self, late: Option<Duration>) {
        log!(
            info,
            self,
            late_seconds = late.map(|l| l.as_secs()),
            "notification delivered"
        );
    }

    fn retried(&self, wait: Duration, why: &str) {
        log!(
            warn,
            self,
            wait_seconds = wait.as_secs_f64(),
            why,
            "notification not delivered, trying again"
        );
    }

    fn failed(&self, how: &str, why: &str) {
        log!(error, self, how, why, "notification not delivered");
    }
}

#[cfg(test)]
mod tests;
