//! Where the store is kept.
//!
//! Deliberately absent: opening it.
//!
//! Invariant: the address of a database, which may hold a password, stays wrapped.

use std::path::PathBuf;

use crate::config::Config;
use crate::model::secret::Secret;

/// Where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// Nowhere: it goes with the process.
    Memory,
    /// In an SQLite file in this folder, which is made if it is not there.
    Sqlite(PathBuf),
    /// In the PostgreSQL database at this address.
    Postgres(Secret),
}

impl Backend {
    /// The one that a configuration asks for.
    pub fn of(config: &Config) -> Self {
        match (&config.store, &config.data_dir) {
            (Some(url), _) => Self::Postgres(url.clone()),
            (None, Some(folder)) => Self::Sqlite(folder.clone()),
            (None, None) => Self::Memory,
        }
    }

    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Whether somebody asked for more than memory.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self, Self::Memory)
    }
}
