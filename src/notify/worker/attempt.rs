//! One attempt: a letter is made, sent, and what came of it is noted.
//!
//! Invariant: what the channel answered is in the outbox before anything else is sent.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::late::first_due;
use super::relation::Relation;
use super::{Target, Worker, later};
use crate::model::record::{Attempt, OutboxItem, OutboxStatus};
use crate::model::stats::Broken;
use crate::notify::group::{MAX_LETTER, Verdict};
use crate::notify::letter::{Late, Letter, Part, Trace};
use crate::notify::outcome::Outcome;
use crate::notify::steward::Event;
use crate::notify::text::Fnv;
use crate::notify::{backoff, crash, route};

/// How long a message is tried. Later than that it is history, not an alert; it stays visible.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_hours(24);
/// How long one attempt may take as a whole. Channels bound each of their phases; this is for what they forget.
const ATTEMPT_LIMIT: Duration = Duration::from_mins(2);
/// For how long after its end an incident is told again.
const RESEND_RESOLVED: SignedDuration = SignedDuration::from_mins(15);

/// What became of one attempt, with what was noted on the way.
struct Sent {
    outcome: Outcome,
    at: Timestamp,
    took: Duration,
    code: Option<u16>,
}

impl Sent {
    /// Whether the receiver refuses whatever it is sent: not allowed, or no longer there.
    fn is_broken(&self) -> bool {
        matches!(self.outcome, Outcome::Permanent { .. })
            && matches!(self.code, Some(401 | 403 | 404 | 410))
    }
}

impl Worker {
    /// Sends one letter about all of these, and notes what came of it.
    pub(super) async fn attempt(
        &self,
        target: &Target,
        relation: &mut Relation,
        verdicts: Vec<Verdict>,
    ) {
        let items: Vec<&OutboxItem> = verdicts.iter().filter_map(|v| v.send.as_ref()).collect();
        let Some(first) = items.first() else { return };
        let parts = verdicts.iter().filter_map(|v| {
            Some(Part {
                notification: Arc::clone(&v.send.as_ref()?.notification),
                angle: v.angle,
            })
        });
        let parts: Vec<Part> = parts.collect();
        let transition = first.notification.transition;
        let news = items.iter().filter(|item| !route::is_reminder(item));
        let late = news.filter_map(|item| self.late(target, relation, item));
        let late = late.max_by_key(|late| late.by);
        let key = letter_key(&items);
        crash::point("before-send", transition);
        let sent = self.send(target, relation, &parts, &key, late).await;
        crash::point("after-send", transition);

        let line = Line {
            worker: self,
            kind: target.config.kind.as_str(),
            item: first,
            notifications: items.len(),
        };
        self.judge(&sent, target).await;
        let after = match &sent.outcome {
            Outcome::Delivered => {
                relation.answered();
                self.stats.delivered.add(items.len() as u64);
                self.stats.coalesced.add(items.len() as u64 - 1);
                line.delivered(late);
                None
            }
            Outcome::Permanent { why } if items.len() > 1 && !sent.is_broken() => {
                // It may be one of them that is refused: each gets its own attempt.
                relation.singly(items.len());
                line.retried(Duration::ZERO, why);
                Some(Duration::ZERO)
            }
            Outcome::Permanent { why } => {
                relation.answered();
                self.stats.failed.add(items.len() as u64);
                line.failed("refused for good", why);
                None
            }
            Outcome::Retry { after, why } => {
                let wait =
                    after.unwrap_or_else(|| backoff::wait(relation.failures + 1, fastrand::f64()));
                relation.failed(wait, after.is_some());
                line.retried(wait, why);
                Some(wait)
            }
        };
        self.stats.failing.set(u64::from(relation.failures));
        crash::point("before-mark", transition);
        let done = self.note(target, &verdicts, &sent, after).await;
        crash::point("after-mark", transition);
        relation.done(&done);
        if sent.outcome == Outcome::Delivered {
            for part in &parts {
                relation.told(&part.notification);
            }
        }
    }

    /// Notes what came of an attempt. Returns the keys that are done with.
    async fn note(
        &self,
        target: &Target,
        verdicts: &[Verdict],
        sent: &Sent,
        after: Option<Duration>,
    ) -> Vec<String> {
        let now = self.clock.now().wall;
        let next = after.map(|wait| later(now, wait));
        let retried = matches!(sent.outcome, Outcome::Retry { .. });
        let too_old =
            |item: &OutboxItem| retried && next.is_some_and(|next| next > give_up_at(target, item));
        let mut done = Vec::new();
        for old in [false, true] {
            let part: Vec<(&OutboxItem, &Verdict)> = verdicts
                .iter()
                .filter_map(|v| v.send.as_ref().map(|item| (item, v)))
                .filter(|(item, _)| too_old(item) == old)
                .collect();
            let Some((first, _)) = part.first() else {
                continue;
            };
            let own: Vec<String> = part.iter().map(|(item, _)| item.key.clone()).collect();
            let along = part.iter().flat_map(|(_, v)| v.along.iter().cloned());
            let along: Vec<String> = along.collect();
            let (status, outcome) = match (&sent.outcome, old) {
                (Outcome::Delivered, _) => (OutboxStatus::Delivered, "delivered"),
                (Outcome::Permanent { .. }, _) if after.is_some() => {
                    (OutboxStatus::Waiting, "refused")
                }
                (Outcome::Permanent { .. }, _) => (OutboxStatus::Dead, "refused"),
                (Outcome::Retry { .. }, true) => (OutboxStatus::Dead, "gave_up"),
                (Outcome::Retry { .. }, false) => (OutboxStatus::Waiting, "retry"),
            };
            let why = match &sent.outcome {
                Outcome::Delivered => None,
                Outcome::Permanent { why } | Outcome::Retry { why, .. } => Some(why.clone()),
            };
            let waits = status == OutboxStatus::Waiting;
            let attempt = Attempt {
                key: first.key.clone(),
                incident: first.notification.incident.clone(),
                transition: first.notification.transition,
                channel: self.name.clone(),
                at: sent.at,
                took_seconds: sent.took.as_secs_f64(),
                code: sent.code,
                outcome: outcome.to_owned(),
                why,
                next: next.filter(|_| waits),
            };
            let due = next.filter(|_| waits).unwrap_or(now);
            // What goes along with a message that arrived has become needless; else it shares its fate.
            let mut keys = own.clone();
            if status != OutboxStatus::Delivered {
                keys.extend(along.iter().cloned());
            }
            self.outbox.attempted(&attempt, &keys, status, due).await;
            if status == OutboxStatus::Delivered && !along.is_empty() {
                self.outbox.supersede(&along).await;
                self.stats.superseded.add(along.len() as u64);
            }
            if outcome == "gave_up" {
                self.stats.failed.add(own.len() as u64);
                let text = attempt.why.as_deref().unwrap_or_default();
                tracing::error!(channel = %self.name, key = ?first.key, count = own.len(), why = text, "given up: tried for a day");
            }
            if waits {
                self.stats.retried.add(own.len() as u64);
            } else {
                done.extend(own);
                done.extend(along);
            }
        }
        done
    }

    async fn send(
        &self,
        target: &Target,
        relation: &mut Relation,
        parts: &[Part],
        key: &str,
        late: Option<Late>,
    ) -> Sent {
        if let Some(last) = relation.last {
            tokio::time::sleep_until(last + target.channel.pace()).await;
        }
        let trace = Trace::default();
        let letter = Letter {
            parts,
            key,
            late,
            test: false,
            trace: &trace,
        };
        let transition = letter.first().transition;
        let (at, began) = (self.clock.now().wall, Instant::now());
        let sending = crash::during("mid-send", transition, target.channel.send(&letter));
        let outcome = match tokio::time::timeout(ATTEMPT_LIMIT, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::retry(format!("no end within {} s", ATTEMPT_LIMIT.as_secs())),
        };
        relation.last = Some(Instant::now());
        Sent {
            outcome,
            at,
            took: began.elapsed(),
            code: trace.code(),
        }
    }

    /// Notices when the channel breaks, and when it works again.
    async fn judge(&self, sent: &Sent, target: &Target) {
        let event = match (&sent.outcome, sent.code) {
            (Outcome::Delivered, _) if self.stats.mended() => Event::Mended {
                channel: self.name.clone(),
                note: None,
            },
            (Outcome::Permanent { why }, Some(code)) if sent.is_broken() => {
                let broken = Broken {
                    since: sent.at,
                    code,
                    why: why.clone(),
                };
                if !self.stats.broke(broken.clone()) {
                    return;
                }
                let kind = target.config.kind.as_str();
                tracing::error!(channel = %self.name, kind, code, why, "the channel is broken");
                Event::Broken {
                    channel: self.name.clone(),
                    broken,
                }
            }
            _ => return,
        };
        // The steward lives as long as the dispatcher; at the end nobody is left to be told.
        drop(self.events.send(event).await);
    }

    /// Tells everything that is open again, where the channel wants that. Returns when it is to be done next.
    pub(super) async fn resend(&self, target: &Target, relation: &mut Relation) -> Option<Instant> {
        let every = target.channel.resend_every()?;
        let next = relation
            .resent
            .map_or_else(Instant::now, |last| last + every);
        if next > Instant::now() {
            return Some(next);
        }
        relation.resent = Some(Instant::now());
        let now = self.clock.now().wall;
        let since = now
            .saturating_sub(RESEND_RESOLVED)
            .unwrap_or(Timestamp::MIN);
        let mut all = self.outbox.resend(&self.name, since).await;
        all.retain(|n| route::wants(&target.config, n, &route::labels(n)));
        let size = if target.channel.takes_digests() {
            MAX_LETTER
        } else {
            1
        };
        for some in all.chunks(size) {
            let Some(first) = some.first() else { break };
            let key = first.idempotency_key(&self.name);
            let parts: Vec<Part> = some.iter().cloned().map(Part::from).collect();
            let sent = self.send(target, relation, &parts, &key, None).await;
            self.judge(&sent, target).await;
            match sent.outcome {
                Outcome::Delivered => {}
                Outcome::Permanent { why } => {
                    tracing::warn!(channel = %self.name, why, "could not be told again");
                }
                Outcome::Retry { after, why } => {
                    tracing::warn!(channel = %self.name, why, "could not be told again");
                    if let Some(after) = after {
                        relation.failed(after, true);
                    }
                    break;
                }
            }
        }
        Some(Instant::now() + every)
    }
}

/// Until when a message is tried; quiet hours do not count.
fn give_up_at(target: &Target, item: &OutboxItem) -> Timestamp {
    later(first_due(target, item), GIVE_UP_AFTER)
}

/// The key of a letter: that of its message; of several, that of the first with a hash of all, so that a letter with other
/// messages in it never passes for the same.
fn letter_key(items: &[&OutboxItem]) -> String {
    match items {
        [] => String::new(),
        [one] => one.key.clone(),
        [first, rest @ ..] => {
            let hash = items.iter().fold(Fnv::EMPTY, |hash, item| {
                hash.add(item.key.as_bytes()).add(b"\n")
            });
            format!("{}+{}-{}", first.key, rest.len(), hash.hex())
        }
    }
}

/// What a log line about an attempt says.
struct Line<'a> {
    worker: &'a Worker,
    kind: &'static str,
    item: &'a OutboxItem,
    notifications: usize,
}

macro_rules! log {
    ($level:ident, $line:expr, $($rest:tt)*) => {{
        let n = &$line.item.notification;
        tracing::$level!(
            channel = %$line.worker.name,
            kind = $line.kind,
            rule = %n.rule,
            cache = %n.cache,
            incident = ?n.incident,
            transition = n.transition.as_str(),
            notifications = $line.notifications,
            attempts = $line.item.attempts + 1,
            $($rest)*
        );
    }};
}

impl Line<'_> {
    fn delivered(&self, late: Option<Late>) {
        let late_seconds = late.map(|late| late.by.as_secs());
        log!(info, self, late_seconds, "notification delivered");
    }

    fn retried(&self, wait: Duration, why: &str) {
        let wait_seconds = wait.as_secs_f64();
        log!(
            warn,
            self,
            wait_seconds,
            why,
            "notification not delivered, trying again"
        );
    }

    fn failed(&self, how: &str, why: &str) {
        log!(error, self, how, why, "notification not delivered");
    }
}
