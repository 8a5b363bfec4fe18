//! What an application tells of its lookups: let in with the token, counted, exported, kept over a reload.

use crate::harness::http::{Response, request};
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version};

const TOKEN: &str = "hunter2hunter2hunter2";
const PATH: &str = "/api/v1/caches/c/lookups";

fn post(watched: &Cachewatch, token: &str, body: &str) -> Response {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    request(watched.addr(), "POST", PATH, &headers, body.as_bytes()).unwrap()
}

fn told(hits: u64, misses: u64) -> String {
    format!(
        r#"{{"source":"web-1","lookups":[{{"namespace":"ai:answer:*","hits":{hits},"misses":{misses}}}]}}"#
    )
}

#[test]
fn an_application_tells_of_its_lookups() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let config = |token: &str, interval: u32| {
        format!(
            "{token}\ncaches: [{{name: c, url: '{}', poll_interval: {interval}s, events: false}}]\n",
            server.url()
        )
    };
    let watched = Cachewatch::with_config(&config("", 1));
    let refused = post(&watched, TOKEN, &told(1, 1));
    assert_eq!(refused.status, 403);
    assert!(
        refused.text().contains("CACHEWATCH_API_TOKEN"),
        "{}",
        refused.text()
    );

    // Switched on while it runs.
    watched.rewrite_config(&config(&format!("api_token: {TOKEN}"), 1));
    watched.signal("HUP");
    watched.wait_log("loaded anew", secs(10));
    assert_eq!(
        post(&watched, "hunter2hunter2hunterX", &told(1, 1)).status,
        401
    );
    let accepted = post(&watched, TOKEN, &told(90, 10));
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    assert_eq!(accepted.json()["accepted"]["hits"], 90);
    assert_eq!(post(&watched, TOKEN, &told(45, 5)).status, 202);

    let labels = |result| {
        [
            ("cache", "c"),
            ("namespace", "ai:answer:*"),
            ("source", "application"),
            ("result", result),
        ]
    };
    let total = "cache_namespace_lookups_total";
    watched.wait_metric(total, &labels("hit"), |v| v == 135.0, secs(5));
    let metrics = watched.metrics();
    assert_eq!(metrics.value(total, &labels("miss")), Some(15.0));
    let ratio = |name: &str| metrics.get(name, &[("namespace", "ai:answer:*")]);
    assert!((ratio("cache_namespace_hit_ratio") - 0.9).abs() < 1e-9);
    assert!(ratio("cache_namespace_hit_ratio_lower_bound") > 0.83);
    assert!(ratio("cache_namespace_hit_ratio_upper_bound") < 0.95);

    // A cache that is watched anew keeps what the application told.
    watched.rewrite_config(&config(&format!("api_token: {TOKEN}"), 2));
    watched.signal("HUP");
    let interval = "cachewatch_poll_interval_seconds";
    watched.wait_metric(interval, &[("cache", "c")], |v| v == 2.0, secs(10));
    assert_eq!(watched.metrics().value(total, &labels("hit")), Some(135.0));
    assert_eq!(post(&watched, TOKEN, &told(1, 0)).status, 202);
    watched.wait_metric(total, &labels("hit"), |v| v == 136.0, secs(5));

    let log = watched.log() + &watched.get("/api/v1/caches").text();
    assert!(!log.contains("hunter2"), "{log}");
    watched.stop();
}
