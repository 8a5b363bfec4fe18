//! `cachewatch top`: the report that it prints where there is no terminal. What the live view shows is tested beside the
//! code.

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::{millis, pause, secs};
use crate::harness::{Cachewatch, Receiver, Server, Workload, eventually};

on_all_servers! {
    /// Misses of a real server are in the report, which has the shape of the API; and nothing was looked up by us.
    fn misses_are_in_the_report(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let mut work = Workload::new(&server);
        let looking = std::thread::scope(|scope| {
            let url = format!("c={}", server.url());
            let run = scope.spawn(move || {
                Cachewatch::run(&["top", &url, "--poll-interval", "1s", "--once", "--json", "--for", "6s"])
            });
            // What was before its first reading is not counted.
            eventually(secs(10), "it has read and subscribed", || {
                let clients = server.cli(&["CLIENT", "LIST"]);
                let last = |command: &str| {
                    let mut ours = clients.lines().filter(|l| l.contains("name=cachewatch"));
                    ours.any(|l| l.contains(&format!("cmd={command}")))
                };
                (last("subscribe") && (last("info") || last("config"))).then_some(())
            });
            work.hits(30);
            work.misses(10);
            run.join().unwrap()
        });
        let ended = looking.expect_code(0);
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let cache = &report["caches"][0];
        assert_eq!(cache["name"], "c", "{report:#}");
        assert_eq!(cache["totals"]["misses"], 10, "{report:#}");
        assert_eq!(cache["totals"]["hits"], 30, "{report:#}");
        assert_eq!(cache["nodes"][0]["events"]["received"]["keymiss"], 10, "{report:#}");
        assert!(server.counters() == work.truth().counters(), "looking changed the counters");
    }

    /// Ten seconds are enough for the families of keys to have names, without any configuration.
    fn families_are_named_within_a_short_look(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let url = format!("c={}", server.url());
        let run = std::thread::spawn(move || Cachewatch::run(&["top", &url, "--poll-interval", "1s", "--once", "--json", "--for", "10s"]));
        let mut client = server.connect().unwrap();
        for n in 0.. {
            if run.is_finished() {
                break;
            }
            client.call(&["GET", &format!("user:{n}:profile")]).unwrap();
            pause(millis(5));
        }
        let ended = run.join().unwrap().expect_code(0);
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let found = report["caches"][0]["attribution"].to_string();
        assert!(found.contains("user:*:profile"), "{report:#}");
    }

    /// Where stdout is no terminal, a report as text is all there is, with what mends the events.
    fn a_pipe_gets_text(version: Version) {
        let server = Server::start(version, &[]);
        let url = format!("c={}", server.url());
        let ended = Cachewatch::run(&["top", &url, "--poll-interval", "1s", "--for", "3s"]).expect_code(0);
        for expected in ["1 cache, 1 up", "CACHE", "no lookups", "CONFIG SET notify-keyspace-events", "no alert is firing"] {
            assert!(ended.stdout.contains(expected), "{expected:?} is missing in:\n{}", ended.stdout);
        }
        assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    }
}

#[test]
fn a_cache_that_is_down_gives_code_1() {
    let ended = Cachewatch::run(&["top", "gone=redis://127.0.0.1:1", "--for", "1s"]).expect_code(1);
    assert!(ended.stdout.contains("refused"), "{}", ended.stdout);
}

/// Looking at a cache with the configuration of `serve` sends nothing, even when a rule fires.
#[test]
fn looking_sends_nothing() {
    let receiver = Receiver::start();
    let config = format!(
        "caches: [{{name: gone, url: 'redis://127.0.0.1:1'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
         rules: [{{name: CacheDown, signal: down, for: 0s}}]\n",
        receiver.url("/hook")
    );
    let look = Cachewatch::builder()
        .args(["top", "--for", "4s"])
        .config(&config);
    let ended = look.run_to_end().expect_code(1);
    assert!(
        ended.stdout.contains("CacheDown firing"),
        "{}",
        ended.stdout
    );
    assert_eq!(receiver.requests().len(), 0);
}
