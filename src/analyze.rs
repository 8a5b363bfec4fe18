//! From readings to numbers that are right: counter identity, windows, confidence, completeness of events.
//!
//! Everything here is a function of (state, input, now). Deliberately absent: tokio, I/O, a clock, logging, and any
//! judgement on whether a number is bad; that is `alert`'s.
//!
//! Invariant: totals only grow, and never by more than what a server counted while it was watched.

pub mod completeness;
pub mod counters;
pub mod history;
pub mod ledger;
pub mod node;
pub mod status;
pub mod wilson;

#[cfg(test)]
pub(crate) mod fixture;
//! Pure functions of (state, input, now): what readings and events mean.
//!
//! No tokio, no I/O, no clock of its own.

pub mod attribution;
