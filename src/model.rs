//! The words of the project as types: caches, nodes, readings, windows, snapshots, incidents, and the clock.
//!
//! Deliberately absent: I/O, tokio, formulas. What is computed lives in `analyze` and `alert`;
//! this room only says what the results look like, so that every other room can speak of them.
//!
//! Invariant: a value that is not known is `None`, never 0.

pub mod attribution;
pub mod events;
pub mod evidence;
pub mod flags;
pub mod fnv;
pub mod gap;
pub mod incident;
pub mod lookups;
pub mod name;
pub mod pattern;
pub mod poll;
pub mod price;
pub mod reading;
pub mod record;
pub mod seconds;
pub mod secret;
pub mod signed;
pub mod silence;
pub mod snapshot;
pub mod stats;
pub mod store_health;
pub mod text;
pub mod time;
pub mod weekly;
pub mod window;
pub mod words;
