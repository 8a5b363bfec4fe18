//! From numbers to judgement: rules, their state machines, incidents, and the words that explain them.
//!
//! Everything here is a function of (state, input, now). Deliberately absent: tokio, I/O, a clock, logging, channels;
//! who is told, and how often it is tried, is `notify`'s.
//!
//! Invariants: a failed poll neither fires nor resolves a miss-ratio incident; each incident gives exactly one firing
//! and at most one resolved notification, also over a restart that restores the saved state.

pub mod baseline;
pub mod book;
pub mod down;
pub mod evidence;
mod flaps;
mod happenings;
pub mod incident;
mod limit;
pub mod machine;
mod measure;
pub mod mute;
pub mod replay;
pub mod rule_h;
pub mod saved;
pub mod sequential;
pub mod surroundings;
mod warm_up;
mod watch;
mod words;
