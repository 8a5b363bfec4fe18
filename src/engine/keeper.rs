//! Puts into the store what must outlive the process: alert books, incidents, transitions, messages, history.
//!
//! Deliberately absent: how it is stored, and what the store does when the disk fails.
//!
//! Invariant: write first, then send. A message is in the store, in one transaction with the transition that it is about,
//! before anybody is woken to deliver it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::alert::saved::SavedState;
use crate::alert::surroundings::{Outcome, incident_record};
use crate::analyze::slots::Slots;
use crate::model::incident::{AlertState, Transition};
use crate::model::name::CacheName;
use crate::model::record::HistoryPoint;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;
use crate::notify::{self, Dispatcher};
use crate::store::{Batch, Store};

mod sweep;
mod trouble;

use trouble::Trouble;

/// How often all books are saved without news, so that clocks that run survive a crash.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// How often the books are saved of caches that have a clock running that nobody can wind again: `for`, and the one that
/// ends an incident.
const SAVE_CLOCKS_EVERY: Duration = Duration::from_secs(5);
/// How often what is too old is removed.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// How far back windows go on over a restart.
const RESUMED: Duration = Duration::from_hours(1);
/// Slots of ten seconds in that time, and one that has just begun.
const RESUMED_SLOTS: usize = 361;

/// What is not in the store yet, and the store.
pub(super) struct Keeper {
    store: Store,
    slots: Slots,
    news: Outcome,
    /// Caches whose book must be saved.
    changed: BTreeSet<CacheName>,
    /// Caches that are watched no more.
    gone: BTreeSet<CacheName>,
    saved_at: Now,
    clocks_at: Now,
    pruned_at: Now,
    trouble: Trouble,
    /// What the store held was brought together with the books.
    restored: bool,
    /// Incidents that no book knows of were looked for.
    swept: bool,
}

impl Keeper {
    pub(super) fn new(store: Store, now: Now) -> Self {
        Self {
            store,
            slots: Slots::default(),
            news: Outcome::default(),
            changed: BTreeSet::new(),
            gone: BTreeSet::new(),
            saved_at: now,
            clocks_at: now,
            pruned_at: now,
            trouble: Trouble::default(),
            restored: false,
            swept: false,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The books as they were saved by the last process, by cache: once, when the store has them. That may be late.
    pub(super) fn found(&mut self) -> Option<BTreeMap<CacheName, SavedState>> {
        if self.restored {
            return None;
        }
        let saved = self.store.found()?;
        self.restored = true;
        let read = saved.into_iter().filter_map(|(name, book)| {
            let read = CacheName::new(&name).map_err(|error| error.to_string());
            let read = read.and_then(|name| {
                let book = serde_json::from_str(&book).map_err(|error| error.to_string())?;
                Ok((name, book))
            });
            read.inspect_err(|error| {
                tracing::error!(cache = ?name, error, "its saved alerts cannot be understood; starting without them");
            })
            .ok()
        });
        Some(read.collect())
    }

    /// Saves the books of all caches with the next commit.
    pub(super) fn save_all<'a>(&mut self, caches: impl Iterator<Item = &'a CacheName>) {
        self.changed.extend(caches.cloned());
    }

    /// What was stored of the last hour of a cache.
    pub(super) async fn past(&self, cache: &CacheName, now: Now) -> Vec<HistoryPoint> {
        let hour = jiff::SignedDuration::try_from(RESUMED).unwrap_or_default();
        let from = now.wall.saturating_sub(hour).unwrap_or(now.wall);
        let found = self
            .store
            .history(cache, from, now.wall, RESUMED_SLOTS)
            .await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%cache, %error, "its history cannot be read; windows begin anew");
            Vec::new()
        })
    }

    /// Takes in what came of an evaluation, of a restart, or of a reload.
    pub(super) fn take(&mut self, cache: &CacheName, outcome: Outcome) {
        if outcome.is_news() {
            self.changed.insert(cache.clone());
            self.news.add(outcome);
        }
    }

    /// The cache is watched no more: its book goes with the next commit.
    pub(super) fn forget(&mut self, cache: &CacheName) {
        self.gone.insert(cache.clone());
    }

    /// The cache is watched (again).
    pub(super) fn remember(&mut self, cache: &CacheName) {
        self.gone.remove(cache);
    }

    /// Commits what is new, and what is due without news; then wakes who delivers. `book` gives a cache's saved book.
    pub(super) async fn keep(
        &mut self,
        caches: &[Arc<CacheSnapshot>],
        book: impl Fn(&CacheName) -> Option<SavedState>,
        dispatcher: &Dispatcher,
        now: Now,
    ) {
        let health = self.store.health();
        self.news.add(self.trouble.look(&health, now));
        if now.since(self.clocks_at) >= SAVE_CLOCKS_EVERY {
            self.clocks_at = now;
            let running = caches.iter().filter(|cache| has_clock(cache));
            self.changed.extend(running.map(|cache| cache.name.clone()));
        }
        let all = now.since(self.saved_at) >= SAVE_EVERY;
        if all || self.news.is_news() || !self.changed.is_empty() || !self.gone.is_empty() {
            self.commit(all, caches, book, dispatcher, now).await;
        }
        if self.restored && !self.swept && (health.durable || !health.wanted) {
            self.sweep(caches, now).await;
        }
        if let Some(finished) = self.slots.step(caches, now.wall) {
            self.store
                .append_history(now.wall, finished.caches, finished.namespaces)
                .await;
        }
        if now.since(self.pruned_at) >= PRUNE_EVERY {
            self.pruned_at = now;
            self.store.prune(now.wall).await;
        }
    }

    /// What it finds goes with the next commit. Here, since by now the store knows all that the books do.
    async fn sweep(&mut self, caches: &[Arc<CacheSnapshot>], now: Now) {
        let alerts = caches.iter().flat_map(|cache| &cache.alerts);
        let known = alerts.filter_map(|alert| alert.incident.clone()).collect();
        match sweep::sweep(&self.store, &known, &mut self.trouble, now).await {
            Ok(found) => {
                self.swept = true;
                self.news.add(found);
            }
            Err(error) => {
                tracing::debug!(%error, "cannot look for incidents that were lost; trying again");
            }
        }
    }

    async fn commit(
        &mut self,
        all: bool,
        caches: &[Arc<CacheSnapshot>],
        book: impl Fn(&CacheName) -> Option<SavedState>,
        dispatcher: &Dispatcher,
        now: Now,
    ) {
        let news = std::mem::take(&mut self.news);
        let mut changed = std::mem::take(&mut self.changed);
        if all {
            changed.extend(caches.iter().map(|cache| cache.name.clone()));
            self.saved_at = now;
        }
        let mut batch = Batch::new(now.wall);
        for cache in std::mem::take(&mut self.gone) {
            changed.remove(&cache);
            batch.books.push((cache.to_string(), String::new()));
        }
        for cache in changed {
            let saved = book(&cache).and_then(|book| serde_json::to_string(&book).ok());
            batch
                .books
                .extend(saved.map(|saved| (cache.to_string(), saved)));
        }
        batch.transitions = news.transitions;
        batch.incidents = news
            .incidents
            .iter()
            .map(|last| incident_record(last, notify::headline(last)))
            .collect();
        batch.outbox = news
            .notifications
            .into_iter()
            .flat_map(|n| dispatcher.plan(&Arc::new(n), now.wall))
            .collect();
        let told: Vec<_> = batch
            .outbox
            .iter()
            .map(|item| item.notification.transition)
            .collect();
        crash(&told, "before-commit");
        self.store.commit(batch).await;
        crash(&told, "after-commit");
        if !told.is_empty() {
            dispatcher.wake();
        }
    }

    /// Commits everything, at the end.
    pub(super) async fn finish(
        &mut self,
        caches: &[Arc<CacheSnapshot>],
        book: impl Fn(&CacheName) -> Option<SavedState>,
        dispatcher: &Dispatcher,
        now: Now,
    ) {
        self.commit(true, caches, book, dispatcher, now).await;
    }
}

/// Whether it is being counted how long something holds.
fn has_clock(cache: &CacheSnapshot) -> bool {
    let states = cache.alerts.iter().map(|alert| alert.state);
    let mut running = states.filter(|s| matches!(s, AlertState::Pending | AlertState::Recovering));
    running.next().is_some()
}

/// Where tests may end the process.
fn crash(told: &[Transition], at: &str) {
    for transition in told {
        notify::crash::point(at, *transition);
    }
}
