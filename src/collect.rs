//! I/O toward caches: one folder a kind of cache.
//!
//! What comes out of this room are the words of `model` ([`Reading`](crate::model::reading::Reading),
//! [`PollReport`](crate::model::poll::PollReport), [`EventReport`](crate::model::events::EventReport)). It computes no
//! rates and judges nothing: that is `analyze` and `alert`.
//!
//! Invariant: whatever a server sends, it costs bounded memory and bounded time, and harms nobody but its own node.

pub mod redis;
