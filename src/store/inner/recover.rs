//! Brings the disk back: opens it again, tells it what it missed, and makes it the one to ask.
//!
//! Invariant: writes go on meanwhile; what they bring is told to the disk, too, before it counts as working.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{DEADLINE, Inner, begin, close, shut, transact, within};
use crate::store::error::StoreError;
use crate::store::op::Op;
use crate::store::open::{self, Opened};
use crate::store::prune::Bounds;
use crate::store::sql::Link;
use crate::store::{Backend, live, outbox};

/// The first wait before another try; it doubles each time.
const FIRST: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_secs(1)
};
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// How many rows are brought over at once.
const ROWS_AT_ONCE: usize = 500;
/// How long it may take to bring memory and disk together.
const COPY: Duration = Duration::from_secs(15);

/// Tries until it works.
pub(super) async fn recover(inner: Weak<Inner>, cancel: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let Some(inner) = inner.upgrade() else {
            return;
        };
        match inner.reopen().await {
            Ok(()) => return,
            Err(error) => {
                tracing::debug!(%error, "the database still does not work");
                inner.with_health(|health| health.error = Some(error.to_string()));
            }
        }
        wait = (wait * 2).min(LONGEST);
    }
}

impl Inner {
    /// Opens what is asked for; the first time, or again.
    pub(in crate::store) async fn reopen(&self) -> Result<(), StoreError> {
        shut(&mut *self.reader.lock().await).await;
        let mut opened = match &self.backend {
            Backend::Memory => return Ok(()),
            Backend::Sqlite(folder) => open::sqlite(folder, self.wall()).await?,
            Backend::Postgres(url) => open::postgres(url).await?,
        };
        if let Some(path) = &opened.set_aside {
            let path = path.display().to_string();
            self.with_health(|health| health.set_aside = Some(path));
        }
        self.look_at_books(&mut opened.link).await?;
        loop {
            let mut disk = self.disk.lock().await;
            let ops = disk.log.next(ROWS_AT_ONCE);
            if ops.is_empty() {
                self.together(&mut opened).await?;
                disk.link = Some(opened.link);
                // The one that reads may still hold the file that was set aside.
                shut(&mut *self.reader.lock().await).await;
                self.recovering.store(false, Ordering::Release);
                self.regained(opened.set_aside.as_deref());
                return Ok(());
            }
            self.bring(&mut opened.link, &ops).await?;
            disk.log.done(ops.len());
            let waiting = disk.log.len();
            self.with_health(|health| health.waiting = waiting);
        }
    }

    /// Tells the disk what it missed. What is not fit for it is left out, so that it does not block the rest.
    async fn bring(&self, link: &mut Link, ops: &[Op]) -> Result<(), StoreError> {
        match within(DEADLINE, transact(link, ops, &Bounds::DISK)).await {
            Err(error) if error.is_unfit() => {}
            done => return done.map(drop),
        }
        for op in ops {
            let done = transact(link, std::slice::from_ref(op), &Bounds::DISK);
            match within(DEADLINE, done).await {
                Err(error) if error.is_unfit() => self.unfit(&error, op),
                done => drop(done?),
            }
        }
        Ok(())
    }

    /// A disk that has nothing yet gets what memory holds; memory gets what the disk holds.
    async fn together(&self, opened: &mut Opened) -> Result<(), StoreError> {
        let mut memory = self.memory.lock().await;
        if memory.is_none() {
            *memory = Some(open::memory().await?);
        }
        let Some(memory) = memory.as_mut() else {
            return Ok(());
        };
        let now = self.wall();
        let copy = async {
            if opened.fresh || opened.set_aside.is_some() {
                let mut transaction = opened.link.begin_with(begin(&opened.link)).await?;
                live::copy(memory, &mut transaction, now).await?;
                transaction.commit().await?;
            }
            let mut transaction = memory.begin_with(begin(memory)).await?;
            live::forget_keys(&mut transaction).await?;
            live::copy(&mut opened.link, &mut transaction, now).await?;
            transaction.commit().await
        };
        match timeout(COPY, copy).await {
            Ok(done) => done.map_err(|error| StoreError::of(&error)),
            Err(_) => Err(StoreError::Timeout(COPY)),
        }
    }

    /// Memory, and nothing else yet.
    pub(in crate::store) async fn remember(&self) -> Result<(), StoreError> {
        *self.memory.lock().await = Some(open::memory().await?);
        Ok(())
    }

    /// One last try to bring over what waits, then the end.
    pub(in crate::store) async fn end(self: &Arc<Self>) {
        self.cancel.cancel();
        self.tasks.close();
        let limit = DEADLINE;
        if timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!("the store did not finish within {limit:?}");
        }
        if self.backend.is_wanted() && !self.on_disk() {
            let last = timeout(limit, self.reopen()).await;
            if !matches!(last, Ok(Ok(()))) {
                let waiting = self.health().waiting;
                tracing::error!(waiting, "what memory holds is lost with this process");
            }
        }
        shut(&mut *self.reader.lock().await).await;
        let link = self.disk.lock().await.link.take();
        if let Some(mut link) = link {
            let done = within(DEADLINE, outbox::release(&mut link, &self.name)).await;
            if let Err(error) = done {
                tracing::debug!(%error, "messages that were taken are free only after a while");
            }
            close(link).await;
        }
    }
}
