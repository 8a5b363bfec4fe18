//! The snapshot: everything that the export, the page and the API show, frozen at one tick.
//!
//! Invariant: immutable. The engine makes a new one every tick; readers hold on to the one they got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::attribution::CacheAttribution;
use super::events::{EventReport, EventsStatus, PerKind};
use super::gap::Gaps;
use super::incident::AlertStatus;
use super::lookups::LookupsSnapshot;
use super::name::{CacheName, ChannelName, NodeName};
use super::poll::{PollError, PollErrorKind};
use super::reading::Reading;
use super::stats::{ChannelStats, DurationHistogram, HeartbeatStats, HttpStats};
use super::time::Now;
use super::window::{Sparkline, Totals, WindowStats};

/// Everything at one tick.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Grows by one at every tick.
    pub sequence: u64,
    /// When it was made.
    pub at: Now,
    /// All caches, in order of their names.
    pub caches: Vec<Arc<CacheSnapshot>>,
    /// What cachewatch says about itself.
    pub own: OwnSnapshot,
}

/// In a word, how a cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheState {
    /// No node answers.
    Down,
    /// An alert fires.
    Firing,
    /// Some node does not answer.
    Degraded,
    /// No reading yet.
    Starting,
    /// It answers, but there were no lookups in the last five minutes.
    InsufficientTraffic,
    /// Nothing to complain about.
    Ok,
}

impl CacheState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Down,
        Self::Firing,
        Self::Degraded,
        Self::Starting,
        Self::InsufficientTraffic,
        Self::Ok,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Firing => "firing",
            Self::Degraded => "degraded",
            Self::Starting => "starting",
            Self::InsufficientTraffic => "insufficient_traffic",
            Self::Ok => "ok",
        }
    }
}

/// One cache at one tick.
#[derive(Debug, Clone)]
pub struct CacheSnapshot {
    /// Its name.
    pub name: CacheName,
    /// Labels from the configuration.
    pub labels: BTreeMap<String, String>,
    /// In a word.
    pub state: CacheState,
    /// Sums over its nodes.
    pub totals: Totals,
    /// The windows of [`super::window::WINDOWS`], in that order.
    pub windows: Vec<WindowStats>,
    /// Miss ratio over the last hour, or over less while there is less.
    pub history: Sparkline,
    /// Its nodes, in order of their names.
    pub nodes: Vec<NodeSnapshot>,
    /// Its misses, evictions and expirations by namespace and cause; `None` when events are switched off.
    pub attribution: Option<Arc<CacheAttribution>>,
    /// Its lookups by namespace, where they are known.
    pub lookups: Arc<LookupsSnapshot>,
    /// The rules that watch it.
    pub alerts: Vec<AlertStatus>,
}

/// Why the counters of a node began anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The process started anew.
    Restart,
    /// CONFIG RESETSTAT.
    Resetstat,
    /// Another process of the same replication group answers at this address.
    Failover,
    /// An unrelated process that had been running answers at this address.
    NodeSwap,
}

impl ResetReason {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Restart,
        Self::Resetstat,
        Self::Failover,
        Self::NodeSwap,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Resetstat => "resetstat",
            Self::Failover => "failover",
            Self::NodeSwap => "node_swap",
        }
    }
}

/// One node at one tick.
#[derive(Debug, Clone)]
pub struct NodeSnapshot {
    /// Its name.
    pub name: NodeName,
    /// Whether the last poll gave a reading that is not older than two poll intervals.
    pub up: bool,
    /// When the last reading came.
    pub read_at: Option<Now>,
    /// The last reading, also when a later poll failed.
    pub reading: Option<Arc<Reading>>,
    /// Why the last poll failed; `None` after a good one.
    pub error: Option<PollError>,
    /// Monotone totals since cachewatch began to watch it.
    pub totals: Totals,
    /// Keys by database number, with a 0 for a database that had keys earlier.
    pub db_keys: BTreeMap<u32, u64>,
    /// How often its counters began anew, by reason.
    pub resets: BTreeMap<ResetReason, u64>,
    /// How often its process turned from replica to primary or back. Its counters continue, so that is no reset.
    pub role_changes: u64,
    /// Readings whose counters cannot be true, and were not counted.
    pub readings_discarded: u64,
    /// What the reader of events has seen.
    pub events: EventReport,
    /// When events were not received, and why.
    pub gaps: Gaps,
    /// Events seen / counted by the server over the last five minutes, 0..1. `None` when the server counted none or
    /// the reader was not subscribed.
    pub completeness: PerKind<Option<f64>>,
    /// The verdict on its events.
    pub events_status: EventsStatus,
    /// How long polls took.
    pub poll_durations: DurationHistogram,
    /// Failed polls by reason.
    pub poll_errors: BTreeMap<PollErrorKind, u64>,
    /// How often it is polled.
    pub poll_interval: Duration,
}

/// What cachewatch says about itself.
#[derive(Debug, Clone)]
pub struct OwnSnapshot {
    /// When the process started.
    pub started: Now,
    /// The configuration file and how its last reload went.
    pub config: ConfigStatus,
    /// Delivery, by channel.
    pub channels: Vec<(ChannelName, &'static str, Arc<ChannelStats>)>,
    /// Calls of the heartbeat.
    pub heartbeat: Arc<HeartbeatStats>,
    /// The HTTP server.
    pub http: Arc<HttpStats>,
    /// Poll reports that the engine's full queue cut.
    pub reports_dropped: u64,
    /// How the store stands.
    pub store: super::store_health::StoreHealth,
    /// How long the last tick took.
    pub tick_took: Duration,
}

/// How the configuration came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigStatus {
    /// The file; `None` when flags and environment were enough.
    pub file: Option<String>,
    /// The configuration in force as JSON, without its secrets.
    pub shown: Arc<str>,
    /// When the configuration that is in force was loaded.
    pub loaded_at: Now,
    /// Why the last reload was refused; `None` when the file on disk is in force.
    pub reload_error: Option<String>,
    /// Reloads that were accepted.
    pub reloads_ok: u64,
    /// Reloads that were refused.
    pub reloads_failed: u64,
}
