//! What the store holds, as plain data: incidents with their story, messages on their way, annotations, history.
//!
//! Deliberately absent: how it is stored, and who may see it.
//!
//! Invariant: times are wall time, since all of it outlives the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::incident::{AlertState, Notification, Severity, Transition};
use super::lookups::{NamespaceSums, SampleSums};
use super::name::{CacheName, ChannelName, RuleName};

/// One incident, open or past.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct IncidentRecord {
    /// `<cache>-<rule>-<unix milliseconds of firing>`, with a namespace's or node's hash where the rule watches one.
    pub id: String,
    /// Which cache.
    pub cache: CacheName,
    /// Which rule.
    pub rule: RuleName,
    /// Which namespace or node, in words; empty: the cache as a whole.
    pub subject: String,
    /// How bad.
    pub severity: Severity,
    /// Labels of cache and rule.
    pub labels: BTreeMap<String, String>,
    /// When it began to fire.
    pub started: Timestamp,
    /// When it was over; `None`: it is open.
    pub resolved: Option<Timestamp>,
    /// The whole matter in one line, as of the last transition.
    pub headline: String,
    /// The last notification about it, as JSON: its numbers.
    pub notification: Arc<Notification>,
    /// Who has taken it on.
    pub acknowledged: Option<Acknowledgement>,
}

/// Somebody has taken an incident on: no more reminders.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub author: String,
    /// What they said.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

/// One step of a rule's state machine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TransitionRecord {
    /// Which cache.
    pub cache: CacheName,
    /// Which rule.
    pub rule: RuleName,
    /// Which namespace or node, in words; empty: the cache as a whole.
    pub subject: String,
    /// The incident, where one was open before or after the step.
    pub incident: Option<String>,
    /// When.
    pub at: Timestamp,
    /// From which state.
    pub from: AlertState,
    /// To which.
    pub to: AlertState,
    /// Which clause held, with the numbers; what muted it.
    pub why: String,
}

/// One message to one channel, waiting or done.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxItem {
    /// The same at each attempt, different for every other message: [`Notification::idempotency_key`], with a suffix for a
    /// reminder.
    pub key: String,
    /// To whom.
    pub channel: ChannelName,
    /// What is to be said.
    pub notification: Arc<Notification>,
    /// When it was put there.
    pub queued: Timestamp,
    /// When it may be tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// How it stands.
    pub status: OutboxStatus,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxStatus {
    /// It waits for its first or next attempt.
    Waiting,
    /// The channel took it.
    Delivered,
    /// Given up: refused for good, or too old. Visible, and never tried again by itself.
    Dead,
    /// Needless: the incident came and went before anything could be sent, and one late message tells of both.
    Superseded,
}

impl OutboxStatus {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    /// Which message.
    pub key: String,
    /// About which incident.
    pub incident: String,
    /// Which way that went.
    pub transition: Transition,
    /// To whom.
    pub channel: ChannelName,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub took_seconds: f64,
    /// What the receiver answered: an HTTP status or an SMTP reply code.
    pub code: Option<u16>,
    /// `delivered`, `retry`, `refused`, `gave_up`.
    pub outcome: String,
    /// Why not, without secrets.
    pub why: Option<String>,
    /// When it is tried again.
    pub next: Option<Timestamp>,
}

/// Something that somebody told us, for charts and messages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Annotation {
    /// Identifies it.
    pub id: String,
    /// Which cache; `None`: all.
    pub cache: Option<CacheName>,
    /// When it began.
    pub at: Timestamp,
    /// When it was over, where it is no moment.
    pub until: Option<Timestamp>,
    /// `deploy`, `warm_up`, `flush`, or another word.
    pub kind: String,
    /// In words; may hold markup.
    pub text: String,
}

/// What happened to a cache in one slot of time. Counts are those of the slot. `None`: not known.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct HistoryPoint {
    /// When the slot began.
    pub at: Timestamp,
    /// How long the readings in it span, in seconds; less than the slot where there was a gap.
    pub covered_seconds: f64,
    /// Lookups that found their key.
    pub hits: Option<u64>,
    /// Lookups that did not.
    pub misses: Option<u64>,
    /// Keys removed because of `maxmemory`.
    pub evictions: Option<u64>,
    /// Keys removed because their time to live was over.
    pub expirations: Option<u64>,
    /// Memory used at its end, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// Its limit, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// What misses cost in the slot, where one price's currency covers all.
    pub miss_cost: Option<f64>,
    /// What hits saved in the slot, as far as the application told of them, where one price's currency covers all.
    pub saved: Option<f64>,
    /// What samples of lookups add up to; `None`: none was taken in the slot.
    #[serde(skip)]
    pub sampled: Option<SampleSums>,
}

/// What is known of a namespace in one slot of time.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct NamespacePoint {
    /// When the slot began.
    pub at: Timestamp,
    /// Which, escaped.
    pub namespace: String,
    /// Misses.
    pub misses: u64,
    /// Misses by cause, in the order of [`super::attribution::Cause::ALL`].
    pub causes: Vec<u64>,
    /// Evictions.
    pub evictions: u64,
    /// Expirations.
    pub expirations: u64,
    /// What its misses cost, where a price is configured.
    pub cost: Option<f64>,
    /// What the application told of its lookups; `None`: nothing.
    pub told: Option<ToldLookups>,
    /// What its hits saved, as far as the application told of them, where a price is configured.
    pub saved: Option<f64>,
    /// What samples of its lookups add up to; `None`: it was in none.
    pub sampled: Option<NamespaceSums>,
}

/// Hits and misses as an application counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ToldLookups {
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

impl ToldLookups {
    /// Both.
    pub fn lookups(self) -> u64 {
        self.hits.saturating_add(self.misses)
    }
}

/// The widths of slots in which history is kept, in seconds, each with how long it is kept, in seconds.
pub const RESOLUTIONS: [(u32, u64); 3] = [(10, 2 * 3_600), (60, 8 * 86_400), (900, 400 * 86_400)];
