//! From readings to numbers that are right: counter identity, windows, confidence, completeness of events.
//!
//! Everything here is a function of (state, input, now). Deliberately absent: tokio, I/O, a clock, logging, and any
//! judgement on whether a number is bad; that is `alert`'s.
//!
//! Invariant: totals only grow, and never by more than what a server counted while it was watched.

pub mod attribution;
pub mod completeness;
pub mod counters;
pub mod flush;
pub mod gaps;
pub mod history;
pub mod ledger;
pub mod lookups;
pub mod merger;
pub mod node;
pub mod sample;
pub mod slots;
pub mod status;
pub mod wilson;

#[cfg(test)]
pub(crate) mod fixture;
