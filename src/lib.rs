//! cachewatch tells the owner of a cache how well it works, why it misses, and says so before users notice.
//!
//! The rooms, top to bottom; a room never imports one above it:
//! `cli`, `engine`, `serve`, `export`, `notify`, `store`, `collect`, `alert`, `analyze`, `config`, `model`.
//! ARCHITECTURE.md tells what each is for.

pub mod collect;
pub mod alert;
pub mod analyze;
pub mod config;
pub mod export;
pub mod model;
pub mod serve;
pub mod notify;
