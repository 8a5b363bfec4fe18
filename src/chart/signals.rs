//! The charts of cachewatch's own signals, ready made: title, unit, limit and colours.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::attribution::Cause;

use super::input::{Band, Chart, Hue, Limit, Mark, Points, Series, Side, Unit};

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The left edge.
    pub from: Timestamp,
    /// The right edge.
    pub to: Timestamp,
}

impl Period {
    /// The time before `to`.
    pub fn before(to: Timestamp, span: Duration) -> Self {
        let from = to.saturating_sub(jiff::SignedDuration::try_from(span).unwrap_or_default());
        Self {
            from: from.unwrap_or(Timestamp::MIN),
            to,
        }
    }
}

impl Chart {
    /// An empty chart.
    pub fn new(title: impl Into<String>, unit: Unit, period: Period) -> Self {
        Self {
            title: title.into(),
            unit,
            from: period.from,
            to: period.to,
            step: None,
            series: Vec::new(),
            limit: None,
            bands: Vec::new(),
            marks: Vec::new(),
            stacked: false,
        }
    }

    /// Hits / lookups, 0..1. `miss_threshold` is the miss ratio above which a rule fires, 0..1.
    pub fn hit_ratio(
        cache: &str,
        period: Period,
        points: Points,
        miss_threshold: Option<f64>,
    ) -> Self {
        Self {
            limit: miss_threshold.map(|miss| limit("limit", 1.0 - miss, Side::Above)),
            ..Self::single("Hit ratio", cache, Unit::Ratio, period, points)
        }
    }

    /// Misses / lookups, 0..1. `threshold` is the miss ratio above which a rule fires, 0..1.
    pub fn miss_ratio(cache: &str, period: Period, points: Points, threshold: Option<f64>) -> Self {
        Self {
            limit: threshold.map(|value| limit("limit", value, Side::Below)),
            ..Self::single("Miss ratio", cache, Unit::Ratio, period, points)
        }
    }

    /// Lookups per second.
    pub fn lookups(cache: &str, period: Period, points: Points) -> Self {
        Self::single("Lookups", cache, Unit::PerSecond, period, points)
    }

    /// Evictions per second.
    pub fn evictions(cache: &str, period: Period, points: Points) -> Self {
        Self::single("Evictions", cache, Unit::PerSecond, period, points)
    }

    /// Expirations per second.
    pub fn expirations(cache: &str, period: Period, points: Points) -> Self {
        Self::single("Expirations", cache, Unit::PerSecond, period, points)
    }

    /// Used memory in bytes, with `maxmemory` in bytes where there is one.
    pub fn memory(cache: &str, period: Period, points: Points, maxmemory: Option<f64>) -> Self {
        Self {
            limit: maxmemory.map(|value| limit("maxmemory", value, Side::Below)),
            ..Self::single("Memory used", cache, Unit::Bytes, period, points)
        }
    }

    /// Misses per second, stacked by cause. The series share their times; a cause without misses is 0, not `None`.
    pub fn misses_by_cause(cache: &str, period: Period, causes: Vec<(Cause, Points)>) -> Self {
        let series = causes.into_iter().map(|(cause, points)| Series {
            name: cause.as_str().replace('_', " "),
            points,
            hue: Some(hue(cause)),
        });
        Self {
            series: series.collect(),
            stacked: true,
            ..Self::new(
                format!("Misses of {cache} by cause"),
                Unit::PerSecond,
                period,
            )
        }
    }

    /// With these incidents shaded.
    #[must_use]
    pub fn with_bands(mut self, bands: impl IntoIterator<Item = Band>) -> Self {
        self.bands.extend(bands);
        self
    }

    /// With these annotations.
    #[must_use]
    pub fn with_marks(mut self, marks: impl IntoIterator<Item = Mark>) -> Self {
        self.marks.extend(marks);
        self
    }

    /// With points that are usually so far apart.
    #[must_use]
    pub fn with_step(mut self, step: Duration) -> Self {
        self.step = Some(step);
        self
    }

    fn single(signal: &str, cache: &str, unit: Unit, period: Period, points: Points) -> Self {
        Self {
            series: vec![Series::new(signal, points)],
            ..Self::new(format!("{signal} of {cache}"), unit, period)
        }
    }
}

fn limit(name: &str, value: f64, side: Side) -> Limit {
    Limit {
        name: name.to_owned(),
        value,
        side,
    }
}

/// The same colours as the bars of the page.
fn hue(cause: Cause) -> Hue {
    match cause {
        Cause::Expired => Hue::Orange,
        Cause::Evicted => Hue::Blue,
        Cause::Deleted => Hue::Purple,
        Cause::Flushed => Hue::Green,
        Cause::NeverSeen => Hue::Sky,
        Cause::Unknown => Hue::Grey,
    }
}
