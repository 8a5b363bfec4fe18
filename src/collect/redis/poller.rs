//! Polls one node for as long as it is watched, and reports each attempt, good or bad.
//!
//! A session is: connect, INFO at every interval, until something fails. Then the connection is thrown away, whatever
//! the failure was, and after a wait ([`Backoff`]) the next session begins. Events are read elsewhere; this task
//! asks the reader's counts at the moment of a reading, so that both belong together, and tells it what only INFO knows:
//! flushes and the role. Where the configuration says `notifications: manage`, it also sets the flags (`flags`).
//!
//! Invariants: every attempt yields exactly one [`PollReport`]; an attempt takes at most one poll interval, so that a
//! server that hangs is reported within two; a slow receiver of reports never slows polling down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use self::flags::Manager;
use self::health::Health;
use super::backoff::Backoff;
use super::connection::Connection;
use super::dial::SystemRoots;
use super::events::EventsHandle;
use crate::analyze::attribution::DelMeaning;
use crate::analyze::flush::{flushes, grown};
use crate::config::CacheConfig;
use crate::model::name::NodeName;
use crate::model::poll::{NotifyFlags, PollError, PollErrorKind, PollReport};
use crate::model::reading::{Reading, Role};
use crate::model::stats::Counter;
use crate::model::time::{Clock, Now};

mod flags;
mod health;

/// How often `notify-keyspace-events` is asked for, besides after each connect.
const FLAGS_EVERY: Duration = Duration::from_mins(1);
/// The longest wait between two attempts, unless the poll interval is longer: how late a recovery may be noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a session must have worked before its end is treated as the first failure and not as one more.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
/// The first poll is put off by at most this, so that many pollers do not start in step.
const LONGEST_START_DELAY: Duration = Duration::from_millis(500);

/// Polls until it is cancelled or nobody receives reports any more.
///
/// Reports that find `tx` full are dropped and counted in `dropped`.
pub async fn run(
    cfg: Arc<CacheConfig>,
    events: EventsHandle,
    tx: mpsc::Sender<PollReport>,
    clock: Arc<dyn Clock>,
    cancel: CancellationToken,
    dropped: Arc<Counter>,
) {
    let poller = Poller {
        node: cfg.node(),
        capped: cap_timeouts(&cfg),
        roots: SystemRoots::default(),
        notify: NotifyFlags::Unknown,
        flags_due: Instant::now(),
        flags_barred_until: Instant::now(),
        health: Health::default(),
        previous: None,
        previous_at: Duration::ZERO,
        manager: Manager::default(),
        cfg,
        events,
        tx,
        clock,
        dropped,
    };
    // At whatever point it is dropped, nothing but a socket is left, and that closes with it.
    cancel.run_until_cancelled(poller.run()).await;
}

/// The configuration with time-outs that fit into one interval. Connecting leaves a quarter of it to the answer: a
/// server that was slow to connect to shall not be said to have been too slow to answer.
fn cap_timeouts(cfg: &CacheConfig) -> CacheConfig {
    let mut capped = cfg.clone();
    capped.connect_timeout = cfg.connect_timeout.min(cfg.poll_interval * 3 / 4);
    capped.response_timeout = cfg.response_timeout.min(cfg.poll_interval);
    capped
}

struct Poller {
    cfg: Arc<CacheConfig>,
    capped: CacheConfig,
    node: NodeName,
    roots: SystemRoots,
    events: EventsHandle,
    tx: mpsc::Sender<PollReport>,
    clock: Arc<dyn Clock>,
    dropped: Arc<Counter>,
    notify: NotifyFlags,
    flags_due: Instant,
    /// A server that closes the connection, or hangs, at CONFIG GET is not asked at every reconnect.
    flags_barred_until: Instant,
    health: Health,
    /// The last good reading.
    previous: Option<Arc<Reading>>,
    /// When it came, on the monotonic clock.
    previous_at: Duration,
    manager: Manager,
}

/// Why a session ended.
enum SessionEnd {
    /// Something failed; the last attempt began then, and the session had worked for so long.
    Failed { last: Instant, worked: Duration },
    /// Nobody receives reports any more.
    NobodyListens,
}

impl Poller {
    async fn run(mut self) {
        let interval = self.cfg.poll_interval;
        // The configuration keeps intervals above 0, so this cannot happen; if it does, say so instead of spinning.
        let Ok(mut backoff) = Backoff::new(interval, LONGEST_WAIT.max(interval)) else {
            tracing::error!(cache = %self.cfg.name, "the poll interval is 0: this cache is not polled");
            return;
        };
        let delay = LONGEST_START_DELAY
            .min(interval / 10)
            .mul_f64(fastrand::f64());
        let mut next = Instant::now() + delay;
        loop {
            sleep_until(next).await;
            match self.session().await {
                SessionEnd::NobodyListens => return,
                SessionEnd::Failed { last, worked } => {
                    if worked >= HEALTHY_AFTER {
                        backoff.reset();
                    }
                    // From the beginning of the attempt: one that hung has waited already.
                    next = last + backoff.next_wait(fastrand::f64());
                }
            }
        }
    }

    async fn session(&mut self) -> SessionEnd {
        let began = Instant::now();
        let mut ticks = interval_at(began, self.cfg.poll_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = None;
        loop {
            ticks.tick().await;
            let attempt = Instant::now();
            let outcome = self.attempt(&mut connection, attempt).await;
            let (at, took) = (self.clock.now(), attempt.elapsed());
            if let Ok(reading) = &outcome {
                self.tell_the_reader(reading, at);
            }
            let events = self.events.report();
            let attribution = self.events.attribution();
            let lost = match (&mut connection, &outcome) {
                (Some(connection), Ok(_)) => self.ask_flags(connection).await.is_err(),
                _ => true,
            };
            self.health.take_in(&self.cfg.name, &self.node, &outcome);
            let report = PollReport {
                cache: self.cfg.name.clone(),
                node: self.node.clone(),
                at,
                took,
                outcome,
                events,
                attribution,
                notify: self.notify.clone(),
            };
            match self.tx.try_send(report) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => self.dropped.inc(),
                Err(mpsc::error::TrySendError::Closed(_)) => return SessionEnd::NobodyListens,
            }
            if lost {
                let worked = attempt.duration_since(began);
                return SessionEnd::Failed {
                    last: attempt,
                    worked,
                };
            }
        }
    }

    /// One reading, connecting first where there is no connection. Takes at most one poll interval in all.
    async fn attempt(
        &mut self,
        connection: &mut Option<Connection>,
        began: Instant,
    ) -> Result<Arc<Reading>, PollError> {
        if let Some(connection) = connection {
            self.fit_into_interval(connection, began);
            match connection.info().await {
                // Servers and balancers close connections that were idle between two polls. Whether the server is
                // there is what a new connection tells, and if it is not, more precisely.
                Err(error) if error.kind == PollErrorKind::Closed => {}
                outcome => return outcome.map(Arc::new),
            }
        }
        let mut capped = self.capped.clone();
        capped.connect_timeout = capped.connect_timeout.min(self.left(began) * 3 / 4);
        let fresh = connection.insert(Connection::open(&capped, &self.roots).await?);
        // Another server may be behind the address now, or the same one with other settings.
        self.flags_due = Instant::now();
        self.fit_into_interval(fresh, began);
        fresh.info().await.map(Arc::new)
    }

    /// Tells the reader of events what only INFO knows.
    fn tell_the_reader(&mut self, reading: &Arc<Reading>, now: Now) {
        let mut meaning = DelMeaning::Deletion;
        if let Some(previous) = &self.previous {
            let (old, new) = (&previous.identity.run_id, &reading.identity.run_id);
            if old.is_some() && new.is_some() && old != new {
                self.events.other_process(self.previous_at);
            }
            for flush in flushes(previous, reading) {
                self.events.flushed(flush);
            }
            // Who migrates slots away calls MIGRATE on the node that has them; each key is a `del` there.
            if previous.identity.run_id == reading.identity.run_id
                && grown(previous, reading, "cmdstat_migrate")
            {
                meaning = DelMeaning::Migration;
            }
        }
        if reading.role == Role::Replica {
            meaning = DelMeaning::Replica;
        }
        self.events.del_meaning(meaning, self.previous_at);
        self.previous = Some(Arc::clone(reading));
        self.previous_at = now.mono;
    }

    fn left(&self, began: Instant) -> Duration {
        self.cfg.poll_interval.saturating_sub(began.elapsed())
    }

    fn fit_into_interval(&self, connection: &mut Connection, began: Instant) {
        connection.set_response_timeout(self.capped.response_timeout.min(self.left(began)));
    }

    /// Asks for `notify-keyspace-events` when it is time to. A refusal is an answer; `Err` says that the connection is
    /// lost.
    async fn ask_flags(&mut self, connection: &mut Connection) -> Result<(), ConnectionLost> {
        let now = Instant::now();
        if now < self.flags_due || now < self.flags_barred_until {
            return Ok(());
        }
        connection.set_response_timeout(self.capped.response_timeout);
        let answer = connection.config_get("notify-keyspace-events").await;
        self.flags_due = Instant::now() + FLAGS_EVERY;
        match answer {
            Ok(Some(flags)) => return self.found_flags(connection, flags).await,
            Ok(None) => {
                let why = format!("{} does not show notify-keyspace-events", self.node);
                self.notify = NotifyFlags::Refused(why);
            }
            Err(error) => {
                let was_answered = connection.is_usable();
                if was_answered || self.notify == NotifyFlags::Unknown {
                    self.notify = NotifyFlags::Refused(error.message);
                }
                if !was_answered {
                    self.flags_barred_until = self.flags_due;
                    return Err(ConnectionLost);
                }
            }
        }
        Ok(())
    }
}

/// The connection did not survive what was asked.
struct ConnectionLost;

#[cfg(test)]
mod tests;
