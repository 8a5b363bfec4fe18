//! One rule on one subject: its state, its incident, and the way from a look at the cache to what is to be told.
//!
//! A look comes first for all rules of a cache; what is told follows, because an incident of one rule may silence those
//! of the others.
//!
//! Deliberately absent: the other rules of the cache.
//!
//! Invariant: an incident that was told as firing is told as resolved; one that was not is not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::evidence::{self, Misses, Scene};
use super::flaps::{Flaps, held_open};
use super::incident::Incident;
use super::machine::{Change, Ending, Machine, Timing, Verdict};
use super::mute::Muted;
use super::warm_up::WarmUp;
use crate::analyze::history::Usual;
use crate::config::{Rule, Signal};
use crate::model::incident::{
    AlertState, Coincidence, DownEvidence, Evidence, Look, MAX_LOOKS, Subject,
};
use crate::model::time::Now;

mod eye;
mod tell;

pub(super) use eye::{About, Eye, Finding};
pub(super) use tell::{Owner, Telling};

/// How far back one looks for what is normal.
const NORMAL_SPAN: Duration = Duration::from_hours(1);
/// How much longer than the clear condition a lack of traffic must last, before an incident of a rule is given up that
/// has no longest window.
const IDLE: Duration = Duration::from_hours(1);

/// One rule on one subject.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) subject: Option<Subject>,
    pub(super) machine: Machine,
    pub(super) eye: Eye,
    /// When the condition began to hold, for the incident that may come of it.
    pub(super) pending_since: Option<Timestamp>,
    /// What was normal before it did.
    pub(super) normal: Option<Usual>,
    pub(super) incident: Option<Incident>,
    /// The number of the last incident.
    pub(super) number: Option<i64>,
    pub(super) flaps: Flaps,
    /// How often it had fired within the hour when the incident began, that time included.
    pub(super) firings: u32,
    /// Whether the incident was told as firing.
    pub(super) told: bool,
    /// What mutes the incident.
    pub(super) muted: Option<Muted>,
    /// What coincided with the beginning of the incident.
    pub(super) coincidences: Vec<Coincidence>,
    /// The state as it is shown, and since when.
    pub(super) shown: (AlertState, Timestamp),
    looks: VecDeque<Look>,
    /// As of the last evaluation while an incident was open.
    evidence: Option<Evidence>,
    /// What the last look led to, until it is told.
    seen: Option<Seen>,
}

/// What a look led to.
#[derive(Debug, Clone)]
struct Seen {
    finding: Finding,
    change: Option<Change>,
    /// The incident that ended with it.
    ended: Option<Incident>,
}

impl Watch {
    /// Nothing known yet.
    pub(super) fn new(rule: &Rule, subject: Option<Subject>, now: Now) -> Self {
        Self {
            subject,
            machine: Machine::new(now),
            eye: Eye::new(&rule.signal),
            pending_since: None,
            normal: None,
            incident: None,
            number: None,
            flaps: Flaps::default(),
            firings: 0,
            told: false,
            muted: None,
            coincidences: Vec::new(),
            shown: (AlertState::NoData, now.wall),
            looks: VecDeque::new(),
            evidence: None,
            seen: None,
        }
    }

    /// Whether something is under way that must not be forgotten.
    pub(super) fn is_under_way(&self) -> bool {
        self.incident.is_some() || self.machine.state() == AlertState::Pending
    }

    /// Looks at the cache.
    pub(super) fn look(&mut self, rule: &Rule, warm_up: &WarmUp, scene: &Scene<'_>) {
        let now = scene.now;
        let mut finding = self
            .eye
            .look(rule, self.subject.as_ref(), warm_up.over(now), scene);
        if let Some(words) = warm_up.explanation(now).filter(|_| rule.warms_up()) {
            self.eye.start_anew();
            finding.verdict = Verdict::WarmingUp;
            finding.why = words.into();
        }
        self.remember(&finding, now);

        let before = self.machine.state();
        let timing = self.timing(rule);
        let change = self.machine.step(finding.verdict, &timing, now);
        let waits = |state| state == AlertState::Pending;
        let begins = waits(self.machine.state()) || change == Some(Change::Fired);
        if begins && !waits(before) {
            self.pending_since = Some(now.wall);
            self.normal = self.eye.usual(rule, scene, NORMAL_SPAN);
        }
        if change == Some(Change::Fired) {
            self.begin(scene);
        }
        let above = !matches!(&rule.signal, Signal::Limit(limit) if !limit.above);
        if let Some(incident) = &mut self.incident {
            incident.follow(finding.value, above, &scene.cache.totals);
            // An incident that goes on is told by the evidence of its beginning or end; that in between is needed
            // when its rule is taken away, and when a mute ends.
            self.evidence = Some(gather(rule, &self.eye, &finding, scene, incident));
        }
        let mut ended = None;
        if let Some(Change::Resolved(_)) = change {
            ended = self.incident.take();
            self.eye.start_anew();
        }
        self.seen = Some(Seen {
            finding,
            change,
            ended,
        });
    }

    fn begin(&mut self, scene: &Scene<'_>) {
        let now = scene.now;
        let pending_since = self.pending_since.unwrap_or(now.wall);
        let incident = Incident::begin(now, pending_since, self.normal, self.number);
        self.number = Some(incident.number());
        self.incident = Some(incident);
        self.firings = self.flaps.fired(now.mono);
        self.told = false;
        let cliff = evidence::ttl_cliff(scene);
        self.coincidences = scene.happenings.around(
            &scene.cache.name,
            pending_since,
            cliff.as_ref(),
            &scene.around,
            now,
        );
    }

    fn timing(&self, rule: &Rule) -> Timing {
        let (for_, clear_for) = rule.signal.holds();
        let idle = match &rule.signal {
            Signal::MissRatio(rule) => rule.extended_window,
            Signal::Limit(_) | Signal::Baseline(_) => IDLE,
            Signal::Down(_) => Duration::MAX,
        };
        let firings = if self.incident.is_some() {
            self.firings
        } else {
            0
        };
        Timing {
            for_,
            clear_for: held_open(clear_for, firings),
            idle_for: clear_for.saturating_add(idle),
        }
    }

    fn remember(&mut self, finding: &Finding, now: Now) {
        let verdict = finding.verdict.as_str();
        if let Some(last) = self.looks.back_mut()
            && last.verdict == verdict
            && last.value == finding.value
            && last.why == finding.why
        {
            last.until = now.wall;
            last.times = last.times.saturating_add(1);
            return;
        }
        if self.looks.len() >= MAX_LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back(Look {
            at: now.wall,
            until: now.wall,
            times: 1,
            verdict,
            value: finding.value,
            why: Arc::clone(&finding.why),
        });
    }
}

/// The numbers behind an incident now.
fn gather(
    rule: &Rule,
    eye: &Eye,
    finding: &Finding,
    scene: &Scene<'_>,
    incident: &Incident,
) -> Evidence {
    match (&finding.about, &rule.signal) {
        (About::Misses(found), _) => {
            Evidence::MissRatio(evidence::miss(found, Some(scene), incident))
        }
        (About::Down(found), _) => Evidence::Down(found.clone()),
        (About::Limit(found), Signal::Limit(limit)) => {
            evidence::signal(limit, Some(found), eye.limiter(), Some(scene), incident)
        }
        (About::Limit(_) | About::Nothing, _) => blank(rule, eye, incident),
    }
}

/// What can be said of an incident whose cache cannot be looked at now.
fn blank(rule: &Rule, eye: &Eye, incident: &Incident) -> Evidence {
    match &rule.signal {
        Signal::Limit(limit) => evidence::signal(limit, None, eye.limiter(), None, incident),
        Signal::Down(_) => Evidence::Down(DownEvidence {
            nodes: Vec::new(),
            total: 0,
        }),
        signal => match Misses::blank(signal) {
            Some(found) => Evidence::MissRatio(evidence::miss(&found, None, incident)),
            None => Evidence::Down(DownEvidence {
                nodes: Vec::new(),
                total: 0,
            }),
        },
    }
}

/// Why it ended, where that is not simply that it is over.
fn ending(ending: Ending, finding: &Finding) -> Option<String> {
    match (ending, &finding.about) {
        (Ending::Cleared, _) => None,
        (Ending::Idle, About::Misses(found)) if found.long.is_some_and(|(_, _, n, ..)| n > 0) => {
            Some("too few lookups to judge by any more".to_owned())
        }
        (Ending::Idle, About::Misses(_)) => Some("no lookups any more".to_owned()),
        (Ending::Idle, _) => Some(format!("nothing to judge by any more: {}", finding.why)),
    }
}

#[cfg(test)]
mod tests;
