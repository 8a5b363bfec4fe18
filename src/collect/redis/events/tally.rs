//! What the reader has seen, shared between its task and whoever asks.
//!
//! Deliberately without keys: what events say about namespaces and causes is `attribution`'s.
//!
//! Invariant: counts only grow, over all sessions; each change of state is logged once, and never with a key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::attribution::{Attribution, AttributionBatch};
use super::channel::Topic;
use super::gaps::GapLog;
use super::{EventBatch, EventSink};
use crate::analyze::attribution::{Classifier, DelMeaning};
use crate::analyze::flush::Flush;
use crate::model::attribution::AttributionSnapshot;
use crate::model::events::{EventReport, PerKind, Subscription};
use crate::model::gap::GapReason;
use crate::model::name::{CacheName, NodeName};
use crate::model::stats::Counter;
use crate::model::time::{Clock, Now};

/// How a working session ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Break {
    pub(super) reason: GapReason,
    pub(super) mid_message: bool,
    /// How long ago the server was last heard of.
    pub(super) deaf: Duration,
}

/// The counts and the state of one reader.
pub(super) struct Tally {
    cache: CacheName,
    node: NodeName,
    seen: PerKind<Counter>,
    deleted: Counter,
    pub(super) bytes: Counter,
    pub(super) keys_cut: Counter,
    sessions: Counter,
    gaps: Counter,
    subscription: Mutex<Subscription>,
    attribution: Option<Attribution>,
    clock: Arc<dyn Clock>,
    log: Mutex<GapLog>,
    /// The session is with a process that is not the one at this address any more.
    moved: AtomicBool,
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally")
            .field("cache", &self.cache)
            .field("node", &self.node)
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}

impl Tally {
    /// Without an attribution, events are only counted.
    pub(super) fn new(
        cache: CacheName,
        node: NodeName,
        subscription: Subscription,
        attribution: Option<Attribution>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let begun = (subscription != Subscription::Disabled).then(|| clock.now());
        Self {
            cache,
            node,
            seen: PerKind::default(),
            deleted: Counter::default(),
            bytes: Counter::default(),
            keys_cut: Counter::default(),
            sessions: Counter::default(),
            gaps: Counter::default(),
            subscription: Mutex::new(subscription),
            attribution,
            clock,
            log: Mutex::new(GapLog::new(begun)),
            moved: AtomicBool::new(false),
        }
    }

    /// A session is about to subscribe, and events may come before all channels are acknowledged.
    pub(super) fn subscribing(&self) {
        if self.sessions.get() == 0
            && let Some(attribution) = &self.attribution
        {
            attribution.begin();
        }
    }

    /// The ACL forbids the channels of deletions. That is no trouble, only less to tell.
    pub(super) fn deletions_refused(&self, words: &str) {
        let (cache, node) = (&self.cache, &self.node);
        tracing::info!(%cache, %node, "deletions are not told, so that they are never the cause of a miss: {words}");
    }

    /// A session has all its channels.
    pub(super) fn subscribed(&self, databases: u32) {
        if self.sessions.get() > 0
            && let Some(attribution) = &self.attribution
        {
            attribution.gap();
        }
        let now = self.clock.now();
        let gap = self.log().subscribed(now);
        self.sessions.inc();
        if let Some(gap) = gap.filter(|gap| gap.reason != GapReason::Start) {
            let (cache, node) = (&self.cache, &self.node);
            tracing::warn!(%cache, %node, seconds = now.since(gap.began).as_secs_f64(), "key events of the time since {} are lost or incomplete", gap.began.wall);
        }
        if self.set(Subscription::Subscribed) {
            let (cache, node) = (&self.cache, &self.node);
            tracing::info!(%cache, %node, databases, "subscribed to key events");
        }
    }

    /// There is no session now; `gap` says how one ended that had worked, so that events are lost from now on.
    pub(super) fn unsubscribed(&self, why: Subscription, gap: Option<Break>) {
        // The next session is with whoever is there now.
        self.moved.store(false, Ordering::Relaxed);
        if let Some(gap) = gap {
            self.gaps.inc();
            let now = self.clock.now();
            self.log().broken(gap, now);
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

    /// Whether the session shall end, since it is with a process that is not at this address any more.
    #[inline]
    pub(super) fn is_moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed)
    }

    fn log(&self) -> MutexGuard<'_, GapLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
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
            deleted: self.deleted.get(),
            bytes: self.bytes.get(),
            gaps: self.gaps.get(),
            sessions: self.sessions.get(),
            recent_gaps: self.log().list(),
            keys_cut: self.keys_cut.get(),
        }
    }

    fn add(&self, batch: &PerKind<u64>, deleted: u64) {
        for (counter, count) in [
            (&self.seen.expired, batch.expired),
            (&self.seen.evicted, batch.evicted),
            (&self.seen.keymiss, batch.keymiss),
            (&self.deleted, deleted),
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

    /// In which namespaces and why; `None` before the first subscription and where events are switched off.
    pub fn attribution(&self) -> Option<Arc<AttributionSnapshot>> {
        self.0.attribution.as_ref()?.snapshot().map(Arc::new)
    }

    /// Says of keys in which namespace they are, as of now; `None` as [`Self::attribution`].
    pub fn classifier(&self) -> Option<Classifier> {
        self.0.attribution.as_ref()?.classifier()
    }

    /// Keys were flushed shortly before now.
    pub fn flushed(&self, flush: Flush) {
        if let Some(attribution) = &self.0.attribution {
            attribution.flushed(flush);
        }
    }

    /// Events were lost until now although the subscription lasted: the server did not publish them, maybe since then;
    /// `None`: since the reader began.
    pub fn not_published(&self, since: Option<Now>) {
        let now = self.0.clock.now();
        self.0.log().not_published(since, now);
        if let Some(attribution) = &self.0.attribution {
            attribution.gap();
        }
    }

    /// Another process answers at this address; the former one was last seen at it then (monotonic). A session that is
    /// with the former one ends.
    pub fn other_process(&self, last_seen: Duration) {
        let since = self.0.log().subscribed_at();
        if since.is_some_and(|since| since < last_seen) {
            self.0.moved.store(true, Ordering::Relaxed);
        }
    }

    /// What deletions mean from now on, and have meant since then (monotonic) if they are no deletions any more.
    pub fn del_meaning(&self, meaning: DelMeaning, since: Duration) {
        if let Some(attribution) = &self.0.attribution {
            attribution.del_meaning(meaning, since);
        }
    }
}

/// The sink of a reader: counts, within a read in plain numbers and after it in the shared ones, and attributes.
pub(super) struct Counting<'a> {
    tally: &'a Tally,
}

impl<'a> Counting<'a> {
    pub(super) fn new(tally: &'a Tally) -> Self {
        Self { tally }
    }
}

impl EventSink for Counting<'_> {
    type Batch<'b>
        = CountingBatch<'b>
    where
        Self: 'b;

    fn batch(&mut self) -> CountingBatch<'_> {
        CountingBatch {
            tally: self.tally,
            seen: PerKind::default(),
            deleted: 0,
            attribution: self.tally.attribution.as_ref().map(Attribution::batch),
        }
    }
}

/// The events of one read.
pub(super) struct CountingBatch<'a> {
    tally: &'a Tally,
    seen: PerKind<u64>,
    deleted: u64,
    attribution: Option<AttributionBatch<'a>>,
}

impl EventBatch for CountingBatch<'_> {
    #[inline]
    fn event(&mut self, topic: Topic, db: u32, key: &[u8]) {
        match topic {
            Topic::Counted(kind) => *self.seen.get_mut(kind) += 1,
            Topic::Removed(_) => self.deleted += 1,
        }
        if let Some(attribution) = &mut self.attribution {
            attribution.event(topic, db, key);
        }
    }
}

impl Drop for CountingBatch<'_> {
    fn drop(&mut self) {
        self.tally.add(&self.seen, self.deleted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::events::EventKind;
    use crate::model::name::Name;

    #[test]
    fn counts_are_published_after_a_read_and_only_grow() {
        let tally = Arc::new(Tally::new(
            Name::new("c").unwrap(),
            NodeName::tcp("h", 1),
            Subscription::Connecting,
            None,
            Arc::new(crate::model::time::SystemClock::start()),
        ));
        let handle = EventsHandle(Arc::clone(&tally));
        let mut sink = Counting::new(&tally);
        let mut batch = sink.batch();
        batch.event(EventKind::Keymiss.into(), 0, b"a");
        batch.event(EventKind::Keymiss.into(), 1, b"b");
        batch.event(EventKind::Expired.into(), 0, b"c");
        batch.event(Topic::REMOVED[0], 0, b"d");
        assert_eq!(handle.report().seen, PerKind::default());
        drop(batch);
        drop(sink.batch());
        assert_eq!(handle.report().deleted, 1);
        assert_eq!(
            handle.report().seen,
            PerKind {
                expired: 1,
                evicted: 0,
                keymiss: 2
            }
        );

        tally.subscribed(16);
        let gap = Break {
            reason: GapReason::Connection,
            mid_message: false,
            deaf: Duration::ZERO,
        };
        tally.unsubscribed(Subscription::Lost("gone".to_owned()), Some(gap));
        tally.unsubscribed(Subscription::Lost("still gone".to_owned()), None);
        tally.subscribed(16);
        let report = handle.report();
        assert_eq!(report.subscription, Subscription::Subscribed);
        assert_eq!((report.sessions, report.gaps), (2, 1));
        assert_eq!(report.recent_gaps.len(), 2, "the start, and this one");
        assert!(report.recent_gaps.iter().all(|gap| gap.ended.is_some()));
        assert_eq!(report.seen.keymiss, 2);
    }
}
