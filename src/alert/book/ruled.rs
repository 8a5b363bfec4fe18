//! One rule of a cache with all that it watches there: the cache itself, or some of its namespaces or nodes.
//!
//! Namespaces come and go. One is taken on while there is room, those with the most misses first; one that is gone and
//! has nothing under way is let go, and one with an incident stays until that is over.
//!
//! Deliberately absent: the other rules.
//!
//! Invariant: at most as many subjects as the rule allows; what was cut is counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::alert::evidence::Scene;
use crate::alert::mute::Source;
use crate::alert::surroundings::{Outcome, Surroundings};
use crate::alert::warm_up::WarmUp;
use crate::alert::watch::{Eye, Owner, Telling, Watch};
use crate::config::{Rule, Scope, Signal};
use crate::model::attribution::OTHER;
use crate::model::incident::{CoincidenceKind, Subject};
use crate::model::pattern::Pattern;
use crate::model::time::Now;

/// One rule with its subjects.
#[derive(Debug, Clone)]
pub(in crate::alert) struct Ruled {
    pub(in crate::alert) rule: Rule,
    pub(in crate::alert) warm_up: WarmUp,
    pub(in crate::alert) watches: Vec<Watch>,
    globs: Vec<Pattern>,
    cut: u64,
}

impl Ruled {
    pub(in crate::alert) fn new(rule: &Rule, now: Now) -> Self {
        let (watches, globs) = match &rule.scope {
            Scope::Cache => (vec![Watch::new(rule, None, now)], Vec::new()),
            Scope::Nodes { .. } => (Vec::new(), Vec::new()),
            Scope::Namespaces { globs, .. } => {
                let globs = globs.iter().filter_map(|g| Pattern::new(g.as_bytes()).ok());
                (Vec::new(), globs.collect())
            }
        };
        Self {
            rule: rule.clone(),
            warm_up: WarmUp::default(),
            watches,
            globs,
            cut: 0,
        }
    }

    /// Whether this is the same rule, perhaps with other parameters.
    pub(super) fn continues(&self, old: &Rule) -> bool {
        self.rule.name == old.name
            && self.rule.signal.name() == old.signal.name()
            && self.rule.scope.kind() == old.scope.kind()
    }

    /// Goes on with the state of an earlier one.
    pub(super) fn take_over(&mut self, old: Self) {
        self.watches = old.watches;
        self.warm_up = old.warm_up;
        for watch in &mut self.watches {
            // What was gathered about another limit, window or metric is of no use.
            if !watch.eye.fits(&old.rule.signal, &self.rule.signal) {
                watch.eye = Eye::new(&self.rule.signal);
            }
        }
    }

    pub(super) fn retire(self, owner: &Owner, why: &str, now: Now, outcome: &mut Outcome) {
        for watch in self.watches {
            let rule = &self.rule;
            watch.retire(Telling { rule, owner, now }, why, outcome);
        }
    }

    pub(super) fn has_incident(&self) -> bool {
        self.watches.iter().any(|watch| watch.incident.is_some())
    }

    pub(in crate::alert) fn has_incident_about(&self, subject: Option<&Subject>) -> bool {
        let mut watches = self.watches.iter();
        watches.any(|watch| watch.incident.is_some() && watch.subject.as_ref() == subject)
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.rule.signal, Signal::Down(_))
    }

    /// The cache fills anew.
    pub(super) fn cools(&mut self, kind: CoincidenceKind, now: Now) {
        if self.rule.warms_up() {
            self.warm_up.begin(kind, self.rule.warm_up, now);
        }
    }

    /// Looks at every subject. Gives how many there are beyond the bound.
    pub(super) fn look(&mut self, scene: &Scene<'_>) -> u64 {
        self.choose(scene);
        for watch in &mut self.watches {
            watch.look(&self.rule, &self.warm_up, scene);
        }
        self.cut
    }

    pub(super) fn tell(
        &mut self,
        owner: &Owner,
        around: &Surroundings<'_>,
        open: &[Source<'_>],
        now: Now,
        outcome: &mut Outcome,
    ) {
        let rule = &self.rule;
        for watch in &mut self.watches {
            watch.tell(Telling { rule, owner, now }, around, open, outcome);
        }
    }

    /// Brings the subjects up to date.
    fn choose(&mut self, scene: &Scene<'_>) {
        let (mut there, most) = match &self.rule.scope {
            Scope::Cache => return,
            Scope::Nodes { most } => {
                let nodes = scene.cache.nodes.iter();
                let there: Vec<_> = nodes.map(|n| Subject::Node(n.name.clone())).collect();
                (there, *most)
            }
            Scope::Namespaces { most, .. } => (self.namespaces(scene), *most),
        };
        let kept = |watch: &Watch| match &watch.subject {
            Some(subject) => watch.is_under_way() || there.contains(subject),
            None => true,
        };
        self.watches.retain(kept);
        there.retain(|subject| {
            let is_it = |watch: &Watch| watch.subject.as_ref() == Some(subject);
            !self.watches.iter().any(is_it)
        });
        let room = most.saturating_sub(self.watches.len());
        self.cut = u64::try_from(there.len().saturating_sub(room)).unwrap_or(u64::MAX);
        if room > 0 && there.len() > room {
            rank(&mut there, scene);
        }
        for subject in there.into_iter().take(room) {
            self.watches
                .push(Watch::new(&self.rule, Some(subject), scene.now));
        }
    }

    fn namespaces(&self, scene: &Scene<'_>) -> Vec<Subject> {
        let Some(attribution) = scene.cache.attribution.as_deref() else {
            // Nothing is known now; what is watched stays.
            return self
                .watches
                .iter()
                .filter_map(|watch| watch.subject.clone())
                .collect();
        };
        let names = attribution
            .totals
            .namespaces
            .iter()
            .map(|n| n.name.as_str());
        names
            .filter(|name| *name != OTHER)
            .filter(|name| self.globs.iter().any(|glob| glob.matches(name.as_bytes())))
            .map(|name| Subject::Namespace(name.to_owned()))
            .collect()
    }
}

/// Those with the most misses first.
fn rank(subjects: &mut [Subject], scene: &Scene<'_>) {
    let Some(attribution) = scene.cache.attribution.as_deref() else {
        return;
    };
    let namespaces = attribution.totals.namespaces.iter();
    let misses: BTreeMap<_, _> = namespaces
        .map(|n| (n.name.as_str(), n.counters.misses.total()))
        .collect();
    subjects.sort_by_key(|subject| match subject {
        Subject::Namespace(name) => Reverse(misses.get(name.as_str()).copied().unwrap_or(0)),
        Subject::Node(_) => Reverse(0),
    });
}
