//! What survives a restart: open incidents and running clocks, in one small file under the data folder.
//!
//! Deliberately absent: history, an outbox, silences, and any knowledge of what is kept: a caller hands over a value
//! that serde can write.
//!
//! Invariant: the file on disk is always a whole one. It is written beside and renamed; one that cannot be read is set
//! aside, never deleted and never written over.

mod state_file;

pub use state_file::{StateFile, StoreError};
