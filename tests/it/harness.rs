//! What tests are written with: real servers, load with known truth, receivers and proxies that misbehave on demand, the
//! real binary, a real Prometheus.
//!
//! Plain threads and blocking calls throughout, so that a test reads from top to bottom. It knows nothing of cachewatch's
//! types: it sees the program as its users do.
//!
//! Invariants: nothing outlives the test process, however that ends; every wait has a deadline and says what it waited
//! for; only `wait` sleeps or reads the clock.
#![allow(
    dead_code,
    unused_imports,
    reason = "a toolbox: each tool is self-tested, not every one is used by a test of the product yet"
)]

pub mod alertmanager;
pub mod cachewatch;
pub mod fake_redis;
pub mod http;
pub mod mail;
pub mod metrics;
pub mod net;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod python;
pub mod receiver;
pub mod resp;
pub mod servers;
pub mod skip;
pub mod smtp;
pub mod tls;
pub mod tmpfs;
pub mod told;
pub mod version;
pub mod wait;
pub mod workload;

#[macro_use]
pub mod each_version;
mod selftest;

pub use alertmanager::Alertmanager;
pub use cachewatch::Cachewatch;
pub use fake_redis::{Answer as FakeAnswer, FakeRedis};
pub use metrics::Metrics;
pub use postgres::Postgres;
pub use prometheus::Prometheus;
pub use proxy::{Mode, Proxy};
pub use receiver::{Answer, Receiver};
pub use resp::Reply;
pub use servers::{Counters, Server};
pub use smtp::{Phase, Smtp};
pub use tls::Pki;
pub use tmpfs::Tmpfs;
pub use told::{told, wait_told};
pub use version::Version;
pub use wait::eventually;
pub use workload::{Load, Truth, Workload};
