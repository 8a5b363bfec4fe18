//! The attributor of one node, shared between the task that reads its events and the poller.
//!
//! The reader holds the lock for the events of one read, the poller for one snapshot at each poll: neither is ever held
//! across a wait, and nothing is locked for a single event. What the poller learns out of INFO (flushes, the role) comes
//! in here, too.
//!
//! Invariant: there is one attributor from the first subscription on, over all later ones; what it counted only grows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::channel::Topic;
use crate::analyze::attribution::{
    Attributor, Classifier, DelMeaning, KeyEvent, Options, Patterns,
};
use crate::analyze::flush::Flush;
use crate::config::AttributionConfig;
use crate::model::attribution::AttributionSnapshot;
use crate::model::events::EventKind;
use crate::model::time::Clock;

/// An attributor behind a lock, with its clock.
pub(super) struct Attribution {
    options: Options,
    clock: Arc<dyn Clock>,
    attributor: Mutex<Option<Attributor>>,
}

impl std::fmt::Debug for Attribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attribution(..)")
    }
}

impl Attribution {
    pub(super) fn new(config: &AttributionConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            options: options(config),
            clock,
            attributor: Mutex::new(None),
        }
    }

    /// Begins anew: nothing was seen before now.
    pub(super) fn begin(&self) {
        let now = self.clock.now().mono;
        *self.lock() = Some(Attributor::new(self.options.clone(), now));
    }

    /// Events were lost until now.
    pub(super) fn gap(&self) {
        let now = self.clock.now().mono;
        if let Some(attributor) = self.lock().as_mut() {
            attributor.gap(now);
        }
    }

    pub(super) fn flushed(&self, flush: Flush) {
        let now = self.clock.now().mono;
        if let Some(attributor) = self.lock().as_mut() {
            attributor.flushed(flush.db, Some(flush.keys), now);
        }
    }

    pub(super) fn del_meaning(&self, meaning: DelMeaning, since: Duration) {
        if let Some(attributor) = self.lock().as_mut() {
            attributor.del_meaning(meaning, since);
        }
    }

    pub(super) fn snapshot(&self) -> Option<AttributionSnapshot> {
        let now = self.clock.now().mono;
        Some(self.lock().as_mut()?.snapshot(now))
    }

    pub(super) fn classifier(&self) -> Option<Classifier> {
        Some(self.lock().as_ref()?.classifier())
    }

    /// Locks it for the events of one read, all of which count as of now.
    pub(super) fn batch(&self) -> AttributionBatch<'_> {
        AttributionBatch {
            now: self.clock.now().mono,
            attributor: self.lock(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Attributor>> {
        self.attributor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lock, for the events of one read.
pub(super) struct AttributionBatch<'a> {
    now: Duration,
    attributor: MutexGuard<'a, Option<Attributor>>,
}

impl AttributionBatch<'_> {
    #[inline]
    pub(super) fn event(&mut self, topic: Topic, db: u32, key: &[u8]) {
        let event = match topic {
            Topic::Counted(EventKind::Keymiss) => KeyEvent::Miss,
            Topic::Counted(EventKind::Expired) => KeyEvent::Expired,
            Topic::Counted(EventKind::Evicted) => KeyEvent::Evicted,
            Topic::Removed(_) => KeyEvent::Deleted,
        };
        if let Some(attributor) = self.attributor.as_mut() {
            attributor.event(event, db, key, self.now);
        }
    }
}

fn options(config: &AttributionConfig) -> Options {
    let pairs = config
        .namespaces
        .iter()
        .map(|n| (n.name.as_str(), n.pattern.as_bytes()));
    let patterns = Patterns::new(pairs).unwrap_or_else(|error| {
        // Each of them was checked when the configuration was loaded.
        tracing::error!(%error, "the configured namespaces are left out");
        Patterns::default()
    });
    Options {
        patterns,
        separators: config.separators.clone(),
        namespaces: config.max_namespaces,
        removals: config.removals,
        misses: config.removals.div_ceil(8),
        refill: config.refill_time,
        admit_after: config.admit_after,
        ..Options::default()
    }
}
