//! Right numbers: totals equal the server's own, and stay right over restart, RESETSTAT and failover.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Load, Mode, Proxy, Server, Workload, eventually};

const CACHE: [(&str, &str); 1] = [("cache", "c")];

fn watch(url: &str) -> Cachewatch {
    Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s"])
}

/// Waits until the first reading is the baseline, so that nothing happens before it.
fn wait_baseline(watched: &Cachewatch) {
    watched.wait_metric("cache_up", &CACHE, |v| v == 1.0, secs(10));
    watched.wait_metric("cache_lookups_total", &CACHE, |v| v == 0.0, secs(10));
}

fn total(watched: &Cachewatch, name: &str, want: u64) {
    watched.wait_metric(name, &CACHE, |v| v == want as f64, secs(15));
}

on_all_servers! {
    /// After a known workload, every total is what the server counted and what was sent.
    fn totals_equal_the_servers_own(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let watched = watch(&server.url());
        wait_baseline(&watched);
        let mut work = Workload::new(&server);
        work.hits(1_234);
        work.misses(321);
        work.expire_and_miss(17);
        work.evict(50);
        let truth = work.truth();
        assert_eq!(server.counters(), truth.counters(), "the workload's own truth");
        total(&watched, "cache_hits_total", truth.hits);
        total(&watched, "cache_misses_total", truth.misses);
        total(&watched, "cache_lookups_total", truth.lookups());
        total(&watched, "cache_expirations_total", truth.expired);
        total(&watched, "cache_evictions_total", truth.evicted);
        // The events tell the same story, one to one.
        for (event, want) in [("keymiss", truth.misses), ("expired", truth.expired), ("evicted", truth.evicted)] {
            let labels = [("cache", "c"), ("event", event)];
            watched.wait_metric("cache_events_total", &labels, |v| v == want as f64, secs(10));
            watched.wait_metric("cache_events_completeness_ratio", &labels, |v| v == 1.0, secs(10));
        }
        watched.stop();
    }

    /// A server that is stopped and started anew loses nothing that it had counted at its last reading.
    fn a_restart_loses_and_invents_nothing(version: Version) {
        let mut server = Server::start(version, &[]);
        let watched = watch(&server.url());
        wait_baseline(&watched);
        let mut work = Workload::new(&server);
        work.hits(500);
        work.misses(100);
        total(&watched, "cache_lookups_total", 600);
        server.restart();
        // Counted between two readings that straddle the restart: the new process's counters count in full.
        let mut work = Workload::new(&server);
        work.hits(70);
        work.misses(30);
        total(&watched, "cache_lookups_total", 700);
        total(&watched, "cache_misses_total", 130);
        watched.wait_metric("cache_resets_total", &[("cache", "c"), ("reason", "restart")], |v| v == 1.0, secs(10));
        let others = watched.metrics().sum("cache_resets_total", &CACHE);
        assert!((others - 1.0).abs() < f64::EPSILON, "only the restart was counted, not {others}");
        watched.stop();
    }

    /// CONFIG RESETSTAT is recognised, and counted as what it is.
    fn a_resetstat_loses_and_invents_nothing(version: Version) {
        let server = Server::start(version, &[]);
        let watched = watch(&server.url());
        wait_baseline(&watched);
        Workload::new(&server).hits(400);
        Workload::new(&server).misses(200);
        total(&watched, "cache_lookups_total", 600);
        server.call(&["CONFIG", "RESETSTAT"]);
        Workload::new(&server).misses(50);
        total(&watched, "cache_misses_total", 250);
        total(&watched, "cache_lookups_total", 650);
        watched.wait_metric("cache_resets_total", &[("cache", "c"), ("reason", "resetstat")], |v| v == 1.0, secs(10));
        watched.stop();
    }

    /// Behind one address the primary is replaced by its replica, which brings counters of its own: its past is not
    /// ours, its future is.
    fn a_failover_behind_one_address_invents_nothing(version: Version) {
        let mut primary = Server::start(version, &[]);
        let replica = Server::start(version, &[]);
        replica.replicate_from(&primary);
        // The replica has counted on its own before; this must never show up.
        Workload::new(&replica).misses(1_000);
        let proxy = Proxy::start(primary.addr());
        let watched = watch(&proxy.url());
        wait_baseline(&watched);
        Workload::new(&primary).misses(300);
        total(&watched, "cache_misses_total", 300);
        // uptime is in whole seconds: the replica must be visibly older than the poll interval.
        eventually(secs(10), "a replica that has been up for a while", || (replica.info_u64("uptime_in_seconds") >= 5).then_some(()));
        primary.kill9();
        replica.call(&["REPLICAOF", "NO", "ONE"]);
        proxy.redirect(replica.addr());
        watched.wait_metric("cache_resets_total", &[("cache", "c"), ("reason", "failover")], |v| v == 1.0, secs(20));
        total(&watched, "cache_misses_total", 300);
        Workload::new(&replica).misses(40);
        total(&watched, "cache_misses_total", 340);
        watched.stop();
    }
}

/// Under a steady load with a restart, a RESETSTAT and an outage in mid-run, the total never goes back and never
/// exceeds what was sent.
#[test]
fn totals_are_monotone_under_fire() {
    use crate::harness::Version;
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let proxy = Proxy::start(server.addr());
    let watched = watch(&proxy.url());
    wait_baseline(&watched);
    let load = Load::start(&server, 500.0, 0.3);
    let mut last = 0.0;
    let mut check = |watched: &Cachewatch, load: &Load| {
        let seen = watched.metrics().get("cache_lookups_total", &CACHE);
        let truth = load.truth();
        assert!(seen >= last, "{seen} after {last}");
        assert!(
            seen <= (truth.lookups() + truth.unanswered + 50) as f64,
            "{seen} of {truth:?}"
        );
        last = seen;
        seen
    };
    let reach = |target: f64, check: &mut dyn FnMut(&Cachewatch, &Load) -> f64| {
        eventually(secs(30), "more lookups", || {
            (check(&watched, &load) >= target).then_some(())
        });
    };
    reach(500.0, &mut check);
    server.call(&["CONFIG", "RESETSTAT"]);
    reach(1_500.0, &mut check);
    proxy.set(Mode::Cut);
    watched.wait_metric("cache_up", &CACHE, |v| v == 0.0, secs(10));
    proxy.set(Mode::Pass);
    watched.wait_metric("cache_up", &CACHE, |v| v == 1.0, secs(20));
    reach(3_000.0, &mut check);
    server.restart();
    reach(4_500.0, &mut check);
    load.stop();
    watched.stop();
}
