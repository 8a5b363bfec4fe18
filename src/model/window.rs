//! Windows: what happened in the last minutes.

use std::time::Duration;

/// The windows that are exported and shown, with their label values.
pub const WINDOWS: [(&str, Duration); 4] = [
    ("1m", Duration::from_mins(1)),
    ("5m", Duration::from_mins(5)),
    ("15m", Duration::from_mins(15)),
    ("1h", Duration::from_hours(1)),
];

/// Monotone totals of a node or a cache since cachewatch began to watch it. `None`: the server does not report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Totals {
    /// Lookups that found their key.
    pub hits: Option<u64>,
    /// Lookups that did not.
    pub misses: Option<u64>,
    /// Keys removed because of `maxmemory`.
    pub evictions: Option<u64>,
    /// Keys removed because their time to live was over.
    pub expirations: Option<u64>,
}

impl Totals {
    /// Hits and misses together.
    pub fn lookups(&self) -> Option<u64> {
        Some(self.hits?.saturating_add(self.misses?))
    }
}

/// A short series for a small picture.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Sparkline {
    /// How long all points together are, up to now, in seconds.
    #[serde(rename = "span_seconds", with = "super::seconds")]
    pub span: Duration,
    /// Ratios, 0..1, oldest first, evenly spaced; `None` where there were no lookups.
    pub points: Vec<Option<f64>>,
}

impl FromIterator<Option<f64>> for Sparkline {
    /// Points that span an hour.
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(points: I) -> Self {
        Self {
            span: Duration::from_hours(1),
            points: points.into_iter().collect(),
        }
    }
}

/// What happened in a window.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct WindowStats {
    /// How long the window is meant to be, in seconds.
    #[serde(rename = "window_seconds", with = "super::seconds")]
    pub window: Duration,
    /// How long the readings really span, in seconds: less after a start, zero with fewer than two readings.
    #[serde(rename = "covered_seconds", with = "super::seconds")]
    pub covered: Duration,
    /// Counts within the window.
    pub delta: Totals,
    /// Lookups per second. `None` with nothing covered.
    pub lookups_per_second: Option<f64>,
    /// Evictions per second.
    pub evictions_per_second: Option<f64>,
    /// Expirations per second.
    pub expirations_per_second: Option<f64>,
    /// Misses / lookups, 0..1. `None` without lookups: that is "insufficient traffic", not 0.
    pub miss_ratio: Option<f64>,
    /// Wilson lower bound of the miss ratio at 98 % one-sided-equivalent z = 2.326. `None` without lookups.
    pub miss_ratio_lower: Option<f64>,
}

impl WindowStats {
    /// Lookups within the window.
    pub fn lookups(&self) -> Option<u64> {
        self.delta.lookups()
    }

    /// Hits / lookups, 0..1.
    pub fn hit_ratio(&self) -> Option<f64> {
        self.miss_ratio.map(|m| 1.0 - m)
    }
}
