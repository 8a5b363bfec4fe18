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

use super::evidence::{Scene, Since};
use crate::analyze::history::History;
use crate::config::{Rule, Signal};
use crate::model::incident::{AlertStatus, Notification};
use crate::model::name::CacheName;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

mod incident;
mod watched;

pub use incident::Incident;
pub(super) use incident::{Carried, Tally};
pub(super) use watched::Watched;

/// The rules of one cache.
#[derive(Debug, Clone)]
pub struct AlertBook {
    pub(super) subject: Subject,
    pub(super) watched: Vec<Watched>,
    /// Since when the cache's events are attributed.
    attributed: Since,
}

/// What the notifications are about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) cache: CacheName,
    labels: BTreeMap<String, String>,
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
            attributed: Since::default(),
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
                    let rule = new.rule.clone();
                    *new = old;
                    new.rule = rule;
                }
                None => gone.extend(old.retire(&self.subject, "the rule was removed", now)),
            }
        }
        fresh.attributed = self.attributed;
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

    /// The shortest of the windows that say whether it still goes on: how far back one may look for a reason. `None`
    /// without a rule that has one.
    pub fn closest_look(&self) -> Option<Duration> {
        let windows = self
            .watched
            .iter()
            .filter_map(|watched| match &watched.rule.signal {
                Signal::MissRatio(rule) => Some(rule.short_window),
                Signal::Down(_) => None,
            });
        windows.min()
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
        self.attributed.follow(cache, now);
        let scene = Scene {
            cache,
            history,
            attributed: self.attributed,
            now,
        };
        for watched in &mut self.watched {
            let finding = watched.look(cache, history, now);
            let change = watched.advance(&finding, &scene);
            if let Some((incident, transition, note)) = change {
                notifications.push(watched.notify(&self.subject, &incident, transition, note, now));
            }
            statuses.push(watched.status(&self.subject.cache, finding));
        }
        (statuses, notifications)
    }
}

#[cfg(test)]
mod tests;
