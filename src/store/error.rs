//! Why the store could not do what it was asked.
//!
//! Invariant: one line, and never the address of a database, which holds a password.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::MigrateError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be used.
    #[error("cannot {what} {}: {source}; check that it exists and that this user may write there", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing to read.
    #[error("there is no database at {}; give the data folder of the cachewatch whose history is wanted", .0.display())]
    Missing(PathBuf),
    /// The file is not what was written.
    #[error("the database is corrupt: {0}")]
    Corrupt(String),
    /// A later cachewatch has written it.
    #[error(
        "the database was written by a newer cachewatch (schema {0}) and is left as it is; run that version, or give another folder"
    )]
    Newer(i64),
    /// The database said no.
    #[error("the database does not work: {0}")]
    Database(String),
    /// The database said nothing.
    #[error("the database did not answer within {}s", .0.as_secs())]
    Timeout(Duration),
    /// What was to be written is not fit for it.
    #[error("this cannot be stored: {0}")]
    Unfit(String),
    /// A bound was reached.
    #[error("there are {1} {0} already; end some first")]
    TooMany(&'static str, u64),
}

impl StoreError {
    /// Sorts what the driver said.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let text = one_line(&error.to_string());
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        match (error, code.as_deref().map(Code::of)) {
            (
                sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. },
                _,
            )
            | (_, Some(Code::Unfit)) => Self::Unfit(text),
            (_, Some(Code::Corrupt)) => Self::Corrupt(text),
            _ => Self::Database(text),
        }
    }

    pub(super) fn of_migration(error: &MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(*version),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::of(error)
            }
            other => Self::Database(one_line(&other.to_string())),
        }
    }

    /// Whether another try, later, cannot help, as it is about the data and not about the database.
    pub(super) fn is_unfit(&self) -> bool {
        matches!(self, Self::Unfit(_) | Self::TooMany(..))
    }
}

enum Code {
    Corrupt,
    Unfit,
    Other,
}

impl Code {
    /// SQLite's are numbers below 10,000 whose low byte says what kind it is; PostgreSQL's have five characters.
    fn of(code: &str) -> Self {
        if code.len() == 5 {
            return match code.get(..2) {
                Some("22" | "23") => Self::Unfit,
                _ => Self::Other,
            };
        }
        match code.parse::<u32>().map(|code| code & 0xff) {
            // CORRUPT, NOTADB
            Ok(11 | 26) => Self::Corrupt,
            // TOOBIG, CONSTRAINT, MISMATCH, RANGE
            Ok(18 | 19 | 20 | 25) => Self::Unfit,
            _ => Self::Other,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(300)
        .collect()
}
