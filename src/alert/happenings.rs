//! What happened to a cache lately, out of one snapshot after the other: restarts, failovers, flushes, memory that reached
//! its limit. Some of it makes a cache cold, and all of it may be the reason for an incident.
//!
//! Deliberately absent: TTL cliffs, which are looked for only when an incident begins, and annotations, which are told.
//!
//! Invariant: at most [`MAX`] are remembered; what is seen of a node for the first time is no change.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::surroundings::Surroundings;
use super::words::capped;
use crate::analyze::flush;
use crate::model::incident::{Coincidence, CoincidenceKind, TtlCliff};
use crate::model::name::{CacheName, NodeName};
use crate::model::reading::Reading;
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot, ResetReason};
use crate::model::time::Now;

/// How many are remembered.
const MAX: usize = 32;
/// How many a message names.
const NAMED: usize = 8;
/// How long before a condition began something may have been the reason for it.
const BEFORE: SignedDuration = SignedDuration::from_mins(15);
/// Memory is at its limit from this share of it on.
const FULL: f64 = 0.99;
/// A flush of fewer than this share of a node's keys leaves it warm.
const FLUSHED: f64 = 0.1;
/// Characters of an annotation that are repeated.
const MAX_TEXT: usize = 200;

/// What happened to one cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Happenings {
    nodes: BTreeMap<NodeName, Seen>,
    lately: VecDeque<Coincidence>,
}

/// What was seen of a node.
#[derive(Debug, Clone)]
struct Seen {
    resets: BTreeMap<ResetReason, u64>,
    role_changes: u64,
    reading: Option<Arc<Reading>>,
    full: bool,
}

impl Seen {
    fn of(node: &NodeSnapshot) -> Self {
        Self {
            resets: node.resets.clone(),
            role_changes: node.role_changes,
            reading: node.reading.clone(),
            full: node.reading.as_deref().is_some_and(is_full),
        }
    }
}

impl Happenings {
    /// Takes in how the cache is now. Gives what makes it cold and has just happened.
    pub(super) fn follow(&mut self, cache: &CacheSnapshot, now: Now) -> Vec<CoincidenceKind> {
        let mut cold = Vec::new();
        for node in &cache.nodes {
            match self.nodes.get_mut(&node.name) {
                None => {
                    self.nodes.insert(node.name.clone(), Seen::of(node));
                }
                Some(seen) if !changed(seen, node) => {}
                Some(seen) => {
                    for (kind, text, cools) in news(seen, node) {
                        if cools {
                            cold.push(kind);
                        }
                        if self.lately.len() >= MAX {
                            self.lately.pop_front();
                        }
                        let text = if cache.nodes.len() > 1 {
                            format!("{text} ({})", node.name)
                        } else {
                            text.to_owned()
                        };
                        self.lately.push_back(Coincidence {
                            at: now.wall,
                            kind,
                            text,
                        });
                    }
                    *seen = Seen::of(node);
                }
            }
        }
        if self.nodes.len() > cache.nodes.len() {
            self.nodes
                .retain(|name, _| cache.nodes.iter().any(|node| node.name == *name));
        }
        cold
    }

    /// What happened shortly before a condition began, or since, the latest last.
    pub(super) fn around(
        &self,
        cache: &CacheName,
        pending_since: Timestamp,
        cliff: Option<&TtlCliff>,
        around: &Surroundings<'_>,
        now: Now,
    ) -> Vec<Coincidence> {
        let from = pending_since
            .saturating_sub(BEFORE)
            .unwrap_or(Timestamp::MIN);
        let annotations = around
            .annotations
            .iter()
            .filter(|note| note.cache.as_ref().is_none_or(|name| name == cache))
            .map(|note| {
                let text = capped(&note.text, MAX_TEXT);
                Coincidence {
                    at: note.at,
                    kind: CoincidenceKind::Annotation,
                    text: if text.is_empty() {
                        capped(&note.kind, MAX_TEXT)
                    } else {
                        format!("{}: {text}", capped(&note.kind, MAX_TEXT))
                    },
                }
            });
        let cliff = cliff.map(|cliff| Coincidence {
            at: cliff.at,
            kind: CoincidenceKind::TtlCliff,
            text: format!(
                "{} keys expired within a minute (usually {:.0})",
                super::words::grouped(cliff.expirations),
                cliff.usual
            ),
        });
        let mut found: Vec<_> = self
            .lately
            .iter()
            .cloned()
            .chain(annotations)
            .chain(cliff)
            .filter(|c| from <= c.at && c.at <= now.wall)
            .collect();
        found.sort_by_key(|c| c.at);
        let too_many = found.len().saturating_sub(NAMED);
        found.drain(..too_many);
        found
    }
}

/// Cheap, since it is asked at every tick.
fn changed(seen: &Seen, node: &NodeSnapshot) -> bool {
    let same = match (&seen.reading, &node.reading) {
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        (None, None) => true,
        _ => false,
    };
    !same || seen.role_changes != node.role_changes || seen.resets != node.resets
}

/// What happened, in words, and whether it makes the node cold.
fn news(seen: &Seen, node: &NodeSnapshot) -> Vec<(CoincidenceKind, &'static str, bool)> {
    let mut news = Vec::new();
    for (reason, count) in &node.resets {
        if *count > seen.resets.get(reason).copied().unwrap_or(0) {
            news.push(match reason {
                ResetReason::Restart => {
                    (CoincidenceKind::Restart, "the server was restarted", true)
                }
                ResetReason::Failover => (CoincidenceKind::Failover, "a replica took over", true),
                ResetReason::NodeSwap => (
                    CoincidenceKind::NodeSwap,
                    "another server answers at this address",
                    true,
                ),
                ResetReason::Resetstat => (
                    CoincidenceKind::Resetstat,
                    "the statistics were reset (CONFIG RESETSTAT)",
                    true,
                ),
            });
        }
    }
    if node.role_changes > seen.role_changes {
        news.push((
            CoincidenceKind::Failover,
            "it turned from replica to primary, or back",
            true,
        ));
    }
    let (Some(before), Some(now)) = (&seen.reading, &node.reading) else {
        return news;
    };
    if before.identity.run_id == now.identity.run_id && !Arc::ptr_eq(before, now) {
        let lost: u64 = flush::flushes(before, now).iter().map(|f| f.keys).sum();
        if lost > 0 {
            let cold = lost as f64 >= FLUSHED * before.keys() as f64;
            news.push((CoincidenceKind::Flush, "the keys were flushed", cold));
        }
    }
    if !seen.full && is_full(now) {
        let text = "memory reached its limit";
        news.push((CoincidenceKind::MemoryLimit, text, false));
    }
    news
}

fn is_full(reading: &Reading) -> bool {
    let memory = &reading.memory;
    match (memory.used, memory.limit) {
        (Some(used), Some(limit)) => used as f64 >= FULL * limit as f64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fixture::{at, config, counters, good, reading};
    use crate::analyze::ledger::CacheLedger;
    use crate::model::reading::{InfoFields, Memory};
    use crate::model::record::Annotation;

    struct World {
        ledger: CacheLedger,
        happenings: Happenings,
    }

    impl World {
        fn new() -> Self {
            Self {
                ledger: CacheLedger::new(&config()),
                happenings: Happenings::default(),
            }
        }

        fn see(&mut self, second: u64, reading: Reading) -> Vec<CoincidenceKind> {
            self.ledger.observe(&good(at(second), reading));
            let snapshot = self.ledger.snapshot(at(second));
            self.happenings.follow(&snapshot, at(second))
        }

        fn told(&self, pending: u64, around: &Surroundings<'_>) -> Vec<String> {
            let name = config().name;
            let found =
                self.happenings
                    .around(&name, at(pending).wall, None, around, at(pending + 60));
            found.into_iter().map(|c| c.text).collect()
        }
    }

    #[test]
    fn a_restart_is_noticed_once_and_told_for_a_quarter_of_an_hour() {
        let mut world = World::new();
        assert_eq!(world.see(0, reading(Some("a"), 100, counters(5, 5, 5))), []);
        assert_eq!(world.see(5, reading(Some("a"), 105, counters(6, 6, 6))), []);
        let cold = world.see(10, reading(Some("b"), 2, counters(1, 1, 1)));
        assert_eq!(cold, [CoincidenceKind::Restart]);
        assert_eq!(world.see(15, reading(Some("b"), 7, counters(2, 2, 2))), []);
        let none = Surroundings::default();
        assert_eq!(world.told(300, &none), ["the server was restarted"]);
        assert_eq!(world.told(920, &none), [""; 0]);
    }

    #[test]
    fn a_flush_makes_cold_only_when_it_took_something() {
        let flushed = |calls: &str, keys: u64| {
            let mut reading = reading(Some("a"), 100, counters(5, 5, 5));
            reading.fields = InfoFields::from_pairs([("cmdstat_flushall", calls)]);
            reading.dbs.get_mut(&0).unwrap().keys = keys;
            reading
        };
        let mut world = World::new();
        world.see(0, flushed("calls=1,usec=1", 1000));
        assert_eq!(
            world.see(5, flushed("calls=2,usec=1", 0)),
            [CoincidenceKind::Flush]
        );
        assert_eq!(world.see(10, flushed("calls=3,usec=1", 0)), []);
    }

    #[test]
    fn memory_at_its_limit_and_annotations_are_told() {
        let with = |used| {
            let mut reading = reading(Some("a"), 100, counters(5, 5, 5));
            reading.memory = Memory {
                used: Some(used),
                limit: Some(1000),
                policy: None,
            };
            reading
        };
        let mut world = World::new();
        world.see(0, with(500));
        assert_eq!(world.see(5, with(995)), []);
        world.see(10, with(996));
        let note = |second: u64, cache: Option<&str>, text: &str| Annotation {
            id: "1".to_owned(),
            cache: cache.map(|name| CacheName::new(name).unwrap()),
            at: at(second).wall,
            until: None,
            kind: "deploy".to_owned(),
            text: text.to_owned(),
        };
        let annotations = [
            note(8, None, "shop 2.14"),
            note(9, Some("other"), "no"),
            note(500, None, "later"),
        ];
        let around = Surroundings {
            annotations: &annotations,
            ..Surroundings::default()
        };
        assert_eq!(
            world.told(60, &around),
            ["memory reached its limit", "deploy: shop 2.14"]
        );
    }
}
