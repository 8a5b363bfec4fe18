//! The ledger of one cache: its nodes, the sum of their totals over time, and the snapshot of it all.
//!
//! Owned by one task. Deliberately absent: alerts, which the engine puts into the snapshot before it publishes it.
//!
//! Invariant: the totals of a cache only grow, also when a reload takes a node away.

use std::collections::BTreeMap;
use std::time::Duration;

use super::history::History;
use super::merger::Merger;
use super::node::NodeLedger;
use super::slots::SLOT;
use crate::config::CacheConfig;
use crate::model::name::NodeName;
use crate::model::poll::PollReport;
use crate::model::record::HistoryPoint;
use crate::model::snapshot::{CacheSnapshot, CacheState};
use crate::model::time::Now;
use crate::model::window::{Totals, WINDOWS, WindowStats};

/// Points of the sparkline: one a minute.
const POINTS: usize = 60;

/// The window that tells whether there is traffic.
const TRAFFIC_WINDOW: Duration = Duration::from_mins(5);

/// One cache, since it was first watched.
#[derive(Debug, Clone)]
pub struct CacheLedger {
    cfg: CacheConfig,
    nodes: BTreeMap<NodeName, NodeLedger>,
    /// Totals of nodes that are gone.
    retired: Totals,
    history: History,
    merger: Merger,
}

impl CacheLedger {
    /// Nothing known yet.
    pub fn new(cfg: &CacheConfig) -> Self {
        let mut ledger = Self {
            cfg: cfg.clone(),
            nodes: BTreeMap::new(),
            retired: Totals::default(),
            history: History::new(cfg.poll_interval),
            merger: Merger::new(&cfg.attribution),
        };
        ledger.reconfigure(cfg);
        ledger
    }

    /// Takes a new configuration of the same cache; what was counted stays.
    pub fn reconfigure(&mut self, cfg: &CacheConfig) {
        self.cfg = cfg.clone();
        self.history.set_poll_interval(cfg.poll_interval);
        let name = cfg.node();
        for (_, gone) in self.nodes.extract_if(.., |node, _| *node != name) {
            self.retired = sum(&self.retired, &gone.totals());
            self.merger.forget(gone.name());
        }
        self.nodes
            .entry(name.clone())
            .or_insert_with(|| NodeLedger::new(name, cfg));
    }

    /// How far back the attribution's "recent" reaches, at most five minutes.
    pub fn look_back(&mut self, recent: Duration) {
        self.merger.look_back(recent);
    }

    /// Keeps history for windows of this length, for rules that look back more than an hour.
    pub fn keep_history(&mut self, horizon: Duration) {
        self.history.keep(horizon);
    }

    /// Goes on from the slots that were stored before a restart; to be called before the first report.
    pub fn resume(&mut self, slots: &[HistoryPoint], now: Now) {
        self.history.resume(slots, SLOT, now);
    }

    /// The totals over time, for the rules.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Takes in a report. One about a node that is not (or no longer) of this cache is left out.
    pub fn observe(&mut self, report: &PollReport) {
        let Some(node) = self.nodes.get_mut(&report.node) else {
            return;
        };
        node.observe(report);
        let has_baseline = node.has_reading();
        let completeness = self
            .nodes
            .values()
            .filter_map(|node| node.completeness().keymiss)
            .min_by(f64::total_cmp);
        self.merger.observe(
            &report.node,
            report.attribution.as_ref(),
            has_baseline,
            completeness,
            report.at,
        );
        if report.outcome.is_ok() {
            self.history.push(report.at, self.totals());
        }
    }

    fn totals(&self) -> Totals {
        self.nodes
            .values()
            .fold(self.retired, |all, node| sum(&all, &node.totals()))
    }

    /// The cache as it is now. `alerts` is empty: the engine fills it in and asks [`cache_state`] again.
    pub fn snapshot(&self, now: Now) -> CacheSnapshot {
        let windows = WINDOWS
            .iter()
            .map(|(_, span)| self.history.window(*span, now))
            .collect();
        let mut snapshot = CacheSnapshot {
            name: self.cfg.name.clone(),
            labels: self.cfg.labels.clone(),
            state: CacheState::Starting,
            totals: self.totals(),
            windows,
            history: self.history.sparkline(now, POINTS),
            nodes: self
                .nodes
                .values()
                .map(|node| node.snapshot(&self.cfg, now))
                .collect(),
            attribution: self.merger.latest(),
            lookups: std::sync::Arc::default(),
            alerts: Vec::new(),
        };
        snapshot.state = cache_state(&snapshot);
        snapshot
    }
}

/// In a word, how a cache is: the worst of what holds.
pub fn cache_state(cache: &CacheSnapshot) -> CacheState {
    let untouched = |node: &crate::model::snapshot::NodeSnapshot| {
        node.reading.is_none() && node.error.is_none()
    };
    if cache.nodes.iter().all(untouched) {
        // Nobody has been asked yet, but an alert that was restored from disk may fire.
        return if cache.alerts.iter().any(|a| a.state.is_firing()) {
            CacheState::Firing
        } else {
            CacheState::Starting
        };
    }
    if !cache.nodes.iter().any(|node| node.up) {
        return CacheState::Down;
    }
    if cache.alerts.iter().any(|a| a.state.is_firing()) {
        return CacheState::Firing;
    }
    if !cache.nodes.iter().all(|node| node.up) {
        return CacheState::Degraded;
    }
    let traffic = cache
        .windows
        .iter()
        .find(|w| w.window == TRAFFIC_WINDOW)
        .and_then(WindowStats::lookups);
    if traffic.unwrap_or(0) == 0 {
        CacheState::InsufficientTraffic
    } else {
        CacheState::Ok
    }
}

/// A total that only one side reports is that side's.
fn sum(a: &Totals, b: &Totals) -> Totals {
    let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
    Totals {
        hits: add(a.hits, b.hits),
        misses: add(a.misses, b.misses),
        evictions: add(a.evictions, b.evictions),
        expirations: add(a.expirations, b.expirations),
    }
}

#[cfg(test)]
mod tests;
