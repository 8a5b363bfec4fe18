//! One rule that watches one cache: its state, its incident, and the step from a finding to a notification.
//!
//! Deliberately absent: the other rules of the cache.

use std::time::Duration;

use jiff::Timestamp;

use super::{Incident, Subject};
use crate::alert::machine::{Change, Ending, Machine, Timing, Verdict};
use crate::alert::{down, evidence, rule_h};
use crate::analyze::history::History;
use crate::config::{MissRatioRule, Rule, Signal};
use crate::model::incident::{
    AlertState, AlertStatus, DownEvidence, Evidence, Notification, Transition,
};
use crate::model::name::CacheName;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

/// How far back one looks for what is normal.
const NORMAL_SPAN: Duration = Duration::from_hours(1);

/// One rule that watches the cache.
#[derive(Debug, Clone)]
pub(in crate::alert) struct Watched {
    pub(in crate::alert) rule: Rule,
    pub(in crate::alert) machine: Machine,
    /// When the condition began to hold, for the incident that may come of it.
    pub(in crate::alert) pending_since: Option<Timestamp>,
    /// What was normal before it did.
    pub(in crate::alert) normal_ratio: Option<f64>,
    pub(in crate::alert) incident: Option<Incident>,
    /// As of the last evaluation while an incident was open.
    last_evidence: Option<Evidence>,
}

/// What a rule found, whichever signal it watches.
pub(super) struct Finding {
    verdict: Verdict,
    explanation: String,
    value: Option<f64>,
    threshold: Option<f64>,
    timing: Timing,
    about: About,
}

pub(super) enum About {
    Miss(Box<rule_h::Evaluation>),
    Down(DownEvidence),
}

impl Watched {
    pub(in crate::alert) fn new(rule: &Rule, now: Now) -> Self {
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
    pub(super) fn continues(&self, old: &Rule) -> bool {
        self.rule.name == old.name
            && matches!(
                (&self.rule.signal, &old.signal),
                (Signal::MissRatio(_), Signal::MissRatio(_)) | (Signal::Down(_), Signal::Down(_))
            )
    }

    pub(super) fn look(&self, cache: &CacheSnapshot, history: &History, now: Now) -> Finding {
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
    pub(super) fn advance(
        &mut self,
        finding: &Finding,
        scene: &evidence::Scene<'_>,
    ) -> Option<(Incident, Transition, Option<String>)> {
        let (history, now) = (scene.history, scene.now);
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
        incident.follow(finding.value, &scene.cache.totals);
        self.last_evidence = Some(match (&finding.about, &self.rule.signal) {
            (About::Miss(found), Signal::MissRatio(rule)) => {
                Evidence::MissRatio(evidence::miss(rule, found, scene, incident))
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
    pub(super) fn retire(
        mut self,
        subject: &Subject,
        note: &str,
        now: Now,
    ) -> Option<Notification> {
        let incident = self.incident.take()?;
        let note = Some(note.to_owned());
        Some(self.notify(subject, &incident, Transition::Resolved, note, now))
    }

    pub(in crate::alert) fn notify(
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
            subject: None,
            severity: self.rule.severity,
            labels,
            started: incident.started(),
            pending_since: incident.pending_since(),
            at: now.wall,
            duration: incident.duration(now),
            runbook: self.rule.runbook.clone(),
            note,
            coincidences: Vec::new(),
            evidence: evidence.unwrap_or_else(|| blank(&self.rule.signal, incident)),
        }
    }

    pub(super) fn status(&self, cache: &CacheName, finding: Finding) -> AlertStatus {
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
