//! The truth of the workload against the counters of the server: two witnesses that do not know each other.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{Load, Server, Version, Workload, eventually};

on_all_servers! {
    fn truth_equals_the_servers_counters(version: Version) {
        let server = Server::start(version, &[]);
        let mut work = Workload::new(&server);
        work.hits(1500);
        work.misses(700);
        work.expire(300);
        work.expire_and_miss(200);
        work.evict(1000);
        work.misses(1);
        let truth = work.truth();
        assert_eq!((truth.hits, truth.misses, truth.expired), (1500, 901, 500));
        assert!(truth.evicted >= 1000);
        assert_eq!(server.counters(), truth.counters());
    }
}

#[test]
fn load_keeps_its_pace_and_its_ratio() {
    if !Version::USUAL.require() {
        return;
    }
    let server = Server::start(Version::USUAL, &[]);
    let load = Load::start(&server, 2000.0, 0.25);
    eventually(secs(20), "a thousand look-ups", || {
        (load.truth().lookups() >= 1000).then_some(())
    });
    load.set_rate(0.0);
    let truth = load.stop();
    let ratio = truth.misses as f64 / truth.lookups() as f64;
    assert!((ratio - 0.25).abs() < 0.002, "{ratio}: {truth:?}");
    assert_eq!(truth.unanswered, 0);
    assert_eq!(server.counters(), truth.counters());
}

#[test]
fn load_survives_a_restart_and_knows_what_it_lost() {
    if !Version::USUAL.require() {
        return;
    }
    let mut server = Server::start(Version::USUAL, &[]);
    let load = Load::start(&server, 1000.0, 0.0);
    let reach = |n: u64| {
        eventually(secs(20), &format!("{n} look-ups"), || {
            (load.truth().lookups() >= n).then_some(())
        });
    };
    reach(100);
    server.kill9();
    let before = load.truth();
    server.restart();
    reach(before.lookups() + 100);
    let truth = load.stop();
    // The key for hits was set again: the server came back empty, and there is still no miss.
    assert_eq!(truth.misses, 0);
    assert!(server.counters().hits <= truth.hits);
}
