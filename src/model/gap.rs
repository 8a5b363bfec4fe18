//! Gaps: stretches of time whose key events were not received, why, and what they cost in knowledge.
//!
//! A [`Gap`] is what the reader of events notices by itself; a [`JudgedGap`] is what is known once INFO has been read
//! after it: a reader cannot tell a server that restarted from one that cut it off.
//!
//! Invariant: a gap is judged once; what was counted of it only grows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Now;

/// Why events were not received.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// cachewatch was not there yet, or not subscribed yet.
    Start,
    /// The server started anew.
    Restart,
    /// Another server answers at this address.
    Failover,
    /// The server cut the subscriber off since it did not read fast enough: `client-output-buffer-limit pubsub`.
    OutputLimit,
    /// cachewatch itself stood still (stopped, suspended, starved of processor time), and was cut off meanwhile.
    Paused,
    /// The server did not answer any more, and nobody closed the connection.
    Silent,
    /// The connection was closed or broke, and nothing tells more.
    Connection,
    /// The subscription lasted, but `notify-keyspace-events` lacked something.
    NotPublished,
}

impl GapReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Restart,
        Self::Failover,
        Self::OutputLimit,
        Self::Paused,
        Self::Silent,
        Self::Connection,
        Self::NotPublished,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Failover => "failover",
            Self::OutputLimit => "output_limit",
            Self::Paused => "paused",
            Self::Silent => "silent",
            Self::Connection => "connection",
            Self::NotPublished => "not_published",
        }
    }

    /// As the end of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Start => "cachewatch had just started",
            Self::Restart => "the server restarted",
            Self::Failover => "another server answers at this address",
            Self::OutputLimit => "the server cut cachewatch off at its output buffer limit",
            Self::Paused => "cachewatch itself stood still",
            Self::Silent => "the server did not answer",
            Self::Connection => "the connection was lost",
            Self::NotPublished => "the server did not publish them",
        }
    }
}

/// A gap as the reader of events notices it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Counted from 1, in the order in which they began.
    pub number: u64,
    /// The last sign of life before it. Events may have been received completely for some time after.
    pub began: Now,
    /// When events were received again; `None` while they are not.
    pub ended: Option<Now>,
    /// What it looks like from here.
    pub reason: GapReason,
    /// Whether the connection ended within a message.
    pub mid_message: bool,
}

/// A gap that is over, and what INFO says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedGap {
    /// As [`Gap::began`].
    pub began: Now,
    /// When events were received again.
    pub ended: Now,
    /// Why.
    pub reason: GapReason,
    /// At least so many events were lost, by what the server counted meanwhile; deletions are not counted by servers.
    /// `None`: not known, since nothing was counted before it.
    pub lost: Option<u64>,
}

impl JudgedGap {
    /// How long it lasted.
    pub fn lasted(&self) -> Duration {
        self.ended.since(self.began)
    }
}

/// How many gaps there were, and how long they lasted in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GapTotals {
    /// How many.
    pub count: u64,
    /// From the last sign of life before each to when events were received again.
    pub lasted: Duration,
}

/// The gaps of one node that are over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gaps {
    /// By reason; none that never happened.
    pub totals: BTreeMap<GapReason, GapTotals>,
    /// The last one.
    pub last: Option<JudgedGap>,
}

impl Gaps {
    /// The totals for a reason.
    pub fn of(&self, reason: GapReason) -> GapTotals {
        self.totals.get(&reason).copied().unwrap_or_default()
    }
}
