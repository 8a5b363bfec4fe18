//! A look at what another process keeps: history, and nothing else.
//!
//! Deliberately absent: memory beside it, the check, migrations, repairs. What cannot be read is an error here.
//!
//! Invariant: it changes nothing, and holds no lock for longer than one question takes.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::inner::{DEADLINE, within};
use super::sql::Link;
use super::{Backend, StoreError, history, open};
use crate::model::name::CacheName;
use crate::model::record::HistoryPoint;
use crate::model::time::Clock;

/// A connection that only reads.
pub struct Reader {
    link: Mutex<Link>,
    clock: Arc<dyn Clock>,
}

impl Reader {
    /// Opens what is there. In memory there is nothing to look at: `None`.
    pub async fn open(
        backend: &Backend,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, StoreError> {
        let link = match backend {
            Backend::Memory => return Ok(None),
            Backend::Sqlite(folder) => open::sqlite_as_it_is(folder).await?,
            Backend::Postgres(url) => open::postgres_reader(url).await?,
        };
        let link = Mutex::new(link);
        Ok(Some(Self { link, clock }))
    }

    /// As [`super::Store::history`].
    pub async fn history(
        &self,
        cache: &CacheName,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let now = self.clock.now().wall;
        let mut link = self.link.lock().await;
        let question = history::history(&mut link, cache, (from, to), points, now);
        within(DEADLINE, question).await
    }
}
