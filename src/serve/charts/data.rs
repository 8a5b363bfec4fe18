//! From what the store remembers to what is drawn. Pure.
//!
//! Invariant: a slot of which something is not known is a gap, not a zero.

use crate::chart::{Band, Chart, Mark, Period, Points};
use crate::model::record::{Annotation, HistoryPoint, IncidentRecord};
use crate::model::snapshot::CacheSnapshot;
use crate::serve::charts::request::Signal;

/// The most points of a line: more cannot be told apart on the page.
pub(in crate::serve) const POINTS: usize = 400;

/// What happened to a cache in some time.
pub(in crate::serve) struct Past {
    pub(in crate::serve) period: Period,
    pub(in crate::serve) history: Vec<HistoryPoint>,
    pub(in crate::serve) incidents: Vec<IncidentRecord>,
    pub(in crate::serve) annotations: Vec<Annotation>,
}

impl Past {
    /// The chart of one signal.
    pub(in crate::serve) fn chart(&self, cache: &CacheSnapshot, signal: Signal) -> Chart {
        let name = cache.name.as_str();
        let points = self.points(signal);
        let period = self.period;
        let chart = match signal {
            Signal::HitRatio => Chart::hit_ratio(name, period, points, miss_threshold(cache)),
            Signal::Lookups => Chart::lookups(name, period, points),
            Signal::Evictions => Chart::evictions(name, period, points),
            Signal::Expirations => Chart::expirations(name, period, points),
            Signal::Memory => {
                let limits = self.history.iter().rev().map(|p| p.memory_limit_bytes);
                let limit = limits.flatten().next().filter(|limit| *limit > 0);
                Chart::memory(name, period, points, limit.map(|limit| limit as f64))
            }
        };
        chart.with_bands(self.bands()).with_marks(self.marks())
    }

    fn points(&self, signal: Signal) -> Points {
        self.history
            .iter()
            .map(|point| {
                // The middle of what it is about.
                let half = jiff::SignedDuration::try_from_secs_f64(point.covered_seconds / 2.0);
                let at = point.at.saturating_add(half.unwrap_or_default());
                (at.unwrap_or(point.at), value(point, signal))
            })
            .collect()
    }

    fn bands(&self) -> impl Iterator<Item = Band> {
        // The newest come first, and the last ones are drawn.
        self.incidents.iter().rev().map(|incident| Band {
            from: incident.started,
            to: incident.resolved,
            label: incident.rule.to_string(),
        })
    }

    fn marks(&self) -> impl Iterator<Item = Mark> {
        self.annotations.iter().map(|annotation| Mark {
            at: annotation.at,
            until: annotation.until,
            label: format!("{}: {}", annotation.kind, annotation.text),
        })
    }
}

/// The miss ratio above which a rule of the cache as a whole fires, 0..1.
pub(in crate::serve) fn miss_threshold(cache: &CacheSnapshot) -> Option<f64> {
    let mut rules = cache.alerts.iter();
    rules.find_map(|alert| {
        let whole = alert.signal == "miss_ratio" && alert.subject.is_none();
        alert.threshold.filter(|_| whole)
    })
}

fn value(point: &HistoryPoint, signal: Signal) -> Option<f64> {
    let lookups = || point.hits?.checked_add(point.misses?);
    let per_second = |n: Option<u64>| {
        let covered = Some(point.covered_seconds).filter(|s| *s > 0.0)?;
        Some(n? as f64 / covered)
    };
    match signal {
        Signal::HitRatio => {
            let lookups = lookups().filter(|n| *n > 0)?;
            Some(point.hits? as f64 / lookups as f64)
        }
        Signal::Lookups => per_second(lookups()),
        Signal::Evictions => per_second(point.evictions),
        Signal::Expirations => per_second(point.expirations),
        Signal::Memory => point.memory_used_bytes.map(|bytes| bytes as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_gap() {
        let nothing = HistoryPoint::default();
        for signal in Signal::ALL {
            assert_eq!(value(&nothing, signal), None, "{signal:?}");
        }
        let idle = HistoryPoint {
            covered_seconds: 10.0,
            hits: Some(0),
            misses: Some(0),
            ..nothing
        };
        assert_eq!(value(&idle, Signal::HitRatio), None);
        assert_eq!(value(&idle, Signal::Lookups), Some(0.0));
        assert_eq!(value(&idle, Signal::Evictions), None);
        let busy = HistoryPoint {
            hits: Some(30),
            misses: Some(10),
            evictions: Some(5),
            ..idle
        };
        assert_eq!(value(&busy, Signal::HitRatio), Some(0.75));
        assert_eq!(value(&busy, Signal::Lookups), Some(4.0));
        assert_eq!(value(&busy, Signal::Evictions), Some(0.5));
    }
}
