//! Alerts: states, incidents and what a notification says.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::attribution::Cause;
use super::gap::GapReason;
use super::name::{CacheName, Name, NodeName, RuleName};
use super::window::Sparkline;

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Look at it in working hours.
    Warning,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Where a rule stands for a subject.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition does not hold.
    Ok,
    /// The condition holds, but not yet for long enough.
    Pending,
    /// An incident is open.
    Firing,
    /// An incident is open, and the clear condition holds, but not yet for long enough.
    Recovering,
    /// No incident, and too few lookups to say anything.
    InsufficientTraffic,
    /// No incident, and no readings to say anything.
    NoData,
}

impl AlertState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Pending,
        Self::Firing,
        Self::Recovering,
        Self::InsufficientTraffic,
        Self::NoData,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::InsufficientTraffic => "insufficient_traffic",
            Self::NoData => "no_data",
        }
    }

    /// Whether an incident is open.
    pub fn is_firing(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

/// Where one rule stands for one cache now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AlertStatus {
    /// The rule.
    pub rule: RuleName,
    /// How bad it would be.
    pub severity: Severity,
    /// The state.
    pub state: AlertState,
    /// Since when the state is so.
    pub since: Timestamp,
    /// The open incident.
    pub incident: Option<String>,
    /// The number that the rule looks at: for a miss-ratio rule the ratio over the short window, 0..1.
    pub value: Option<f64>,
    /// The threshold in the same unit.
    pub threshold: Option<f64>,
    /// One line: which clause held or did not, with the numbers.
    pub explanation: String,
}

/// Which way an incident went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transition {
    /// It began.
    Firing,
    /// It is over.
    Resolved,
}

impl Transition {
    /// As in Alertmanager's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// What the rule was about, for the words of the message.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each message, and hardly any messages"
)]
pub enum Evidence {
    /// Too many lookups miss.
    MissRatio(MissEvidence),
    /// No reading for too long.
    Down(DownEvidence),
}

/// The numbers behind a miss-ratio message.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
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
    /// Misses beyond the normal ratio since the incident began (for `resolved`).
    pub extra_misses: Option<u64>,
    /// Miss ratio over the last hour, or over less while there is less.
    pub history: Sparkline,
    /// Where the misses were and why; `None` without events, or when the cache cannot be looked at.
    pub attribution: Option<MissAttribution>,
}

/// Where the misses of the last minutes were, and why: from events, so exact as far as they are complete.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MissAttribution {
    /// How many minutes, in seconds.
    pub span_seconds: f64,
    /// Misses that were seen in that time.
    pub misses: u64,
    /// Seen misses / misses that the servers counted, 0..1. `None` when they counted none.
    pub completeness: Option<f64>,
    /// The longest time of these minutes in which a node's events were not received.
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
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
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
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct TtlCliff {
    /// When half of them had expired.
    pub at: Timestamp,
    /// Expirations in the minute with the most.
    pub expirations: u64,
    /// Expirations in a usual minute: the median of the hour before.
    pub usual: f64,
}

/// The words behind a down message.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DownEvidence {
    /// Nodes that do not answer, each with the last error.
    pub nodes: Vec<(NodeName, String)>,
    /// Nodes in all.
    pub total: usize,
}

/// One transition of one incident: what every channel gets to say in its own way.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Notification {
    /// Identifies the incident; the same in its firing and its resolved message.
    pub incident: String,
    /// Which way.
    pub transition: Transition,
    /// The rule.
    pub rule: RuleName,
    /// The cache.
    pub cache: CacheName,
    /// How bad.
    pub severity: Severity,
    /// Labels of the cache and of the rule, rule first where both have one.
    pub labels: BTreeMap<String, String>,
    /// When the incident began to fire.
    pub started: Timestamp,
    /// When the condition had begun to hold.
    pub pending_since: Timestamp,
    /// When this transition happened.
    pub at: Timestamp,
    /// How long it has been firing, on the monotonic clock (for `resolved`).
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    pub duration: Duration,
    /// Where a runbook is.
    pub runbook: Option<String>,
    /// Why it ended, where that is not simply that the condition is over: `no lookups any more`, `the rule was removed`.
    pub note: Option<String>,
    /// The numbers.
    pub evidence: Evidence,
}

impl Notification {
    /// The same text for each attempt of the same message, different for every other one.
    pub fn idempotency_key(&self, channel: &Name) -> String {
        format!("{}/{}/{channel}", self.incident, self.transition.as_str())
    }
}

fn seconds<S: serde::Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_f64(d.as_secs_f64())
}
