//! What an application tells of its lookups: totals since the start, and the last five minutes.
//!
//! Deliberately absent: who told it, and whether it is true; an application that lies is believed.
//!
//! Invariants: totals only grow, and their sum is that of all that was told; at most [`MAX_NAMESPACES`] and `other`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::analyze::attribution::OTHER;
use crate::analyze::sample::CONFIDENCE;
use crate::analyze::wilson;
use crate::model::attribution::{LookupSource, NamespaceHitRatio};
use crate::model::lookups::NamespaceLookups;

/// So many namespaces of a cache are kept, the first ones that are told; all others are `other`.
pub const MAX_NAMESPACES: usize = 200;
/// What a hit ratio is taken over.
pub const WINDOW: Duration = Duration::from_mins(5);
/// How finely time is cut: the window is too long by less than this.
const SLOT: Duration = Duration::from_secs(10);

/// Hits and misses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    hits: u64,
    misses: u64,
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.hits = self.hits.saturating_add(more.hits);
        self.misses = self.misses.saturating_add(more.misses);
    }

    fn lookups(self) -> u64 {
        self.hits.saturating_add(self.misses)
    }
}

#[derive(Debug, Clone, Default)]
struct Namespace {
    total: Counts,
    /// The number of a slot of time, and what was told within it.
    recent: VecDeque<(u64, Counts)>,
}

/// The counts of one cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Application {
    namespaces: BTreeMap<Arc<str>, Namespace>,
    beyond_bound: u64,
}

fn slot(at: Duration) -> u64 {
    at.as_secs() / SLOT.as_secs()
}

impl Application {
    /// Takes in what was counted since the last time.
    pub(super) fn add(&mut self, told: &[NamespaceLookups], at: Duration) {
        let slot = slot(at);
        for told in told {
            let counts = Counts {
                hits: told.hits,
                misses: told.misses,
            };
            let own = self.namespaces.len() - usize::from(self.namespaces.contains_key(OTHER));
            let fits = &*told.namespace == OTHER
                || own < MAX_NAMESPACES
                || self.namespaces.contains_key(&told.namespace);
            let name = if fits {
                Arc::clone(&told.namespace)
            } else {
                self.beyond_bound = self.beyond_bound.saturating_add(counts.lookups());
                Arc::from(OTHER)
            };
            self.namespaces.entry(name).or_default().add(slot, counts);
        }
    }

    /// Lookups that were told for namespaces that are not kept.
    pub(super) fn beyond_bound(&self) -> u64 {
        self.beyond_bound
    }

    /// All that was told, by namespace.
    pub(super) fn totals(&self) -> Vec<NamespaceLookups> {
        let namespaces = self.namespaces.iter();
        let totals = namespaces.map(|(name, namespace)| NamespaceLookups {
            namespace: Arc::clone(name),
            hits: namespace.total.hits,
            misses: namespace.total.misses,
        });
        totals.collect()
    }

    /// Of the namespaces with lookups within the window. `other` mixes what has nothing in common, but is shown too.
    pub(super) fn hit_ratios(&self, now: Duration) -> Vec<NamespaceHitRatio> {
        let oldest = slot(now.saturating_sub(WINDOW));
        let z = wilson::z_for_confidence(CONFIDENCE);
        let namespaces = self.namespaces.iter();
        let ratios = namespaces.filter_map(|(name, namespace)| {
            let recent = namespace.recent(oldest);
            let lookups = recent.lookups();
            let (lower, upper) = wilson::interval(recent.hits, lookups, z)?;
            Some(NamespaceHitRatio {
                namespace: name.to_string(),
                source: LookupSource::Application,
                ratio: recent.hits as f64 / lookups as f64,
                lower,
                upper,
                lookups,
            })
        });
        ratios.collect()
    }
}

impl Namespace {
    fn add(&mut self, slot: u64, counts: Counts) {
        self.total.add(counts);
        let span = WINDOW.as_secs() / SLOT.as_secs();
        while let Some((first, _)) = self.recent.front()
            && *first + span < slot
        {
            self.recent.pop_front();
        }
        match self.recent.back_mut() {
            // A clock that goes back counts as one that stands.
            Some((last, newest)) if *last >= slot => newest.add(counts),
            _ => self.recent.push_back((slot, counts)),
        }
    }

    fn recent(&self, oldest: u64) -> Counts {
        let mut sum = Counts::default();
        for (_, counts) in self.recent.iter().filter(|(slot, _)| *slot >= oldest) {
            sum.add(*counts);
        }
        sum
    }
}
