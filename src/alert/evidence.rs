//! The numbers behind a message, put together from what the rule found, the cache, and the incident so far.
//!
//! Deliberately absent: words and layout, which are each channel's own.

use std::time::Duration;

use super::happenings::Happenings;
use super::incident::Incident;
use super::limit::{Found, Limiter};
use super::surroundings::Surroundings;
use crate::analyze::history::{History, Usual};
use crate::config::signal::{Measure, Span};
use crate::config::{LimitRule, Signal};
use crate::model::incident::{Evidence, MissEvidence, SignalEvidence, TtlCliff};
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot};
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
    /// What happened to it lately.
    pub(super) happenings: &'a Happenings,
    /// What there is around it.
    pub(super) around: Surroundings<'a>,
    /// When now is.
    pub(super) now: Now,
}

/// What a rule about misses found, whichever way it looks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Misses {
    /// Over the short window.
    pub(super) short: Option<WindowStats>,
    /// How long that is.
    pub(super) short_window: Duration,
    /// What it rests on: ratio, lower bound, lookups, misses, how long.
    pub(super) long: Option<(f64, Option<f64>, u64, u64, Duration)>,
    /// The confidence of the bound.
    pub(super) confidence: f64,
    /// What it fires above.
    pub(super) threshold: f64,
}

impl Misses {
    /// What can be said without looking at the cache.
    pub(super) fn blank(signal: &Signal) -> Option<Self> {
        let (short_window, confidence, threshold) = match signal {
            Signal::MissRatio(rule) => (rule.short_window, rule.confidence, rule.threshold),
            Signal::Baseline(rule) => (rule.window, rule.confidence, rule.margin),
            Signal::Down(_) | Signal::Limit(_) => return None,
        };
        Some(Self {
            short: None,
            short_window,
            long: None,
            confidence,
            threshold,
        })
    }
}

/// The numbers of a rule about misses. `incident` is the one that this is about; without a scene the cache cannot be
/// looked at.
pub(super) fn miss(found: &Misses, scene: Option<&Scene<'_>>, incident: &Incident) -> MissEvidence {
    let short = found.short.as_ref();
    let (ratio, lower, lookups, misses, span) = match found.long {
        Some((ratio, lower, lookups, misses, span)) => (Some(ratio), lower, lookups, misses, span),
        None => (None, None, 0, 0, found.short_window),
    };
    MissEvidence {
        short_ratio: short.and_then(|w| w.miss_ratio),
        short_seconds: found.short_window.as_secs_f64(),
        long_ratio: ratio,
        long_seconds: span.as_secs_f64(),
        long_lower: lower,
        confidence: found.confidence,
        lookups,
        misses,
        threshold: found.threshold,
        lookups_per_second: short.and_then(|w| w.lookups_per_second),
        evictions_per_second: short.and_then(|w| w.evictions_per_second),
        expirations_per_second: short.and_then(|w| w.expirations_per_second),
        memory_used_ratio: scene.and_then(|s| memory_used_ratio(s.cache.nodes.iter())),
        peak_ratio: incident.peak(),
        normal_ratio: incident.normal().map(|usual| usual.median),
        normal_range: incident.normal().and_then(|usual| usual.range),
        extra_misses: incident.extra_misses(),
        history: scene.map_or_else(Sparkline::default, |s| s.cache.history.clone()),
        attribution: scene.and_then(attribution::of),
    }
}

/// The numbers of a rule that compares with a limit.
pub(super) fn signal(
    rule: &LimitRule,
    found: Option<&Found>,
    limiter: &Limiter,
    scene: Option<&Scene<'_>>,
    incident: &Incident,
) -> Evidence {
    let row = rule.measure.row();
    let about_misses = row.share || row.warms_up || rule.measure == Measure::EvictionsPerSecond;
    Evidence::Signal(SignalEvidence {
        name: rule.metric.as_deref().unwrap_or(row.name).to_owned(),
        title: match (&rule.metric, rule.cause) {
            (Some(metric), _) => metric.clone(),
            (None, Some(cause)) => format!("share of misses with the cause {}", cause.as_str()),
            (None, None) => row.title.to_owned(),
        },
        unit: row.unit(&rule.currency),
        value: found.and_then(|found| found.value),
        peak: incident.peak(),
        normal: incident.normal().map(|usual| usual.median),
        threshold: rule.threshold,
        clear_threshold: rule.clear_threshold,
        above: rule.above,
        window_seconds: match row.span {
            Span::Window => rule.window.as_secs_f64(),
            Span::Source | Span::Moment => 0.0,
        },
        lookups: found.and_then(|found| found.lookups),
        history: limiter.history(),
        attribution: scene.filter(|_| about_misses).and_then(attribution::of),
    })
}

/// The normal of a signal, which has no range.
pub(super) fn usual_of(limiter: &Limiter) -> Option<Usual> {
    let median = limiter.usual()?;
    Some(Usual {
        median,
        range: None,
    })
}

/// Whether many keys expired at once in the last ten minutes.
pub(super) fn ttl_cliff(scene: &Scene<'_>) -> Option<TtlCliff> {
    cliff::find(scene.history, scene.now)
}

/// Memory used / limit over the nodes that have a limit.
pub(super) fn memory_used_ratio<'a>(nodes: impl Iterator<Item = &'a NodeSnapshot>) -> Option<f64> {
    let limited = nodes
        .filter_map(|node| node.reading.as_ref())
        .filter_map(|reading| Some((reading.memory.used?, reading.memory.limit?)));
    let (used, limit) = limited.fold((0.0, 0.0), |(used, limit), (u, l)| {
        (used + u as f64, limit + l as f64)
    });
    (limit > 0.0).then(|| used / limit)
}
