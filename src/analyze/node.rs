//! What is known of one node: its last reading, its counters, its failures, its events.
//!
//! Deliberately absent: windows, which belong to a cache.
//!
//! Invariant: what a poll failed to tell stays as the last good one told it, with its age beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::completeness::Completeness;
use super::counters::NodeCounters;
use super::gaps::GapBook;
use super::status::{Facts, events_status};
use crate::config::CacheConfig;
use crate::model::events::{EventReport, PerKind, Subscription};
use crate::model::flags::NotifySet;
use crate::model::name::NodeName;
use crate::model::poll::{NotifyFlags, PollError, PollErrorKind, PollReport};
use crate::model::reading::{Flavour, Reading};
use crate::model::snapshot::NodeSnapshot;
use crate::model::stats::DurationHistogram;
use crate::model::time::Now;
use crate::model::window::Totals;

/// Databases that are shown with 0 keys after they vanished. A server has 16 unless it was told otherwise.
const MAX_DATABASES: usize = 1024;

/// One node, since it was first watched.
#[derive(Debug, Clone)]
pub struct NodeLedger {
    name: NodeName,
    counters: NodeCounters,
    completeness: Completeness,
    gaps: GapBook,
    read_at: Option<Now>,
    reading: Option<Arc<Reading>>,
    error: Option<PollError>,
    databases: BTreeSet<u32>,
    events: EventReport,
    notify: NotifyFlags,
    poll_durations: DurationHistogram,
    poll_errors: BTreeMap<PollErrorKind, u64>,
}

impl NodeLedger {
    /// Nothing known yet.
    pub fn new(name: NodeName, cfg: &CacheConfig) -> Self {
        let subscription = if cfg.events {
            Subscription::Connecting
        } else {
            Subscription::Disabled
        };
        Self {
            name,
            counters: NodeCounters::new(),
            completeness: Completeness::default(),
            gaps: GapBook::default(),
            read_at: None,
            reading: None,
            error: None,
            databases: BTreeSet::new(),
            events: EventReport {
                subscription,
                ..EventReport::default()
            },
            notify: NotifyFlags::Unknown,
            poll_durations: DurationHistogram::default(),
            poll_errors: BTreeMap::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Its monotone totals.
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }

    /// Whether it ever gave a reading.
    pub fn has_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// How complete its events are.
    pub fn completeness(&self) -> PerKind<Option<f64>> {
        self.completeness.ratio()
    }

    /// Takes in a report about this node.
    pub fn observe(&mut self, report: &PollReport) {
        self.poll_durations.observe(report.took);
        self.events.clone_from(&report.events);
        self.notify.clone_from(&report.notify);
        match &report.outcome {
            Ok(reading) => {
                let seen = self.counters.observe(reading, report.at);
                let totals = self.counters.totals();
                self.completeness
                    .observe(report.at, &report.events, &totals, seen.reset.is_some());
                self.gaps
                    .observe(report, reading, seen.reset, &self.completeness);
                for db in reading.dbs.keys() {
                    if self.databases.len() < MAX_DATABASES {
                        self.databases.insert(*db);
                    }
                }
                self.read_at = Some(report.at);
                self.reading = Some(Arc::clone(reading));
                self.error = None;
            }
            Err(error) => {
                *self.poll_errors.entry(error.kind).or_default() += 1;
                self.error = Some(error.clone());
            }
        }
    }

    /// Whether the last poll gave a reading that is not older than two poll intervals. A poll that hangs for longer
    /// counts as down before it has failed.
    fn is_up(&self, poll_interval: Duration, now: Now) -> bool {
        self.error.is_none()
            && self
                .read_at
                .is_some_and(|read_at| now.since(read_at) <= poll_interval * 2)
    }

    /// The node as it is now.
    pub fn snapshot(&self, cfg: &CacheConfig, now: Now) -> NodeSnapshot {
        let reading = self.reading.as_deref();
        let (flavour, version) = reading.map_or((Flavour::Redis, None), |r| {
            (r.flavour, r.version.as_deref())
        });
        let mut db_keys: BTreeMap<u32, u64> = self.databases.iter().map(|db| (*db, 0)).collect();
        db_keys.extend(
            reading
                .into_iter()
                .flat_map(|r| r.dbs.iter().map(|(db, stats)| (*db, stats.keys))),
        );
        NodeSnapshot {
            name: self.name.clone(),
            up: self.is_up(cfg.poll_interval, now),
            read_at: self.read_at,
            reading: self.reading.clone(),
            error: self.error.clone(),
            totals: self.counters.totals(),
            db_keys,
            resets: self.counters.resets().clone(),
            role_changes: self.counters.role_changes(),
            readings_discarded: self.counters.discarded(),
            events: self.events.clone(),
            gaps: self.gaps.gaps().clone(),
            completeness: self.completeness.ratio(),
            events_status: events_status(&Facts {
                events: &self.events,
                notify: &self.notify,
                completeness: &self.completeness,
                flavour,
                wanted: NotifySet::wanted(flavour, version),
                username: cfg.username.as_deref(),
                deletions: cfg.attribution.deletions,
            }),
            poll_durations: self.poll_durations.clone(),
            poll_errors: self.poll_errors.clone(),
            poll_interval: cfg.poll_interval,
        }
    }
}
