//! What an attributor has counted, as plain data, and how the counts of several nodes become those of a cache.
//!
//! Invariant: [`AttributionSnapshot::total`] holds exactly the events that were fed, written ones aside.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counters::Counters;
use super::removals::Table;

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
    pub(super) fn of(table: &Table) -> Self {
        Self {
            occupied: table.occupied(),
            capacity: table.capacity(),
            fell_out: table.fell_out(),
        }
    }

    fn add(&mut self, other: Self) {
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
    #[serde(rename = "horizon_seconds", serialize_with = "seconds")]
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

fn seconds<S: serde::Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_f64(d.as_secs_f64())
}
