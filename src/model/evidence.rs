//! The numbers behind an incident, as plain data: what a message rests on.
//!
//! Deliberately absent: words, and how the numbers came about.
//!
//! Invariant: what is written as JSON is read back the same, so that a message survives a restart.

use jiff::Timestamp;

use super::attribution::Cause;
use super::gap::GapReason;
use super::name::NodeName;
use super::window::Sparkline;

/// What the rule was about, for the words of the message.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Evidence {
    /// Too many lookups miss.
    MissRatio(MissEvidence),
    /// No reading for too long.
    Down(DownEvidence),
    /// Some other number is beyond its limit.
    Signal(SignalEvidence),
    /// Something is wrong with cachewatch itself.
    Own(OwnEvidence),
}

/// The numbers behind a miss-ratio message.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MissEvidence {
    /// Miss ratio over the short window, at the transition (for `resolved`: the value at recovery).
    pub short_ratio: Option<f64>,
    /// How long the short window is, in seconds.
    pub short_seconds: f64,
    /// Miss ratio over the long window that was used.
    pub long_ratio: Option<f64>,
    /// How long that window is, in seconds.
    pub long_seconds: f64,
    /// Lower confidence bound of the long ratio.
    pub long_lower: Option<f64>,
    /// The confidence of that bound, 0..1.
    pub confidence: f64,
    /// Lookups in the long window: the sample size.
    pub lookups: u64,
    /// Misses in the long window.
    pub misses: u64,
    /// The threshold of the rule, 0..1.
    pub threshold: f64,
    /// Lookups per second in the short window.
    pub lookups_per_second: Option<f64>,
    /// Evictions per second in the short window.
    pub evictions_per_second: Option<f64>,
    /// Expirations per second in the short window.
    pub expirations_per_second: Option<f64>,
    /// Memory used / limit, 0..1, where there is a limit.
    pub memory_used_ratio: Option<f64>,
    /// The highest short-window ratio since the incident began.
    pub peak_ratio: Option<f64>,
    /// Median of the short-window ratio over the hour before the incident: what is normal.
    pub normal_ratio: Option<f64>,
    /// Where that ratio usually lies: the 10th and the 90th percentile of the same.
    #[serde(default)]
    pub normal_range: Option<(f64, f64)>,
    /// Misses beyond the normal ratio since the incident began (for `resolved`).
    pub extra_misses: Option<u64>,
    /// Miss ratio over the last hour, or over less while there is less.
    pub history: Sparkline,
    /// Where the misses were and why; `None` without events, or when the cache cannot be looked at.
    pub attribution: Option<MissAttribution>,
}

/// Where the misses of the last minutes were, and why: from events, so exact as far as they are complete.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MissAttribution {
    /// How many minutes, in seconds.
    pub span_seconds: f64,
    /// Misses that were seen in that time.
    pub misses: u64,
    /// Seen misses / misses that the servers counted, 0..1. `None` when they counted none.
    pub completeness: Option<f64>,
    /// The longest time of these minutes in which a node's events were not received.
    #[serde(default)]
    pub gap: Option<EventGap>,
    /// The most frequent cause with its share of all misses, 0..1.
    pub cause: Option<(Cause, f64)>,
    /// How far back "no removal was seen" reaches, in seconds.
    pub horizon_seconds: f64,
    /// The namespaces behind it, at most three: those with the most misses beyond their usual pace, or with the most
    /// misses while the usual pace is not known.
    pub namespaces: Vec<NamespaceShare>,
    /// Many keys whose time to live ended at once.
    pub ttl_cliff: Option<TtlCliff>,
    /// What misses cost an hour at the pace of these minutes, by currency, where prices are configured.
    pub cost_per_hour: Vec<(f64, String)>,
    /// The same beyond the usual pace; empty while that is not known.
    pub extra_cost_per_hour: Vec<(f64, String)>,
}

/// A time in which the events of a node were not received.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EventGap {
    /// Whose.
    pub node: NodeName,
    /// The last sign of life before it.
    pub began: Timestamp,
    /// When they were received again; `None` while they are not.
    pub ended: Option<Timestamp>,
    /// How long, until now where it lasts.
    pub seconds: f64,
    /// Why.
    pub reason: GapReason,
    /// At least so many events were lost; `None` while that is not known.
    pub lost: Option<u64>,
}

/// One namespace's part in the misses.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NamespaceShare {
    /// The namespace, escaped as `\xNN`; it may hold markup.
    pub name: String,
    /// Its misses.
    pub misses: u64,
    /// Its share of all misses, 0..1.
    pub share: f64,
    /// Misses beyond its usual pace; `None` while that is not known.
    pub extra_misses: Option<u64>,
    /// Its most frequent cause.
    pub cause: Cause,
    /// The share of that cause in its misses, 0..1.
    pub cause_share: f64,
    /// What its misses cost an hour, and in which currency, where a price is configured.
    pub cost_per_hour: Option<(f64, String)>,
}

/// Many keys whose time to live ended at once.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TtlCliff {
    /// When half of them had expired.
    pub at: Timestamp,
    /// Expirations in the minute with the most.
    pub expirations: u64,
    /// Expirations in a usual minute: the median of the hour before.
    pub usual: f64,
}

/// The words behind a down message.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DownEvidence {
    /// Nodes that do not answer, each with the last error.
    pub nodes: Vec<(NodeName, String)>,
    /// Nodes in all.
    pub total: usize,
}

/// The numbers behind a message about any other signal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SignalEvidence {
    /// Which: `evictions_per_second`, as in the configuration.
    pub name: String,
    /// What is measured, for a sentence: `evictions per second`.
    pub title: String,
    /// In which unit values and limits are.
    pub unit: Unit,
    /// The value at the transition; `None` when it is not known.
    pub value: Option<f64>,
    /// The worst value since the incident began.
    pub peak: Option<f64>,
    /// What is normal: the median over the hour before.
    pub normal: Option<f64>,
    /// The limit.
    pub threshold: f64,
    /// It is over beyond this.
    pub clear_threshold: f64,
    /// Whether values above the limit are bad (else: below).
    pub above: bool,
    /// Over how long the value is taken, in seconds; 0 for a value of the moment.
    pub window_seconds: f64,
    /// Lookups in that window, where the value is a share of them.
    pub lookups: Option<u64>,
    /// The value over the last hour, or over less while there is less, in its unit.
    pub history: Sparkline,
    /// Where the misses were and why, where that bears on it.
    pub attribution: Option<MissAttribution>,
}

/// What is wrong with cachewatch itself. The cache of such an incident is `cachewatch`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnEvidence {
    /// What is wrong, as a headline: `Channel team-slack refuses messages (404)`.
    pub problem: String,
    /// Why, as the other side said it; one line without secrets.
    pub why: String,
    /// What to do.
    pub advice: String,
}

/// What a number means.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 0..1, shown in percent.
    Ratio,
    /// So many a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A currency, per hour.
    PerHour(String),
    /// Just a number.
    Count,
}
