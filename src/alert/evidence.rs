//! The numbers behind a message, put together from what the rule found, the cache, and the incident so far.
//!
//! Deliberately absent: words and layout, which are each channel's own.

use super::book::Incident;
use super::rule_h::Evaluation;
use crate::analyze::history::History;
use crate::config::MissRatioRule;
use crate::model::incident::MissEvidence;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;
use crate::model::window::{Sparkline, WindowStats};

mod attribution;
mod cliff;

pub(super) use attribution::Since;

/// What there is to look at besides the rule and what it found.
pub(super) struct Scene<'a> {
    /// The cache as it is now.
    pub(super) cache: &'a CacheSnapshot,
    /// Its totals over time.
    pub(super) history: &'a History,
    /// Since when its events are attributed.
    pub(super) attributed: Since,
    /// When now is.
    pub(super) now: Now,
}

/// The numbers of a miss-ratio rule. `incident` is the one that this is about.
pub(super) fn miss(
    rule: &MissRatioRule,
    found: &Evaluation,
    scene: &Scene<'_>,
    incident: &Incident,
) -> MissEvidence {
    let cache = scene.cache;
    MissEvidence {
        short_ratio: found.short.miss_ratio,
        long_ratio: found.long.miss_ratio,
        long_lower: found.long_lower,
        lookups: found.long.lookups().unwrap_or(0),
        misses: found.long.delta.misses.unwrap_or(0),
        lookups_per_second: found.short.lookups_per_second,
        evictions_per_second: found.short.evictions_per_second,
        expirations_per_second: found.short.expirations_per_second,
        memory_used_ratio: memory_used_ratio(cache),
        long_seconds: seconds(&found.long),
        history: cache.history.clone(),
        attribution: attribution::of(scene),
        ..blank(rule, incident)
    }
}

/// What can be said without looking at the cache: when a rule goes while its incident is open.
pub(super) fn blank(rule: &MissRatioRule, incident: &Incident) -> MissEvidence {
    MissEvidence {
        short_ratio: None,
        short_seconds: rule.short_window.as_secs_f64(),
        long_ratio: None,
        long_seconds: rule.long_window.as_secs_f64(),
        long_lower: None,
        confidence: rule.confidence,
        lookups: 0,
        misses: 0,
        threshold: rule.threshold,
        lookups_per_second: None,
        evictions_per_second: None,
        expirations_per_second: None,
        memory_used_ratio: None,
        peak_ratio: incident.peak_ratio(),
        normal_ratio: incident.normal_ratio(),
        normal_range: None,
        extra_misses: incident.extra_misses(),
        history: Sparkline::default(),
        attribution: None,
    }
}

fn seconds(window: &WindowStats) -> f64 {
    window.window.as_secs_f64()
}

/// Memory used / limit over the nodes that have a limit.
fn memory_used_ratio(cache: &CacheSnapshot) -> Option<f64> {
    let limited = cache
        .nodes
        .iter()
        .filter_map(|node| node.reading.as_ref())
        .filter_map(|reading| Some((reading.memory.used?, reading.memory.limit?)));
    let (used, limit) = limited.fold((0.0, 0.0), |(used, limit), (u, l)| {
        (used + u as f64, limit + l as f64)
    });
    (limit > 0.0).then(|| used / limit)
}
