//! Rules as data: which signal, which threshold, how long.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::incident::Severity;
use crate::model::name::{CacheName, RuleName};

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique; the `alertname` of its messages.
    pub name: RuleName,
    /// What it watches.
    pub signal: Signal,
    /// How bad it is when it fires.
    pub severity: Severity,
    /// Labels of its messages.
    pub labels: BTreeMap<String, String>,
    /// Where a runbook is.
    pub runbook: Option<String>,
    /// The caches that it watches; empty: all.
    pub caches: Vec<CacheName>,
}

impl Rule {
    /// Whether it watches this cache.
    pub fn watches(&self, cache: &CacheName) -> bool {
        self.caches.is_empty() || self.caches.contains(cache)
    }
}

/// What a rule watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// Too many lookups miss.
    MissRatio(MissRatioRule),
    /// No node of the cache answers.
    Down(DownRule),
}

/// The parameters of the miss-ratio rule: fires when the lower confidence bound of the miss ratio over the long window
/// is above the threshold and the ratio over the short window is too, both for `for`.
#[derive(Debug, Clone, PartialEq)]
pub struct MissRatioRule {
    /// Fires above this, 0..1. Default 0.20.
    pub threshold: f64,
    /// Clears below this over the short window; at most `threshold`. Default 0.16, or 0.8 x `threshold`.
    pub clear_threshold: f64,
    /// The short window. Default 5 min.
    pub short_window: Duration,
    /// The long window. Default 15 min.
    pub long_window: Duration,
    /// The window that takes the long one's place when that holds fewer than `min_lookups`. Default 1 h.
    pub extended_window: Duration,
    /// Default 50.
    pub min_lookups: u64,
    /// Of the two-sided Wilson interval, 0.5..0.9999. Default 0.98 (z = 2.326).
    pub confidence: f64,
    /// How long the condition must hold. Default 1 min.
    pub for_: Duration,
    /// How long the clear condition must hold. Default 5 min.
    pub clear_for: Duration,
}

impl Default for MissRatioRule {
    fn default() -> Self {
        Self {
            threshold: 0.20,
            clear_threshold: 0.16,
            short_window: Duration::from_mins(5),
            long_window: Duration::from_mins(15),
            extended_window: Duration::from_hours(1),
            min_lookups: 50,
            confidence: 0.98,
            for_: Duration::from_mins(1),
            clear_for: Duration::from_mins(5),
        }
    }
}

/// The parameters of the down rule.
#[derive(Debug, Clone, PartialEq)]
pub struct DownRule {
    /// How long no node must have answered. Default 1 min.
    pub for_: Duration,
    /// How long it must answer again before it is resolved. Default 30 s.
    pub clear_for: Duration,
}

impl Default for DownRule {
    fn default() -> Self {
        Self {
            for_: Duration::from_mins(1),
            clear_for: Duration::from_secs(30),
        }
    }
}
