//! Keyspace events: counted where they can be had; where not, what to set is said precisely, and all else goes on.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version, Workload, eventually};

const C: [(&str, &str); 1] = [("cache", "c")];

fn state(watched: &Cachewatch, state: &str) {
    let labels = [("cache", "c"), ("state", state)];
    watched.wait_metric("cache_events_state", &labels, |v| v == 1.0, secs(15));
}

on_all_servers! {
    /// Notifications are off: the exact command is in the log and on the page; once it is given, events come.
    fn notifications_that_are_off(version: Version) {
        let server = Server::start(version, &[]);
        let before = server.cli(&["CONFIG", "GET", "notify-keyspace-events"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "notifications_off");
        let command = "CONFIG SET notify-keyspace-events";
        watched.wait_log(command, secs(5));
        assert!(watched.get("/caches/c").text().contains(command));
        Workload::new(&server).misses(10);
        watched.wait_metric("cache_misses_total", &C, |v| v == 10.0, secs(10));
        let flags = server.cli(&["CONFIG", "GET", "notify-keyspace-events"]);
        assert_eq!(flags, before, "cachewatch writes nothing to the server");
        watched.stop();
    }

    /// What another consumer has set is kept in what is proposed.
    fn a_proposal_only_adds(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Kg$"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "notifications_off");
        let line = watched.wait_log("CONFIG SET notify-keyspace-events", secs(5));
        let flags = line.split("notify-keyspace-events ").last().unwrap().split_whitespace().next().unwrap().to_owned();
        for letter in "Kg$Exem".chars() {
            assert!(flags.contains(letter), "{letter} is missing in {line}");
        }
        watched.stop();
    }

    /// The ACL lets us read INFO but not subscribe: polling goes on, and the message says what to grant.
    fn a_subscription_that_is_forbidden(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        server.acl_user("watcher", "pw", &["resetchannels", "+info", "+ping", "+config|get"]);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let watched = Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s"]);
        state(&watched, "forbidden");
        watched.wait_log("subscribe", secs(5));
        watched.wait_metric("cache_up", &C, |v| v == 1.0, secs(5));
        watched.stop();
    }

    /// The least that the README grants is enough for everything.
    fn the_documented_acl_is_enough(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let user = [
            "resetkeys", "resetchannels", "&__keyevent@*__:*", "-@all", "+info", "+ping", "+config|get", "+client|setname",
            "+subscribe", "+unsubscribe",
        ];
        server.acl_user("watcher", "pw", &user);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let watched = Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s"]);
        state(&watched, "working");
        let mut work = Workload::new(&server);
        work.misses(25);
        let labels = [("cache", "c"), ("event", "keymiss")];
        watched.wait_metric("cache_events_total", &labels, |v| v == 25.0, secs(10));
        watched.stop();
    }

    /// Nobody reads for the subscriber: the server cuts it at its limit, and says so in INFO where it can.
    fn a_subscriber_over_the_output_limit(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        server.call(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1048576 1048576 1"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "working");
        watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
        // More events at once than the sockets and the limit hold: the server publishes all of them before it writes.
        let script = "for i = 1, 300000 do redis.call('GET', 'a-key-that-is-not-there:' .. i) end";
        server.call(&["EVAL", script, "0"]);
        // Older servers do not count whom they cut off; there it is a lost connection, unless it ended in a message.
        let tells = version.is_valkey() || version.number().starts_with("8.");
        let gaps = watched.wait_metrics("a gap", secs(20), |m| {
            (m.sum("cache_events_gaps_total", &C) == 2.0).then(|| m.clone())
        });
        let reason = if tells || gaps.get("cache_events_gaps_total", &[("reason", "output_limit")]) == 1.0 {
            "output_limit"
        } else {
            "connection"
        };
        let cut = [("cache", "c"), ("reason", reason)];
        watched.wait_metric("cache_events_gaps_total", &cut, |v| v == 1.0, secs(20));
        state(&watched, "working");
        assert_eq!(watched.get("/caches/c").text().contains("cut cachewatch off at its output buffer limit"), reason == "output_limit");
        let lost = || {
            let api: serde_json::Value = serde_json::from_str(&watched.get("/api/v1/caches").text()).unwrap();
            api["caches"][0]["nodes"][0]["events"]["last_gap"]["events_lost"].as_u64()
        };
        eventually(secs(10), "what was lost", || lost().filter(|lost| *lost > 1_000 && *lost <= 300_000));
        watched.stop();
    }

    /// The reader speaks RESP3 with every server that we test, with a password and without.
    fn resp3_is_spoken(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        server.acl_user("watcher", "pw", &["resetkeys", "resetchannels", "&__keyevent@*__:*", "-@all", "+info", "+config|get", "+subscribe"]);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let watched = Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s", "--log", "debug"]);
        state(&watched, "working");
        watched.wait_log("resp3=true", secs(5));
        Workload::new(&server).misses(12);
        let labels = [("cache", "c"), ("event", "keymiss")];
        watched.wait_metric("cache_events_total", &labels, |v| v == 12.0, secs(10));
        watched.stop();
    }

    /// A restart of the server is told from a lost connection.
    fn a_restart_of_the_server(version: Version) {
        let mut server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "working");
        watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
        server.restart();
        let restarted = [("cache", "c"), ("reason", "restart")];
        watched.wait_metric("cache_events_gaps_total", &restarted, |v| v == 1.0, secs(20));
        state(&watched, "working");
        let lost = [("cache", "c"), ("reason", "connection")];
        assert!(watched.metrics().get("cache_events_gaps_total", &lost) == 0.0);
        watched.stop();
    }

    /// The server cuts the subscriber: the gap is counted, the subscription made anew, and completeness says so.
    fn a_subscriber_that_is_cut(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "working");
        let gaps = |reason| [("cache", "c"), ("reason", reason)];
        watched.wait_metric("cache_events_gaps_total", &gaps("start"), |v| v == 1.0, secs(10));
        server.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        watched.wait_metric("cache_events_gaps_total", &gaps("connection"), |v| v == 1.0, secs(10));
        let lasted = watched.metrics().get("cache_events_gap_seconds_total", &gaps("connection"));
        assert!(lasted > 0.0 && lasted < 20.0, "{lasted}");
        assert!(watched.get("/caches/c").text().contains("the connection was lost"));
        let api = watched.get("/api/v1/caches").text();
        let api: serde_json::Value = serde_json::from_str(&api).unwrap();
        let told = &api["caches"][0]["nodes"][0]["events"];
        assert_eq!(told["last_gap"]["reason"], "connection", "{told:#}");
        assert_eq!(told["gaps_by_reason"]["connection"]["count"], 1, "{told:#}");
        state(&watched, "working");
        Workload::new(&server).misses(30);
        let labels = [("cache", "c"), ("event", "keymiss")];
        watched.wait_metric("cache_events_total", &labels, |v| v >= 30.0, secs(10));
        watched.stop();
    }
}

/// Over TLS, what was decrypted does not show on the socket any more: after a burst, nothing waits for the next one.
#[test]
fn a_burst_over_tls_is_counted_to_its_last_event() {
    let version = Version::Redis70;
    if !version.require_tls() {
        return;
    }
    let server = Server::builder(version)
        .args(&["--notify-keyspace-events", "Exem"])
        .tls()
        .start();
    let watched = Cachewatch::with_config(&format!(
        "poll_interval: 1s\ncaches:\n- {{name: c, url: 'rediss://127.0.0.1:{}', tls: {{ca_file: '{}'}}}}\n",
        server.tls_port(),
        server.pki().ca.display()
    ));
    state(&watched, "working");
    let mut sent = 0;
    for burst in [1, 2, 300, 60_000] {
        let lookups = "for i = 1, ARGV[1] do redis.call('GET', 'burst:' .. i) end";
        server.call(&["EVAL", lookups, "0", &burst.to_string()]);
        sent += burst;
        let labels = [("cache", "c"), ("event", "keymiss")];
        // Less than the silence after which the server is asked whether it lives.
        watched.wait_metric(
            "cache_events_total",
            &labels,
            |v| v == f64::from(sent),
            secs(10),
        );
    }
    let gaps = [("cache", "c"), ("reason", "connection")];
    assert_eq!(watched.metrics().get("cache_events_gaps_total", &gaps), 0.0);
    watched.stop();
}
