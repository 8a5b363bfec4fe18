//! Another server takes over: what the reader of events makes of it.

use crate::harness::each_version::on_all_servers;
use crate::harness::proxy::Proxy;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version};

const C: [(&str, &str); 1] = [("cache", "c")];
const EVENTS: [&str; 2] = ["--notify-keyspace-events", "Exemg"];

fn watch(url: &str) -> Cachewatch {
    let watched = Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s"]);
    working(&watched);
    watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
    watched
}

fn working(watched: &Cachewatch) {
    let labels = [("cache", "c"), ("state", "working")];
    watched.wait_metric("cache_events_state", &labels, |v| v == 1.0, secs(15));
}

fn misses(watched: &Cachewatch, cause: &str, want: f64) {
    watched.wait_metrics(&format!("{want} {cause}"), secs(15), |m| {
        (m.sum("cache_namespace_misses_total", &[("cause", cause)]) == want).then_some(())
    });
}

fn send(server: &Server, lines: &[&str]) {
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        server.call(&words);
    }
}

/// A primary and its replica.
fn pair(version: Version) -> (Server, Server) {
    let primary = Server::start(version, &EVENTS);
    let replica = Server::start(version, &EVENTS);
    replica.replicate_from(&primary);
    (primary, replica)
}

on_all_servers! {
    /// The name points to the promoted replica, but the reader's connection to the old primary, which lives on, has not
    /// broken. The poller notices, and the reader subscribes where the name points to.
    fn a_name_that_points_elsewhere(version: Version) {
        let (primary, replica) = pair(version);
        let proxy = Proxy::start(primary.addr());
        let watched = watch(&proxy.url());
        send(&replica, &["REPLICAOF NO ONE"]);
        proxy.redirect(replica.addr());
        let clients = primary.cli(&["CLIENT", "LIST"]);
        let poller = clients.lines().find(|l| l.contains("name=cachewatch ") || l.contains("cmd=info"));
        let id = poller.and_then(|l| l.split_whitespace().find_map(|w| w.strip_prefix("id="))).unwrap();
        send(&primary, &[&format!("CLIENT KILL ID {id}")]);
        let gap = [("cache", "c"), ("reason", "failover")];
        watched.wait_metric("cache_events_gaps_total", &gap, |v| v == 1.0, secs(20));
        working(&watched);
        send(&replica, &["SET a v", "DEL a", "GET a"]);
        misses(&watched, "deleted", 1.0);
        watched.stop();
    }

    /// The watched replica is promoted: nothing was lost, and from then on a deletion is one.
    fn a_replica_that_is_promoted(version: Version) {
        let (primary, replica) = pair(version);
        let watched = watch(&replica.url());
        send(&primary, &["SET a v", "DEL a"]);
        let labels = [("cache", "c"), ("event", "del")];
        watched.wait_metric("cache_events_total", &labels, |v| v == 1.0, secs(10));
        send(&replica, &["GET a"]);
        misses(&watched, "unknown", 1.0);
        send(&replica, &["REPLICAOF NO ONE"]);
        watched.wait_metric("cache_role_changes_total", &C, |v| v == 1.0, secs(10));
        send(&replica, &["SET b v", "DEL b", "GET b"]);
        misses(&watched, "deleted", 1.0);
        let gaps = watched.metrics().sum("cache_events_gaps_total", &C);
        assert!(gaps == 1.0, "only the start is one, and not {gaps}");
        watched.stop();
    }
}
