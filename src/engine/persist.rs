//! Keeps the alert books over a restart.
//!
//! Invariant: trouble with the database never stops an alert; the store logs, counts and shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::saved::SavedState;
use crate::config::Config;
use crate::model::record::OutboxItem;
use crate::model::store_health::StoreHealth;
use crate::model::time::{Clock, Now};
use crate::store::{Backend, Batch, Store};

/// Loads and saves alert books.
pub(super) struct Persistence {
    store: Store,
}

impl Persistence {
    /// Opens the store that the configuration names.
    pub(super) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Store::open(Backend::of(config), clock).await,
        }
    }

    /// The store itself, for who delivers from it.
    pub(super) fn store(&self) -> Store {
        self.store.clone()
    }

    /// How the store stands.
    pub(super) fn health(&self) -> StoreHealth {
        self.store.health()
    }

    /// What was saved last, by the name of the cache.
    pub(super) async fn load(&self) -> BTreeMap<String, SavedState> {
        let mut books = BTreeMap::new();
        for (cache, saved) in self.store.books().await {
            match serde_json::from_str(&saved) {
                Ok(book) => drop(books.insert(cache, book)),
                Err(error) => {
                    tracing::error!(cache, %error, "a saved book cannot be understood; starting without it")
                }
            }
        }
        books
    }

    /// Saves all books, with messages to be sent.
    pub(super) async fn save(
        &self,
        books: BTreeMap<String, SavedState>,
        outbox: Vec<OutboxItem>,
        now: Now,
    ) {
        let written = books.into_iter().filter_map(|(cache, book)| {
            let text = serde_json::to_string(&book)
                .inspect_err(|error| tracing::error!(cache, %error, "a book cannot be written"))
                .ok()?;
            Some((cache, text))
        });
        let mut batch = Batch::new(now.wall);
        batch.books = written.collect();
        batch.outbox = outbox;
        // Caches that are gone since the last time, or were gone before the start.
        for cache in self.store.books().await.into_keys() {
            if !batch.books.iter().any(|(name, _)| *name == cache) {
                batch.books.push((cache, String::new()));
            }
        }
        self.store.commit(batch).await;
    }

    /// The end.
    pub(super) async fn close(&self) {
        self.store.close().await;
    }
}
