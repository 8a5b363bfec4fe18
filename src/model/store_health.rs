//! How the store stands, as plain data.
//!
//! Deliberately absent: what to do about it.
//!
//! Invariant: no text in it holds a secret; the address of a database is never one of them.

/// How the store stands. Cheap to get, made anew for every snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct StoreHealth {
    /// `memory`, `sqlite` or `postgres`.
    pub backend: &'static str,
    /// Whether somebody asked for more than memory.
    pub wanted: bool,
    /// Whether what is written now survives the process.
    pub durable: bool,
    /// Why it is not, although it should be.
    pub error: Option<String>,
    /// Where the last file that could not be used was put aside.
    pub set_aside: Option<String>,
    /// What memory holds that still has to be brought over, in operations.
    pub waiting: u64,
    /// Operations that the database did not take (memory did).
    pub writes_failed: u64,
    /// Times that it was left for memory.
    pub outages: u64,
    /// Rows that were removed because they were too old or too many.
    pub rows_pruned: u64,
    /// Rows that were refused or dropped: malformed, or beyond what may wait in memory.
    pub rows_cut: u64,
}
