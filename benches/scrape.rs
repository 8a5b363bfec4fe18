//! What a scrape costs, beside redis_exporter on the same Redis in the same run, and what polling costs the server.
//!
//! A program that prints a table. Bounded: a fixed number of requests, or a few seconds, whichever ends first.
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

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The harness of the integration tests, with all that it starts and measures.
#[path = "../tests/it"]
mod it {
    #[macro_use]
    pub(super) mod harness;
}

use it::harness;

use harness::process::{Process, command, find_in_path};
use harness::wait::{eventually, now, secs};
use harness::{Cachewatch, Server, Version, http};

/// Connections that scrape at the same time.
const CLIENTS: usize = 4;
/// Requests that each client sends at most.
const REQUESTS: usize = 20_000;
/// How long a run lasts at most.
const LIMIT: Duration = Duration::from_secs(5);

/// What a run of scrapes gave.
struct Run {
    requests_per_second: f64,
    cpu_per_scrape: Duration,
    resident_mib: f64,
    kilobytes: f64,
}

fn main() {
    let Some(exporter_binary) = find_in_path("prometheus-redis-exporter") else {
        println!("SKIPPED: prometheus-redis-exporter is not here; make setup brings it");
        return;
    };
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(
        Version::Redis70,
        &["--notify-keyspace-events", "Exem", "--maxmemory", "256mb"],
    );
    for i in 0..10_000 {
        server.call(&["SET", &format!("key:{i}"), "value"]);
    }

    let idle = server_cpu(&server, secs(10));
    let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
    watched.wait_metric("cache_up", &[("cache", "c")], |v| v == 1.0, secs(10));
    let polled = server_cpu(&server, secs(10));

    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut exporter = command(exporter_binary);
    exporter.args([
        "-web.listen-address",
        &address.to_string(),
        "-redis.addr",
        &server.url(),
    ]);
    let exporter = Process::start("redis_exporter", exporter);
    eventually(secs(10), "redis_exporter to answer", || {
        http::get(address, "/metrics").ok()
    });

    let theirs = scrape(address, &exporter);
    let ours = scrape(watched.addr(), watched.process());

    println!("{CLIENTS} connections scrape /metrics of the same Redis 7.0 with 10,000 keys");
    println!(
        "{:<22} {:>14} {:>14} {:>8}",
        "", "redis_exporter", "cachewatch", "ratio"
    );
    let row = |name: &str, theirs: f64, ours: f64, digits: usize| {
        println!(
            "{name:<22} {theirs:>14.digits$} {ours:>14.digits$} {:>8.2}",
            ours / theirs
        );
    };
    row(
        "requests/s",
        theirs.requests_per_second,
        ours.requests_per_second,
        0,
    );
    row(
        "CPU per scrape, us",
        micros(theirs.cpu_per_scrape),
        micros(ours.cpu_per_scrape),
        1,
    );
    row(
        "resident memory, MiB",
        theirs.resident_mib,
        ours.resident_mib,
        1,
    );
    row("response, KB", theirs.kilobytes, ours.kilobytes, 1);
    println!();
    println!(
        "CPU of the server in 10 s: {:.1} ms idle, {:.1} ms polled each second",
        millis(idle),
        millis(polled)
    );
    println!(
        "that is {:.0} us a poll, {:.4} % of one core",
        micros(polled.saturating_sub(idle)) / 10.0,
        millis(polled.saturating_sub(idle)) / 100.0
    );
    watched.stop();
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU that the server says it used while nothing but what is already running happens.
fn server_cpu(server: &Server, during: Duration) -> Duration {
    let used = || {
        let field = |name: &str| server.info(name).unwrap().parse::<f64>().unwrap();
        Duration::from_secs_f64(field("used_cpu_user") + field("used_cpu_sys"))
    };
    let before = used();
    harness::wait::pause(during);
    used().saturating_sub(before)
}

fn scrape(address: SocketAddr, process: &Process) -> Run {
    let (cpu, began) = (process.cpu_time(), now());
    let results: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(move || client(address)))
            .collect();
        clients.into_iter().map(|c| c.join().unwrap()).collect()
    });
    let took = began.elapsed();
    let requests: usize = results.iter().map(|(n, _)| n).sum();
    let cpu = process.cpu_time().saturating_sub(cpu);
    Run {
        requests_per_second: requests as f64 / took.as_secs_f64(),
        cpu_per_scrape: cpu / u32::try_from(requests).unwrap(),
        resident_mib: process.resident_bytes() as f64 / f64::from(1 << 20),
        kilobytes: results[0].1 as f64 / 1e3,
    }
}

/// Scrapes on one kept connection; how many times, and how long the last body was.
fn client(address: SocketAddr) -> (usize, usize) {
    let began = now();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    for done in 0..REQUESTS {
        if began.elapsed() > LIMIT {
            return (done, length);
        }
        writer
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n")
            .unwrap();
        assert!(http::read_line(&mut reader).unwrap().contains("200"));
        let headers = http::read_headers(&mut reader).unwrap();
        length = http::read_body(&mut reader, &headers, false).unwrap().len();
    }
    (REQUESTS, length)
}
