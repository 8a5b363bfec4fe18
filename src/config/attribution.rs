//! What is said about namespaces, causes and what is asked of the server for them.
//!
//! Deliberately absent: the compiled patterns; `analyze` makes them out of these texts, which were checked.
//!
//! Invariant: names are unique up to patterns that share one on purpose, and a name has at most one price.

use std::time::Duration;

use crate::model::price::Price;

/// The most discovered namespaces of a cache.
pub const MAX_NAMESPACES: usize = 1000;
/// The most removals that may be remembered: 1.6 GB.
pub const MAX_REMOVALS: usize = 100_000_000;

/// How the misses of a cache are attributed. The top level of the file gives defaults for all caches.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributionConfig {
    /// The configured namespaces; the first that matches wins.
    pub namespaces: Vec<NamespaceConfig>,
    /// Discovered namespaces at most, 0 to [`MAX_NAMESPACES`]. Default 50.
    pub max_namespaces: usize,
    /// What separates the segments of keys: 1 to 8 of them. Default `:/.|-`.
    pub separators: Vec<u8>,
    /// Removals of keys that are remembered for each node, 16 bytes each, 1000 to [`MAX_REMOVALS`]. Default 1 000 000.
    pub removals: usize,
    /// How long a refill may take: more misses of the same key within it are a stampede; 10 ms to 10 min. Default 1 s.
    pub refill_time: Duration,
    /// Whether to subscribe to deletions, too. They come only where the server's flags have a `g`.
    pub deletions: bool,
    /// Who sets the server's `notify-keyspace-events`.
    pub notifications: Notifications,
    /// For how long the keys of a namespace must keep coming before it is named. Not a setting: 30 s, and less for a
    /// short look.
    pub admit_after: Duration,
}

/// The usual [`AttributionConfig::admit_after`].
pub const ADMIT_AFTER: Duration = Duration::from_secs(30);

impl Default for AttributionConfig {
    fn default() -> Self {
        Self {
            namespaces: Vec::new(),
            max_namespaces: 50,
            separators: b":/.|-".to_vec(),
            removals: 1_000_000,
            refill_time: Duration::from_secs(1),
            deletions: true,
            notifications: Notifications::Verify,
            admit_after: ADMIT_AFTER,
        }
    }
}

/// One configured namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceConfig {
    /// What it is called; the pattern, unless it was given a name.
    pub name: String,
    /// A glob as Redis' KEYS knows them.
    pub pattern: String,
    /// What a miss in it costs.
    pub price: Option<Price>,
}

/// Who sets `notify-keyspace-events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notifications {
    /// A person: what lacks is told, nothing is ever written.
    #[default]
    Verify,
    /// We add what lacks with CONFIG SET, and say so.
    Manage,
}

impl Notifications {
    /// As in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Manage => "manage",
        }
    }
}
