//! Rules as data: which signal of what, which threshold, how long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::signal::{Measure, SubjectKind};
use crate::model::attribution::Cause;
use crate::model::incident::Severity;
use crate::model::name::{CacheName, Name, RuleName};
use crate::model::reading::Role;

/// The most parts of one cache that one rule watches.
pub const MAX_SUBJECTS: u64 = 100;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique; the `alertname` of its messages.
    pub name: RuleName,
    /// What it watches.
    pub signal: Signal,
    /// Of what.
    pub scope: Scope,
    /// It is about nodes with one of these roles; empty: all. A cache without such a node is none of its business.
    pub roles: Vec<Role>,
    /// How bad it is when it fires.
    pub severity: Severity,
    /// Labels of its messages.
    pub labels: BTreeMap<String, String>,
    /// Where a runbook is.
    pub runbook: Option<String>,
    /// The caches that it watches; empty: all.
    pub caches: Vec<CacheName>,
    /// How long a cache that fills anew is given, before it is judged; zero: none. Counts only where
    /// [`Rule::warms_up`].
    pub warm_up: Duration,
}

/// How long a cache that fills anew is given when nothing is said.
pub const DEFAULT_WARM_UP: Duration = Duration::from_mins(5);

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// The cache as a whole.
    #[default]
    Cache,
    /// Each namespace whose name one of these globs matches, at most so many of them, those with the most misses first.
    Namespaces {
        /// The globs, which were checked.
        globs: Vec<String>,
        /// How many at most.
        most: usize,
    },
    /// Each node, at most so many of them.
    Nodes {
        /// How many at most.
        most: usize,
    },
}

impl Scope {
    /// Which kind.
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Cache => SubjectKind::Cache,
            Self::Namespaces { .. } => SubjectKind::Namespace,
            Self::Nodes { .. } => SubjectKind::Node,
        }
    }
}

impl Rule {
    /// A rule that says no more than this.
    pub fn new(name: RuleName, signal: Signal, severity: Severity) -> Self {
        Self {
            name,
            signal,
            scope: Scope::Cache,
            roles: Vec::new(),
            severity,
            labels: BTreeMap::new(),
            runbook: None,
            caches: Vec::new(),
            warm_up: DEFAULT_WARM_UP,
        }
    }

    /// Whether it watches this cache.
    pub fn watches(&self, cache: &CacheName) -> bool {
        self.caches.is_empty() || self.caches.contains(cache)
    }

    /// Whether a cache that fills anew is given time.
    pub fn warms_up(&self) -> bool {
        !self.warm_up.is_zero() && self.signal.warms_up()
    }
}

/// What a rule watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// Too many lookups miss.
    MissRatio(MissRatioRule),
    /// No node of the cache answers.
    Down(DownRule),
    /// A number is beyond its limit.
    Limit(LimitRule),
    /// More lookups miss than they used to.
    Baseline(BaselineRule),
}

impl Signal {
    /// As in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MissRatio(_) => "miss_ratio",
            Self::Down(_) => "down",
            Self::Limit(rule) => rule.measure.row().name,
            Self::Baseline(_) => "miss_ratio_baseline",
        }
    }

    /// How long the condition must hold, and how long the clear condition.
    pub fn holds(&self) -> (Duration, Duration) {
        match self {
            Self::MissRatio(rule) => (rule.for_, rule.clear_for),
            Self::Down(rule) => (rule.for_, rule.clear_for),
            Self::Limit(rule) => (rule.for_, rule.clear_for),
            Self::Baseline(rule) => (rule.for_, rule.clear_for),
        }
    }

    fn warms_up(&self) -> bool {
        match self {
            Self::MissRatio(_) | Self::Baseline(_) => true,
            Self::Down(_) => false,
            Self::Limit(rule) => rule.measure.row().warms_up,
        }
    }
}

/// How the miss-ratio rule judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Detector {
    /// Evidence is added up from reading to reading until it is enough.
    #[default]
    Sequential,
    /// Confidence bound over the long window, and the short window (rule H).
    Windowed,
}

/// The parameters of the miss-ratio rule. The windowed detector fires when the lower confidence bound of the miss ratio
/// over the long window is above the threshold and the ratio over the short window is too, both for `for`.
#[derive(Debug, Clone, PartialEq)]
pub struct MissRatioRule {
    /// How it judges.
    pub detector: Detector,
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

impl MissRatioRule {
    /// The default of the sequential detector, which needs no `for`: it takes its time until there is enough evidence.
    pub fn sequential() -> Self {
        Self {
            detector: Detector::Sequential,
            for_: Duration::ZERO,
            ..Self::default()
        }
    }
}

/// The default of the windowed detector.
impl Default for MissRatioRule {
    fn default() -> Self {
        Self {
            detector: Detector::Windowed,
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

/// The parameters of a rule that compares a number with a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitRule {
    /// Which number.
    pub measure: Measure,
    /// For [`Measure::CauseShare`].
    pub cause: Option<Cause>,
    /// For [`Measure::CostPerHour`].
    pub currency: String,
    /// For [`Measure::Gauge`]: its name, one of [`super::signal::GAUGES`].
    pub metric: Option<String>,
    /// For [`Measure::Gauge`]: labels that its series must have, beside those of the subject.
    pub metric_labels: BTreeMap<String, String>,
    /// Whether values above the limit are bad (else: below).
    pub above: bool,
    /// The limit.
    pub threshold: f64,
    /// It is over beyond this: at most the limit for `above`, at least for below.
    pub clear_threshold: f64,
    /// Over how long rates and shares are taken.
    pub window: Duration,
    /// With fewer lookups (or misses, for a share of misses) in it, a share says nothing.
    pub min_lookups: u64,
    /// How long the condition must hold.
    pub for_: Duration,
    /// How long the clear condition must hold.
    pub clear_for: Duration,
}

impl LimitRule {
    /// What holds when only the limit is said: a window of 5 min, 50 lookups, for 1 min, over after 5 min.
    pub fn new(measure: Measure, above: bool, threshold: f64) -> Self {
        Self {
            measure,
            cause: None,
            currency: "USD".to_owned(),
            metric: None,
            metric_labels: BTreeMap::new(),
            above,
            threshold,
            clear_threshold: measure.row().clear_of(threshold, above),
            window: Duration::from_mins(5),
            min_lookups: 50,
            for_: Duration::from_mins(1),
            clear_for: Duration::from_mins(5),
        }
    }
}

/// The parameters of the rule that compares the miss ratio with what it was at the same hour of earlier days.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineRule {
    /// The window that is compared. Default 15 min.
    pub window: Duration,
    /// Fires when the ratio is so many robust standard deviations (1.4826 x MAD) above the median. Default 4.
    pub deviations: f64,
    /// And above the median by at least this. Default 0.05.
    pub margin: f64,
    /// How many earlier days there must be. Default 3.
    pub min_days: u64,
    /// With fewer lookups in the window, or in the hour of a day, that says nothing. Default 200.
    pub min_lookups: u64,
    /// Of the bound of the present ratio, 0.5..0.9999. Default 0.98.
    pub confidence: f64,
    /// How long the condition must hold. Default 5 min.
    pub for_: Duration,
    /// How long the clear condition must hold. Default 10 min.
    pub clear_for: Duration,
}

impl Default for BaselineRule {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(15),
            deviations: 4.0,
            margin: 0.05,
            min_days: 3,
            min_lookups: 200,
            confidence: 0.98,
            for_: Duration::from_mins(5),
            clear_for: Duration::from_mins(10),
        }
    }
}

/// A graver incident silences others of the same cache. Without a word, a cache that is down silences its other rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibition {
    /// While an incident of this rule is open …
    pub source: Name,
    /// … nobody is told of those of these; empty: of all others.
    pub targets: Vec<Name>,
}
