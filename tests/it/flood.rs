//! A flood of misses over keys that nobody has seen: no event is lost while cachewatch runs; when it cannot read, the gap
//! is counted and told, and it recovers. In a module `alone`, since each wants the machine for itself.

mod alone {
    use crate::harness::process::{Process, command, find_in_path};
    use crate::harness::wait::{pause, secs};
    use crate::harness::{Cachewatch, Server, Version, eventually, skip};

    const C: [(&str, &str); 1] = [("cache", "c")];
    const KEYMISS: [(&str, &str); 2] = [("cache", "c"), ("event", "keymiss")];

    fn start() -> Option<(Server, Cachewatch)> {
        if !Version::USUAL.require()
            || !skip::have("redis-benchmark", find_in_path("redis-benchmark").is_some())
        {
            return None;
        }
        let server = Server::start(Version::USUAL, &["--notify-keyspace-events", "Exem"]);
        let watched = Cachewatch::serve(&[&format!("c={}", server.url()), "--poll-interval", "1s"]);
        working(&watched);
        watched.wait_metric("cache_lookups_total", &C, |v| v == 0.0, secs(10));
        Some((server, watched))
    }

    fn working(watched: &Cachewatch) {
        watched.wait_metric(
            "cache_events_state",
            &[("cache", "c"), ("state", "working")],
            |v| v == 1.0,
            secs(20),
        );
    }

    /// Pipelined GETs of random keys out of a thousand million, for so many seconds at most.
    fn flood(server: &Server, seconds: u32, pipeline: &str) -> Process {
        let mut load = command("timeout");
        load.args([
            &seconds.to_string(),
            "redis-benchmark",
            "-p",
            &server.port().to_string(),
        ]);
        load.args([
            "-n",
            "1000000000",
            "-r",
            "1000000000",
            "-P",
            pipeline,
            "-c",
            "8",
            "-q",
        ]);
        load.args(["GET", "key:__rand_int__"])
            .stdout(std::process::Stdio::null());
        Process::start("redis-benchmark", load)
    }

    fn wait_end(mut load: Process) {
        load.wait(secs(60)).unwrap();
    }

    /// Every event is read, the subscriber is never cut, and memory is as large after as it was before.
    #[test]
    fn nothing_is_lost_and_memory_is_flat() {
        let Some((server, watched)) = start() else {
            return;
        };
        wait_end(flood(&server, 3, "4"));
        pause(secs(2));
        let before = watched.process().resident_bytes();
        wait_end(flood(&server, 27, "4"));
        let misses = server.info_u64("keyspace_misses");
        watched.wait_metric("cache_misses_total", &C, |v| v == misses as f64, secs(20));
        watched.wait_metric(
            "cache_events_total",
            &KEYMISS,
            |v| v == misses as f64,
            secs(20),
        );
        watched.wait_metric(
            "cache_events_completeness_ratio",
            &KEYMISS,
            |v| v == 1.0,
            secs(10),
        );
        let gaps = watched.metrics().sum("cache_events_gaps_total", &C);
        assert!(gaps == 1.0, "only the start is one, and not {gaps}");
        let after = watched.process().resident_bytes();
        assert!(
            after < before + (8 << 20),
            "{before} bytes before, {after} after {misses} events"
        );
        assert!(misses > 1_000_000, "that was no flood: {misses}");
        watched.stop();
    }

    /// Stopped for five seconds under a flood: the server cuts it, the gap is counted and told, and it reads on.
    #[test]
    fn a_reader_that_is_stopped_says_so_and_goes_on() {
        let Some((server, watched)) = start() else {
            return;
        };
        let load = flood(&server, 14, "32");
        watched.wait_metric("cache_events_total", &KEYMISS, |v| v > 10_000.0, secs(10));
        watched.signal("STOP");
        pause(secs(5));
        watched.signal("CONT");
        let paused = [("cache", "c"), ("reason", "paused")];
        watched.wait_metric("cache_events_gaps_total", &paused, |v| v == 1.0, secs(20));
        let lasted = watched
            .metrics()
            .get("cache_events_gap_seconds_total", &paused);
        assert!((4.0..15.0).contains(&lasted), "{lasted}");
        assert!(
            watched
                .get("/caches/c")
                .text()
                .contains("cachewatch itself stood still")
        );
        working(&watched);
        let ratio = watched.wait_metric(
            "cache_events_completeness_ratio",
            &KEYMISS,
            |v| v < 0.99,
            secs(20),
        );
        assert!(ratio > 0.0, "{ratio}");
        wait_end(load);
        // The totals come from INFO and lack nothing.
        let misses = server.info_u64("keyspace_misses");
        watched.wait_metric("cache_misses_total", &C, |v| v == misses as f64, secs(20));
        watched.stop();
    }

    /// The server is restarted under the flood, then cachewatch is killed and started again.
    #[test]
    fn restarts_of_either_side() {
        let Some((mut server, watched)) = start() else {
            return;
        };
        let load = flood(&server, 5, "4");
        watched.wait_metric("cache_events_total", &KEYMISS, |v| v > 10_000.0, secs(10));
        server.restart();
        drop(load);
        let restarted = [("cache", "c"), ("reason", "restart")];
        watched.wait_metric(
            "cache_events_gaps_total",
            &restarted,
            |v| v == 1.0,
            secs(20),
        );
        watched.wait_metric(
            "cache_resets_total",
            &[("cache", "c"), ("reason", "restart")],
            |v| v == 1.0,
            secs(20),
        );
        working(&watched);
        let again = watched.kill9();
        let load = flood(&server, 5, "4");
        let watched = again.start();
        working(&watched);
        wait_end(load);
        let complete = eventually(secs(20), "a completeness", || {
            watched
                .metrics()
                .value("cache_events_completeness_ratio", &KEYMISS)
        });
        assert!(
            complete > 0.99,
            "what was before the start is not held against it: {complete}"
        );
        watched.stop();
    }
}
