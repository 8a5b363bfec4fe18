//! Stretches of time: those without readings, and those in which an incident was open.
//!
//! Invariant: what overlaps is counted once.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::period::Period;
use crate::model::record::{HistoryPoint, IncidentRecord};

/// The most gaps that are listed: the longest.
pub(super) const MAX_GAPS: usize = 10;

/// Times without readings, at least as long as a slot.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Gaps {
    /// How many.
    pub count: usize,
    /// How long all of them are.
    pub seconds: f64,
    /// The longest ten, in order of time.
    pub list: Vec<Gap>,
}

/// A time without readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
}

impl Gap {
    fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64()
    }
}

/// A slot covers the time before its end; a reading that comes late covers more than its slot.
pub(super) fn gaps(period: &Period, slots: &[HistoryPoint]) -> Gaps {
    let width = SignedDuration::from_secs(i64::from(period.slot_seconds));
    let mut found = Vec::new();
    let mut seen = period.from;
    let mut step = |begin: Timestamp, end: Timestamp| {
        if begin.duration_since(seen) >= width {
            found.push(Gap {
                from: seen,
                to: begin,
            });
        }
        seen = seen.max(end);
    };
    for slot in slots.iter().filter(|slot| slot.covered_seconds > 0.0) {
        let end = slot.at.saturating_add(width).unwrap_or(slot.at);
        let covered = SignedDuration::try_from_secs_f64(slot.covered_seconds).unwrap_or(width);
        let begin = end.saturating_sub(covered).unwrap_or(slot.at);
        step(begin, end);
    }
    step(period.to, period.to);
    let seconds = found.iter().map(Gap::seconds).sum();
    let count = found.len();
    found.sort_by(|a, b| b.seconds().total_cmp(&a.seconds()));
    found.truncate(MAX_GAPS);
    found.sort_by_key(|gap| gap.from);
    Gaps {
        count,
        seconds,
        list: found,
    }
}

/// How long at least one of these was open within the period, in seconds.
pub(super) fn together(period: &Period, incidents: &[IncidentRecord]) -> f64 {
    let mut spans: Vec<_> = incidents
        .iter()
        .map(|incident| {
            let until = incident.resolved.unwrap_or(period.to);
            (incident.started.max(period.from), until.min(period.to))
        })
        .collect();
    spans.sort();
    let mut seconds = 0.0;
    let mut counted = period.from;
    for (from, to) in spans {
        let from = from.max(counted);
        if to > from {
            seconds += to.duration_since(from).as_secs_f64();
            counted = to;
        }
    }
    seconds
}
