//! Keeps the alert books over a restart, where a data folder is given.
//!
//! Invariant: trouble with the disk never stops an alert; it is logged, counted and shown.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::alert::saved::SavedState;
use crate::store::StateFile;

/// What is written. `version` tells a later cachewatch how to read it.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    version: u32,
    /// By the name of the cache.
    books: BTreeMap<String, SavedState>,
}

/// The form of the file that this program writes and reads.
const VERSION: u32 = 1;

/// Loads and saves alert books, or does nothing without a data folder.
#[derive(Debug)]
pub(super) struct Persistence {
    /// Whether a folder was given.
    wanted: bool,
    file: Option<StateFile>,
    /// Why the last attempt to save failed; `None` after a good one.
    error: Option<String>,
}

impl Persistence {
    /// Opens the folder. One that cannot be used is an error that is kept and shown; alerts go on from memory.
    pub(super) fn open(folder: Option<&Path>) -> Self {
        let Some(folder) = folder else {
            return Self {
                wanted: false,
                file: None,
                error: None,
            };
        };
        match StateFile::open(folder) {
            Ok(file) => Self {
                wanted: true,
                file: Some(file),
                error: None,
            },
            Err(error) => {
                tracing::error!(%error, "state will not survive a restart");
                Self {
                    wanted: true,
                    file: None,
                    error: Some(error.to_string()),
                }
            }
        }
    }

    /// Whether state is being kept; `None` without a data folder.
    pub(super) fn health(&self) -> Option<Result<(), String>> {
        self.wanted.then(|| self.error.clone().map_or(Ok(()), Err))
    }

    /// What was saved last, by the name of the cache.
    pub(super) fn load(&mut self) -> BTreeMap<String, SavedState> {
        let Some(file) = &self.file else {
            return BTreeMap::new();
        };
        match file.load::<Saved>() {
            Ok(Some(saved)) if saved.version == VERSION => saved.books,
            Ok(Some(saved)) => {
                tracing::warn!(
                    version = saved.version,
                    "the saved state is of another version; starting without it"
                );
                BTreeMap::new()
            }
            Ok(None) => BTreeMap::new(),
            Err(error) => {
                tracing::error!(%error, "starting without saved state");
                self.error = Some(error.to_string());
                BTreeMap::new()
            }
        }
    }

    /// Saves all books. One line in the log when it begins to fail, one when it works again.
    pub(super) fn save(&mut self, books: BTreeMap<String, SavedState>) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let saved = Saved {
            version: VERSION,
            books,
        };
        // fsync may take long on a slow disk; the beat waits, but the other tasks do not.
        let result = tokio::task::block_in_place(|| file.save(&saved));
        match (result, self.error.take()) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => tracing::info!("state is saved again"),
            (Err(error), before) => {
                if before.is_none() {
                    tracing::error!(%error, "cannot save state; alerts go on from memory");
                }
                self.error = Some(error.to_string());
            }
        }
    }
}
