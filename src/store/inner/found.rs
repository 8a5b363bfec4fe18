//! The books that the database held when it was opened first, and the wait for that.
//!
//! Whoever could not wait goes on without them; memory's then take their place in the database, so they are kept here until
//! somebody brings them together.
//!
//! Invariant: they are given once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::{DEADLINE, Inner, within};
use crate::store::error::StoreError;
use crate::store::incidents;
use crate::store::sql::Link;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    books: Mutex<Books>,
    answered: Notify,
}

#[derive(Default)]
enum Books {
    /// It was not opened yet.
    #[default]
    NotYet,
    Found(BTreeMap<String, String>),
    Told,
}

impl Found {
    /// The database works from now on.
    pub(super) fn answered(&self) {
        self.answered.notify_waiters();
    }

    fn with<T>(&self, f: impl FnOnce(&mut Books) -> T) -> T {
        f(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    /// See [`crate::store::Store::found`].
    pub(in crate::store) fn found(&self) -> Option<BTreeMap<String, String>> {
        if !self.backend.is_wanted() {
            return Some(BTreeMap::new());
        }
        if !self.on_disk() {
            return None;
        }
        self.found.with(|books| {
            if matches!(books, Books::NotYet) {
                return None;
            }
            match std::mem::replace(books, Books::Told) {
                Books::Found(found) => Some(found),
                Books::NotYet | Books::Told => None,
            }
        })
    }

    /// See [`crate::store::Store::ready`].
    pub(in crate::store) async fn ready_within(&self, limit: Duration) {
        let ready = async {
            loop {
                let answered = self.found.answered.notified();
                tokio::pin!(answered);
                // From here on nothing is missed.
                answered.as_mut().enable();
                if !self.backend.is_wanted() || self.on_disk() {
                    return;
                }
                answered.await;
            }
        };
        if timeout(limit, ready).await.is_err() {
            tracing::warn!(
                "the database has not answered for {limit:?}; going on without what it holds until it does"
            );
        }
    }

    /// Before memory's take their place.
    pub(super) async fn look_at_books(&self, link: &mut Link) -> Result<(), StoreError> {
        if self.found.with(|books| matches!(books, Books::NotYet)) {
            let held = within(DEADLINE, incidents::books(link)).await?;
            self.found.with(|books| *books = Books::Found(held));
        }
        Ok(())
    }
}
