//! Makes one attribution of a cache out of those of its nodes, over restarts of namespaces and of nodes.
//!
//! A node tells what it counted since its reader began. Here the growth from one report to the next is taken, by (node,
//! namespace id), and added to the cache's namespace of that name: that only grows, whatever a node forgets. What a node
//! had counted at its first good reading is left out, as the counters of INFO leave out what was before it, so that the
//! namespaces together are what the totals of the cache are, but for events that were under way at that moment.
//!
//! Deliberately absent: how events are attributed (`attribution`), and hit ratios, which need lookups.
//!
//! Invariants: no counter goes back while its namespace is there, and all namespaces and `other` together never go back;
//! at most the configured number of discovered namespaces, and [`SLICES`] slices of recent growth, each with an entry for
//! what grew only: for 50 busy namespaces about 0.4 MB.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::attribution::{MissCosts, shown_name};
use crate::config::AttributionConfig;
use crate::model::attribution::{
    AttributionSnapshot, CacheAttribution, Counters, EventCounts, NamespaceCounts, OTHER,
    TableStats,
};
use crate::model::name::NodeName;
use crate::model::time::Now;

/// How far back "recent" reaches, unless a rule looks at less.
pub const RECENT: Duration = Duration::from_mins(5);
/// The most slices that are kept: twenty make up what is recent, and one is only begun.
pub const SLICES: usize = 21;

/// The cache's counts of one namespace.
#[derive(Debug, Clone)]
struct Slot {
    id: u64,
    configured: bool,
    counters: Counters,
}

/// What grew within a while, by name.
#[derive(Debug, Clone)]
struct Slice {
    begin: Duration,
    grown: BTreeMap<Arc<str>, Counters>,
}

/// The attribution of one cache.
#[derive(Debug, Clone)]
pub struct Merger {
    max_discovered: usize,
    costs: MissCosts,
    /// How far back "recent" reaches.
    recent: Duration,
    /// What each node said last.
    nodes: BTreeMap<NodeName, Arc<AttributionSnapshot>>,
    slots: BTreeMap<Arc<str>, Slot>,
    other: Counters,
    events: EventCounts,
    next_id: u64,
    retired: u64,
    gaps: u64,
    flushes: u64,
    slices: VecDeque<Slice>,
    latest: Option<Arc<CacheAttribution>>,
}

impl Merger {
    /// Nothing known yet.
    pub fn new(config: &AttributionConfig) -> Self {
        let prices = config.namespaces.iter().filter_map(|n| {
            let price = n.price.clone()?;
            Some((shown_name(n.name.as_bytes()), price))
        });
        Self {
            max_discovered: config.max_namespaces,
            costs: MissCosts::new(prices),
            recent: RECENT,
            nodes: BTreeMap::new(),
            slots: BTreeMap::new(),
            other: Counters::default(),
            events: EventCounts::default(),
            next_id: 1,
            retired: 0,
            gaps: 0,
            flushes: 0,
            slices: VecDeque::new(),
            latest: None,
        }
    }

    /// "Recent" is this much from now on, at most [`RECENT`]: an alert that looks at less must not be explained with what
    /// was before.
    pub fn look_back(&mut self, recent: Duration) {
        self.recent = recent.min(RECENT);
    }

    /// What is known by now; `None` before the first report.
    pub fn latest(&self) -> Option<Arc<CacheAttribution>> {
        self.latest.clone()
    }

    /// Takes in what a node said. `has_baseline`: whether the node had a good reading before or with this report.
    /// `completeness`: of `keymiss`, the lowest of all nodes.
    pub fn observe(
        &mut self,
        node: &NodeName,
        snapshot: Option<&Arc<AttributionSnapshot>>,
        has_baseline: bool,
        completeness: Option<f64>,
        now: Now,
    ) {
        let Some(snapshot) = snapshot.filter(|_| has_baseline) else {
            return;
        };
        self.roll(now.mono);
        match self.nodes.insert(node.clone(), Arc::clone(snapshot)) {
            Some(before) => self.grow(&before, snapshot),
            None => self.first(snapshot),
        }
        self.latest = Some(Arc::new(self.build(completeness, now)));
    }

    /// The node is no longer of this cache. What it counted stays.
    pub fn forget(&mut self, node: &NodeName) {
        self.nodes.remove(node);
    }

    fn first(&mut self, snapshot: &AttributionSnapshot) {
        for namespace in &snapshot.namespaces {
            self.slot(namespace);
        }
    }

    fn grow(&mut self, before: &AttributionSnapshot, now: &AttributionSnapshot) {
        let mut known: BTreeMap<u64, &NamespaceCounts> =
            before.namespaces.iter().map(|n| (n.id, n)).collect();
        for namespace in &now.namespaces {
            let earlier = known.remove(&namespace.id).map(|n| n.counters);
            let grown = namespace.counters.since(&earlier.unwrap_or_default());
            self.add(namespace, &grown);
        }
        // What a namespace had counted went to `other` when it was retired; here it has been counted already.
        let mut other = now.other.since(&before.other);
        for gone in known.values() {
            other = other.since(&gone.counters);
        }
        self.add_other(&other);
        let events = &mut self.events;
        for (all, now, before) in [
            (&mut self.gaps, now.gaps, before.gaps),
            (&mut self.flushes, now.flushes, before.flushes),
            (&mut events.misses, now.events.misses, before.events.misses),
            (
                &mut events.expired,
                now.events.expired,
                before.events.expired,
            ),
            (
                &mut events.evicted,
                now.events.evicted,
                before.events.evicted,
            ),
            (
                &mut events.deleted,
                now.events.deleted,
                before.events.deleted,
            ),
            (
                &mut events.written,
                now.events.written,
                before.events.written,
            ),
        ] {
            *all = all.saturating_add(now.saturating_sub(before));
        }
    }

    fn add(&mut self, namespace: &NamespaceCounts, grown: &Counters) {
        let Some(name) = self.slot(namespace) else {
            self.add_other(grown);
            return;
        };
        if grown.is_empty() {
            return;
        }
        if let Some(slot) = self.slots.get_mut(&name) {
            slot.counters.add(grown);
        }
        self.note(name, grown);
    }

    fn add_other(&mut self, grown: &Counters) {
        if !grown.is_empty() {
            self.other.add(grown);
            self.note(Arc::from(OTHER), grown);
        }
    }

    fn note(&mut self, name: Arc<str>, grown: &Counters) {
        if let Some(slice) = self.slices.back_mut() {
            slice.grown.entry(name).or_default().add(grown);
        }
    }

    /// The name under which a node's namespace is counted here; `None`: as `other`.
    fn slot(&mut self, namespace: &NamespaceCounts) -> Option<Arc<str>> {
        if let Some((name, _)) = self.slots.get_key_value(namespace.name.as_str()) {
            let name = Arc::clone(name);
            if let Some(slot) = self.slots.get_mut(&name) {
                slot.configured |= namespace.configured;
            }
            return Some(name);
        }
        let is_full = || self.slots.values().filter(|s| !s.configured).count();
        if namespace.name == OTHER
            || (!namespace.configured && is_full() >= self.max_discovered && !self.make_room())
        {
            return None;
        }
        let name: Arc<str> = Arc::from(namespace.name.as_str());
        let slot = Slot {
            id: self.next_id,
            configured: namespace.configured,
            counters: Counters::default(),
        };
        self.next_id += 1;
        self.slots.insert(Arc::clone(&name), slot);
        Some(name)
    }

    /// Retires a namespace that no node has any more. What it had counted goes to `other`, as it does on a node.
    fn make_room(&mut self) -> bool {
        let alive = |name: &str| {
            let mut all = self.nodes.values().flat_map(|n| &n.namespaces);
            all.any(|n| n.name == name)
        };
        let gone = self
            .slots
            .iter()
            .filter(|(name, slot)| !slot.configured && !alive(name))
            .min_by_key(|(_, slot)| slot.id)
            .map(|(name, _)| Arc::clone(name));
        let Some(slot) = gone.and_then(|name| self.slots.remove(&name)) else {
            return false;
        };
        self.other.add(&slot.counters);
        self.retired += 1;
        true
    }

    /// Begins a new slice when it is time to, and forgets those that are older than what is recent.
    fn roll(&mut self, now: Duration) {
        let due = self
            .slices
            .back()
            .is_none_or(|last| now.saturating_sub(last.begin) >= self.recent / 20);
        if due {
            self.slices.push_back(Slice {
                begin: now,
                grown: BTreeMap::new(),
            });
        }
        while self.slices.len() > SLICES
            || self.slices.get(1).is_some_and(|second| {
                // The first slice ends where the second one begins.
                now.saturating_sub(second.begin) > self.recent
            })
        {
            self.slices.pop_front();
        }
    }

    fn build(&self, completeness: Option<f64>, now: Now) -> CacheAttribution {
        let totals = self.totals();
        let begin = self.slices.front().map_or(now.mono, |s| s.begin);
        let recent_span = now.mono.saturating_sub(begin);
        let recent = self.recent();
        CacheAttribution {
            costs: self.costs.of(&totals, &recent, recent_span),
            totals,
            recent,
            recent_span,
            completeness,
            hit_ratios: Vec::new(),
        }
    }

    fn totals(&self) -> AttributionSnapshot {
        let mut namespaces: Vec<_> = self
            .slots
            .iter()
            .map(|(name, slot)| NamespaceCounts {
                name: name.to_string(),
                id: slot.id,
                configured: slot.configured,
                counters: slot.counters,
            })
            .collect();
        namespaces.sort_by_key(|n| (!n.configured, n.id));
        let nodes = || self.nodes.values();
        let table = |of: fn(&AttributionSnapshot) -> TableStats| {
            let mut sum = TableStats::default();
            nodes().for_each(|n| sum.add(of(n)));
            sum
        };
        AttributionSnapshot {
            namespaces,
            other: self.other,
            events: self.events,
            removals: table(|n| n.removals),
            misses: table(|n| n.misses),
            horizon: nodes().map(|n| n.horizon).min().unwrap_or_default(),
            gaps: self.gaps,
            flushes: self.flushes,
            retired: self.retired,
            candidates_replaced: nodes().map(|n| n.candidates_replaced).sum(),
            bytes: nodes().map(|n| n.bytes).sum(),
        }
    }

    fn recent(&self) -> Vec<NamespaceCounts> {
        let mut sums: BTreeMap<&Arc<str>, Counters> = BTreeMap::new();
        for (name, grown) in self.slices.iter().flat_map(|s| &s.grown) {
            sums.entry(name).or_default().add(grown);
        }
        let mut recent: Vec<_> = sums
            .into_iter()
            .map(|(name, counters)| {
                let slot = self.slots.get(name);
                NamespaceCounts {
                    name: name.to_string(),
                    id: slot.map_or(0, |s| s.id),
                    configured: slot.is_some_and(|s| s.configured),
                    counters,
                }
            })
            .collect();
        recent.sort_by(|a, b| {
            let key = |n: &NamespaceCounts| (n.counters.misses.total(), n.counters.events());
            key(b).cmp(&key(a)).then_with(|| a.name.cmp(&b.name))
        });
        recent
    }
}

#[cfg(test)]
mod tests;
