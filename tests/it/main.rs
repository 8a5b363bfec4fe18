//! One integration binary against real servers.
//!
//! `harness` starts servers, receivers, proxies and the real `cachewatch`; the other modules are the tests, one file a
//! promise of the product. `make setup` brings what they need; what is missing is skipped loudly, and in CI fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that cannot go on stops with a message; clippy's allowances reach only functions marked #[test]"
)]
#![allow(
    clippy::float_cmp,
    reason = "counters are whole numbers far below 2^53 and must come through exactly"
)]
#![allow(
    unreachable_pub,
    reason = "pub marks what tests may use of the harness"
)]

mod alerts;
mod attribution;
mod browser;
mod channels;
mod check;
mod corpus;
mod counters;
mod crash;
mod dashboards;
mod datadog;
mod demo;
mod deploy;
mod events;
mod failover;
mod failures;
mod flood;
mod harness;
mod lookups;
mod promql;
mod report;
mod rules;
mod scene;
mod scraping;
mod settings;
mod store_postgres;
mod store_trouble;
mod top;

/// A file of the repository.
fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
