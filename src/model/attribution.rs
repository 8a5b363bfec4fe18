//! Events attributed to namespaces and causes, as plain data, and how the counts of several nodes become those of a cache.
//!
//! Who attributes, and how, is `analyze::attribution`.
//!
//! Invariant: [`AttributionSnapshot::total`] holds exactly the events that were fed, written ones aside.

use std::collections::BTreeMap;
use std::time::Duration;

mod counters;

/// The name of the keys in no namespace.
pub const OTHER: &str = "other";

pub use counters::{AGE_BUCKETS, Again, Ages, Cause, Counters, PerCause, Verdict};

/// One namespace.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NamespaceCounts {
    /// `user:*:profile`, or what a person called it. Escaped: `\xNN`.
    pub name: String,
    /// Which admission it is: a name that was retired and comes back has another one, and counts from 0 again.
    /// After a merge that of the first node.
    pub id: u64,
    /// Whether it comes from the configuration. These are always there.
    pub configured: bool,
    /// What happened in it.
    #[serde(flatten)]
    pub counters: Counters,
}

/// Events that were fed, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct EventCounts {
    /// `keymiss`.
    pub misses: u64,
    /// `expired`.
    pub expired: u64,
    /// `evicted`.
    pub evicted: u64,
    /// `del` and its like.
    pub deleted: u64,
    /// Writes; they are in no namespace.
    pub written: u64,
}

/// How a bounded table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct TableStats {
    /// Entries in use.
    pub occupied: u64,
    /// Entries there is room for.
    pub capacity: u64,
    /// Entries that had to give way so far.
    pub fell_out: u64,
}

impl TableStats {
    /// Adds another table.
    pub fn add(&mut self, other: Self) {
        self.occupied += other.occupied;
        self.capacity += other.capacity;
        self.fell_out += other.fell_out;
    }
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AttributionSnapshot {
    /// The namespaces: configured ones in their order, then discovered ones in the order of admission.
    pub namespaces: Vec<NamespaceCounts>,
    /// All keys in no namespace, and what retired namespaces had counted.
    pub other: Counters,
    /// Events by kind.
    pub events: EventCounts,
    /// The table of removals.
    pub removals: TableStats,
    /// The table of misses without a known removal.
    pub misses: TableStats,
    /// How far back "no removal was seen" reaches: 95 of 100 removals that fell out lately were older; the time since
    /// the start or the last gap while nothing fell out since. After a merge the shortest.
    #[serde(rename = "horizon_seconds", with = "super::seconds")]
    pub horizon: Duration,
    /// Gaps that were told.
    pub gaps: u64,
    /// Flushes that were told.
    pub flushes: u64,
    /// Namespaces that were retired.
    pub retired: u64,
    /// Candidates for a namespace that had to give way to others.
    pub candidates_replaced: u64,
    /// Memory on the heap, in bytes.
    pub bytes: usize,
}

impl AttributionSnapshot {
    /// All namespaces and `other` together.
    pub fn total(&self) -> Counters {
        let mut total = self.other;
        for namespace in &self.namespaces {
            total.add(&namespace.counters);
        }
        total
    }

    /// Adds the counts of another node of the same cache, by name.
    ///
    /// The result has at most as many namespaces as the nodes have different names.
    pub fn merge(&mut self, node: &Self) {
        let places: BTreeMap<&str, usize> = self
            .namespaces
            .iter()
            .enumerate()
            .map(|(i, n)| (n.name.as_str(), i))
            .collect();
        let places: Vec<_> = node
            .namespaces
            .iter()
            .map(|n| places.get(n.name.as_str()).copied())
            .collect();
        for (theirs, place) in node.namespaces.iter().zip(places) {
            match place.and_then(|i| self.namespaces.get_mut(i)) {
                Some(mine) => {
                    mine.counters.add(&theirs.counters);
                    mine.configured |= theirs.configured;
                }
                None => self.namespaces.push(theirs.clone()),
            }
        }
        self.other.add(&node.other);
        self.events.misses += node.events.misses;
        self.events.expired += node.events.expired;
        self.events.evicted += node.events.evicted;
        self.events.deleted += node.events.deleted;
        self.events.written += node.events.written;
        self.removals.add(node.removals);
        self.misses.add(node.misses);
        self.horizon = self.horizon.min(node.horizon);
        self.gaps += node.gaps;
        self.flushes += node.flushes;
        self.retired += node.retired;
        self.candidates_replaced += node.candidates_replaced;
        self.bytes += node.bytes;
    }
}

/// What the misses of a namespace have cost.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NamespaceCost {
    /// The namespace; a configured one.
    pub namespace: String,
    /// The currency: `USD`.
    pub currency: String,
    /// Since cachewatch began to watch, in whole units of it. Only grows.
    pub total: f64,
    /// At the pace of [`CacheAttribution::recent`], in whole units an hour.
    pub per_hour: f64,
    /// What one miss costs, in whole units of the currency.
    pub per_miss: f64,
    /// What hits saved, as far as the application told of them since cachewatch began to watch; `None` where it tells
    /// nothing. A sample is no count, so nothing is added up from it.
    pub saved: Option<f64>,
}

/// Where the lookups of a namespace are known from. Redis publishes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupSource {
    /// Estimated from samples of MONITOR.
    Sample,
    /// Counted by the application, which told us.
    Application,
}

impl LookupSource {
    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Application => "application",
        }
    }
}

/// The hit ratio of a namespace, where its lookups are known.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NamespaceHitRatio {
    /// The namespace.
    pub namespace: String,
    /// Where its lookups are known from. A sample makes an estimate.
    pub source: LookupSource,
    /// Hits / lookups, 0..1.
    pub ratio: f64,
    /// Lower end of the 95 % interval.
    pub lower: f64,
    /// Upper end of the 95 % interval.
    pub upper: f64,
    /// Lookups that it rests on: sampled ones, or those that the application counted.
    pub lookups: u64,
}

/// What is known of the namespaces of a cache, over all its nodes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CacheAttribution {
    /// Since cachewatch began to watch. Counters only grow.
    pub totals: AttributionSnapshot,
    /// The same counts within the last [`Self::recent_span`] only, most misses first; `other` is among them by the name
    /// of `other`.
    pub recent: Vec<NamespaceCounts>,
    /// How long "recent" is: five minutes, less after a start.
    #[serde(rename = "recent_seconds", with = "super::seconds")]
    pub recent_span: Duration,
    /// Events seen / counted by the server within that time for `keymiss`, over all nodes, 0..1; `None` when the
    /// servers counted none. What rests on less than 0.99 says so.
    pub completeness: Option<f64>,
    /// What misses cost, where a price is configured.
    pub costs: Vec<NamespaceCost>,
    /// Hit ratios, where lookups are known.
    pub hit_ratios: Vec<NamespaceHitRatio>,
}
