//! Alerts: states, incidents and what a notification says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use super::evidence::{
    DownEvidence, EventGap, Evidence, MissAttribution, MissEvidence, NamespaceShare, OwnEvidence,
    SignalEvidence, TtlCliff, Unit,
};
use super::name::{CacheName, Name, NameError, NodeName, RuleName};

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
    /// No incident, and the cache is being filled anew: after a restart, a failover, a flush. Visible, but no page.
    WarmingUp,
    /// An incident is open, and nobody is told: a silence, a maintenance window, or a graver incident of the same cache.
    Silenced,
}

impl AlertState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Pending,
        Self::Firing,
        Self::Recovering,
        Self::InsufficientTraffic,
        Self::NoData,
        Self::WarmingUp,
        Self::Silenced,
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
            Self::WarmingUp => "warming_up",
            Self::Silenced => "silenced",
        }
    }

    /// Whether an incident is open.
    pub fn is_firing(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering | Self::Silenced)
    }
}

/// Where one rule stands for one cache, or one part of it, now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AlertStatus {
    /// The rule.
    pub rule: RuleName,
    /// The signal that it watches, as in the configuration: `miss_ratio`, `down`.
    #[serde(skip)]
    pub signal: &'static str,
    /// The part of the cache that it is about; `None`: the cache as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
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
    pub explanation: Arc<str>,
    /// Why nobody is told of the open incident, in a line; `None`: somebody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<String>,
    /// The last evaluations, oldest first, at most [`MAX_LOOKS`]; empty while the rule has nothing under way.
    #[serde(skip)]
    pub looks: Vec<Look>,
}

/// The most evaluations that are remembered for a rule and its subject.
pub const MAX_LOOKS: usize = 20;

/// One evaluation of a rule, or several in a row that found the same.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Look {
    /// When the first of them was.
    pub at: Timestamp,
    /// When the last of them was.
    pub until: Timestamp,
    /// How many there were.
    pub times: u32,
    /// What was found: `breach`, `clear`, `between`, `insufficient_traffic`, `no_data`, `warming_up`.
    pub verdict: &'static str,
    /// The number that the rule looks at.
    pub value: Option<f64>,
    /// Which clause held or did not, with the numbers.
    pub why: Arc<str>,
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

/// A part of a cache that a rule can watch.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A family of keys, escaped as `\xNN`; it may hold markup.
    Namespace(String),
    /// One server process.
    Node(NodeName),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) => f.write_str(name),
            Self::Node(node) => node.fmt(f),
        }
    }
}

/// Something that happened at about the same time as an incident began, and may be the reason for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Coincidence {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: CoincidenceKind,
    /// In words, without its time: `the keys were flushed`, `deploy of shop 2.14 by ann`. From an annotation it may hold
    /// markup.
    pub text: String,
}

/// What kind of thing coincided.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CoincidenceKind {
    /// A server process started anew.
    Restart,
    /// A replica took over.
    Failover,
    /// Another process answers at the address.
    NodeSwap,
    /// CONFIG RESETSTAT.
    Resetstat,
    /// FLUSHDB, FLUSHALL or SWAPDB.
    Flush,
    /// Many keys expired at once.
    TtlCliff,
    /// Memory reached its limit.
    MemoryLimit,
    /// Somebody told us: a deploy, a warm-up, a flush.
    Annotation,
}

/// One transition of one incident: what every channel gets to say in its own way.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Notification {
    /// Identifies the incident; the same in its firing and its resolved message.
    pub incident: String,
    /// Which way.
    pub transition: Transition,
    /// The rule.
    pub rule: RuleName,
    /// The cache.
    pub cache: CacheName,
    /// The part of the cache that the rule watches; `None`: the cache as a whole.
    #[serde(default)]
    pub subject: Option<Subject>,
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
    #[serde(rename = "duration_seconds", with = "super::seconds")]
    pub duration: Duration,
    /// Where a runbook is.
    pub runbook: Option<String>,
    /// What else there is to say: why it ended, where that is not simply that the condition is over (`no lookups any
    /// more`, `the rule was removed`); that it was silenced until now; that it fires again and again.
    pub note: Option<String>,
    /// What happened at about the same time, the latest last; at most eight.
    #[serde(default)]
    pub coincidences: Vec<Coincidence>,
    /// The numbers.
    pub evidence: Evidence,
}

/// The cache that incidents of cachewatch itself are about. No cache that is watched may have this name.
pub const OWN_CACHE: &str = "cachewatch";

impl Notification {
    /// The beginning of an incident of cachewatch itself, a warning. Fails where the rule cannot be named so.
    pub fn own(
        incident: String,
        rule: &str,
        labels: BTreeMap<String, String>,
        at: Timestamp,
        evidence: OwnEvidence,
    ) -> Result<Self, NameError> {
        Ok(Self {
            incident,
            transition: Transition::Firing,
            rule: Name::new(rule)?,
            cache: Name::new(OWN_CACHE)?,
            subject: None,
            severity: Severity::Warning,
            labels,
            started: at,
            pending_since: at,
            at,
            duration: Duration::ZERO,
            runbook: None,
            note: None,
            coincidences: Vec::new(),
            evidence: Evidence::Own(evidence),
        })
    }

    /// The end of this incident at `at`, with the numbers of its last notification; `note`: why it ended.
    #[must_use]
    pub fn ended(&self, note: Option<&str>, at: Timestamp) -> Self {
        let lasted = at.duration_since(self.started);
        Self {
            transition: Transition::Resolved,
            at,
            duration: Duration::try_from(lasted).unwrap_or_default(),
            note: note.map(str::to_owned),
            ..self.clone()
        }
    }

    /// As of when it is told: of a reminder, later than its transition.
    pub fn told(&self) -> Timestamp {
        let since = self.started.saturating_add(self.duration);
        since.unwrap_or(self.at).max(self.at)
    }

    /// The same text for each attempt of the same message, different for every other one.
    pub fn idempotency_key(&self, channel: &Name) -> String {
        format!("{}/{}/{channel}", self.incident, self.transition.as_str())
    }
}
