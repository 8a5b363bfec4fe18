//! What a rule would have done with history: the real rule and state machine, over stored slots and a simulated clock.
//!
//! Deliberately absent: silences, maintenance windows and inhibition (what fired and was muted fired all the same), and
//! rules about what history does not hold; [`cannot`] says which and why.
//!
//! Invariant: a function of rule and slots. A slot of which nothing is known neither fires nor resolves, as a failed poll.
//! Slots are looked at when they end, so that nothing is found earlier than it would have been.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::book::AlertBook;
use super::surroundings::{Outcome, Surroundings};
use crate::analyze::history::History;
use crate::config::signal::{Measure, SubjectKind};
use crate::config::{Rule, Signal};
use crate::model::incident::{Evidence, Notification, Transition};
use crate::model::name::CacheName;
use crate::model::record::HistoryPoint;
use crate::model::time::Now;
use crate::model::window::Totals;

mod past;
mod stage;
#[cfg(test)]
mod tests;
mod threshold;

pub use threshold::{Quiet, quiet_threshold, threshold_of, with_threshold};

/// A week.
const WEEK: Duration = Duration::from_hours(7 * 24);
/// Where the monotonic clock of a replay begins, so that windows have room before it.
const BEGIN: Duration = Duration::from_hours(48);

/// What happened in a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// How long it is; more than zero.
    pub width: Duration,
    /// When it began, and what was counted in it.
    pub point: HistoryPoint,
}

impl Slot {
    /// When it was over.
    pub fn end(&self) -> Timestamp {
        later(self.point.at, self.width)
    }

    fn is_known(&self) -> bool {
        self.point.hits.is_some() || self.point.misses.is_some()
    }
}

/// One time that a rule would have fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// When.
    pub started: Timestamp,
    /// When it would have been over; `None`: it still fires at the end of the history.
    pub ended: Option<Timestamp>,
    /// For how long, up to the end of the history at most.
    pub lasted: Duration,
    /// The worst value, in the unit of the signal, where the end of it is known.
    pub peak: Option<f64>,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replayed {
    /// All of them, in order.
    pub firings: Vec<Firing>,
    /// How much time is known, gaps left out.
    pub known: Duration,
}

impl Replayed {
    /// How often a week, at this pace. `None`: nothing is known.
    pub fn per_week(&self) -> Option<f64> {
        let weeks = self.known.as_secs_f64() / WEEK.as_secs_f64();
        (weeks > 0.0).then(|| self.firings.len() as f64 / weeks)
    }

    /// How long it fired in all.
    pub fn lasted(&self) -> Duration {
        let each = self.firings.iter().map(|firing| firing.lasted);
        each.fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// Why a rule cannot be replayed; `None`: it can.
pub fn cannot(rule: &Rule) -> Option<&'static str> {
    if rule.scope.kind() != SubjectKind::Cache {
        return Some("history is replayed for a cache as a whole, not for its namespaces or nodes");
    }
    match &rule.signal {
        Signal::MissRatio(_) | Signal::Baseline(_) => None,
        Signal::Down(_) => Some("history does not hold when a cache did not answer"),
        Signal::Limit(limit) => match limit.measure {
            Measure::MissRatio
            | Measure::HitRatio
            | Measure::LookupsPerSecond
            | Measure::MissesPerSecond
            | Measure::EvictionsPerSecond
            | Measure::ExpirationsPerSecond
            | Measure::MemoryUsedRatio => None,
            Measure::CauseShare
            | Measure::MissShare
            | Measure::EventsCompleteness
            | Measure::ReadingAge
            | Measure::PollErrorsPerSecond
            | Measure::CostPerHour
            | Measure::Gauge => Some("history does not hold what this rule looks at"),
        },
    }
}

/// Replays one rule over slots in order of time. One that begins before the last one was over is left out.
pub fn replay(cache: &CacheName, rule: &Rule, slots: &[Slot]) -> Replayed {
    let Some(first) = slots.first() else {
        return Replayed::default();
    };
    let begin = Now {
        mono: BEGIN,
        wall: first.point.at,
    };
    let rule = Rule {
        caches: Vec::new(),
        ..rule.clone()
    };
    let mut run = Run {
        book: AlertBook::new(cache, &BTreeMap::new(), std::slice::from_ref(&rule), begin),
        stage: stage::Stage::new(cache, &rule),
        history: History::new(first.width),
        past: past::PastDays::new(&rule, slots),
        totals: Totals::default(),
        found: Replayed::default(),
    };
    run.history.keep(run.book.horizon());
    let mut last: Option<Now> = None;
    for slot in slots {
        let started = moved(begin, slot.point.at);
        let ended = moved(begin, slot.end());
        if last.is_some_and(|last| started.mono < last.mono) || slot.width.is_zero() {
            continue;
        }
        run.history.set_poll_interval(slot.width);
        if last.is_none_or(|last| started.since(last) >= slot.width) {
            // After a gap, and at the very beginning, the slot begins with what was counted before.
            if last.is_some() {
                run.look(false, started);
            }
            run.history.push(started, run.totals);
        }
        run.take_in(slot, ended);
        last = Some(ended);
    }
    if let Some(last) = last {
        run.end(last);
    }
    run.found
}

/// The same moment on both clocks of a replay.
fn moved(begin: Now, to: Timestamp) -> Now {
    let by = Duration::try_from(to.duration_since(begin.wall)).unwrap_or_default();
    Now {
        mono: begin.mono.saturating_add(by),
        wall: to,
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or_default();
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A replay under way.
struct Run {
    book: AlertBook,
    stage: stage::Stage,
    history: History,
    past: past::PastDays,
    totals: Totals,
    found: Replayed,
}

impl Run {
    fn take_in(&mut self, slot: &Slot, ended: Now) {
        if slot.is_known() {
            self.found.known = self.found.known.saturating_add(slot.width);
            grow(&mut self.totals.hits, slot.point.hits);
            grow(&mut self.totals.misses, slot.point.misses);
            grow(&mut self.totals.evictions, slot.point.evictions);
            grow(&mut self.totals.expirations, slot.point.expirations);
            self.stage.remember(&slot.point);
            self.history.push(ended, self.totals);
        }
        self.look(slot.is_known(), ended);
    }

    fn look(&mut self, fresh: bool, now: Now) {
        let cache = self.stage.snapshot(fresh, self.totals, now);
        let around = Surroundings {
            past: self.past.at(now),
            ..Surroundings::default()
        };
        let outcome = self.book.evaluate(cache, &self.history, &around, now);
        self.note(&outcome);
    }

    fn note(&mut self, outcome: &Outcome) {
        for told in &outcome.incidents {
            match told.transition {
                Transition::Firing => self.found.firings.push(Firing {
                    started: told.started,
                    ended: None,
                    lasted: Duration::ZERO,
                    peak: None,
                }),
                Transition::Resolved => {
                    if let Some(firing) = self.found.firings.last_mut() {
                        firing.ended = Some(told.at);
                        firing.lasted = told.duration;
                        firing.peak = peak(told);
                    }
                }
            }
        }
    }

    /// What is open at the end of the history lasted until then.
    fn end(&mut self, now: Now) {
        if let Some(open) = self.found.firings.last_mut().filter(|f| f.ended.is_none()) {
            let lasted = now.wall.duration_since(open.started);
            open.lasted = Duration::try_from(lasted).unwrap_or_default();
            // How bad it was is told when it ends.
            let mut retired = self.book.retire("", now);
            open.peak = retired.incidents.pop().as_ref().and_then(peak);
        }
    }
}

fn grow(total: &mut Option<u64>, by: Option<u64>) {
    if let Some(by) = by {
        *total = Some(total.unwrap_or(0).saturating_add(by));
    }
}

fn peak(told: &Notification) -> Option<f64> {
    match &told.evidence {
        Evidence::MissRatio(found) => found.peak_ratio,
        Evidence::Signal(found) => found.peak,
        _ => None,
    }
}
