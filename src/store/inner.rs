//! Disk and memory side by side: every write goes to both, and memory goes on alone while the disk does not work.
//!
//! Memory holds what is going on now (books, open incidents, waiting messages, silences), so that losing the disk
//! changes nothing for alerts. What the disk missed waits in a [`Log`] and is brought over, in order, by `recover`.
//!
//! Invariant: writes happen one after another, each wholly or not at all, also when the caller goes away in the middle.
//! Nothing waits for a disk longer than [`DEADLINE`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Connection as _;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Backend;
use super::error::StoreError;
use super::log::Log;
use super::op::Op;
use super::open;
use super::prune::Bounds;
use super::sql::{Link, q};
use crate::model::store_health::StoreHealth;
use crate::model::time::Clock;

mod ask;
mod found;
mod recover;

use ask::close;
pub(super) use ask::shut;
pub(super) use ask::{ask, ask_both, ask_memory};

/// How long the disk may take for a write or an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// How long it may take to remove what is too old.
const PRUNE_DEADLINE: Duration = Duration::from_secs(30);

/// Everything behind [`super::Store`].
pub(super) struct Inner {
    pub(super) backend: Backend,
    pub(super) clock: Arc<dyn Clock>,
    /// Which of several that share a database this is.
    pub(super) name: String,
    pub(super) disk: Mutex<Disk>,
    pub(super) reader: Mutex<Option<Link>>,
    pub(super) memory: Mutex<Option<Link>>,
    health: std::sync::Mutex<StoreHealth>,
    on_disk: AtomicBool,
    found: found::Found,
    recovering: AtomicBool,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

/// What writes.
#[derive(Default)]
pub(super) struct Disk {
    /// `None`: it does not work, or there is none.
    pub(super) link: Option<Link>,
    pub(super) log: Log,
}

/// What came of a write.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) durable: bool,
    pub(super) changed: u64,
    pub(super) fault: Option<StoreError>,
}

impl Inner {
    pub(super) fn new(backend: Backend, clock: Arc<dyn Clock>) -> Self {
        let health = StoreHealth {
            backend: backend.as_str(),
            wanted: backend.is_wanted(),
            ..StoreHealth::default()
        };
        Self {
            backend,
            clock,
            name: format!("{}-{:x}", std::process::id(), fastrand::u64(..)),
            disk: Mutex::default(),
            reader: Mutex::default(),
            memory: Mutex::default(),
            health: std::sync::Mutex::new(health),
            on_disk: AtomicBool::new(false),
            found: found::Found::default(),
            recovering: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        }
    }

    pub(super) fn health(&self) -> StoreHealth {
        self.with_health(|health| health.clone())
    }

    fn with_health<T>(&self, f: impl FnOnce(&mut StoreHealth) -> T) -> T {
        f(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the disk is the one to ask.
    pub(super) fn on_disk(&self) -> bool {
        self.on_disk.load(Ordering::Acquire)
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Writes. In a task of its own: it is done also when who asked for it is gone.
    pub(super) async fn write(self: &Arc<Self>, op: Op) -> Done {
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move { this.write_now(op).await });
        task.await.unwrap_or_else(|error| Done {
            fault: Some(StoreError::Database(error.to_string())),
            ..Done::default()
        })
    }

    async fn write_now(self: Arc<Self>, op: Op) -> Done {
        let mut disk = self.disk.lock().await;
        let mut done = Done::default();
        let ops = std::slice::from_ref(&op);
        if let Some(link) = disk.link.as_mut() {
            let deadline = match op {
                Op::Prune(_) => PRUNE_DEADLINE,
                _ => DEADLINE,
            };
            match within(deadline, transact(link, ops, &Bounds::DISK)).await {
                Ok(changed) => {
                    done.durable = true;
                    done.changed = changed;
                }
                Err(error) if error.is_unfit() => {
                    self.unfit(&error, &op);
                    done.fault = Some(error);
                    return done;
                }
                Err(error) => {
                    // Whatever state the connection is in: it is not used again.
                    disk.link = None;
                    self.lost(&error);
                }
            }
        }
        if !(done.durable && op.is_history()) {
            match self.write_memory(ops).await {
                Ok(changed) if !done.durable => done.changed = changed,
                Ok(_) => {}
                Err(error) => {
                    self.unfit(&error, &op);
                    if !done.durable {
                        done.fault = Some(error);
                        return done;
                    }
                }
            }
        }
        if !done.durable && self.backend.is_wanted() {
            let cut = disk.log.push(op);
            let waiting = disk.log.len();
            self.with_health(|health| {
                health.writes_failed += 1;
                health.rows_cut += cut;
                health.waiting = waiting;
            });
        }
        done
    }

    async fn write_memory(&self, ops: &[Op]) -> Result<u64, StoreError> {
        let mut memory = self.memory.lock().await;
        if memory.is_none() {
            *memory = Some(open::memory().await?);
        }
        match memory.as_mut() {
            // No deadline: there is nothing that it could wait for.
            Some(link) => transact(link, ops, &Bounds::MEMORY)
                .await
                .map_err(|error| StoreError::of(&error)),
            None => Ok(0),
        }
    }

    fn unfit(&self, error: &StoreError, op: &Op) {
        tracing::error!(%error, "something could not be stored and was left out");
        self.with_health(|health| {
            health.rows_cut += u64::try_from(op.weight()).unwrap_or_default();
        });
    }

    /// Counts rows that a bound cut.
    pub(super) fn cut(&self, rows: u64) {
        self.with_health(|health| health.rows_cut += rows);
    }

    /// Counts what a pruning removed, and gives the room back.
    pub(super) async fn pruned(self: &Arc<Self>, rows: u64) {
        self.with_health(|health| health.rows_pruned += rows);
        if rows == 0 || !matches!(self.backend, Backend::Sqlite(_)) {
            return;
        }
        let mut disk = self.disk.lock().await;
        if let Some(link) = disk.link.as_mut() {
            let vacuum = q("pragma incremental_vacuum(2000)").fetch_all(link);
            match timeout(DEADLINE, vacuum).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "cannot give room back"),
                Err(_) => {
                    disk.link = None;
                    self.lost(&StoreError::Timeout(DEADLINE));
                }
            }
        }
    }

    /// See [`super::Store::relax`].
    pub(super) async fn relax(&self) {
        if let Some(link) = self.disk.lock().await.link.as_mut()
            && let Err(error) = q("pragma synchronous = normal").execute(link).await
        {
            tracing::warn!(%error, "the database does not relax");
        }
    }

    /// Makes sure that there is a connection to ask; `None`: ask memory.
    pub(super) async fn ready(&self, reader: &mut Option<Link>) -> Option<()> {
        if reader.is_none() {
            let opened = match &self.backend {
                Backend::Memory => return None,
                Backend::Sqlite(folder) => open::sqlite_reader(folder).await,
                Backend::Postgres(url) => open::postgres_reader(url).await,
            };
            match opened {
                Ok(link) => *reader = Some(link),
                Err(error) => tracing::debug!(%error, "cannot read the database"),
            }
        }
        reader.as_ref().map(drop)
    }

    /// A question to the disk failed.
    pub(super) async fn misread(self: &Arc<Self>, error: &StoreError) {
        tracing::debug!(%error, "the database was asked in vain");
        if matches!(error, StoreError::Corrupt(_)) {
            let mut disk = self.disk.lock().await;
            if disk.link.take().is_some() {
                self.lost(error);
            }
        }
    }

    /// The disk works from now on.
    fn regained(&self, set_aside: Option<&std::path::Path>) {
        self.on_disk.store(true, Ordering::Release);
        self.found.answered();
        let before = self.with_health(|health| {
            health.durable = true;
            health.waiting = 0;
            if let Some(path) = set_aside {
                health.set_aside = Some(path.display().to_string());
            }
            health.error.take()
        });
        if before.is_some() {
            tracing::info!("the database works again, and has everything that memory held");
        }
    }

    /// The disk does not work from now on. One line in the log for each time.
    pub(super) fn lost(self: &Arc<Self>, error: &StoreError) {
        self.on_disk.store(false, Ordering::Release);
        let before = self.with_health(|health| {
            health.durable = false;
            health.outages += u64::from(health.error.is_none());
            health.error.replace(error.to_string())
        });
        if before.is_none() {
            tracing::error!(
                %error,
                "the database does not work; alerts go on from memory, and nothing of it survives a restart until it works"
            );
        }
        if !self.recovering.swap(true, Ordering::AcqRel) {
            let this = Arc::downgrade(self);
            let cancel = self.cancel.clone();
            self.tasks.spawn(recover::recover(this, cancel));
        }
    }
}

/// Within the deadline, or not at all.
pub(super) async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match timeout(deadline, work).await {
        Ok(done) => done.map_err(|error| StoreError::of(&error)),
        Err(_) => Err(StoreError::Timeout(deadline)),
    }
}

/// All of it in one transaction.
pub(super) async fn transact(
    link: &mut Link,
    ops: &[Op],
    bounds: &Bounds,
) -> Result<u64, sqlx::Error> {
    let mut transaction = link.begin_with(begin(link)).await?;
    let mut changed = 0;
    for op in ops {
        changed += op.apply(&mut transaction, bounds).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

/// SQLite is to ask for the right to write at once: a transaction that begins by reading cannot wait for it later.
pub(super) fn begin(link: &Link) -> &'static str {
    if link.backend_name() == "SQLite" {
        "begin immediate"
    } else {
        "begin"
    }
}
