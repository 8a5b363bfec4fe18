//! A living scene for what people look at: a cache under its memory limit whose keys are found, missed, evicted, expired,
//! deleted and flushed, with a replica, prices, an application that tells of its lookups, a channel, a heartbeat, an open
//! incident of the cache and one of a namespace, and a node that is down. Everything that has a place on a dashboard
//! happens here.
//!
//! What its numbers are is not known; that is the business of other tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::harness::http::request;
use crate::harness::net::free_port;
use crate::harness::resp::Client;
use crate::harness::wait::{millis, pause, secs};
use crate::harness::{Answer, Cachewatch, Receiver, Server, Version};

const TOKEN: &str = "hunter2hunter2hunter2";

/// The cache that all of it happens to.
pub const CACHE: &str = "shop";

/// Everything that runs.
#[derive(Debug)]
pub struct Scene {
    // Traffic ends before what it goes to.
    traffic: Vec<Traffic>,
    /// Watches `shop`, its replica `copy`, and `gone`, which nobody serves.
    pub watched: Cachewatch,
    _slack: Receiver,
    _replica: Server,
    _primary: Server,
}

impl Scene {
    /// Starts everything; returns when events arrive and the incidents are open.
    #[track_caller]
    pub fn start() -> Self {
        let flags = ["--notify-keyspace-events", "Exemg"];
        let primary = Server::start(Version::Redis70, &flags);
        let replica = Server::start(Version::Redis70, &flags);
        replica.replicate_from(&primary);
        let limit = (primary.info_u64("used_memory") + 2_000_000).to_string();
        primary.call(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
        primary.call(&["CONFIG", "SET", "maxmemory", &limit]);
        let slack = Receiver::start();
        slack.set(Answer::ok());
        let config = format!(
            "poll_interval: 1s\napi_token: {TOKEN}\ndata_dir: state\n\
             caches:\n\
             - name: {CACHE}\n  url: {}\n  sampling: {{monitor: {{duration: 50ms, every: 10s}}}}\n  namespaces:\n\
             \x20 - {{pattern: 'product:*', cost_per_miss: 0.25}}\n  - {{pattern: 'page:*'}}\n\
             - {{name: copy, url: '{}'}}\n\
             - {{name: gone, url: 'redis://127.0.0.1:{}'}}\n\
             channels:\n- {{name: slack, type: slack, url: '{}'}}\n\
             heartbeat: {{url: '{}', every: 10s}}\n\
             rules:\n- {{name: CacheMissRatioHigh, detector: windowed, short_window: 2s, long_window: 4s, \
             extended_window: 30s, for: 1s, warm_up: 0s}}\n\
             - {{name: CacheDown, for: 1s}}\n\
             - {{name: ProductsMissed, signal: misses_per_second, namespaces: ['product:*'], above: 1, window: 2s, \
             for: 1s, warm_up: 0s}}\n",
            primary.url(),
            replica.url(),
            free_port(),
            slack.url("/services/T/B/secret"),
            slack.url("/heartbeat"),
        );
        let watched = Cachewatch::with_config(&config);
        let working = [("cache", CACHE), ("state", "working")];
        watched.wait_metric("cache_events_state", &working, |v| v == 1.0, secs(15));
        let traffic = vec![
            Traffic::of_keys(&primary),
            Traffic::of_lookups(watched.addr()),
        ];
        for rule in ["CacheMissRatioHigh", "ProductsMissed"] {
            let open = [("cache", CACHE), ("rule", rule)];
            watched.wait_metric("cache_alert_firing", &open, |v| v == 1.0, secs(30));
        }
        Self {
            traffic,
            watched,
            _slack: slack,
            _replica: replica,
            _primary: primary,
        }
    }

    /// Ends it in good order.
    #[track_caller]
    pub fn stop(self) {
        drop(self.traffic);
        self.watched.stop();
    }
}

/// Something that goes on until it is dropped.
#[derive(Debug)]
struct Traffic {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    fn start(mut round: impl FnMut(u64) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for n in 0.. {
                if theirs.load(Ordering::Relaxed) {
                    return;
                }
                round(n);
                pause(millis(50));
            }
        });
        let thread = Some(thread);
        Self { stop, thread }
    }

    /// An application that uses the cache, and somebody who flushes it now and then.
    fn of_keys(server: &Server) -> Self {
        let mut client: Client = server.connect().unwrap();
        let value = "x".repeat(4000);
        Self::start(move |n| {
            let key = |family: &str, i: u64| format!("{family}:{i}");
            let mut commands: Vec<Vec<String>> = Vec::new();
            let mut add = |words: &[&str]| commands.push(words.iter().map(|&w| w.into()).collect());
            for i in n * 10..n * 10 + 10 {
                // Found, never seen, and evicted before it is asked for.
                add(&["SET", &key("product", i), &value]);
                add(&["GET", &key("product", i)]);
                add(&["GET", &key("nowhere", i)]);
                add(&["GET", &key("product", i.saturating_sub(600))]);
            }
            // Expired and deleted before it is asked for.
            add(&["SET", &key("page", n), "v", "PX", "20"]);
            add(&["GET", &key("page", n.saturating_sub(5))]);
            add(&["SET", &key("cart", n), "v", "EX", "100"]);
            add(&["DEL", &key("cart", n)]);
            add(&["GET", &key("cart", n)]);
            add(&["GET", &key("cart", n)]);
            if n % 200 == 40 {
                add(&["FLUSHALL"]);
            }
            // An error reply, which has a panel, too.
            add(&["LPUSH", &key("product", n * 10), "v"]);
            drop(client.pipeline(&commands));
        })
    }

    /// The application tells of its lookups.
    fn of_lookups(cachewatch: SocketAddr) -> Self {
        let authorization = format!("Bearer {TOKEN}");
        let path = format!("/api/v1/caches/{CACHE}/lookups");
        let body = r#"{"lookups":[{"namespace":"product:*","hits":9,"misses":1}]}"#;
        Self::start(move |_| {
            let headers = [("Authorization", authorization.as_str())];
            // It is stopped before cachewatch is, and an answer is of no interest.
            drop(request(
                cachewatch,
                "POST",
                &path,
                &headers,
                body.as_bytes(),
            ));
        })
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            if !std::thread::panicking() {
                outcome.unwrap();
            }
        }
    }
}
