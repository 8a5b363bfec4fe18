//! Why it misses: after a scripted workload, every miss is in the right namespace with the right cause, and all
//! namespaces together are what INFO counts.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::{millis, pause, secs};
use crate::harness::{Cachewatch, Server, eventually};

const C: [(&str, &str); 1] = [("cache", "c")];

/// Every family of keys that a test uses has a name, so that nothing depends on what was found out.
const FAMILIES: [&str; 14] = [
    "lazy", "active", "evicted", "del", "unlink", "rename", "getdel", "flush", "lua", "multi",
    "never", "again", "kept", "move",
];

fn watch(server: &Server, more: &str) -> Cachewatch {
    let named: Vec<String> = FAMILIES
        .iter()
        .map(|family| format!("  - {{name: {family}, pattern: \"{family}:*\"}}"))
        .collect();
    let config = format!(
        "poll_interval: 1s\nrefill_time: 10m\n{more}\ncaches:\n  - name: c\n    url: {}\nnamespaces:\n{}\n",
        server.url(),
        named.join("\n")
    );
    let watched = Cachewatch::builder()
        .args(["serve"])
        .config(&config)
        .start();
    let working = [("cache", "c"), ("state", "working")];
    watched.wait_metric("cache_events_state", &working, |v| v == 1.0, secs(15));
    watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
    watched.wait_metric(
        "cache_namespace_stampedes_total",
        &[("namespace", "other")],
        |v| v == 0.0,
        secs(10),
    );
    watched
}

fn misses(watched: &Cachewatch, namespace: &str, cause: &str, want: f64) {
    let labels = [("cache", "c"), ("namespace", namespace), ("cause", cause)];
    watched.wait_metric(
        "cache_namespace_misses_total",
        &labels,
        |v| v == want,
        secs(15),
    );
}

/// All namespaces together are what the server counted, and nothing is where it should not be.
fn sums_agree(watched: &Cachewatch, server: &Server) {
    let truth = server.counters();
    watched.wait_metric(
        "cache_misses_total",
        &C,
        |v| v == truth.misses as f64,
        secs(15),
    );
    for (kind, counted) in [
        ("keymiss", truth.misses),
        ("expired", truth.expired),
        ("evicted", truth.evicted),
    ] {
        let labels = [("cache", "c"), ("event", kind)];
        if counted > 0 {
            watched.wait_metric(
                "cache_events_completeness_ratio",
                &labels,
                |v| v == 1.0,
                secs(15),
            );
        }
    }
    let sum = |name: &str| watched.metrics().sum(name, &C);
    for (name, counted) in [
        ("cache_namespace_misses_total", truth.misses),
        ("cache_namespace_expirations_total", truth.expired),
        ("cache_namespace_evictions_total", truth.evicted),
    ] {
        eventually(secs(15), name, || {
            (sum(name) == counted as f64).then_some(())
        });
    }
}

/// Runs commands, each a line of words.
fn send(server: &Server, lines: &[&str]) {
    let mut client = server.connect().unwrap();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = client.call(&words).unwrap();
        assert!(!reply.is_error(), "{line}: {}", reply.text());
    }
}

on_all_servers! {
    /// Every way in which a key can go, and then be missed.
    fn every_miss_has_its_cause(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        let watched = watch(&server, "");
        // The server may remove these itself before the look-up: either way they expired.
        send(&server, &["SET lazy:1 v PX 1", "SET lazy:2 v PX 1"]);
        pause(millis(5));
        send(&server, &["GET lazy:1", "EXISTS lazy:2"]);
        send(&server, &["SET active:1 v PX 1", "SET active:2 v PX 1"]);
        eventually(secs(20), "active expiry", || (server.call(&["DBSIZE"]).text() == "0").then_some(()));
        send(&server, &["GET active:1", "TTL active:2"]);
        send(&server, &["SET del:1 v", "LPUSH del:2 v", "DEL del:1", "LPOP del:2", "GET del:1", "LRANGE del:2 0 -1"]);
        send(&server, &["SET unlink:1 v", "UNLINK unlink:1", "STRLEN unlink:1"]);
        send(&server, &["SET rename:1 v", "SET rename:2 w", "RENAME rename:1 rename:2", "GET rename:1", "GET rename:2"]);
        send(&server, &["SET getdel:1 v", "GETDEL getdel:1", "GET getdel:1"]);
        send(&server, &["SET move:1 v", "MOVE move:1 1", "GET move:1"]);
        send(&server, &["GET never:1", "GET never:2", "MGET never:3 never:4"]);
        let mut client = server.connect().unwrap();
        let script = "redis.call('SET','lua:1','v'); redis.call('DEL','lua:1'); redis.call('GET','lua:1'); return redis.call('GET','lua:2')";
        client.call(&["EVAL", script, "0"]).unwrap();
        send(&server, &["MULTI", "SET multi:1 v", "UNLINK multi:1", "GET multi:1", "GET multi:2", "EXEC"]);
        send(&server, &["SET again:1 v", "DEL again:1", "GET again:1", "GET again:1", "GET again:1"]);
        send(&server, &["GET elsewhere"]);
        for (namespace, cause, want) in [
            ("lazy", "expired", 2.0), ("active", "expired", 2.0), ("del", "deleted", 2.0), ("unlink", "deleted", 1.0),
            ("rename", "deleted", 1.0), ("getdel", "deleted", 1.0), ("move", "deleted", 1.0), ("never", "never_seen", 4.0),
            ("lua", "deleted", 1.0), ("lua", "never_seen", 1.0), ("multi", "deleted", 1.0), ("multi", "never_seen", 1.0),
            ("again", "deleted", 3.0), ("other", "never_seen", 1.0),
        ] {
            misses(&watched, namespace, cause, want);
        }
        // Within the refill time, the first miss is no stampede and the others are.
        let metrics = watched.metrics();
        assert_eq!(metrics.get("cache_namespace_stampedes_total", &[("namespace", "again")]), 2.0);
        assert_eq!(metrics.sum("cache_namespace_stampedes_total", &C), 2.0);
        assert_eq!(metrics.sum("cache_namespace_misses_total", &[("cause", "unknown")]), 0.0);
        assert_eq!(metrics.get("cache_namespace_expirations_total", &[("namespace", "lazy")]), 2.0);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// Evictions of one family, under each policy that may take any key.
    fn evicted_keys_are_missed_as_such(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        let watched = watch(&server, "");
        let value = "x".repeat(4000);
        let mut all = Vec::new();
        for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
            let limit = (server.info_u64("used_memory") + 1_000_000).to_string();
            send(&server, &[&format!("CONFIG SET maxmemory-policy {policy}"), &format!("CONFIG SET maxmemory {limit}")]);
            let mut client = server.connect().unwrap();
            for i in 0..500 {
                let key = format!("evicted:{policy}:{i}");
                client.call(&["SET", &key, &value, "EX", "10000"]).unwrap();
                all.push(key);
            }
            send(&server, &["CONFIG SET maxmemory 0"]);
        }
        let evicted = server.counters().evicted;
        assert!(evicted >= 7 * 100, "{evicted}");
        let mut client = server.connect().unwrap();
        let gets: Vec<_> = all.iter().map(|k| ["GET", k]).collect();
        let missed = client.pipeline(&gets).unwrap().iter().filter(|r| r.is_nil()).count();
        assert_eq!(missed as u64, evicted, "each key that is gone was evicted");
        misses(&watched, "evicted", "evicted", evicted as f64);
        let ever = [("within", "ever")];
        assert_eq!(watched.metrics().get("cache_misses_after_eviction_total", &ever), evicted as f64);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// No event tells of a flush; INFO does. A flush of one database is not one of another.
    fn flushed_keys_are_missed_as_such(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        let watched = watch(&server, "");
        send(&server, &["SET flush:1 v", "SET flush:2 v", "SELECT 3", "SET flush:3 v"]);
        watched.wait_metric("cache_keys", &C, |v| v == 3.0, secs(10));
        send(&server, &["SELECT 3", "FLUSHDB"]);
        watched.wait_metric("cache_flushes_total", &C, |v| v == 1.0, secs(10));
        send(&server, &["GET never:1", "SELECT 3", "GET flush:3"]);
        misses(&watched, "flush", "flushed", 1.0);
        misses(&watched, "never", "never_seen", 1.0);
        send(&server, &["FLUSHALL"]);
        watched.wait_metric("cache_flushes_total", &C, |v| v == 2.0, secs(10));
        send(&server, &["GET flush:1", "GET flush:2"]);
        misses(&watched, "flush", "flushed", 3.0);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// Two databases change places: what was in the fuller one is gone from it.
    fn swapped_keys_are_missed_as_flushed(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        let watched = watch(&server, "");
        send(&server, &["SET flush:1 v", "SET flush:2 v", "SET flush:3 v"]);
        watched.wait_metric("cache_keys", &C, |v| v == 3.0, secs(10));
        send(&server, &["SWAPDB 0 5"]);
        watched.wait_metric("cache_flushes_total", &C, |v| v == 1.0, secs(10));
        send(&server, &["GET flush:1", "GET flush:2", "SELECT 7", "GET never:1"]);
        misses(&watched, "flush", "flushed", 2.0);
        misses(&watched, "never", "never_seen", 1.0);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// A restart without the keys: they are missed as flushed, as soon as the reading after it is there.
    fn keys_that_a_restart_took(version: Version) {
        let mut server = Server::start(version, &["--notify-keyspace-events", "Exemg", "--save", ""]);
        let watched = watch(&server, "");
        send(&server, &["SET flush:1 v", "SET flush:2 v", "SET flush:3 v"]);
        watched.wait_metric("cache_keys", &C, |v| v == 3.0, secs(10));
        server.kill9();
        server.restart();
        watched.wait_metric("cache_flushes_total", &C, |v| v == 1.0, secs(20));
        let working = [("cache", "c"), ("state", "working")];
        watched.wait_metric("cache_events_state", &working, |v| v == 1.0, secs(15));
        let restarted = [("cache", "c"), ("reason", "restart")];
        watched.wait_metric("cache_events_gaps_total", &restarted, |v| v == 1.0, secs(15));
        send(&server, &["SET del:1 v", "DEL del:1", "GET del:1", "GET flush:1", "GET flush:2"]);
        misses(&watched, "del", "deleted", 1.0);
        let by = |cause: &str| watched.metrics().sum("cache_namespace_misses_total", &[("namespace", "flush"), ("cause", cause)]);
        // Which of the two comes last, the gap or the flush, is what the reader and the poller noticed last.
        eventually(secs(15), "flushed or unknown", || (by("flushed") + by("unknown") == 2.0).then_some(()));
        assert_eq!(by("never_seen"), 0.0);
        watched.stop();
    }

    /// Memory is full and nothing may be evicted: writes fail, and nothing is called evicted.
    fn without_eviction_nothing_is_evicted(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg", "--maxmemory-policy", "noeviction"]);
        let watched = watch(&server, "");
        let limit = (server.info_u64("used_memory") + 300_000).to_string();
        send(&server, &[&format!("CONFIG SET maxmemory {limit}")]);
        let value = "x".repeat(4000);
        let mut client = server.connect().unwrap();
        let refused = (0..500).filter(|i| client.call(&["SET", &format!("never:{i}"), &value]).unwrap().is_error()).count();
        assert!(refused > 0);
        let missed = (0..500).filter(|i| client.call(&["GET", &format!("never:{i}")]).unwrap().is_nil()).count();
        assert_eq!(missed, refused);
        misses(&watched, "never", "never_seen", missed as f64);
        assert_eq!(server.counters().evicted, 0);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// MIGRATE is a `del` where the key was. It is none that anybody wanted: the key lives on elsewhere.
    fn keys_that_moved_away_were_not_deleted(version: Version) {
        let source = Server::start(version, &["--notify-keyspace-events", "Exemg", "--cluster-enabled", "yes"]);
        let target = Server::start(version, &["--notify-keyspace-events", "Exemg", "--cluster-enabled", "yes"]);
        let id = |server: &Server| server.cli(&["CLUSTER", "MYID"]);
        send(&source, &[&format!("CLUSTER MEET 127.0.0.1 {}", target.port())]);
        let slots: Vec<String> = (0..16384).map(|slot| slot.to_string()).collect();
        let all: Vec<&str> = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
        source.call(&all);
        for server in [&source, &target] {
            eventually(secs(20), "one cluster", || server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok").then_some(()));
        }
        let watched = watch(&source, "");
        send(&source, &["SET move:{a}1 v", "SET move:{a}2 v", "SET kept:{a} v"]);
        let slot = source.cli(&["CLUSTER", "KEYSLOT", "{a}"]);
        let (from, to) = (id(&source), id(&target));
        send(&target, &[&format!("CLUSTER SETSLOT {slot} IMPORTING {from}")]);
        send(&source, &[&format!("CLUSTER SETSLOT {slot} MIGRATING {to}")]);
        for key in ["move:{a}1", "move:{a}2"] {
            send(&source, &[&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", target.port())]);
        }
        let labels = [("cache", "c"), ("event", "del")];
        watched.wait_metric("cache_events_total", &labels, |v| v == 2.0, secs(10));
        // One more reading, so that the poller knows, too. Then the slot stays after all, without those keys.
        let polls = |watched: &Cachewatch| watched.metrics().sum("cachewatch_poll_duration_seconds_count", &C);
        let before = polls(&watched);
        eventually(secs(10), "a poll more", || (polls(&watched) >= before + 2.0).then_some(()));
        for server in [&source, &target] {
            send(server, &[&format!("CLUSTER SETSLOT {slot} STABLE")]);
        }
        send(&source, &["GET move:{a}1", "GET move:{a}2", "DEL kept:{a}", "GET kept:{a}", "GET never:{a}"]);
        misses(&watched, "move", "unknown", 2.0);
        misses(&watched, "kept", "deleted", 1.0);
        misses(&watched, "never", "never_seen", 1.0);
        sums_agree(&watched, &source);
        watched.stop();
    }

    /// What was lost while the subscription was down is not guessed.
    fn after_a_gap_the_cause_is_unknown(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        let watched = watch(&server, "");
        send(&server, &["SET kept:1 v", "DEL kept:1", "CLIENT KILL TYPE pubsub"]);
        let lost = [("cache", "c"), ("reason", "connection")];
        watched.wait_metric("cache_events_gaps_total", &lost, |v| v == 1.0, secs(10));
        let working = [("cache", "c"), ("state", "working")];
        watched.wait_metric("cache_events_state", &working, |v| v == 1.0, secs(15));
        // It is known why this one went; of the other one nothing is.
        send(&server, &["GET kept:1", "GET never:1"]);
        misses(&watched, "kept", "deleted", 1.0);
        misses(&watched, "never", "unknown", 1.0);
        watched.stop();
    }

    /// A replica repeats deletions without saying why its primary removed a key: it is not called an invalidation.
    fn a_replica_does_not_guess(version: Version) {
        let primary = Server::start(version, &[]);
        let replica = Server::start(version, &["--notify-keyspace-events", "Exemg"]);
        replica.replicate_from(&primary);
        let watched = watch(&replica, "");
        send(&primary, &["SET kept:1 v", "DEL kept:1"]);
        let labels = [("cache", "c"), ("event", "del")];
        watched.wait_metric("cache_events_total", &labels, |v| v == 1.0, secs(10));
        send(&replica, &["GET kept:1", "GET never:1"]);
        misses(&watched, "kept", "unknown", 1.0);
        misses(&watched, "never", "unknown", 1.0);
        watched.stop();
    }

    /// Without `g`, and where the ACL forbids the channels of deletions, all else works.
    fn deletions_are_not_needed(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let user = [
            "resetkeys", "resetchannels", "-@all", "+info", "+ping", "+config|get", "+client|setname", "+subscribe",
            "&__keyevent@*__:expired", "&__keyevent@*__:evicted", "&__keyevent@*__:keymiss",
        ];
        server.acl_user("watcher", "pw", &user);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let watched = Cachewatch::serve(&[&format!("c={url}"), "--poll-interval", "1s"]);
        let working = [("cache", "c"), ("state", "working")];
        watched.wait_metric("cache_events_state", &working, |v| v == 1.0, secs(15));
        watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
        watched.wait_log("deletions are not told", secs(5));
        send(&server, &["SET a v", "DEL a", "GET a", "GET b"]);
        misses(&watched, "other", "never_seen", 2.0);
        sums_agree(&watched, &server);
        watched.stop();
    }

    /// Flags are written only when the configuration says so, and then only added to.
    fn flags_are_managed_only_when_asked(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Kl"]);
        let flags = || server.call(&["CONFIG", "GET", "notify-keyspace-events"]).text();
        let before = flags();
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        let off = [("cache", "c"), ("state", "notifications_off")];
        watched.wait_metric("cache_events_state", &off, |v| v == 1.0, secs(15));
        assert_eq!(flags(), before, "nothing is written unasked");
        watched.stop();
        let watched = watch(&server, "notifications: manage");
        watched.wait_log("added Exemg to notify-keyspace-events", secs(10));
        let now = flags();
        let set = now.lines().last().unwrap();
        assert!("KlExemg".chars().all(|c| set.contains(c)) && set.len() == 7, "{set}");
        send(&server, &["SET del:1 v", "DEL del:1", "GET del:1"]);
        misses(&watched, "del", "deleted", 1.0);
        watched.stop();
    }
}
