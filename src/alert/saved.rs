//! What must outlive a restart of cachewatch, and how it comes back.
//!
//! Only what is under way is saved: open incidents, and conditions that hold but not yet for long enough. Times are wall
//! time, since the monotonic clock begins anew; the time of being away counts as time in which nothing was known, except
//! for the age of an incident, which was open all the while.
//!
//! Deliberately absent: the file.
//!
//! Invariant: a saved incident is either continued under its id or resolved with a notification. Nothing that a file
//! holds can panic.

use std::time::Duration;

use jiff::Timestamp;

use super::book::{AlertBook, Carried, Incident, Subject, Tally, Watched};
use super::machine::{Kept, Machine};
use crate::config::{DownRule, MissRatioRule, Rule, Signal};
use crate::model::incident::{AlertState, Notification, Severity, Transition};
use crate::model::name::Name;
use crate::model::time::Now;

/// The state of one cache's rules.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedState {
    /// Whose rules.
    pub cache: String,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// Those that have something under way.
    pub rules: Vec<SavedRule>,
}

/// The state of one rule.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedRule {
    rule: String,
    signal: SavedSignal,
    severity: Severity,
    runbook: Option<String>,
    state: AlertState,
    since: Timestamp,
    held_ms: u64,
    idle_ms: u64,
    unknown_ms: u64,
    pending_since: Option<Timestamp>,
    normal_ratio: Option<f64>,
    incident: Option<SavedIncident>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedSignal {
    MissRatio,
    Down,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct SavedIncident {
    started: Timestamp,
    pending_since: Timestamp,
    age_ms: u64,
    peak_ratio: Option<f64>,
    normal_ratio: Option<f64>,
    lookups: u64,
    misses: u64,
}

impl AlertBook {
    /// What must outlive a restart now.
    pub fn save(&self, now: Now) -> SavedState {
        let under_way =
            |w: &&Watched| w.incident.is_some() || w.machine.state() == AlertState::Pending;
        SavedState {
            cache: self.subject.cache.to_string(),
            saved_at: now.wall,
            rules: self
                .watched
                .iter()
                .filter(under_way)
                .map(|watched| SavedRule::of(watched, now))
                .collect(),
        }
    }

    /// Brings back what was saved; to be called before the first evaluation. An incident whose rule is gone is resolved,
    /// which gives a notification.
    pub fn restore(&mut self, saved: &SavedState, now: Now) -> Vec<Notification> {
        let away = elapsed(saved.saved_at, now);
        let mut gone = Vec::new();
        for rule in &saved.rules {
            let watched = self.watched.iter_mut().find(|w| {
                w.rule.name.as_str() == rule.rule && SavedSignal::of(&w.rule) == rule.signal
            });
            match watched {
                Some(watched) => rule.apply(watched, away, now),
                None => gone.extend(rule.retire(&self.subject, away, now)),
            }
        }
        gone
    }
}

impl SavedSignal {
    fn of(rule: &Rule) -> Self {
        match rule.signal {
            Signal::MissRatio(_) => Self::MissRatio,
            Signal::Down(_) => Self::Down,
        }
    }
}

impl SavedRule {
    fn of(watched: &Watched, now: Now) -> Self {
        let kept = watched.machine.kept();
        Self {
            rule: watched.rule.name.to_string(),
            signal: SavedSignal::of(&watched.rule),
            severity: watched.rule.severity,
            runbook: watched.rule.runbook.clone(),
            state: kept.state,
            since: kept.since,
            held_ms: ms(kept.held),
            idle_ms: ms(kept.idle),
            unknown_ms: ms(kept.unknown),
            pending_since: watched.pending_since,
            normal_ratio: watched.normal_ratio,
            incident: watched.incident.as_ref().map(|incident| {
                let carried = incident.carry(now);
                SavedIncident {
                    started: carried.started,
                    pending_since: carried.pending_since,
                    age_ms: ms(carried.age),
                    peak_ratio: carried.peak_ratio,
                    normal_ratio: carried.normal_ratio,
                    lookups: carried.tally.lookups,
                    misses: carried.tally.misses,
                }
            }),
        }
    }

    fn apply(&self, watched: &mut Watched, away: Duration, now: Now) {
        // A file that contradicts itself is not followed.
        let open = self.incident.is_some();
        let known = self.state.is_firing() && open || self.state == AlertState::Pending && !open;
        let unknown = Duration::from_millis(self.unknown_ms).saturating_add(away);
        let for_ = match &watched.rule.signal {
            Signal::MissRatio(rule) => rule.for_,
            Signal::Down(rule) => rule.for_,
        };
        if !known || (!open && unknown > for_) {
            return;
        }
        watched.machine = Machine::restored(Kept {
            state: self.state,
            since: self.since,
            held: Duration::from_millis(self.held_ms),
            idle: Duration::from_millis(self.idle_ms),
            unknown,
        });
        watched.pending_since = self.pending_since;
        watched.normal_ratio = self.normal_ratio.filter(|ratio| ratio.is_finite());
        watched.incident = self.incident.as_ref().map(|i| i.resume(away, now));
    }

    fn retire(&self, subject: &Subject, away: Duration, now: Now) -> Option<Notification> {
        let incident = self.incident.as_ref()?.resume(away, now);
        let rule = Rule {
            name: Name::new(&self.rule).ok()?,
            signal: match self.signal {
                SavedSignal::MissRatio => Signal::MissRatio(MissRatioRule::default()),
                SavedSignal::Down => Signal::Down(DownRule::default()),
            },
            severity: self.severity,
            labels: std::collections::BTreeMap::new(),
            runbook: self.runbook.clone(),
            caches: Vec::new(),
        };
        let note = Some("the rule was removed".to_owned());
        let watched = Watched::new(&rule, now);
        Some(watched.notify(subject, &incident, Transition::Resolved, note, now))
    }
}

impl SavedIncident {
    fn resume(&self, away: Duration, now: Now) -> Incident {
        let carried = Carried {
            started: self.started,
            pending_since: self.pending_since,
            age: Duration::from_millis(self.age_ms).saturating_add(away),
            normal_ratio: self.normal_ratio.filter(|ratio| ratio.is_finite()),
            peak_ratio: self.peak_ratio.filter(|ratio| ratio.is_finite()),
            tally: Tally {
                lookups: self.lookups,
                misses: self.misses,
            },
        };
        Incident::resume(carried, now)
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Wall time since `then`; zero when the clock went back.
fn elapsed(then: Timestamp, now: Now) -> Duration {
    Duration::try_from(now.wall.duration_since(then)).unwrap_or(Duration::ZERO)
}
