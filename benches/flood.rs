//! What watching costs under a flood of misses: server throughput, CPU of cachewatch against CPU of the server, memory.
//!
//! A program that prints a table. redis-benchmark makes the load, for a bounded number of requests. Each figure is a
//! ratio to the same load in the same run with notifications off. Two cores are shared by everything: what cachewatch
//! takes, server and load lack.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_cmp,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::time::Duration;

/// The harness of the integration tests, with all that it starts and measures.
#[path = "../tests/it"]
mod it {
    #[macro_use]
    pub(super) mod harness;
}

use it::harness;

use harness::process::{command, find_in_path};
use harness::wait::secs;
use harness::{Cachewatch, Server, Version};

/// Requests of a run.
const REQUESTS: u32 = 3_000_000;
/// Rounds; the median counts.
const ROUNDS: usize = 3;

#[derive(Clone, Copy)]
struct Run {
    requests_per_second: f64,
    server_cpu: Duration,
    watcher_cpu: Duration,
}

fn main() {
    let Some(benchmark) = find_in_path("redis-benchmark") else {
        println!("SKIPPED: redis-benchmark is not here; make setup brings it");
        return;
    };
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &["--maxmemory", "512mb"]);
    let load = |keys: &str| -> f64 {
        let (port, requests) = (server.port().to_string(), REQUESTS.to_string());
        let output = command(&benchmark)
            .args([
                "-p", &port, "-n", &requests, "-r", keys, "-P", "16", "-c", "20", "--csv",
            ])
            .args(["GET", "key:__rand_int__"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text
            .lines()
            .find(|l| l.starts_with("\"GET"))
            .unwrap_or_else(|| panic!("{text}"));
        line.split(',')
            .nth(1)
            .unwrap()
            .trim_matches('"')
            .parse()
            .unwrap()
    };
    // 90,000 of 100,000 keys are there: one lookup in ten misses.
    for i in 0..90_000 {
        server.call(&["SET", &format!("key:{i:012}"), "value"]);
    }

    println!("{REQUESTS} pipelined GETs (-P 16), Redis 7.0, median of {ROUNDS} rounds");
    println!(
        "{:<34} {:>12} {:>9} {:>14} {:>14} {:>8}",
        "", "requests/s", "ratio", "server CPU us", "watcher CPU us", "ratio"
    );
    for (name, keys) in [("10 % misses", "100000"), ("100 % misses", "1000000000")] {
        let mut baseline = 0.0;
        for setting in [
            "notifications off",
            "Exem, no subscriber",
            "Exem and cachewatch",
            "one MONITOR client",
        ] {
            let run = measure(&server, setting, || load(keys));
            if baseline == 0.0 {
                baseline = run.requests_per_second;
            }
            let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / f64::from(REQUESTS);
            println!(
                "{:<34} {:>12.0} {:>9.2} {:>14.2} {:>14.2} {:>8.2}",
                format!("{name}, {setting}"),
                run.requests_per_second,
                run.requests_per_second / baseline,
                each(run.server_cpu),
                each(run.watcher_cpu),
                run.watcher_cpu.as_secs_f64() / run.server_cpu.as_secs_f64().max(1e-9),
            );
        }
    }
}

fn measure(server: &Server, setting: &str, load: impl Fn() -> f64) -> Run {
    let flags = if setting.starts_with("Exem") {
        "Exem"
    } else {
        ""
    };
    server.call(&["CONFIG", "SET", "notify-keyspace-events", flags]);
    let mut runs: Vec<Run> = (0..ROUNDS).map(|_| once(server, setting, &load)).collect();
    runs.sort_by(|a, b| a.requests_per_second.total_cmp(&b.requests_per_second));
    runs[ROUNDS / 2]
}

fn once(server: &Server, setting: &str, load: impl Fn() -> f64) -> Run {
    let watched = (setting == "Exem and cachewatch").then(|| {
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        watched.wait_metric(
            "cache_events_state",
            &[("state", "working")],
            |v| v == 1.0,
            secs(10),
        );
        watched
    });
    let monitor = (setting == "one MONITOR client").then(|| {
        let mut client = command(find_in_path("redis-cli").unwrap());
        client.args(["-p", &server.port().to_string(), "MONITOR"]);
        client.stdout(std::process::Stdio::null());
        harness::process::Process::start("redis-cli MONITOR", client)
    });
    let watcher_cpu = || {
        watched
            .as_ref()
            .map_or(Duration::ZERO, |w| w.process().cpu_time())
    };
    let (server_before, watcher_before) = (server.process().cpu_time(), watcher_cpu());
    let missed_before = server.info_u64("keyspace_misses");
    let requests_per_second = load();
    if let Some(watched) = &watched {
        // Nothing may be left unread, or the CPU would be too good.
        let missed = server.info_u64("keyspace_misses") - missed_before;
        let labels = [("cache", "c"), ("event", "keymiss")];
        watched.wait_metric(
            "cache_events_total",
            &labels,
            |v| v == missed as f64,
            secs(30),
        );
        let metrics = watched.metrics();
        assert_eq!(
            metrics.sum("cache_events_gaps_total", &[])
                - metrics.sum("cache_events_gaps_total", &[("reason", "start")]),
            0.0,
            "the subscriber was cut"
        );
        let resident = watched.process().resident_bytes() as f64 / f64::from(1 << 20);
        println!("    {missed} of {missed} events read, no gap, {resident:.1} MiB resident");
    }
    drop(monitor);
    Run {
        requests_per_second,
        server_cpu: server.process().cpu_time().saturating_sub(server_before),
        watcher_cpu: watcher_cpu().saturating_sub(watcher_before),
    }
}
