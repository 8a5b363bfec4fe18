//! cachewatch tells the owner of a cache how well it works, why it misses, and says so before users notice.
//!
//! The rooms, top to bottom; a room never imports one above it:
//! `cli`, `engine`, `serve`, `export`, `report`, `notify`, `chart`, `store`, `collect`, `alert`, `analyze`, `config`, `model`.
//! ARCHITECTURE.md tells what each is for.

pub mod alert;
pub mod analyze;
pub mod chart;
pub mod cli;
pub mod collect;
pub mod config;
pub mod engine;
pub mod export;
pub mod model;
pub mod notify;
pub mod report;
pub mod serve;
pub mod store;

/// Makes `ring` the TLS provider of the process. To be called first in `main` and in each test binary that uses TLS;
/// calling it again does nothing.
pub fn install_tls_provider() {
    // An error says that a provider is there already.
    drop(rustls::crypto::ring::default_provider().install_default());
}
