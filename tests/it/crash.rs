//! Killed at every labelled place of a message's way, and started again: each transition arrives at least once, and at
//! most once for whoever throws away equal idempotency keys.

use std::collections::BTreeMap;

use crate::harness::wait::{always, millis, secs};
use crate::harness::{Answer, Cachewatch, Receiver, Server, Version};

/// The variable that names the place.
const CRASH_AT: &str = "CACHEWATCH_CRASH_AT";

fn config(server: &Server, receiver: &Receiver) -> String {
    format!(
        "poll_interval: 1s\n\
         data_dir: state\n\
         caches: [{{name: sessions, url: '{}'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
         rules:\n\
         - {{name: CacheMissRatioHigh, enabled: false}}\n\
         - {{name: CacheDown, for: 1s, clear_for: 1s}}\n",
        server.url(),
        receiver.url("/hook"),
    )
}

/// How often each key arrived, and with which status.
fn arrived(receiver: &Receiver) -> BTreeMap<String, (usize, String)> {
    let mut arrived = BTreeMap::new();
    for request in receiver.requests() {
        let key = request.header("idempotency-key").unwrap().to_owned();
        let status = request.json()["status"].as_str().unwrap().to_owned();
        let (count, of) = arrived.entry(key).or_insert((0, status.clone()));
        *count += 1;
        assert_eq!(*of, status, "one key, one message");
    }
    arrived
}

/// Crashes at the place while the beginning of an incident is told, then while its end is.
fn crashes_at(place: &str) {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    // Slow enough to be killed while it answers.
    receiver.set(Answer::Late(millis(500), Box::new(Answer::ok())));
    let watched = Cachewatch::builder()
        .config(&config(&server, &receiver))
        .env(CRASH_AT, &format!("{place}/firing"))
        .start();
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(10));
    server.stop();
    let again = watched.crashed(secs(30));

    let watched = again.env(CRASH_AT, &format!("{place}/resolved")).start();
    watched.wait_metric(
        "cachewatch_notifications_total",
        &[("channel", "hook"), ("outcome", "delivered")],
        |v| v >= 1.0,
        secs(30),
    );
    server.restart();
    let again = watched.crashed(secs(30));

    let watched = again.env(CRASH_AT, "nowhere").start();
    let both = |arrived: &BTreeMap<String, (usize, String)>| {
        let of = |way: &str| arrived.values().filter(|(_, status)| status == way).count();
        (of("firing"), of("resolved"))
    };
    crate::harness::wait::eventually(secs(30), "both have arrived", || {
        (both(&arrived(&receiver)) == (1, 1)).then_some(())
    });
    always(secs(2), "nothing new comes", || {
        both(&arrived(&receiver)) == (1, 1)
    });
    let arrived = arrived(&receiver);
    for (key, (count, _)) in &arrived {
        // A kill between sending and noting that down makes it go twice, with the same key; nothing makes it go thrice.
        assert!(*count <= 2, "{key} arrived {count} times");
    }
    watched.stop();
}

macro_rules! places {
    ($($name:ident: $place:literal;)*) => {
        $(
            #[test]
            fn $name() {
                crashes_at($place);
            }
        )*
    };
}

// The first four of these places are before anything is sent; there a message goes once.
places! {
    before_commit: "before-commit";
    after_commit: "after-commit";
    before_send: "before-send";
    mid_send: "mid-send";
    after_send: "after-send";
    before_mark: "before-mark";
}
