//! A short, strictly bounded look at what clients ask for: MONITOR for a fraction of a second, keys only.
//!
//! Redis has no event for a hit, so which namespaces lookups go to can only be sampled. [`session`] is one sample on a
//! connection of its own within a [`budget`], [`parser`] reads the stream, [`arguments`] picks the keys out of a line, [`commands`] is the
//! table that says which commands look keys up. Deliberately absent: when to sample (at a random moment of each
//! interval, else a job that runs every minute is always or never in the sample), namespaces, and any estimate: that is
//! `analyze`'s.
//!
//! Invariant: nothing but keys leaves this folder. Values are passed over while they are read; they are neither kept
//! nor logged nor part of an error. Memory does not depend on what the server sends.

pub mod arguments;
pub mod budget;
pub mod commands;
pub mod parser;
pub mod session;

pub use budget::{Budget, BudgetError};
pub use session::{CutBy, SampleReport, sample};

/// Where lookups go, one at a time, on the task that reads them.
///
/// It must be quick and must not block: while it works, the server's output buffer grows, and for MONITOR that buffer
/// has no limit by default.
pub trait LookupSink {
    /// A key was looked up in a way that counts as a hit or a miss. `key` lies in the parser's buffer: any bytes, of a
    /// long key only the first [`parser::MAX_KEY_BYTES`].
    fn lookup(&mut self, db: u32, key: &[u8]);
}
