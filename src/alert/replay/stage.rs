//! The cache as rules see it in a replay: one node that is up, or is not, with the totals so far.
//!
//! Deliberately absent: what history does not hold, such as keys, events and errors. It is absent here too, never 0.
//!
//! Invariant: the node has the role that the rule is about, as history does not say which one it had.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Rule;
use crate::model::events::{EventReport, EventsState, EventsStatus, PerKind};
use crate::model::gap::Gaps;
use crate::model::name::{CacheName, NodeName};
use crate::model::reading::{Counters, Flavour, Identity, InfoFields, Memory, Reading, Role};
use crate::model::record::HistoryPoint;
use crate::model::snapshot::{CacheSnapshot, CacheState, NodeSnapshot};
use crate::model::stats::DurationHistogram;
use crate::model::time::Now;
use crate::model::window::{Sparkline, Totals};

/// One cache, used over and over.
pub(super) struct Stage {
    cache: CacheSnapshot,
    memory: Memory,
    role: Role,
}

impl Stage {
    pub(super) fn new(cache: &CacheName, rule: &Rule) -> Self {
        let node = NodeSnapshot {
            name: NodeName::unix("replay"),
            up: false,
            read_at: None,
            reading: None,
            error: None,
            totals: Totals::default(),
            db_keys: BTreeMap::new(),
            resets: BTreeMap::new(),
            role_changes: 0,
            readings_discarded: 0,
            events: EventReport::default(),
            gaps: Gaps::default(),
            completeness: PerKind::default(),
            events_status: EventsStatus {
                state: EventsState::Disabled,
                message: String::new(),
                remedy: None,
            },
            poll_durations: DurationHistogram::default(),
            poll_errors: BTreeMap::new(),
            poll_interval: std::time::Duration::ZERO,
        };
        Self {
            cache: CacheSnapshot {
                name: cache.clone(),
                labels: BTreeMap::new(),
                state: CacheState::Ok,
                totals: Totals::default(),
                windows: Vec::new(),
                history: Sparkline::default(),
                nodes: vec![node],
                attribution: None,
                lookups: Arc::default(),
                alerts: Vec::new(),
            },
            memory: Memory::default(),
            role: rule.roles.first().copied().unwrap_or(Role::Primary),
        }
    }

    /// What memory was at the end of a slot.
    pub(super) fn remember(&mut self, point: &HistoryPoint) {
        self.memory.used = point.memory_used_bytes;
        self.memory.limit = point.memory_limit_bytes;
    }

    /// The cache at a moment, with a reading of just then if it is `fresh`.
    pub(super) fn snapshot(&mut self, fresh: bool, totals: Totals, now: Now) -> &CacheSnapshot {
        self.cache.totals = totals;
        for node in &mut self.cache.nodes {
            node.up = fresh;
            node.totals = totals;
            if fresh {
                node.read_at = Some(now);
                node.reading = Some(Arc::new(Reading {
                    flavour: Flavour::Redis,
                    version: None,
                    role: self.role,
                    identity: Identity::default(),
                    counters: Counters::default(),
                    dbs: BTreeMap::new(),
                    memory: self.memory.clone(),
                    fields: InfoFields::default(),
                }));
            }
        }
        &self.cache
    }
}
