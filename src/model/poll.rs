//! What a poller reports: a reading or the reason why there is none.

use std::sync::Arc;
use std::time::Duration;

use super::attribution::AttributionSnapshot;
use super::events::EventReport;
use super::name::{CacheName, NodeName};
use super::reading::Reading;
use super::time::Now;

/// Why a poll failed, as a bounded set that can be a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PollErrorKind {
    /// The host name has no address.
    Resolve,
    /// Nobody listens there.
    Refused,
    /// No connection within the connect time-out.
    ConnectTimeout,
    /// The TLS handshake failed.
    Tls,
    /// User or password were refused, or one is required (`NOAUTH`, `WRONGPASS`), or the password file is unreadable.
    Auth,
    /// The ACL forbids a command that is needed (`NOPERM`).
    Denied,
    /// The server loads its data set (`LOADING`).
    Loading,
    /// Connected, but no complete answer within the response time-out.
    ResponseTimeout,
    /// The answer is not what the protocol or INFO says it should be.
    Protocol,
    /// The answer is larger than the bound.
    TooLarge,
    /// The server closed the connection.
    Closed,
    /// Any other answer that is an error.
    Server,
    /// Any other failure of the operating system's.
    Io,
}

impl PollErrorKind {
    /// All of them, so that each can be exported as 0 from the start.
    pub const ALL: [Self; 13] = [
        Self::Resolve,
        Self::Refused,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Auth,
        Self::Denied,
        Self::Loading,
        Self::ResponseTimeout,
        Self::Protocol,
        Self::TooLarge,
        Self::Closed,
        Self::Server,
        Self::Io,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Denied => "denied",
            Self::Loading => "loading",
            Self::ResponseTimeout => "response_timeout",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Closed => "closed",
            Self::Server => "server",
            Self::Io => "io",
        }
    }
}

/// Why a poll failed, in words: what is wrong and what to do. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{message}")]
pub struct PollError {
    /// The bounded reason.
    pub kind: PollErrorKind,
    /// One line: what is wrong, with the node's name, and what to do about it.
    pub message: String,
}

/// What a poller says after each attempt.
#[derive(Debug, Clone)]
pub struct PollReport {
    /// Whose node.
    pub cache: CacheName,
    /// Which node.
    pub node: NodeName,
    /// When the answer, or the failure, was there.
    pub at: Now,
    /// How long the attempt took, connecting included.
    pub took: Duration,
    /// The reading, or why there is none.
    pub outcome: Result<Arc<Reading>, PollError>,
    /// What the reader of events had counted when the reading was there.
    pub events: EventReport,
    /// In which namespaces its events were and why keys were missed, at the same moment; `None` before the first
    /// subscription and where events are switched off.
    pub attribution: Option<Arc<AttributionSnapshot>>,
    /// The server's `notify-keyspace-events`, as far as it may be asked.
    pub notify: NotifyFlags,
}

/// What is known of the server's `notify-keyspace-events`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NotifyFlags {
    /// Not asked yet.
    #[default]
    Unknown,
    /// As CONFIG GET returned it: a set of letters in any order; empty when notifications are off.
    Found(String),
    /// CONFIG GET was refused, with the server's words (made safe to print).
    Refused(String),
}
