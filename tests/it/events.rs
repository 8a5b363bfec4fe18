//! Keyspace events: counted where they can be had; where not, what to set is said precisely, and all else goes on.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Workload};

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
        assert!(watched.get("/").text().contains(command));
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

    /// The server cuts the subscriber: the gap is counted, the subscription made anew, and completeness says so.
    fn a_subscriber_that_is_cut(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        state(&watched, "working");
        server.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        watched.wait_metric("cache_events_gaps_total", &C, |v| v == 1.0, secs(10));
        state(&watched, "working");
        Workload::new(&server).misses(30);
        let labels = [("cache", "c"), ("event", "keymiss")];
        watched.wait_metric("cache_events_total", &labels, |v| v >= 30.0, secs(10));
        watched.stop();
    }
}
