//! The saved state of one rule for one subject.
//!
//! Deliberately absent: which rule of the configuration it belongs to now.
//!
//! Invariant: whatever a file says, what comes of it is a state that the machine could be in.

use std::time::Duration;

use jiff::Timestamp;

use super::super::book::Ruled;
use super::super::flaps::Flaps;
use super::super::incident::{Carried, Incident, Tally};
use super::super::machine::{Kept, Machine};
use super::super::surroundings::Outcome;
use super::super::watch::{Owner, Telling, Watch};
use crate::analyze::history::Usual;
use crate::config::signal::SIGNALS;
use crate::config::{BaselineRule, DownRule, LimitRule, MissRatioRule, Rule, Scope, Signal};
use crate::model::incident::{AlertState, Coincidence, Severity, Subject};
use crate::model::name::Name;
use crate::model::time::Now;

/// The state of one rule for one subject.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedRule {
    rule: String,
    #[serde(default)]
    subject: Option<Subject>,
    signal: String,
    severity: Severity,
    runbook: Option<String>,
    state: AlertState,
    since: Timestamp,
    held_ms: u64,
    idle_ms: u64,
    unknown_ms: u64,
    pending_since: Option<Timestamp>,
    normal_ratio: Option<f64>,
    #[serde(default)]
    normal_range: Option<(f64, f64)>,
    /// How long ago it fired, in milliseconds, the oldest first.
    #[serde(default)]
    fired_ms: Vec<u64>,
    #[serde(default)]
    firings: u32,
    /// The number of the last incident.
    #[serde(default)]
    number: Option<i64>,
    /// As it was shown.
    #[serde(default)]
    shown: Option<(AlertState, Timestamp)>,
    #[serde(default)]
    coincidences: Vec<Coincidence>,
    /// What its detector remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<serde_json::Value>,
    incident: Option<SavedIncident>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct SavedIncident {
    started: Timestamp,
    pending_since: Timestamp,
    age_ms: u64,
    peak_ratio: Option<f64>,
    normal_ratio: Option<f64>,
    #[serde(default)]
    normal_range: Option<(f64, f64)>,
    lookups: u64,
    misses: u64,
    /// That in its id; in the first form its beginning.
    #[serde(default)]
    number: Option<i64>,
    /// In the first form every incident had been told.
    #[serde(default = "yes")]
    told: bool,
}

fn yes() -> bool {
    true
}

impl SavedRule {
    /// `None`: there is nothing to be remembered.
    pub(super) fn of(rule: &Rule, watch: &Watch, now: Now) -> Option<Self> {
        let kept = watch.machine.kept();
        let fired = watch.flaps.ages(now.mono);
        let memory = watch.eye.memory();
        if !watch.is_under_way() && fired.is_empty() && memory.is_none() {
            return None;
        }
        Some(Self {
            rule: rule.name.to_string(),
            subject: watch.subject.clone(),
            signal: rule.signal.name().to_owned(),
            severity: rule.severity,
            runbook: rule.runbook.clone(),
            state: kept.state,
            since: kept.since,
            held_ms: ms(kept.held),
            idle_ms: ms(kept.idle),
            unknown_ms: ms(kept.unknown),
            pending_since: watch.pending_since,
            normal_ratio: watch.normal.map(|usual| usual.median),
            normal_range: watch.normal.and_then(|usual| usual.range),
            fired_ms: fired.into_iter().map(ms).collect(),
            firings: watch.firings,
            number: watch.number,
            shown: Some(watch.shown),
            coincidences: watch.coincidences.clone(),
            memory,
            incident: watch.incident.as_ref().map(|incident| {
                let carried = incident.carry(now);
                SavedIncident {
                    started: carried.started,
                    pending_since: carried.pending_since,
                    age_ms: ms(carried.age),
                    peak_ratio: carried.peak,
                    normal_ratio: carried.normal.map(|usual| usual.median),
                    normal_range: carried.normal.and_then(|usual| usual.range),
                    lookups: carried.tally.lookups,
                    misses: carried.tally.misses,
                    number: Some(carried.number),
                    told: watch.told,
                }
            }),
        })
    }

    pub(super) fn has_incident(&self) -> bool {
        self.incident.is_some()
    }

    pub(super) fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    pub(super) fn name(&self) -> &str {
        &self.rule
    }

    /// Whether it is the state of this rule.
    pub(super) fn fits(&self, rule: &Rule) -> bool {
        let subject = match rule.scope {
            Scope::Cache => self.subject.is_none(),
            Scope::Namespaces { .. } => matches!(self.subject, Some(Subject::Namespace(_))),
            Scope::Nodes { .. } => matches!(self.subject, Some(Subject::Node(_))),
        };
        rule.signal.name() == self.signal && subject
    }

    pub(super) fn apply(&self, ruled: &mut Ruled, away: Duration, now: Now) {
        let most = match ruled.rule.scope {
            Scope::Cache => 1,
            Scope::Namespaces { most, .. } | Scope::Nodes { most } => most,
        };
        let at = ruled.watches.iter().position(|w| w.subject == self.subject);
        let at = at.unwrap_or(ruled.watches.len());
        if at >= ruled.watches.len() {
            // A file that has more of them than the rule allows: open incidents are never forgotten.
            if ruled.watches.len() >= most && self.incident.is_none() {
                return;
            }
            ruled
                .watches
                .push(Watch::new(&ruled.rule, self.subject.clone(), now));
        }
        let Some(watch) = ruled.watches.get_mut(at) else {
            return;
        };
        let ages: Vec<_> = self
            .fired_ms
            .iter()
            .map(|age| Duration::from_millis(*age).saturating_add(away))
            .collect();
        watch.flaps = Flaps::restored(&ages, now.mono);
        watch.number = self.number;
        if let Some(memory) = &self.memory {
            watch.eye.remember(&ruled.rule.signal, memory, away);
        }
        // A file that contradicts itself is not followed.
        let open = self.incident.is_some();
        let known = matches!(self.state, AlertState::Firing | AlertState::Recovering) && open
            || self.state == AlertState::Pending && !open;
        let unknown = Duration::from_millis(self.unknown_ms).saturating_add(away);
        let (for_, _) = ruled.rule.signal.holds();
        if !known || (!open && unknown > for_) {
            return;
        }
        watch.machine = Machine::restored(Kept {
            state: self.state,
            since: self.since,
            held: Duration::from_millis(self.held_ms),
            idle: Duration::from_millis(self.idle_ms),
            unknown,
        });
        watch.pending_since = self.pending_since;
        watch.normal = usual(self.normal_ratio, self.normal_range);
        watch.firings = self.firings.min(64);
        watch.coincidences.clone_from(&self.coincidences);
        watch.shown = self.shown.unwrap_or((self.state, self.since));
        watch.told = self.incident.as_ref().is_some_and(|incident| incident.told);
        watch.incident = self.incident.as_ref().map(|i| i.resume(away, now));
        watch.number = self
            .number
            .or(watch.incident.as_ref().map(Incident::number));
    }

    /// The end of an incident that nothing goes on with; `why` says it.
    pub(super) fn retire(
        &self,
        owner: &Owner,
        why: &str,
        away: Duration,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let (Some(saved), Ok(name)) = (&self.incident, Name::new(&self.rule)) else {
            return;
        };
        let mut rule = Rule::new(name, signal(&self.signal), self.severity);
        rule.runbook.clone_from(&self.runbook);
        let mut watch = Watch::new(&rule, self.subject.clone(), now);
        watch.incident = Some(saved.resume(away, now));
        watch.told = saved.told;
        watch.coincidences.clone_from(&self.coincidences);
        watch.shown = self.shown.unwrap_or((self.state, self.since));
        let telling = Telling {
            rule: &rule,
            owner,
            now,
        };
        watch.retire(telling, why, outcome);
    }
}

impl SavedIncident {
    fn resume(&self, away: Duration, now: Now) -> Incident {
        let carried = Carried {
            started: self.started,
            pending_since: self.pending_since,
            age: Duration::from_millis(self.age_ms).saturating_add(away),
            number: self.number.unwrap_or_else(|| self.started.as_millisecond()),
            normal: usual(self.normal_ratio, self.normal_range),
            peak: self.peak_ratio.filter(|ratio| ratio.is_finite()),
            tally: Tally {
                lookups: self.lookups,
                misses: self.misses,
            },
        };
        Incident::resume(carried, now)
    }
}

fn usual(median: Option<f64>, range: Option<(f64, f64)>) -> Option<Usual> {
    Some(Usual {
        median: median.filter(|ratio| ratio.is_finite())?,
        range: range.filter(|(low, high)| low.is_finite() && high.is_finite()),
    })
}

/// The signal of a rule that is gone: only what its end is told by.
fn signal(name: &str) -> Signal {
    match name {
        "down" => Signal::Down(DownRule::default()),
        "miss_ratio_baseline" => Signal::Baseline(BaselineRule::default()),
        name => match SIGNALS.iter().find(|row| row.name == name) {
            Some(row) if name != "miss_ratio" => {
                Signal::Limit(LimitRule::new(row.measure, true, 0.0))
            }
            _ => Signal::MissRatio(MissRatioRule::default()),
        },
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
