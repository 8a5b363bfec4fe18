//! A node that fails, in whatever way, is told apart, told in words, and disturbs nobody else.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::{always, millis, secs};
use crate::harness::{Cachewatch, FakeAnswer, FakeRedis, Load, Mode, Proxy, Server, Version};

/// Watches a healthy cache beside a sick one. Time-outs are short, so that a hung node is known within two intervals.
fn beside(server: &Server, sick: &str, more: &str) -> Cachewatch {
    Cachewatch::with_config(&format!(
        "poll_interval: 1s\n\
         caches:\n\
         - {{name: well, url: '{}'}}\n\
         - {{name: sick, url: '{sick}', connect_timeout: 500ms, response_timeout: 500ms{more}}}\n",
        server.url()
    ))
}

fn healthy() -> Option<Server> {
    Version::Redis70
        .require()
        .then(|| Server::start(Version::Redis70, &[]))
}

/// The sick node is down for this reason, with these words in the log and on the page; the healthy one is read on.
fn shows(watched: &Cachewatch, reason: &str, words: &[&str]) {
    let sick = [("cache", "sick")];
    watched.wait_metric("cache_up", &[("cache", "well")], |v| v == 1.0, secs(10));
    let errors = [("cache", "sick"), ("reason", reason)];
    watched.wait_metric(
        "cachewatch_poll_errors_total",
        &errors,
        |v| v >= 1.0,
        secs(10),
    );
    watched.wait_metric("cache_up", &sick, |v| v == 0.0, secs(10));
    watched.wait_metric("redis_up", &sick, |v| v == 0.0, secs(10));
    for word in words {
        watched.wait_log(word, secs(5));
        let page = watched.get("/caches/sick").text();
        let plain = page
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&#34;", "\"");
        assert!(plain.contains(word), "{word:?} is not on the page:\n{page}");
    }
    undisturbed(watched);
}

/// The healthy cache's readings stay young.
fn undisturbed(watched: &Cachewatch) {
    always(secs(3), "the healthy cache is read on", || {
        let metrics = watched.metrics();
        let age = metrics.get("cache_reading_age_seconds", &[("cache", "well")]);
        metrics.get("cache_up", &[("cache", "well")]) == 1.0 && age < 2.5
    });
}

on_all_servers! {
    /// SIGSTOP: the port still accepts, nothing answers. And it comes back by itself.
    fn a_server_that_hangs(version: Version) {
        let Some(well) = healthy() else { return };
        let server = Server::start(version, &[]);
        let watched = beside(&well, &server.url(), "");
        watched.wait_metric("cache_up", &[("cache", "sick")], |v| v == 1.0, secs(10));
        server.sigstop();
        let began = crate::harness::wait::now();
        watched.wait_metric("cache_up", &[("cache", "sick")], |v| v == 0.0, secs(10));
        // Two intervals, and what the machine may be late with.
        assert!(began.elapsed() < millis(3_500), "up was 0 only after {:?}", began.elapsed());
        shows(&watched, "response_timeout", &["did not answer"]);
        server.sigcont();
        watched.wait_metric("cache_up", &[("cache", "sick")], |v| v == 1.0, secs(20));
        watched.stop();
    }

    /// An ACL user that may not use INFO: the message holds the line that mends it.
    fn an_acl_without_info(version: Version) {
        let Some(well) = healthy() else { return };
        let server = Server::start(version, &[]);
        server.acl_user("watcher", "hunter2", &["+ping"]);
        let url = server.url().replace("redis://", "redis://watcher:hunter2@");
        let watched = beside(&well, &url, "");
        shows(&watched, "denied", &["+info"]);
        assert!(!watched.log().contains("hunter2"), "{}", watched.log());
        assert!(!watched.get("/").text().contains("hunter2"));
        watched.stop();
    }

    /// A wrong password is told as such and never printed.
    fn a_wrong_password(version: Version) {
        let Some(well) = healthy() else { return };
        let server = Server::builder(version).password("right").start();
        let url = server.url().replace("redis://", "redis://:hunter2@");
        let url = if url.contains("right") { format!("redis://:hunter2@{}", server.node()) } else { url };
        let watched = beside(&well, &url, "");
        shows(&watched, "auth", &["password"]);
        assert!(!watched.log().contains("hunter2"), "{}", watched.log());
        watched.stop();
    }
}

#[test]
fn nobody_listens() {
    let Some(well) = healthy() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let watched = beside(&well, &format!("redis://127.0.0.1:{port}"), "");
    shows(
        &watched,
        "refused",
        &["refused", &format!("127.0.0.1:{port}")],
    );
    watched.stop();
}

#[test]
fn a_password_is_wanted_and_none_given() {
    let Some(well) = healthy() else { return };
    let server = FakeRedis::always(FakeAnswer::noauth());
    let watched = beside(&well, &server.url(), "");
    shows(&watched, "auth", &["password"]);
    watched.stop();
}

#[test]
fn a_server_that_is_loading() {
    let Some(well) = healthy() else { return };
    let server = FakeRedis::always(FakeAnswer::loading());
    let watched = beside(&well, &server.url(), "");
    shows(&watched, "loading", &["load"]);
    watched.stop();
}

#[test]
fn a_megabyte_of_garbage() {
    let Some(well) = healthy() else { return };
    let server = FakeRedis::always(FakeAnswer::garbage(1 << 20));
    let watched = beside(&well, &server.url(), "");
    shows(&watched, "protocol", &[]);
    watched.stop();
}

#[test]
fn a_web_server_instead_of_redis() {
    let Some(well) = healthy() else { return };
    let server = FakeRedis::always(FakeAnswer::html());
    let watched = beside(&well, &server.url(), "");
    shows(&watched, "protocol", &[]);
    watched.stop();
}

#[test]
fn one_byte_a_second() {
    let Some(well) = healthy() else { return };
    let slow = Server::start(Version::Redis70, &[]);
    let proxy = Proxy::start(slow.addr());
    proxy.set(Mode::Throttle(1));
    let watched = beside(&well, &proxy.url(), "");
    watched.wait_metric("cache_up", &[("cache", "sick")], |v| v == 0.0, secs(10));
    let timeouts = [("cache", "sick"), ("reason", "response_timeout")];
    let connects = [("cache", "sick"), ("reason", "connect_timeout")];
    watched.wait_metrics("a time-out", secs(10), |m| {
        let count = m.value("cachewatch_poll_errors_total", &timeouts)?
            + m.value("cachewatch_poll_errors_total", &connects)?;
        (count >= 1.0).then_some(())
    });
    undisturbed(&watched);
    proxy.set(Mode::Pass);
    watched.wait_metric("cache_up", &[("cache", "sick")], |v| v == 1.0, secs(20));
    watched.stop();
}

/// A load on the healthy cache is counted to the lookup while its neighbour is sick in turn in every way.
#[test]
fn neighbours_do_not_disturb_the_count() {
    let Some(well) = healthy() else { return };
    let sick = Server::start(Version::Redis70, &[]);
    let proxy = Proxy::start(sick.addr());
    let watched = beside(&well, &proxy.url(), "");
    watched.wait_metric("cache_up", &[("cache", "well")], |v| v == 1.0, secs(10));
    let load = Load::start(&well, 200.0, 0.25);
    for mode in [Mode::Cut, Mode::HalfOpen, Mode::Pass, Mode::Throttle(1)] {
        proxy.set(mode);
        undisturbed(&watched);
    }
    let truth = load.stop();
    watched.wait_metric(
        "cache_lookups_total",
        &[("cache", "well")],
        |v| v == truth.lookups() as f64,
        secs(10),
    );
    watched.stop();
}
