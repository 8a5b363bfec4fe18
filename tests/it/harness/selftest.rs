//! The harness, tested: a tool that lies makes every test that uses it worthless.

mod alone;
mod cachewatch;
mod fake_redis;
mod metrics;
mod processes;
mod prometheus;
mod proxy;
mod receiver;
mod servers;
mod smtp;
mod workload;
