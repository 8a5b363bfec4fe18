//! From what a look led to, to what is said: notifications, records of transitions, the status.
//!
//! Deliberately absent: who gets to hear it.
//!
//! Invariant: an incident gives at most one firing and one resolved notification, and the second only after the first.

use std::collections::BTreeMap;

use super::{Seen, Watch, blank, ending};
use crate::alert::flaps;
use crate::alert::incident::Incident;
use crate::alert::machine::Change;
use crate::alert::mute::{self, Source};
use crate::alert::surroundings::{Outcome, Surroundings};
use crate::config::Rule;
use crate::model::incident::{AlertState, AlertStatus, Notification, Subject, Transition};
use crate::model::name::CacheName;
use crate::model::record::TransitionRecord;
use crate::model::time::Now;

/// Which rule tells of what, and when.
#[derive(Clone, Copy)]
pub(in crate::alert) struct Telling<'a> {
    pub(in crate::alert) rule: &'a Rule,
    pub(in crate::alert) owner: &'a Owner,
    pub(in crate::alert) now: Now,
}

impl Telling<'_> {
    fn id(&self, watch: &Watch, incident: &Incident) -> String {
        incident.id(&self.owner.cache, &self.rule.name, watch.subject.as_ref())
    }
}

/// Whose rules these are.
#[derive(Debug, Clone)]
pub(in crate::alert) struct Owner {
    pub(in crate::alert) cache: CacheName,
    pub(in crate::alert) labels: BTreeMap<String, String>,
}

impl Owner {
    /// The labels of an incident, for messages.
    fn labels(&self, rule: &Rule) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(rule.labels.clone());
        labels
    }

    /// The same with those that every incident has, for matchers.
    fn all_labels(&self, rule: &Rule, subject: Option<&Subject>) -> BTreeMap<String, String> {
        let mut labels = self.labels(rule);
        let mut set = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
        set("cache", self.cache.as_str());
        set("rule", rule.name.as_str());
        set("severity", rule.severity.as_str());
        match subject {
            None => {}
            Some(Subject::Namespace(name)) => {
                set("namespace", name);
            }
            Some(Subject::Node(name)) => {
                set("node", name.as_str());
            }
        }
        labels
    }
}

impl Watch {
    /// Says what the last look led to. `open`: the rules of the cache that have an open incident.
    pub(in crate::alert) fn tell(
        &mut self,
        telling: Telling<'_>,
        around: &Surroundings<'_>,
        open: &[Source<'_>],
        outcome: &mut Outcome,
    ) {
        let Telling { rule, owner, now } = telling;
        let Some(seen) = self.seen.take() else {
            return;
        };
        let was = self.muted.take();
        if self.incident.is_some() {
            let labels = owner.all_labels(rule, self.subject.as_ref());
            self.muted = mute::muted(&rule.name, &labels, around, open, now.wall);
        }
        let (_, clear_for) = rule.signal.holds();
        let flapping = flaps::note(clear_for, self.firings);
        match seen.change {
            Some(Change::Resolved(how)) => {
                let note = ending(how, &seen.finding);
                self.end(telling, seen.ended.as_ref(), note, outcome);
            }
            change => {
                let fires = change == Some(Change::Fired);
                // Not while it recovers: it may be over in a moment.
                let still = self.machine.state() == AlertState::Firing;
                let late = !self.told && self.muted.is_none() && still;
                if let Some(incident) = self.incident.as_ref().filter(|_| fires || late) {
                    let was = was.map(|was| was.over(now.wall)).filter(|_| !fires);
                    let notes: Vec<_> = was.into_iter().chain(flapping).collect();
                    let note = Some(notes.join("; ")).filter(|note| !note.is_empty());
                    let firing = notification(self, telling, incident, Transition::Firing, note);
                    if fires {
                        outcome.incidents.push(firing.clone());
                    }
                    if self.muted.is_none() {
                        outcome.notifications.push(firing);
                        self.told = true;
                    }
                }
            }
        }
        self.record(telling, &seen, outcome);
        outcome.statuses.push(self.status(telling, seen));
    }

    /// The incident is over.
    fn end(
        &mut self,
        telling: Telling<'_>,
        incident: Option<&Incident>,
        note: Option<String>,
        outcome: &mut Outcome,
    ) {
        let Some(incident) = incident else {
            return;
        };
        let resolved = notification(self, telling, incident, Transition::Resolved, note);
        outcome.incidents.push(resolved.clone());
        if self.told {
            outcome.notifications.push(resolved);
        }
        self.told = false;
    }

    /// Ends the open incident, if there is one, because nobody looks any more.
    pub(in crate::alert) fn retire(
        mut self,
        telling: Telling<'_>,
        why: &str,
        outcome: &mut Outcome,
    ) {
        let Telling { rule, owner, now } = telling;
        let Some(incident) = self.incident.take() else {
            return;
        };
        let note = Some(why.to_owned());
        self.end(telling, Some(&incident), note, outcome);
        outcome.transitions.push(TransitionRecord {
            cache: owner.cache.clone(),
            rule: rule.name.clone(),
            subject: words(self.subject.as_ref()),
            incident: Some(telling.id(&self, &incident)),
            at: now.wall,
            from: self.shown.0,
            to: AlertState::NoData,
            why: why.to_owned(),
        });
    }

    fn record(&mut self, telling: Telling<'_>, seen: &Seen, outcome: &mut Outcome) {
        let Telling { rule, owner, now } = telling;
        let state = match &self.muted {
            Some(_) => AlertState::Silenced,
            None => self.machine.state(),
        };
        let (from, _) = self.shown;
        // It may fire and be over within one look, or the other way round: then the states alone do not tell.
        if from == state && seen.change.is_none() {
            return;
        }
        let why = match &self.muted {
            Some(muted) => format!("{}; {}", seen.finding.why, muted.explanation()),
            None => seen.finding.why.to_string(),
        };
        let incident = self.incident.as_ref().or(seen.ended.as_ref());
        outcome.transitions.push(TransitionRecord {
            cache: owner.cache.clone(),
            rule: rule.name.clone(),
            subject: words(self.subject.as_ref()),
            incident: incident.map(|i| telling.id(self, i)),
            at: now.wall,
            from,
            to: state,
            why,
        });
        self.shown = (state, now.wall);
    }

    fn status(&self, telling: Telling<'_>, seen: Seen) -> AlertStatus {
        use AlertState::{InsufficientTraffic, NoData, Ok};
        let rule = telling.rule;
        let (state, since) = self.shown;
        let quiet = matches!(state, Ok | NoData | InsufficientTraffic);
        let incident = self.incident.as_ref();
        AlertStatus {
            rule: rule.name.clone(),
            signal: rule.signal.name(),
            subject: self.subject.clone(),
            severity: rule.severity,
            state,
            since,
            incident: incident.map(|i| telling.id(self, i)),
            value: seen.finding.value,
            threshold: seen.finding.threshold,
            explanation: seen.finding.why,
            muted: self.muted.as_ref().map(mute::Muted::explanation),
            looks: if quiet {
                Vec::new()
            } else {
                self.looks.iter().cloned().collect()
            },
        }
    }
}

/// What is said of an incident.
fn notification(
    watch: &Watch,
    telling: Telling<'_>,
    incident: &Incident,
    transition: Transition,
    note: Option<String>,
) -> Notification {
    let Telling { rule, owner, now } = telling;
    let evidence = watch.evidence.clone();
    Notification {
        incident: telling.id(watch, incident),
        transition,
        rule: rule.name.clone(),
        cache: owner.cache.clone(),
        subject: watch.subject.clone(),
        severity: rule.severity,
        labels: owner.labels(rule),
        started: incident.started(),
        pending_since: incident.pending_since(),
        at: now.wall,
        duration: incident.duration(now),
        runbook: rule.runbook.clone(),
        note,
        coincidences: watch.coincidences.clone(),
        evidence: evidence.unwrap_or_else(|| blank(rule, &watch.eye, incident)),
    }
}

/// A subject as records have it.
fn words(subject: Option<&Subject>) -> String {
    subject.map_or_else(String::new, ToString::to_string)
}
