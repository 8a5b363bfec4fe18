//! A rule as people write it.
//!
//! Deliberately absent: defaults, ranges, and which key goes with which signal.

use std::time::Duration;

use super::given::{At, Given};
use super::walk::{Fields, Walk};
use crate::config::error::Origin;
use crate::config::rule::Detector;
use crate::config::signal::{Measure, SIGNALS, SubjectKind};
use crate::model::attribution::Cause;
use crate::model::incident::Severity;

/// A rule.
pub(in crate::config) struct RawRule {
    pub(in crate::config) origin: Origin,
    pub(in crate::config) name: Given<String>,
    pub(in crate::config) signal: Given<RawSignal>,
    pub(in crate::config) enabled: Given<bool>,
    pub(in crate::config) severity: Given<Severity>,
    pub(in crate::config) labels: Vec<(At<String>, String)>,
    pub(in crate::config) runbook: Given<String>,
    pub(in crate::config) caches: Given<Vec<At<String>>>,
    pub(in crate::config) subject: Given<SubjectKind>,
    pub(in crate::config) namespaces: Given<Vec<At<String>>>,
    pub(in crate::config) max_subjects: Given<u64>,
    pub(in crate::config) roles: Given<Vec<At<String>>>,
    pub(in crate::config) detector: Given<Detector>,
    pub(in crate::config) cause: Given<Cause>,
    pub(in crate::config) currency: Given<String>,
    pub(in crate::config) metric: Given<String>,
    pub(in crate::config) metric_labels: Vec<(At<String>, String)>,
    pub(in crate::config) above: Given<f64>,
    pub(in crate::config) below: Given<f64>,
    pub(in crate::config) clear_below: Given<f64>,
    pub(in crate::config) clear_above: Given<f64>,
    pub(in crate::config) window: Given<Duration>,
    pub(in crate::config) short_window: Given<Duration>,
    pub(in crate::config) long_window: Given<Duration>,
    pub(in crate::config) extended_window: Given<Duration>,
    pub(in crate::config) min_lookups: Given<u64>,
    pub(in crate::config) confidence: Given<f64>,
    pub(in crate::config) deviations: Given<f64>,
    pub(in crate::config) margin: Given<f64>,
    pub(in crate::config) min_days: Given<u64>,
    pub(in crate::config) for_: Given<Duration>,
    pub(in crate::config) clear_for: Given<Duration>,
    pub(in crate::config) keep_firing_for: Given<Duration>,
    pub(in crate::config) warm_up: Given<Duration>,
}

/// The `signal` of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum RawSignal {
    /// Of a cache with a detector of its own, of its parts as any other measure.
    MissRatio,
    Down,
    Baseline,
    Other(Measure),
}

impl RawSignal {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "miss_ratio" => Some(Self::MissRatio),
            "down" => Some(Self::Down),
            "miss_ratio_baseline" => Some(Self::Baseline),
            text => {
                let row = SIGNALS.iter().find(|row| row.name == text)?;
                Some(Self::Other(row.measure))
            }
        }
    }
}

pub(super) fn rule(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawRule {
    fields.require(walk, "name");
    let others: Vec<_> = SIGNALS.iter().skip(1).map(|row| row.name).collect();
    let signals = format!(
        "one of miss_ratio, miss_ratio_baseline, down, {}",
        others.join(", ")
    );
    let causes = format!("one of {}", Cause::ALL.map(Cause::as_str).join(", "));
    let severity = |text: &str| {
        [Severity::Info, Severity::Warning, Severity::Critical]
            .into_iter()
            .find(|severity| severity.as_str() == text)
    };
    let subject = |text: &str| SubjectKind::ALL.into_iter().find(|s| s.as_str() == text);
    let detector = |text: &str| match text {
        "sequential" => Some(Detector::Sequential),
        "windowed" => Some(Detector::Windowed),
        _ => None,
    };
    let cause = |text: &str| Cause::ALL.into_iter().find(|c| c.as_str() == text);
    RawRule {
        name: fields.text(walk, "name"),
        signal: fields.scalar(walk, "signal", &signals, RawSignal::parse),
        enabled: fields.flag(walk, "enabled"),
        severity: fields.scalar(walk, "severity", "one of info, warning, critical", severity),
        labels: fields.labels(walk, "labels"),
        runbook: fields.text(walk, "runbook"),
        caches: fields.texts(walk, "caches"),
        subject: fields.scalar(walk, "subject", "one of cache, namespace, node", subject),
        namespaces: fields.texts(walk, "namespaces"),
        max_subjects: fields.whole(walk, "max_subjects"),
        roles: fields.texts(walk, "roles"),
        detector: fields.scalar(walk, "detector", "one of sequential, windowed", detector),
        cause: fields.scalar(walk, "cause", &causes, cause),
        currency: fields.text(walk, "currency"),
        metric: fields.text(walk, "metric"),
        metric_labels: fields.labels(walk, "metric_labels"),
        above: fields.number(walk, "above"),
        below: fields.number(walk, "below"),
        clear_below: fields.number(walk, "clear_below"),
        clear_above: fields.number(walk, "clear_above"),
        window: fields.duration(walk, "window"),
        short_window: fields.duration(walk, "short_window"),
        long_window: fields.duration(walk, "long_window"),
        extended_window: fields.duration(walk, "extended_window"),
        min_lookups: fields.whole(walk, "min_lookups"),
        confidence: fields.number(walk, "confidence"),
        deviations: fields.number(walk, "deviations"),
        margin: fields.number(walk, "margin"),
        min_days: fields.whole(walk, "min_days"),
        for_: fields.duration(walk, "for"),
        clear_for: fields.duration(walk, "clear_for"),
        keep_firing_for: fields.duration(walk, "keep_firing_for"),
        warm_up: fields.duration(walk, "warm_up"),
        origin: fields.close(walk),
    }
}
