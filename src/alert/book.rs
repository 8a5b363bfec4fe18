//! The rules that watch one cache, each with its subjects, their states and their open incidents.
//!
//! `evaluate` is called at every tick; it gives the state of each rule, what there is to tell, and what is to be kept.
//!
//! Deliberately absent: which channel gets a notification, and whether it was delivered.
//!
//! Invariant: the firing and the resolved notification of an incident bear the same id,
//! `<cache>-<rule>-<unix milliseconds of firing>`, with a hash of the namespace or node where it is about one; an
//! incident that was told never ends without a resolved notification, also when its rule is taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use super::evidence::{Scene, Since};
use super::happenings::Happenings;
use super::mute::Source;
use super::surroundings::{Outcome, Surroundings};
use super::warm_up::cools;
use super::watch::Owner;
use crate::analyze::history::History;
use crate::config::{Rule, Signal};
use crate::model::name::CacheName;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

mod ruled;

pub(super) use ruled::Ruled;

/// The rules of one cache.
#[derive(Debug, Clone)]
pub struct AlertBook {
    pub(super) owner: Owner,
    pub(super) rules: Vec<Ruled>,
    /// Since when the cache's events are attributed.
    attributed: Since,
    happenings: Happenings,
}

impl AlertBook {
    /// Nothing known yet. Of the rules, those that watch this cache are taken; `labels` are the cache's.
    pub fn new(
        cache: &CacheName,
        labels: &BTreeMap<String, String>,
        rules: &[Rule],
        now: Now,
    ) -> Self {
        let rules = rules
            .iter()
            .filter(|rule| rule.watches(cache))
            .map(|rule| Ruled::new(rule, now))
            .collect();
        Self {
            owner: Owner {
                cache: cache.clone(),
                labels: labels.clone(),
            },
            rules,
            attributed: Since::default(),
            happenings: Happenings::default(),
        }
    }

    /// Takes new rules and labels after a reload. A rule that stays keeps its state and its incidents, with its new
    /// parameters; the incidents of one that goes are resolved, and say why.
    pub fn reconfigure(
        &mut self,
        labels: &BTreeMap<String, String>,
        rules: &[Rule],
        now: Now,
    ) -> Outcome {
        let mut fresh = Self::new(&self.owner.cache, labels, rules, now);
        let mut gone = Outcome::default();
        for old in std::mem::take(&mut self.rules) {
            let same = |new: &&mut Ruled| new.continues(&old.rule);
            match fresh.rules.iter_mut().find(same) {
                Some(new) => new.take_over(old),
                None => old.retire(&self.owner, "the rule was removed", now, &mut gone),
            }
        }
        fresh.attributed = self.attributed;
        fresh.happenings = std::mem::take(&mut self.happenings);
        *self = fresh;
        gone
    }

    /// Ends what is open, because the cache is no longer watched; `why` says it.
    pub fn retire(&mut self, why: &str, now: Now) -> Outcome {
        let mut gone = Outcome::default();
        for rule in std::mem::take(&mut self.rules) {
            rule.retire(&self.owner, why, now, &mut gone);
        }
        gone
    }

    /// The longest window that a rule looks at: how much history must be kept.
    pub fn horizon(&self) -> Duration {
        self.rules
            .iter()
            .filter_map(|ruled| match &ruled.rule.signal {
                Signal::MissRatio(rule) => Some(
                    rule.long_window
                        .max(rule.short_window)
                        .max(rule.extended_window),
                ),
                Signal::Baseline(rule) => Some(rule.window),
                Signal::Down(_) | Signal::Limit(_) => None,
            })
            .max()
            .unwrap_or_default()
    }

    /// The shortest of the windows that say whether it still goes on: how far back one may look for a reason. `None`
    /// without a rule that has one.
    pub fn closest_look(&self) -> Option<Duration> {
        let windows = self
            .rules
            .iter()
            .filter_map(|ruled| match &ruled.rule.signal {
                Signal::MissRatio(rule) => Some(rule.short_window),
                Signal::Down(_) | Signal::Limit(_) | Signal::Baseline(_) => None,
            });
        windows.min()
    }

    /// Whether a rule compares with the same hour of earlier days, so that these are needed.
    pub fn looks_at_the_past(&self) -> bool {
        self.rules
            .iter()
            .any(|ruled| matches!(ruled.rule.signal, Signal::Baseline(_)))
    }

    /// Looks at the cache: how each rule stands now, and what there is to tell and to keep.
    pub fn evaluate(
        &mut self,
        cache: &CacheSnapshot,
        history: &History,
        around: &Surroundings<'_>,
        now: Now,
    ) -> Outcome {
        self.attributed.follow(cache, now);
        let cold = self.happenings.follow(cache, now);
        let scene = Scene {
            cache,
            history,
            attributed: self.attributed,
            happenings: &self.happenings,
            around: *around,
            now,
        };
        let mut outcome = Outcome::default();
        for ruled in &mut self.rules {
            for kind in cold.iter().copied().filter(|kind| cools(*kind)) {
                ruled.cools(kind, now);
            }
            outcome.subjects_cut += ruled.look(&scene);
        }
        let open: Vec<_> = self
            .rules
            .iter()
            .filter(|ruled| ruled.has_incident())
            .map(|ruled| (ruled.rule.name.clone(), ruled.is_down()))
            .collect();
        let open: Vec<_> = open
            .iter()
            .map(|(rule, down)| Source { rule, down: *down })
            .collect();
        for ruled in &mut self.rules {
            ruled.tell(&self.owner, around, &open, now, &mut outcome);
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
