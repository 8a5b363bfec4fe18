//! What a report says, as numbers. Its JSON is these fields; docs/report.md tells what they mean.
//!
//! Deliberately absent: words for people, but for advice and headlines.
//!
//! Invariant: fields are added, never renamed or given another meaning, without another [`FORMAT`]. Ratios are 0..1,
//! lengths of time seconds, sizes bytes. What is not known is `null`.

use jiff::Timestamp;
use serde::Serialize;

use super::Record;
use super::heat::Heat;
use super::lookups::{Lookups, Samples, Saved};
use super::period::Period;
use super::spells::Gaps;
use crate::model::incident::Severity;
use crate::model::name::{CacheName, RuleName};

/// The version of the fields.
pub const FORMAT: u32 = 1;

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Where the period before begins; it ends at `from`.
    pub previous_from: Timestamp,
    /// Where the period begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// How long it is.
    pub seconds: f64,
    /// The width of the slots of history that it rests on.
    pub slot_seconds: u32,
    /// Hours and weekdays are of this zone.
    pub time_zone: String,
    /// All caches together.
    pub fleet: Fleet,
    /// Each of them, the worst first.
    pub caches: Vec<Cache>,
    #[serde(skip)]
    pub(super) period: Period,
}

/// All caches together: sums, so the ratio is weighted by traffic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fleet {
    /// How many.
    pub caches: usize,
    /// Of how many of them nothing is known in the period.
    pub caches_without_data: usize,
    /// Their counts.
    pub counts: Counts,
    /// Those of the period before.
    pub previous: Option<Counts>,
    /// Incidents.
    pub incidents: u64,
    /// How many of them are open.
    pub incidents_open: u64,
}

/// What was counted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Counts {
    /// Which part of the period readings cover.
    pub covered_ratio: f64,
    /// How long that is.
    pub covered_seconds: f64,
    /// Lookups that found their key.
    pub hits: Option<u64>,
    /// Lookups that did not.
    pub misses: Option<u64>,
    /// Both: how much the ratio rests on.
    pub lookups: Option<u64>,
    /// Hits / lookups; `null` without lookups.
    pub hit_ratio: Option<f64>,
    /// The Wilson score interval at 98 %, its lower end.
    pub hit_ratio_lower: Option<f64>,
    /// Its upper end.
    pub hit_ratio_upper: Option<f64>,
    /// Keys removed because of `maxmemory`.
    pub evictions: Option<u64>,
    /// Keys removed because their time to live was over.
    pub expirations: Option<u64>,
    /// What misses cost, where that is known.
    pub miss_cost: Option<f64>,
    /// What hits saved, as far as the application told of them.
    pub saved: Option<f64>,
}

/// One cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cache {
    /// Its name.
    pub cache: CacheName,
    /// Its page, where the configuration says how it is reached.
    pub url: Option<String>,
    /// Its counts.
    pub counts: Counts,
    /// Those of the period before; `null` when nothing is known of it.
    pub previous: Option<Counts>,
    /// The hit ratio less that of the period before.
    pub hit_ratio_change: Option<f64>,
    /// Whether the intervals of the two do not overlap: the change is more than chance.
    pub hit_ratio_change_is_clear: Option<bool>,
    /// The miss ratio above which a rule fires.
    pub miss_ratio_threshold: Option<f64>,
    /// When history of it begins, where that is within the period.
    pub history_begins: Option<Timestamp>,
    /// Times without readings.
    pub gaps: Gaps,
    /// Memory; `null` when nothing is known of it.
    pub memory: Option<Memory>,
    /// Why it misses, and what is known of its namespaces; `null` when nothing is.
    pub attribution: Option<Attribution>,
    /// The currency of costs; `null` when the configuration at hand names none, or several.
    pub currency: Option<String>,
    /// Incidents.
    pub incidents: Incidents,
    /// By hour of day and weekday.
    pub hours: Heat,
    /// What would help.
    pub advice: Vec<Advice>,
    #[serde(skip)]
    pub(super) record: Record,
}

/// Memory over the period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Memory {
    /// The most that was used at the end of a slot.
    pub used_peak_bytes: u64,
    /// What was used last.
    pub used_last_bytes: u64,
    /// The limit, as of the last slot that had one.
    pub limit_bytes: Option<u64>,
    /// Which part of the slots ended with at least 95 % of the limit used.
    pub near_limit_ratio: Option<f64>,
    /// Which part of the evictions was in these slots.
    pub evictions_near_limit_ratio: Option<f64>,
}

/// Misses by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Causes {
    /// The time to live was over.
    pub expired: u64,
    /// Removed because of `maxmemory`.
    pub evicted: u64,
    /// Deleted, renamed or moved.
    pub deleted: u64,
    /// Gone with all the others.
    pub flushed: u64,
    /// No removal of the key is remembered.
    pub never_seen: u64,
    /// Events were lost, so nobody knows.
    pub unknown: u64,
}

/// Why a cache misses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// Misses that were attributed, in the namespaces that were kept.
    pub misses: u64,
    /// Which part of all misses these are.
    pub of_misses_ratio: Option<f64>,
    /// Them by cause.
    pub causes: Causes,
    /// The namespaces with the most misses, at most [`MAX_NAMESPACES`].
    pub namespaces: Vec<Namespace>,
    /// How many more there are.
    pub namespaces_left_out: usize,
    /// Their misses.
    pub misses_left_out: u64,
    /// What the misses of all namespaces cost, those left out among them.
    pub miss_cost: Option<f64>,
    /// What their hits saved, as far as the application told of them.
    pub saved: Option<f64>,
    /// What the hits of the others saved, where samples tell of them: an estimate.
    pub saved_estimated: Option<f64>,
    /// The samples that estimates rest on.
    pub samples: Option<Samples>,
}

/// The most namespaces of a cache in a report.
pub const MAX_NAMESPACES: usize = 20;

/// One namespace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Namespace {
    /// Its name, escaped as `\xNN`; it may hold markup.
    pub namespace: String,
    /// Its misses.
    pub misses: u64,
    /// Which part of the attributed misses these are.
    pub misses_ratio: f64,
    /// Its misses in the period before; `null` when nothing was attributed then.
    pub previous_misses: Option<u64>,
    /// Its misses by cause.
    pub causes: Causes,
    /// Evictions.
    pub evictions: u64,
    /// Expirations.
    pub expirations: u64,
    /// What its misses cost, where a price is configured.
    pub miss_cost: Option<f64>,
    /// What its hits saved, where a price is configured and lookups are known.
    pub saved: Option<Saved>,
    /// Its lookups, where they are known.
    pub lookups: Option<Lookups>,
    /// Those of the period before, from the same source.
    pub previous_lookups: Option<Lookups>,
    /// Its hit ratio less that of the period before.
    pub hit_ratio_change: Option<f64>,
    /// Whether the intervals of the two do not overlap: the change is more than chance.
    pub hit_ratio_change_is_clear: Option<bool>,
}

/// The incidents of a cache that were open in the period.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Incidents {
    /// How many.
    pub count: u64,
    /// How many are open.
    pub open: u64,
    /// How long at least one was open, within the period.
    pub seconds: f64,
    /// How long the longest was open, its time before the period included.
    pub longest_seconds: Option<f64>,
    /// The newest, at most [`MAX_INCIDENTS`].
    pub list: Vec<Incident>,
}

/// The most incidents of a cache that a report lists.
pub const MAX_INCIDENTS: usize = 50;

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// Its page, where the configuration says how it is reached.
    pub url: Option<String>,
    /// Which rule.
    pub rule: RuleName,
    /// Which namespace or node; empty: the cache as a whole.
    pub subject: String,
    /// How bad.
    pub severity: Severity,
    /// When it began to fire.
    pub started: Timestamp,
    /// When it was over; `null`: it is open.
    pub resolved: Option<Timestamp>,
    /// How long it was open, until now if it is.
    pub seconds: f64,
    /// The matter in one line.
    pub headline: String,
    /// Who has taken it on.
    pub acknowledged_by: Option<String>,
}

/// One thing that would help, or would not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// `memory`, `ttl`, `never_seen`, `deleted`, `flushed`, `events`.
    pub topic: &'static str,
    /// What it comes to: `more memory would help`.
    pub verdict: String,
    /// The numbers that this rests on.
    pub reason: String,
}

impl Causes {
    /// In the order of [`crate::model::attribution::Cause::ALL`].
    pub(super) fn of(counts: &[u64]) -> Self {
        let at = |i: usize| counts.get(i).copied().unwrap_or_default();
        Self {
            expired: at(0),
            evicted: at(1),
            deleted: at(2),
            flushed: at(3),
            never_seen: at(4),
            unknown: at(5),
        }
    }

    /// Their words and counts, in the same order.
    pub(super) fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("expired", self.expired),
            ("evicted", self.evicted),
            ("deleted", self.deleted),
            ("flushed", self.flushed),
            ("never_seen", self.never_seen),
            ("unknown", self.unknown),
        ]
    }

    pub(super) fn total(&self) -> u64 {
        self.named().iter().map(|(_, n)| n).sum()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.expired += other.expired;
        self.evicted += other.evicted;
        self.deleted += other.deleted;
        self.flushed += other.flushed;
        self.never_seen += other.never_seen;
        self.unknown += other.unknown;
    }
}
