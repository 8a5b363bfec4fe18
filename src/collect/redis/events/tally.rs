//! What the reader has seen, shared between its task and whoever asks.
//!
//! Deliberately without keys: counts only. What events say about namespaces is for another sink.
//!
//! Invariant: counts only grow, over all sessions; each change of state is logged once, and never with a key.

use std::sync::{Arc, Mutex, PoisonError};

use super::EventSink;
use crate::model::events::{EventKind, EventReport, PerKind, Subscription};
use crate::model::name::{CacheName, NodeName};
use crate::model::stats::Counter;

/// The counts and the state of one reader.
#[derive(Debug)]
pub(super) struct Tally {
    cache: CacheName,
    node: NodeName,
    seen: PerKind<Counter>,
    pub(super) bytes: Counter,
    pub(super) keys_cut: Counter,
    sessions: Counter,
    gaps: Counter,
    subscription: Mutex<Subscription>,
}

impl Tally {
    pub(super) fn new(cache: CacheName, node: NodeName, subscription: Subscription) -> Self {
        Self {
            cache,
            node,
            seen: PerKind::default(),
            bytes: Counter::default(),
            keys_cut: Counter::default(),
            sessions: Counter::default(),
            gaps: Counter::default(),
            subscription: Mutex::new(subscription),
        }
    }

    /// A session has all its channels.
    pub(super) fn subscribed(&self, databases: u32) {
        self.sessions.inc();
        if self.set(Subscription::Subscribed) {
            let (cache, node) = (&self.cache, &self.node);
            tracing::info!(%cache, %node, databases, "subscribed to key events");
        }
    }

    /// There is no session now; `gap` says that there had been one, so that events are lost from now on.
    pub(super) fn unsubscribed(&self, why: Subscription, gap: bool) {
        if gap {
            self.gaps.inc();
        }
        if self.set(why.clone()) {
            let (cache, node) = (&self.cache, &self.node);
            match why {
                Subscription::Refused(words) => {
                    tracing::warn!(%cache, %node, "key events are refused: {words}");
                }
                Subscription::Lost(words) => {
                    tracing::warn!(%cache, %node, "no key events: {words}");
                }
                Subscription::Disabled | Subscription::Connecting | Subscription::Subscribed => {}
            }
        }
    }

    /// Sets the state and says whether it is another one.
    fn set(&self, state: Subscription) -> bool {
        let mut current = self
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let changed = *current != state;
        *current = state;
        changed
    }

    fn report(&self) -> EventReport {
        // First the state: whoever sees a session also sees that it was counted.
        let subscription = self
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        EventReport {
            subscription,
            seen: PerKind {
                expired: self.seen.expired.get(),
                evicted: self.seen.evicted.get(),
                keymiss: self.seen.keymiss.get(),
            },
            bytes: self.bytes.get(),
            gaps: self.gaps.get(),
            sessions: self.sessions.get(),
            keys_cut: self.keys_cut.get(),
        }
    }

    fn add(&self, batch: &PerKind<u64>) {
        for (counter, count) in [
            (&self.seen.expired, batch.expired),
            (&self.seen.evicted, batch.evicted),
            (&self.seen.keymiss, batch.keymiss),
        ] {
            if count > 0 {
                counter.add(count);
            }
        }
    }
}

/// Tells, from any task and at any time, what a reader has seen.
#[derive(Debug, Clone)]
pub struct EventsHandle(pub(super) Arc<Tally>);

impl EventsHandle {
    /// What has been seen so far. Cheap: a few atomic loads and a short lock.
    pub fn report(&self) -> EventReport {
        self.0.report()
    }
}

/// The sink that only counts: within a read in plain numbers, after it in the shared ones.
pub(super) struct Counting<'a> {
    tally: &'a Tally,
    batch: PerKind<u64>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(tally: &'a Tally) -> Self {
        Self {
            tally,
            batch: PerKind::default(),
        }
    }
}

impl EventSink for Counting<'_> {
    #[inline]
    fn event(&mut self, kind: EventKind, _db: u32, _key: &[u8]) {
        *self.batch.get_mut(kind) += 1;
    }

    fn read_done(&mut self) {
        self.tally.add(&std::mem::take(&mut self.batch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;

    #[test]
    fn counts_are_published_after_a_read_and_only_grow() {
        let tally = Arc::new(Tally::new(
            Name::new("c").unwrap(),
            NodeName::tcp("h", 1),
            Subscription::Connecting,
        ));
        let handle = EventsHandle(Arc::clone(&tally));
        let mut sink = Counting::new(&tally);
        sink.event(EventKind::Keymiss, 0, b"a");
        sink.event(EventKind::Keymiss, 1, b"b");
        sink.event(EventKind::Expired, 0, b"c");
        assert_eq!(handle.report().seen, PerKind::default());
        sink.read_done();
        sink.read_done();
        assert_eq!(
            handle.report().seen,
            PerKind {
                expired: 1,
                evicted: 0,
                keymiss: 2
            }
        );

        tally.subscribed(16);
        tally.unsubscribed(Subscription::Lost("gone".to_owned()), true);
        tally.unsubscribed(Subscription::Lost("still gone".to_owned()), false);
        tally.subscribed(16);
        let report = handle.report();
        assert_eq!(report.subscription, Subscription::Subscribed);
        assert_eq!((report.sessions, report.gaps), (2, 1));
        assert_eq!(report.seen.keymiss, 2);
    }
}
