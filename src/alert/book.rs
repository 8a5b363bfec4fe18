//! The rules that watch one cache, each with its state and its open incident.
//!
//! `evaluate` is called at every tick; it gives the state of each rule, and a notification for each transition.
//!
//! Deliberately absent: which channel gets a notification, and whether it was delivered.
//!
//! Invariant: the firing and the resolved notification of an incident bear the same id,
//! `<cache>-<rule>-<unix milliseconds of firing>`; an incident never ends without a resolved notification, also when
//! its rule is taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::machine::{Change, Ending, Machine, Timing, Verdict};
use super::{down, evidence, rule_h};
use crate::analyze::history::History;
use crate::config::{MissRatioRule, Rule, Signal};
use crate::model::incident::{
    AlertState, AlertStatus, DownEvidence, Evidence, Notification, Transition,
};
use crate::model::name::CacheName;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

mod incident;

pub use incident::Incident;
pub(super) use incident::{Carried, Tally};

/// How far back one looks for what is normal.
const NORMAL_SPAN: Duration = Duration::from_hours(1);

/// The rules of one cache.
#[derive(Debug, Clone)]
pub struct AlertBook {
    pub(super) subject: Subject,
    pub(super) watched: Vec<Watched>,
}

/// What the notifications are about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) cache: CacheName,
    labels: BTreeMap<String, String>,
}

/// One rule that watches the cache.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) rule: Rule,
    pub(super) machine: Machine,
    /// When the condition began to hold, for the incident that may come of it.
    pub(super) pending_since: Option<Timestamp>,
    /// What was normal before it did.
    pub(super) normal_ratio: Option<f64>,
    pub(super) incident: Option<Incident>,
    /// As of the last evaluation while an incident was open.
    last_evidence: Option<Evidence>,
}

/// What a rule found, whichever signal it watches.
struct Finding {
    verdict: Verdict,
    explanation: String,
    value: Option<f64>,
    threshold: Option<f64>,
    timing: Timing,
    about: About,
}

enum About {
    Miss(Box<rule_h::Evaluation>),
    Down(DownEvidence),
}

impl AlertBook {
    /// Nothing known yet. Of the rules, those that watch this cache are taken; `labels` are the cache's.
    pub fn new(
        cache: &CacheName,
        labels: &BTreeMap<String, String>,
        rules: &[Rule],
        now: Now,
    ) -> Self {
        let watched = rules
            .iter()
            .filter(|rule| rule.watches(cache))
            .map(|rule| Watched::new(rule, now))
            .collect();
        Self {
            subject: Subject {
                cache: cache.clone(),
                labels: labels.clone(),
            },
            watched,
        }
    }

    /// Takes new rules and labels after a reload. A rule that stays keeps its state and its incident, with its new
    /// parameters; the incident of one that goes is resolved, and says why.
    pub fn reconfigure(
        &mut self,
        labels: &BTreeMap<String, String>,
        rules: &[Rule],
        now: Now,
    ) -> Vec<Notification> {
        let mut fresh = Self::new(&self.subject.cache, labels, rules, now);
        let mut gone = Vec::new();
        for old in std::mem::take(&mut self.watched) {
            match fresh
                .watched
                .iter_mut()
                .find(|new| new.continues(&old.rule))
            {
                Some(new) => {
                    *new = Watched {
                        rule: new.rule.clone(),
                        ..old
                    };
                }
                None => gone.extend(old.retire(&self.subject, "the rule was removed", now)),
            }
        }
        *self = fresh;
        gone
    }

    /// Ends what is open, because the cache is no longer watched; `note` says why.
    pub fn retire(&mut self, note: &str, now: Now) -> Vec<Notification> {
        std::mem::take(&mut self.watched)
            .into_iter()
            .filter_map(|watched| watched.retire(&self.subject, note, now))
            .collect()
    }

    /// The longest window that a rule looks at: how much history must be kept.
    pub fn horizon(&self) -> Duration {
        self.watched
            .iter()
            .filter_map(|watched| match &watched.rule.signal {
                Signal::MissRatio(rule) => Some(
                    rule.long_window
                        .max(rule.short_window)
                        .max(rule.extended_window),
                ),
                Signal::Down(_) => None,
            })
            .max()
            .unwrap_or_default()
    }

    /// Looks at the cache: how each rule stands now, and what there is to tell.
    pub fn evaluate(
        &mut self,
        cache: &CacheSnapshot,
        history: &History,
        now: Now,
    ) -> (Vec<AlertStatus>, Vec<Notification>) {
        let mut statuses = Vec::with_capacity(self.watched.len());
        let mut notifications = Vec::new();
        for watched in &mut self.watched {
            let finding = watched.look(cache, history, now);
            let change = watched.advance(&finding, cache, history, now);
            if let Some((incident, transition, note)) = change {
                notifications.push(watched.notify(&self.subject, &incident, transition, note, now));
            }
            statuses.push(watched.status(&self.subject.cache, finding));
        }
        (statuses, notifications)
    }
}

impl Watched {
    pub(super) fn new(rule: &Rule, now: Now) -> Self {
        Self {
            rule: rule.clone(),
            machine: Machine::new(now),
            pending_since: None,
            normal_ratio: None,
            incident: None,
            last_evidence: None,
        }
    }

    /// Whether this is the same rule, perhaps with other parameters.
    fn continues(&self, old: &Rule) -> bool {
        self.rule.name == old.name
            && matches!(
                (&self.rule.signal, &old.signal),
                (Signal::MissRatio(_), Signal::MissRatio(_)) | (Signal::Down(_), Signal::Down(_))
            )
    }

    fn look(&self, cache: &CacheSnapshot, history: &History, now: Now) -> Finding {
        match &self.rule.signal {
            Signal::MissRatio(rule) => {
                let fresh = cache.nodes.iter().any(|node| node.up);
                let found = rule_h::evaluate(rule, history, fresh, now);
                Finding {
                    verdict: found.verdict,
                    explanation: found.explanation.clone(),
                    value: found.short.miss_ratio,
                    threshold: Some(rule.threshold),
                    timing: miss_timing(rule),
                    about: About::Miss(Box::new(found)),
                }
            }
            Signal::Down(rule) => {
                let found = down::evaluate(cache, now);
                Finding {
                    verdict: found.verdict,
                    explanation: found.explanation,
                    value: None,
                    threshold: None,
                    timing: Timing {
                        for_: rule.for_,
                        clear_for: rule.clear_for,
                        idle_for: Duration::MAX,
                    },
                    about: About::Down(found.evidence),
                }
            }
        }
    }

    /// Takes the finding in. Gives the incident that begins or ends with it.
    fn advance(
        &mut self,
        finding: &Finding,
        cache: &CacheSnapshot,
        history: &History,
        now: Now,
    ) -> Option<(Incident, Transition, Option<String>)> {
        let before = self.machine.state();
        let change = self.machine.step(finding.verdict, &finding.timing, now);
        let waits = |state| state == AlertState::Pending;
        let begins = waits(self.machine.state()) || change == Some(Change::Fired);
        if begins && !waits(before) {
            self.pending_since = Some(now.wall);
            self.normal_ratio = match &self.rule.signal {
                Signal::MissRatio(rule) => history.usual_ratio(rule.short_window, NORMAL_SPAN, now),
                Signal::Down(_) => None,
            };
        }
        if change == Some(Change::Fired) {
            let pending_since = self.pending_since.unwrap_or(now.wall);
            self.incident = Some(Incident::begin(now, pending_since, self.normal_ratio));
        }
        let incident = self.incident.as_mut()?;
        incident.follow(finding.value, &cache.totals);
        self.last_evidence = Some(match (&finding.about, &self.rule.signal) {
            (About::Miss(found), Signal::MissRatio(rule)) => {
                Evidence::MissRatio(evidence::miss(rule, found, cache, incident))
            }
            (About::Down(found), _) => Evidence::Down(found.clone()),
            (About::Miss(_), Signal::Down(_)) => blank(&self.rule.signal, incident),
        });
        match change? {
            Change::Fired => Some((incident.clone(), Transition::Firing, None)),
            Change::Resolved(ending) => {
                let note = note(ending, finding);
                Some((self.incident.take()?, Transition::Resolved, note))
            }
        }
    }

    /// Ends the open incident, if there is one.
    fn retire(mut self, subject: &Subject, note: &str, now: Now) -> Option<Notification> {
        let incident = self.incident.take()?;
        let note = Some(note.to_owned());
        Some(self.notify(subject, &incident, Transition::Resolved, note, now))
    }

    pub(super) fn notify(
        &self,
        subject: &Subject,
        incident: &Incident,
        transition: Transition,
        note: Option<String>,
        now: Now,
    ) -> Notification {
        let mut labels = subject.labels.clone();
        labels.extend(self.rule.labels.clone());
        let evidence = self.last_evidence.clone();
        Notification {
            incident: incident.id(&subject.cache, &self.rule.name),
            transition,
            rule: self.rule.name.clone(),
            cache: subject.cache.clone(),
            severity: self.rule.severity,
            labels,
            started: incident.started(),
            pending_since: incident.pending_since(),
            at: now.wall,
            duration: incident.duration(now),
            runbook: self.rule.runbook.clone(),
            note,
            evidence: evidence.unwrap_or_else(|| blank(&self.rule.signal, incident)),
        }
    }

    fn status(&self, cache: &CacheName, finding: Finding) -> AlertStatus {
        let incident = self.incident.as_ref();
        AlertStatus {
            rule: self.rule.name.clone(),
            severity: self.rule.severity,
            state: self.machine.state(),
            since: self.machine.since(),
            incident: incident.map(|incident| incident.id(cache, &self.rule.name)),
            value: finding.value,
            threshold: finding.threshold,
            explanation: finding.explanation,
        }
    }
}

fn miss_timing(rule: &MissRatioRule) -> Timing {
    Timing {
        for_: rule.for_,
        clear_for: rule.clear_for,
        idle_for: rule.clear_for.saturating_add(rule.extended_window),
    }
}

fn note(ending: Ending, finding: &Finding) -> Option<String> {
    match (ending, &finding.about) {
        (Ending::Idle, About::Miss(found)) if found.long.lookups().unwrap_or(0) > 0 => {
            Some("too few lookups to judge by any more".to_owned())
        }
        (Ending::Idle, _) => Some("no lookups any more".to_owned()),
        (Ending::Cleared, _) => None,
    }
}

/// Evidence of an incident whose cache cannot be looked at now.
fn blank(signal: &Signal, incident: &Incident) -> Evidence {
    match signal {
        Signal::MissRatio(rule) => Evidence::MissRatio(evidence::blank(rule, incident)),
        Signal::Down(_) => Evidence::Down(DownEvidence {
            nodes: Vec::new(),
            total: 0,
        }),
    }
}

#[cfg(test)]
mod tests;
