//! The beat: takes in reports, lets `analyze` and `alert` compute, publishes the snapshot, has kept what must be kept.
//!
//! Deliberately absent: what is kept and how it is sent on (`keeper`), and reloads (`apply`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::fleet::{Crew, Fleet};
use super::keeper::Keeper;
use super::lookups::{self, Inbox, Told};
use super::notes::Notes;
use super::reload::Trigger;
use super::{Loader, Published, news};
use crate::alert::book::AlertBook;
use crate::alert::surroundings::Surroundings;
use crate::analyze::ledger::{CacheLedger, cache_state};
use crate::analyze::lookups::CacheLookups;
use crate::analyze::merger;
use crate::config::watch::Fingerprint;
use crate::config::{CacheConfig, Config};
use crate::export::ExportedGauges;
use crate::model::name::CacheName;
use crate::model::poll::PollReport;
use crate::model::snapshot::{CacheSnapshot, ConfigStatus, OwnSnapshot, Snapshot};
use crate::model::stats::{Counter, HttpStats};
use crate::model::time::{Clock, Now};
use crate::notify::Dispatcher;
use crate::store::Store;

mod apply;
mod restore;

/// How often the engine looks whether something came in.
const BEAT: Duration = Duration::from_millis(250);
/// How often a snapshot is made although nothing came in: ages and silence are news too.
const QUIET_BEAT: Duration = Duration::from_secs(1);
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

/// What the core is given, besides the configuration.
pub(super) struct Parts {
    pub(super) fleet: Fleet,
    pub(super) dispatcher: Dispatcher,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: Arc<HttpStats>,
    pub(super) dropped: Arc<Counter>,
}

/// The owner of all ledgers and books.
pub(super) struct Core {
    config: Config,
    files: watch::Sender<Fingerprint>,
    status: ConfigStatus,
    watched: BTreeMap<CacheName, Watched>,
    fleet: Fleet,
    dispatcher: Dispatcher,
    keeper: Keeper,
    notes: Notes,
    clock: Arc<dyn Clock>,
    started: Now,
    http: Arc<HttpStats>,
    dropped: Arc<Counter>,
    published: Published,
    sequence: u64,
    tick_took: Duration,
}

impl Core {
    /// Starts the tasks of every cache and publishes a first snapshot.
    pub(super) async fn start(config: Config, parts: Parts) -> (Self, Published) {
        let now = parts.clock.now();
        let mut keeper = Keeper::new(parts.store, now);
        let mut saved = keeper.found().unwrap_or_default();
        let mut watched = BTreeMap::new();
        for cache in &config.caches {
            let mut entry = begin(cache, &config, &parts.fleet, now);
            entry
                .ledger
                .resume(&keeper.past(&cache.name, now).await, now);
            if let Some(book) = saved.remove(&cache.name) {
                keeper.take(&cache.name, entry.book.restore(&book, now));
            }
            watched.insert(cache.name.clone(), entry);
        }
        restore::orphans(&mut keeper, saved, now);
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
            fleet: parts.fleet,
            dispatcher: parts.dispatcher,
            keeper,
            notes: Notes::default(),
            clock: parts.clock,
            started: now,
            http: parts.http,
            dropped: parts.dropped,
            published: Arc::new(ArcSwap::from_pointee(empty(now))),
            sequence: 0,
            tick_took: Duration::ZERO,
        };
        core.beat().await;
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
                        self.reload(trigger, loader, &inbox).await;
                        news = true;
                    }
                }
                _ = beat.tick() => {
                    let now = self.clock.now();
                    if news || now.since(last) >= QUIET_BEAT {
                        self.beat().await;
                        news = false;
                        last = now;
                    }
                }
            }
        }
        self.finish().await;
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

    async fn beat(&mut self) {
        let now = self.clock.now();
        self.restore_late(now);
        let with_past = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.book.looks_at_the_past())
            .map(|(name, _)| name);
        self.notes
            .refresh(self.keeper.store(), with_past, now)
            .await;
        let caches = self.evaluate(now);
        self.publish(caches.clone(), now);
        let saved = |name: &CacheName| Some(self.watched.get(name)?.book.save(now));
        self.keeper
            .keep(&caches, saved, &self.dispatcher, now)
            .await;
        self.dispatcher.pulse(now);
    }

    /// Lets rules look at every cache.
    fn evaluate(&mut self, now: Now) -> Vec<Arc<CacheSnapshot>> {
        let mut caches = Vec::with_capacity(self.watched.len());
        for (name, watched) in &mut self.watched {
            let mut snapshot = watched.ledger.snapshot(now);
            watched.lookups.enrich(&mut snapshot, now);
            let around = Surroundings {
                silences: &self.notes.silences,
                maintenance: &self.config.maintenance,
                inhibitions: &self.config.inhibitions,
                annotations: &self.notes.annotations,
                past: self.notes.past(name),
                gauges: Some(&ExportedGauges),
            };
            let history = watched.ledger.history();
            let mut outcome = watched.book.evaluate(&snapshot, history, &around, now);
            snapshot.alerts = std::mem::take(&mut outcome.statuses);
            snapshot.state = cache_state(&snapshot);
            self.keeper.take(name, outcome);
            let snapshot = Arc::new(snapshot);
            news::tell(watched.latest.as_deref(), &snapshot);
            watched.latest = Some(Arc::clone(&snapshot));
            caches.push(snapshot);
        }
        caches
    }

    /// Saves everything, and lets notifications that are under way finish.
    async fn finish(&mut self) {
        let now = self.clock.now();
        let caches: Vec<_> = self
            .watched
            .values()
            .filter_map(|w| w.latest.clone())
            .collect();
        let saved = |name: &CacheName| Some(self.watched.get(name)?.book.save(now));
        self.keeper
            .finish(&caches, saved, &self.dispatcher, now)
            .await;
        self.watched.clear();
        self.dispatcher.drain(DRAIN_LIMIT).await;
        self.keeper.store().close().await;
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
                heartbeat: self.dispatcher.heartbeat(),
                http: Arc::clone(&self.http),
                reports_dropped: self.dropped.get(),
                store: self.keeper.store().health(),
                tick_took: self.tick_took,
            },
        };
        self.published.store(Arc::new(snapshot));
        self.tick_took = self.clock.now().since(now);
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
            heartbeat: Arc::default(),
            channels: Vec::new(),
            http: Arc::new(HttpStats::default()),
            reports_dropped: 0,
            store: crate::model::store_health::StoreHealth::default(),
            tick_took: Duration::ZERO,
        },
    }
}
