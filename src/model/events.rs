//! Keyspace events: which kinds, how many, and how well the subscription does.

use super::gap::Gap;

/// The kinds of events that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A key was removed because its time to live was over.
    Expired,
    /// A key was removed because of `maxmemory`.
    Evicted,
    /// A read command did not find its key.
    Keymiss,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Evicted, Self::Keymiss];

    /// As in the channel name `__keyevent@0__:expired`, and as a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Keymiss => "keymiss",
        }
    }

    /// The letter of its class in `notify-keyspace-events`.
    pub fn flag(self) -> char {
        match self {
            Self::Expired => 'x',
            Self::Evicted => 'e',
            Self::Keymiss => 'm',
        }
    }
}

/// One number per kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerKind<T> {
    /// For `expired`.
    pub expired: T,
    /// For `evicted`.
    pub evicted: T,
    /// For `keymiss`.
    pub keymiss: T,
}

impl<T: Copy> PerKind<T> {
    /// The value for a kind.
    pub fn get(&self, kind: EventKind) -> T {
        match kind {
            EventKind::Expired => self.expired,
            EventKind::Evicted => self.evicted,
            EventKind::Keymiss => self.keymiss,
        }
    }

    /// The place for a kind.
    pub fn get_mut(&mut self, kind: EventKind) -> &mut T {
        match kind {
            EventKind::Expired => &mut self.expired,
            EventKind::Evicted => &mut self.evicted,
            EventKind::Keymiss => &mut self.keymiss,
        }
    }
}

/// What the reader's connection is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subscription {
    /// Switched off in the configuration.
    #[default]
    Disabled,
    /// Not there yet.
    Connecting,
    /// Subscribed, and events are read as they come.
    Subscribed,
    /// The server refuses it for good (ACL), with its words (made safe to print).
    Refused(String),
    /// The connection was lost or could not be made; it is tried again. The words say why.
    Lost(String),
}

/// What a reader has seen so far, since cachewatch started. Only ever grows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventReport {
    /// What the connection is doing.
    pub subscription: Subscription,
    /// Events by kind.
    pub seen: PerKind<u64>,
    /// Deletions: `del`, `rename_from` and `move_from`. The server counts none of these, so nothing tells whether they
    /// are complete.
    pub deleted: u64,
    /// Bytes read from the connection.
    pub bytes: u64,
    /// How often a subscription that had been working ended. Events between then and the next subscription are lost.
    pub gaps: u64,
    /// How often the reader has subscribed. A new number means that counting began anew after a gap.
    pub sessions: u64,
    /// The newest gaps, oldest first, the one that lasts included. Older ones are in `gaps` only.
    pub recent_gaps: Vec<Gap>,
    /// Events whose key was longer than what is looked at (64 KiB), so that only its beginning was.
    pub keys_cut: u64,
}

/// Whether events can be trusted, and what to do if they can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsState {
    /// Switched off in the configuration.
    Disabled,
    /// Not subscribed yet.
    Connecting,
    /// Subscribed, and the server has all wanted classes switched on, as far as can be told.
    Working,
    /// Subscribed, but the server does not publish some or all of the wanted classes.
    NotificationsOff,
    /// The ACL forbids the subscription.
    Forbidden,
    /// The connection was lost; it is tried again.
    Lost,
}

impl EventsState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Disabled,
        Self::Connecting,
        Self::Working,
        Self::NotificationsOff,
        Self::Forbidden,
        Self::Lost,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Connecting => "connecting",
            Self::Working => "working",
            Self::NotificationsOff => "notifications_off",
            Self::Forbidden => "forbidden",
            Self::Lost => "lost",
        }
    }
}

/// The verdict on a node's events.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EventsStatus {
    /// In a word.
    pub state: EventsState,
    /// In a line, with the server's words where it gave some.
    pub message: String,
    /// The exact command that mends it, or `None` when nothing is to be done.
    pub remedy: Option<String>,
}
