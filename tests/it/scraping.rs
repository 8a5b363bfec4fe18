//! A real Prometheus scrapes it: the format is right, the rates agree with the server's own numbers.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{
    Cachewatch, Load, Prometheus, Server, Version, eventually, prometheus, python,
};

on_all_servers! {
    /// promtool and the OpenMetrics parser have nothing to complain about, whatever the server.
    fn the_formats_are_right(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem", "--maxmemory", "64mb"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        server.call(&["SET", "a", "1"]);
        server.call(&["GET", "a"]);
        server.call(&["GET", "b"]);
        watched.wait_metric("cache_up", &[("cache", "c")], |v| v == 1.0, secs(10));
        watched.wait_metric("redis_commands_total", &[("cmd", "get")], |v| v >= 2.0, secs(10));
        if prometheus::require() {
            prometheus::check_metrics(&watched.get("/metrics").text()).unwrap();
        }
        if python::require() {
            let headers = [("Accept", "application/openmetrics-text;version=1.0.0")];
            let response = crate::harness::http::request(watched.addr(), "GET", "/metrics", &headers, b"").unwrap();
            assert!(response.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
            python::check_openmetrics(&response.text()).unwrap();
        }
        watched.stop();
    }
}

#[test]
fn rates_agree_with_the_server() {
    if !Version::Redis70.require() || !prometheus::require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
    watched.wait_metric(
        "cache_lookups_total",
        &[("cache", "c")],
        |v| v == 0.0,
        secs(10),
    );
    let scraper = Prometheus::scraping(&[watched.addr()]);
    scraper.wait_up(1, secs(20));
    let load = Load::start(&server, 100.0, 0.25);
    let misses = r#"rate(cache_misses_total{cache="c"}[1m])"#;
    // 25 misses a second; rate() extrapolates at the edges, and needs most of a minute to have settled.
    let rate = eventually(secs(90), "a settled rate", || {
        scraper.value(misses).filter(|v| (22.5..27.5).contains(v))
    });
    let raw = scraper
        .value(r#"rate(redis_keyspace_misses_total{cache="c"}[1m])"#)
        .unwrap();
    assert!(
        (rate - raw).abs() < 2.5,
        "{rate} and the server's own {raw}"
    );
    let truth = load.stop();
    // And to the lookup, once it is quiet.
    scraper.wait_value(
        r#"cache_misses_total{cache="c"}"#,
        |v| v == truth.misses as f64,
        secs(10),
    );
    assert_eq!(server.info_u64("keyspace_misses"), truth.misses);
    let ratio = watched.wait_metric(
        "cache_miss_ratio",
        &[("cache", "c"), ("window", "5m")],
        |_| true,
        secs(5),
    );
    assert!((ratio - 0.25).abs() < 0.01, "{ratio}");
    watched.stop();
}
