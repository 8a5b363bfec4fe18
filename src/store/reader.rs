//! Reads a store while another process writes it, for what looks back: reports.
//!
//! Deliberately absent: every write. A [`Reader`] makes no folder and no file, brings no schema up to date, mends and
//! prunes nothing, and holds no transaction open that could keep the writer from tidying up.
//!
//! Invariant: each answer is bounded, in rows and in time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::error::StoreError;
use super::history::{SUMS, SUMS_WITHOUT_LOOKUPS, history, points, read_namespace};
use super::incidents::{IncidentFilter, MAX_INCIDENTS, incidents};
use super::sql::{Get, Link, Result as Sql, all, micros, q};
use super::{Backend, notes, open};
use crate::model::name::CacheName;
use crate::model::record::{Annotation, HistoryPoint, IncidentRecord, NamespacePoint};

/// The most caches that are told.
pub const MAX_CACHES: i64 = 2_000;
/// The most namespaces of a cache that are told.
const MAX_NAMESPACES: i64 = 1_000;
/// The most incidents of a cache that are told.
const MAX_TOLD: usize = 5_000;
/// How long one question may take.
const ANSWER: Duration = Duration::from_mins(1);

/// A store that is only read.
pub struct Reader {
    link: Link,
    /// What it is brought up to: whoever writes it may be older.
    schema: i64,
}

/// A cache of which there is history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub cache: CacheName,
    /// When its oldest slot begins.
    pub first: Timestamp,
    /// When its newest slot begins.
    pub last: Timestamp,
}

impl Reader {
    /// Opens what is there already.
    pub async fn open(backend: &Backend) -> Result<Self, StoreError> {
        let mut link = match backend {
            Backend::Sqlite(folder) => open::sqlite_read_only(folder).await?,
            Backend::Postgres(url) => open::postgres_read_only(url).await?,
            Backend::Memory => {
                return Err(StoreError::Unfit(
                    "memory is of one process and cannot be read by another".to_owned(),
                ));
            }
        };
        let schema = match open::schema(&mut link).await {
            Ok(schema) => schema,
            // Who may read history may not be let read this.
            Err(StoreError::Database(_)) => open::SCHEMA,
            Err(error) => return Err(error),
        };
        Ok(Self { link, schema })
    }

    /// The caches of which slots of this width are kept, by name.
    pub async fn caches(&mut self, width: u32) -> Result<Vec<Kept>, StoreError> {
        let rows = q(
            "select cache, min(at) as begun, max(at) as latest from history where width = $1
             group by cache order by cache limit $2",
        )
        .bind(i64::from(width))
        .bind(MAX_CACHES)
        .fetch_all(&mut self.link);
        let rows = answered(rows).await?;
        Ok(all(&rows, |row| {
            Ok(Kept {
                cache: row.name("cache")?,
                first: row.time("begun")?,
                last: row.time("latest")?,
            })
        }))
    }

    /// The slots of this width that begin in `from..to`, oldest first. A slot of which nothing is known is left out.
    pub async fn slots(
        &mut self,
        cache: &CacheName,
        width: u32,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let (from, to) = (micros(from), micros(to));
        answered(points(&mut self.link, cache, width, (from, to))).await
    }

    /// As [`super::Store::history`], as of `now`.
    pub async fn history(
        &mut self,
        cache: &CacheName,
        (from, to): (Timestamp, Timestamp),
        points: usize,
        now: Timestamp,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        answered(history(&mut self.link, cache, (from, to), points, now)).await
    }

    /// Sums over those slots by namespace, the most misses first. Their `at` is `from`.
    pub async fn namespaces(
        &mut self,
        cache: &CacheName,
        width: u32,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<NamespacePoint>, StoreError> {
        let sums = if self.schema >= open::WITH_LOOKUPS {
            SUMS
        } else {
            SUMS_WITHOUT_LOOKUPS
        };
        let rows = q(sums)
            .bind(i64::from(width))
            .bind(cache.to_string())
            .bind(micros(from))
            .bind(micros(to))
            .bind(MAX_NAMESPACES)
            .fetch_all(&mut self.link);
        let rows = answered(rows).await?;
        let named = |row: &Get<'_>| {
            let point = read_namespace(row)?;
            Ok(NamespacePoint { at: from, ..point })
        };
        Ok(all(&rows, named))
    }

    /// Incidents of a cache that were open in `from..to`, the newest first.
    pub async fn incidents(
        &mut self,
        cache: &CacheName,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<IncidentRecord>, StoreError> {
        let mut found = Vec::new();
        loop {
            let filter = IncidentFilter {
                cache: Some(cache.clone()),
                since: Some(from),
                limit: MAX_INCIDENTS,
                offset: found.len(),
                ..IncidentFilter::default()
            };
            let more = answered(incidents(&mut self.link, &filter)).await?;
            let last = more.len() < MAX_INCIDENTS;
            found.extend(more);
            if last || found.len() >= MAX_TOLD {
                break;
            }
        }
        found.retain(|incident| incident.started < to);
        Ok(found)
    }

    /// What people told about a cache, and about all caches, in order.
    pub async fn annotations(
        &mut self,
        cache: &CacheName,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Annotation>, StoreError> {
        answered(notes::annotations(&mut self.link, Some(cache), from, to)).await
    }
}

async fn answered<T>(question: impl Future<Output = Sql<T>>) -> Result<T, StoreError> {
    match timeout(ANSWER, question).await {
        Ok(answer) => answer.map_err(|error| StoreError::of(&error)),
        Err(_) => Err(StoreError::Timeout(ANSWER)),
    }
}
