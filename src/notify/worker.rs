//! The worker of one channel: takes from the outbox what is due, one letter after the other, and notes what came of it.
//!
//! Nothing but what is under way is in memory: whatever ends the process, the outbox still has it. `group` says what goes
//! into a letter, `attempt` sends it, `relation` remembers how it stands with the receiver. While the receiver is away all
//! of the channel waits, since it is the receiver that must recover; each failure moves the next attempt further off.
//!
//! Invariant: a message leaves the outbox as exactly one of delivered, dead or superseded; whatever is counted is logged by
//! one line, which holds no secret.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::ChannelConfig;
use crate::model::name::ChannelName;
use crate::model::record::{OutboxItem, OutboxStatus};
use crate::model::stats::ChannelStats;
use crate::model::time::Clock;
use crate::notify::group::{self, Standing, Verdict};
use crate::notify::outbox::Outbox;
use crate::notify::steward::Event;
use crate::notify::{Channel, backoff, outcome, route};

mod attempt;
mod late;
mod relation;

use late::LATE_AFTER;
use relation::Relation;

/// How many messages are looked at together.
const LOOK: usize = 200;
/// How many of them are sent one after the other before the outbox is looked at again.
const RUN: usize = 50;
/// How often the outbox is looked at without any reason, should somebody have put something there without a word.
const POLL: Duration = Duration::from_secs(30);
/// How soon it is looked at again when something seems to be due but is not handed out.
const SOON: Duration = Duration::from_secs(1);
/// The longest that any message waits for its next attempt.
const LONGEST_WAIT: Duration = if backoff::MAX.as_secs() > outcome::MAX_RETRY_AFTER.as_secs() {
    backoff::MAX
} else {
    outcome::MAX_RETRY_AFTER
};

/// A channel, and what its worker should know about it.
#[derive(Clone)]
pub(crate) struct Target {
    /// The channel.
    pub(crate) channel: Arc<dyn Channel>,
    /// As it is configured.
    pub(crate) config: Arc<ChannelConfig>,
}

/// A worker; [`Worker::run`] is its life.
pub(crate) struct Worker {
    /// The name of the channel.
    pub(crate) name: ChannelName,
    /// The channel as it is configured now. A change ends the waiting: the new address may be the right one.
    pub(crate) target: watch::Receiver<Target>,
    /// What is to be delivered.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// What is counted.
    pub(crate) stats: Arc<ChannelStats>,
    /// Rung when something was put into the outbox.
    pub(crate) bell: Arc<Notify>,
    /// Who is told when the channel breaks and when it works again.
    pub(crate) events: mpsc::Sender<Event>,
    /// Ends the worker at once, whatever it does.
    pub(crate) stop: CancellationToken,
    /// Set when no more comes: what is due is tried once more, then the worker ends.
    pub(crate) hurry: CancellationToken,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What comes after a turn.
enum Next {
    /// Another turn.
    Again,
    /// A rest.
    Rest(Instant),
}

impl Worker {
    /// Delivers until told to end.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.work()).await;
        self.count().await;
    }

    async fn work(&mut self) {
        let mut relation = Relation::new();
        let mut hurried = false;
        loop {
            if self.target.has_changed().unwrap_or(false) {
                relation.renew();
            }
            if self.hurry.is_cancelled() && !hurried {
                hurried = true;
                relation.hurry();
            }
            let target = self.target.borrow_and_update().clone();
            match self.turn(&target, &mut relation).await {
                Next::Again => {}
                Next::Rest(_) if hurried => return,
                Next::Rest(until) => {
                    self.count().await;
                    self.rest(until).await;
                }
            }
        }
    }

    async fn turn(&self, target: &Target, relation: &mut Relation) -> Next {
        if let Some(until) = relation.held() {
            return Next::Rest(until);
        }
        let until = self.resend(target, relation).await;
        if relation.held().is_some() {
            return Next::Again;
        }
        let as_of = relation.as_of(self.clock.now());
        let mut due = self.look(relation, as_of).await;
        if due.is_empty() {
            relation.eager = false;
            let next = self.next_due(as_of).await;
            return Next::Rest(until.map_or(next, |until| until.min(next)));
        }
        group::order(&mut due);
        if !target.channel.takes_digests() {
            return self.one_by_one(target, relation, &due, as_of).await;
        }
        let digests = !relation.takes_single();
        let picked = group::pick(&due, digests, |item| relation.gathers(item));
        if picked.is_empty() {
            return Next::Rest(relation.gathered(&due));
        }
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(picked.len());
        let mut incidents: Vec<&str> = Vec::with_capacity(picked.len());
        for item in picked {
            // Two messages of one incident have one verdict.
            if !incidents.contains(&item.notification.incident.as_str()) {
                incidents.push(&item.notification.incident);
                verdicts.push(self.decide(item, relation, as_of).await);
            }
        }
        let needless: Vec<String> = verdicts
            .iter_mut()
            .flat_map(|v| std::mem::take(&mut v.supersede))
            .collect();
        self.supersede(&needless, relation).await;
        verdicts.retain(|verdict| verdict.send.is_some());
        if !verdicts.is_empty() {
            self.attempt(target, relation, verdicts).await;
        }
        Next::Again
    }

    /// Sends these in order, as long as that goes well. How each stands is looked up anew before it is sent.
    async fn one_by_one(
        &self,
        target: &Target,
        relation: &mut Relation,
        due: &[OutboxItem],
        as_of: Timestamp,
    ) -> Next {
        for item in due.iter().take(RUN) {
            if relation.is_done(&item.key) {
                continue;
            }
            let mut verdict = self.decide(item, relation, as_of).await;
            let needless = std::mem::take(&mut verdict.supersede);
            self.supersede(&needless, relation).await;
            if verdict.send.is_some() {
                self.attempt(target, relation, vec![verdict]).await;
            }
            let disturbed = self.hurry.is_cancelled() || self.target.has_changed().unwrap_or(false);
            if disturbed || relation.held().is_some() {
                break;
            }
        }
        Next::Again
    }

    /// What is due, and when we are eager also what only waits for its next attempt.
    async fn look(&self, relation: &Relation, as_of: Timestamp) -> Vec<OutboxItem> {
        let by = if relation.eager {
            later(as_of, LONGEST_WAIT)
        } else {
            as_of
        };
        let mut due = self.outbox.due(&self.name, by, LOOK).await;
        due.retain(|item| !relation.is_done(&item.key) && (item.due <= as_of || item.attempts > 0));
        due
    }

    async fn decide(&self, item: &OutboxItem, relation: &Relation, as_of: Timestamp) -> Verdict {
        let incident = &item.notification.incident;
        let mut rows = self.outbox.about(incident).await;
        rows.retain(|row| row.channel == self.name);
        if !rows.iter().any(|row| row.key == item.key) {
            rows.push(item.clone());
        }
        for row in &mut rows {
            if relation.is_done(&row.key) && row.status == OutboxStatus::Waiting {
                row.status = OutboxStatus::Delivered;
            } else if relation.eager && row.attempts > 0 {
                row.due = row.due.min(as_of);
            }
        }
        let matters =
            group::is_held(item) || route::is_reminder(item) || self.waited(item) >= LATE_AFTER;
        let standing = if matters {
            self.outbox.standing(incident).await
        } else {
            Standing::Open
        };
        group::decide(&rows, standing, as_of)
    }

    async fn supersede(&self, keys: &[String], relation: &mut Relation) {
        if keys.is_empty() {
            return;
        }
        self.outbox.supersede(keys).await;
        self.stats.superseded.add(keys.len() as u64);
        relation.done(keys);
        let count = keys.len();
        tracing::info!(channel = %self.name, count, "messages had become needless before they could be sent");
    }

    async fn next_due(&self, as_of: Timestamp) -> Instant {
        let now = Instant::now();
        let next = self.outbox.waiting(&self.name).await.next_due;
        let wait = next.map_or(POLL, |next| {
            Duration::try_from(next.duration_since(as_of))
                .unwrap_or_default()
                .clamp(SOON, POLL)
        });
        now + wait
    }

    /// Waits until then, or until there is a reason to look.
    async fn rest(&mut self, until: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = self.bell.notified() => {}
            () = self.hurry.cancelled() => {}
            // Its other end lives as long as the dispatcher; without it, the rest counts.
            Ok(()) = self.target.changed() => self.target.mark_changed(),
        }
    }

    /// Brings the numbers of what waits up to date.
    async fn count(&self) {
        let waiting = self.outbox.waiting(&self.name).await;
        self.stats.pending.set(waiting.count);
        self.stats.dead.set(waiting.dead);
        let oldest = waiting.oldest.map_or(0, Timestamp::as_millisecond);
        let oldest = u64::try_from(oldest).unwrap_or_default();
        self.stats.oldest_waiting_ms.set(oldest);
    }
}

/// A moment that much later.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
