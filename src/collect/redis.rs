//! Redis and what speaks its protocol: Valkey, KeyDB, Dragonfly.
//!
//! [`dial`] opens byte streams and is shared; everything that polls (`connection`, `poller`) and the reader of events
//! have connections of their own. Types of the `redis` crate do not leave this folder.
//!
//! Invariant: read-only. Nothing here changes a server, its data or its settings.

pub mod backoff;
pub mod capabilities;
pub mod connection;
pub mod dial;
pub mod error;
pub mod events;
pub mod info;
pub mod monitor;
pub mod poller;
pub mod sampler;

#[cfg(test)]
mod testing;
