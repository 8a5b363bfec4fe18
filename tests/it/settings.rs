//! Configuration: mistakes are told all at once and end with code 2; a reload takes what is right and refuses the rest.

use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version, eventually};

#[test]
fn all_mistakes_at_once_and_no_secret() {
    let text = "\
caches:
- name: sessions
  url: redis://user:hunter2@127.0.0.1:6379
  poll_intervall: 5s
- name: sessions
  url: ftp://127.0.0.1
  poll_interval: 10h
channels:
- {name: slack, type: slack, url_file: /does/not/exist}
";
    let ended = Cachewatch::builder()
        .args(["serve"])
        .config(text)
        .run_to_end()
        .expect_code(2);
    for part in [
        "cachewatch.yaml:4",
        "poll_interval",
        "cachewatch.yaml:5",
        "cachewatch.yaml:6",
        "cachewatch.yaml:7",
        "cachewatch.yaml:9",
        "/does/not/exist",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is missing in:\n{}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    let checked = Cachewatch::builder()
        .args(["check"])
        .config(text)
        .run_to_end()
        .expect_code(2);
    // Each ran in a folder of its own.
    let mistakes = |stderr: &str| -> Vec<String> {
        let after = |line: &str| line.split_once("cachewatch.yaml").unwrap().1.to_owned();
        stderr.lines().map(after).collect()
    };
    assert_eq!(
        mistakes(&checked.stderr),
        mistakes(&ended.stderr),
        "check says the same as serve"
    );
}

#[test]
fn no_cache_is_an_error_that_helps() {
    let ended = Cachewatch::run(&["serve"]).expect_code(2);
    assert!(ended.stderr.contains("redis://"), "{}", ended.stderr);
}

#[test]
fn a_port_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended =
        Cachewatch::run(&["serve", "redis://127.0.0.1:1", "--listen", &address]).expect_code(1);
    assert!(
        ended.stderr.contains(&address) && ended.stderr.contains("--listen"),
        "{}",
        ended.stderr
    );
}

/// Flags beat the environment, which beats the file, which beats the defaults.
#[test]
fn precedence() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let file = format!(
        "poll_interval: 30s\ncaches: [{{name: c, url: '{}'}}]\n",
        server.url()
    );
    let watched = Cachewatch::builder()
        .args(["serve", "--poll-interval", "1s"])
        .env("CACHEWATCH_POLL_INTERVAL", "20s")
        .config(&file)
        .start();
    let polls = watched.wait_metric(
        "cachewatch_poll_duration_seconds_count",
        &[("cache", "c")],
        |v| v >= 3.0,
        secs(10),
    );
    assert!(polls >= 3.0);
    watched.stop();
}

#[test]
fn reload_takes_what_is_right_and_refuses_what_is_wrong() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let one = format!(
        "poll_interval: 1s\ncaches:\n- {{name: one, url: '{}'}}\n",
        server.url()
    );
    let socket = Server::builder(Version::Redis70).unix_socket().start();
    let two = format!(
        "{one}- {{name: two, url: 'unix://{}'}}\n",
        socket.unix_path().display()
    );
    let watched = Cachewatch::with_config(&one);
    watched.wait_metric("cache_up", &[("cache", "one")], |v| v == 1.0, secs(10));
    server.call(&["GET", "absent"]);
    watched.wait_metric(
        "cache_misses_total",
        &[("cache", "one")],
        |v| v == 1.0,
        secs(10),
    );

    // The file changes: it is seen without a signal. What did not change goes on with its counts.
    watched.rewrite_config(&two);
    watched.wait_metric("cache_up", &[("cache", "two")], |v| v == 1.0, secs(15));
    let metrics = watched.metrics();
    assert!((metrics.get("cache_misses_total", &[("cache", "one")]) - 1.0).abs() < f64::EPSILON);
    assert!(
        (metrics.get("cachewatch_config_last_reload_successful", &[]) - 1.0).abs() < f64::EPSILON
    );

    // A bad file leaves the old configuration running, and shows.
    watched.rewrite_config("caches: [{name: one, urll: 'redis://127.0.0.1'}]\n");
    watched.signal("HUP");
    watched.wait_metric(
        "cachewatch_config_last_reload_successful",
        &[],
        |v| v == 0.0,
        secs(10),
    );
    watched.wait_log("urll", secs(5));
    assert!(
        watched.get("/").text().contains("urll"),
        "the page shows it"
    );
    assert_eq!(
        watched.metrics().value("cache_up", &[("cache", "two")]),
        Some(1.0)
    );

    // And a good one again: a cache that is gone leaves no series behind.
    watched.rewrite_config(&one);
    watched.wait_metrics("the second cache to be gone", secs(15), |m| {
        m.value("cache_up", &[("cache", "two")])
            .is_none()
            .then_some(())
    });
    watched.wait_metric(
        "cachewatch_config_last_reload_successful",
        &[],
        |v| v == 1.0,
        secs(5),
    );
    watched.stop();
}

#[test]
fn a_password_file_is_read_anew() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::builder(Version::Redis70).password("first").start();
    let builder = Cachewatch::builder().args(["serve"]);
    builder.file("password", "first\n");
    let config = format!(
        "poll_interval: 1s\ncaches: [{{name: c, url: 'redis://{}', password_file: password}}]\n",
        server.node()
    );
    let watched = builder.config(&config).start();
    watched.wait_metric("cache_up", &[("cache", "c")], |v| v == 1.0, secs(10));
    // Rotated: the connections of today go on; the next ones need the new password.
    server.call(&["CONFIG", "SET", "requirepass", "second"]);
    std::fs::write(watched.dir().join("password"), "second\n").unwrap();
    server.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let errors = [("cache", "c"), ("reason", "auth")];
    eventually(secs(20), "a reading after the rotation", || {
        let metrics = watched.metrics();
        (metrics.get("cache_up", &[("cache", "c")]) == 1.0
            && metrics.get("cache_reading_age_seconds", &[("cache", "c")]) < 1.5)
            .then_some(())
    });
    assert!(
        watched
            .metrics()
            .get("cachewatch_poll_errors_total", &errors)
            < 2.0
    );
    watched.stop();
}

#[test]
fn tls_with_a_private_authority() {
    if !Version::Redis70.require_tls() {
        return;
    }
    let server = Server::builder(Version::Redis70).tls().start();
    let url = format!("rediss://127.0.0.1:{}", server.tls_port());
    let trusted = format!(
        "poll_interval: 1s\ncaches:\n- {{name: trusted, url: '{url}', tls: {{ca_file: '{}'}}}}\n",
        server.pki().ca.display()
    );
    let watched = Cachewatch::with_config(&trusted);
    watched.wait_metric("cache_up", &[("cache", "trusted")], |v| v == 1.0, secs(10));
    watched.stop();
    let watched = Cachewatch::serve(&[&format!("strange={url}"), "--poll-interval", "1s"]);
    watched.wait_metric(
        "cachewatch_poll_errors_total",
        &[("cache", "strange"), ("reason", "tls")],
        |v| v >= 1.0,
        secs(10),
    );
    watched.wait_log("certificate", secs(5));
    watched.stop();
}
