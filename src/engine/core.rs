//! The beat: takes in reports, lets `analyze` and `alert` compute, publishes the snapshot, hands transitions on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::fleet::{Crew, Fleet};
use super::lookups::{self, Inbox, Told};
use super::news;
use super::persist::Persistence;

use super::reload::Trigger;
use super::{Loader, Published};
use crate::alert::book::AlertBook;
use crate::alert::saved::SavedState;
use crate::alert::surroundings::Surroundings;
use crate::analyze::ledger::{CacheLedger, cache_state};
use crate::analyze::lookups::CacheLookups;
use crate::analyze::merger;
use crate::config::diff::Diff;
use crate::config::watch::Fingerprint;
use crate::config::{CacheConfig, Config};
use crate::model::incident::Notification;
use crate::model::name::CacheName;
use crate::model::poll::PollReport;
use crate::model::snapshot::{CacheSnapshot, ConfigStatus, OwnSnapshot, Snapshot};
use crate::model::stats::{Counter, HttpStats};
use crate::model::time::{Clock, Now};
use crate::notify::Dispatcher;

/// How often the engine looks whether something came in.
const BEAT: Duration = Duration::from_millis(250);
/// How often a snapshot is made although nothing came in: ages and silence are news too.
const QUIET_BEAT: Duration = Duration::from_secs(1);
/// How often alert books are saved without a transition, so that clocks that run survive a crash.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// How long notifications that are under way may take at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// One cache that is watched.
struct Watched {
    config: Arc<CacheConfig>,
    ledger: CacheLedger,
    lookups: CacheLookups,
    book: AlertBook,
    latest: Option<Arc<CacheSnapshot>>,
    _crew: Crew,
}

/// The owner of all ledgers and books.
pub(super) struct Core {
    config: Config,
    files: watch::Sender<Fingerprint>,
    status: ConfigStatus,
    watched: BTreeMap<CacheName, Watched>,
    fleet: Fleet,
    dispatcher: Dispatcher,
    persistence: Persistence,
    clock: Arc<dyn Clock>,
    started: Now,
    http: Arc<HttpStats>,
    dropped: Arc<Counter>,
    published: Published,
    sequence: u64,
    tick_took: Duration,
    saved_at: Now,
}

impl Core {
    /// Starts the tasks of every cache and publishes a first snapshot.
    pub(super) fn start(
        config: Config,
        fleet: Fleet,
        dispatcher: Dispatcher,
        clock: Arc<dyn Clock>,
        http: Arc<HttpStats>,
        dropped: Arc<Counter>,
    ) -> (Self, Published) {
        let now = clock.now();
        let mut persistence = Persistence::open(config.data_dir.as_deref());
        let mut saved = persistence.load();
        let mut watched = BTreeMap::new();
        for cache in &config.caches {
            let mut entry = begin(cache, &config, &fleet, now);
            if let Some(book) = saved.remove(cache.name.as_str()) {
                for notification in entry.book.restore(&book, now).notifications {
                    dispatcher.notify(notification);
                }
            }
            watched.insert(cache.name.clone(), entry);
        }
        for (name, book) in saved {
            for notification in orphan(&name, &book, now) {
                dispatcher.notify(notification);
            }
        }
        let status = ConfigStatus {
            file: config.file.as_ref().map(|file| file.display().to_string()),
            shown: config.redacted().to_string().into(),
            loaded_at: now,
            reload_error: None,
            reloads_ok: 0,
            reloads_failed: 0,
        };
        let mut core = Self {
            files: watch::Sender::new(Fingerprint::of(&config)),
            config,
            status,
            watched,
            fleet,
            dispatcher,
            persistence,
            clock,
            started: now,
            http,
            dropped,
            published: Arc::new(ArcSwap::from_pointee(empty(now))),
            sequence: 0,
            tick_took: Duration::ZERO,
            saved_at: now,
        };
        core.beat();
        let published = Arc::clone(&core.published);
        (core, published)
    }

    /// The files whose change calls for a reload.
    pub(super) fn files(&self) -> watch::Receiver<Fingerprint> {
        self.files.subscribe()
    }

    /// Runs until cancelled, then saves and lets notifications finish.
    pub(super) async fn run(
        mut self,
        mut reports: mpsc::Receiver<PollReport>,
        mut inbox: Inbox,
        mut reloads: mpsc::Receiver<Trigger>,
        loader: Option<Loader>,
        cancel: CancellationToken,
    ) {
        inbox.set_token(self.config.api_token.as_ref());
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut news = false;
        let mut last = self.clock.now();
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(report) = reports.recv() => {
                    news |= self.take_in(&report);
                }
                told = inbox.next() => self.take_in_told(told),
                Some(trigger) = reloads.recv() => {
                    if let Some(loader) = &loader {
                        self.reload(trigger, loader);
                        inbox.set_token(self.config.api_token.as_ref());
                        news = true;
                    }
                }
                _ = beat.tick() => {
                    let now = self.clock.now();
                    if news || now.since(last) >= QUIET_BEAT {
                        self.beat();
                        news = false;
                        last = now;
                    }
                }
            }
        }
        self.save();
        self.watched.clear();
        self.dispatcher.drain(DRAIN_LIMIT).await;
    }

    /// Whether the report was about a cache that is still watched.
    fn take_in(&mut self, report: &PollReport) -> bool {
        match self.watched.get_mut(&report.cache) {
            Some(watched) if watched.config.node() == report.node => {
                watched.ledger.observe(report);
                true
            }
            _ => false,
        }
    }

    fn take_in_told(&mut self, told: Told) {
        let now = self.clock.now();
        let cache = match &told {
            Told::Sample(sample) => &sample.cache,
            Told::Batch(batch) => &batch.cache,
        };
        if let Some(watched) = self.watched.get_mut(cache) {
            match told {
                Told::Sample(sample) => watched.lookups.sampled(sample),
                Told::Batch(batch) => watched.lookups.told(&batch, now),
            }
        }
    }

    fn beat(&mut self) {
        let now = self.clock.now();
        let mut caches = Vec::with_capacity(self.watched.len());
        let mut notifications = Vec::new();
        for watched in self.watched.values_mut() {
            let mut snapshot = watched.ledger.snapshot(now);
            watched.lookups.enrich(&mut snapshot, now);
            let around = Surroundings {
                maintenance: &self.config.maintenance,
                inhibitions: &self.config.inhibitions,
                ..Surroundings::default()
            };
            let outcome = watched
                .book
                .evaluate(&snapshot, watched.ledger.history(), &around, now);
            snapshot.alerts = outcome.statuses;
            snapshot.state = cache_state(&snapshot);
            notifications.extend(outcome.notifications);
            let snapshot = Arc::new(snapshot);
            news::tell(watched.latest.as_deref(), &snapshot);
            watched.latest = Some(Arc::clone(&snapshot));
            caches.push(snapshot);
        }
        if !notifications.is_empty() || now.since(self.saved_at) >= SAVE_EVERY {
            self.save();
            self.saved_at = now;
        }
        for notification in notifications {
            self.dispatcher.notify(notification);
        }
        self.publish(caches, now);
    }

    fn publish(&mut self, caches: Vec<Arc<CacheSnapshot>>, now: Now) {
        self.sequence += 1;
        let snapshot = Snapshot {
            sequence: self.sequence,
            at: now,
            caches,
            own: OwnSnapshot {
                started: self.started,
                config: self.status.clone(),
                channels: self.dispatcher.stats(),
                http: Arc::clone(&self.http),
                reports_dropped: self.dropped.get(),
                store: self.persistence.health(),
                tick_took: self.tick_took,
            },
        };
        self.published.store(Arc::new(snapshot));
        self.tick_took = self.clock.now().since(now);
    }

    fn save(&mut self) {
        let now = self.clock.now();
        let books = self
            .watched
            .iter()
            .map(|(name, w)| (name.to_string(), w.book.save(now)))
            .collect();
        self.persistence.save(books);
    }

    fn reload(&mut self, trigger: Trigger, loader: &Loader) {
        match loader() {
            Ok(config) => {
                let diff = Diff::between(&self.config, &config);
                tracing::info!(
                    ?trigger,
                    added = ?diff.caches_added,
                    removed = ?diff.caches_removed,
                    changed = ?diff.caches_changed,
                    "the configuration was loaded anew"
                );
                if !diff.needs_restart.is_empty() {
                    tracing::warn!(
                        "{} changed; that takes a restart",
                        diff.needs_restart.join(" and ")
                    );
                }
                self.apply(config, &diff);
                self.status.reload_error = None;
                self.status.reloads_ok += 1;
            }
            Err(errors) => {
                tracing::error!(
                    ?trigger,
                    "the configuration was not reloaded, the old one goes on:\n{errors}"
                );
                self.status.reload_error = Some(errors.to_string());
                self.status.reloads_failed += 1;
            }
        }
    }

    /// Puts a new configuration in force. Caches that did not change go on without noticing.
    fn apply(&mut self, config: Config, diff: &Diff) {
        let now = self.clock.now();
        let mut told = BTreeMap::new();
        for cache in diff.caches_removed.iter().chain(&diff.caches_changed) {
            if let Some(mut gone) = self.watched.remove(cache) {
                for notification in gone
                    .book
                    .retire("the cache is no longer watched, or is watched anew", now)
                    .notifications
                {
                    self.dispatcher.notify(notification);
                }
                told.insert(cache.clone(), gone.lookups);
            }
        }
        for cache in &config.caches {
            if let Some(watched) = self.watched.get_mut(&cache.name) {
                let gone = watched.book.reconfigure(&cache.labels, &config.rules, now);
                for notification in gone.notifications {
                    self.dispatcher.notify(notification);
                }
                fit(&mut watched.ledger, &watched.book);
            } else {
                let mut entry = begin(cache, &config, &self.fleet, now);
                if let Some(mut before) = told.remove(&cache.name) {
                    before.reconfigure(lookups::sampled(cache));
                    entry.lookups = before;
                }
                self.watched.insert(cache.name.clone(), entry);
            }
        }
        if let Err(error) = self
            .dispatcher
            .reconfigure(&config.channels, config.external_url.as_deref())
        {
            tracing::error!(%error, "the channels could not be changed");
        }
        self.status.loaded_at = now;
        self.status.shown = config.redacted().to_string().into();
        self.files.send_replace(Fingerprint::of(&config));
        self.config = config;
    }
}

fn begin(cache: &CacheConfig, config: &Config, fleet: &Fleet, now: Now) -> Watched {
    let cache = Arc::new(cache.clone());
    let book = AlertBook::new(&cache.name, &cache.labels, &config.rules, now);
    let mut ledger = CacheLedger::new(&cache);
    fit(&mut ledger, &book);
    Watched {
        ledger,
        lookups: CacheLookups::new(lookups::sampled(&cache)),
        book,
        latest: None,
        _crew: fleet.start(&cache),
        config: cache,
    }
}

/// Lets the ledger keep what the rules look at.
fn fit(ledger: &mut CacheLedger, book: &AlertBook) {
    ledger.keep_history(book.horizon());
    ledger.look_back(book.closest_look().unwrap_or(merger::RECENT));
}

/// The end of what was firing for a cache that is configured no more.
fn orphan(name: &str, book: &SavedState, now: Now) -> Vec<Notification> {
    match CacheName::new(name) {
        Ok(name) => {
            let mut empty = AlertBook::new(&name, &BTreeMap::new(), &[], now);
            empty.restore(book, now).notifications
        }
        Err(error) => {
            tracing::warn!(%error, "the saved state names a cache in a way that no cache can be named");
            Vec::new()
        }
    }
}

/// What is published before the first beat.
fn empty(now: Now) -> Snapshot {
    Snapshot {
        sequence: 0,
        at: now,
        caches: Vec::new(),
        own: OwnSnapshot {
            started: now,
            config: ConfigStatus {
                file: None,
                shown: Arc::from(""),
                loaded_at: now,
                reload_error: None,
                reloads_ok: 0,
                reloads_failed: 0,
            },
            channels: Vec::new(),
            http: Arc::new(HttpStats::default()),
            reports_dropped: 0,
            store: None,
            tick_took: Duration::ZERO,
        },
    }
}
