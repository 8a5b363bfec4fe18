//! Killed at every labelled place of a message's way, and started again: each transition arrives at least once, and at
//! most once for whoever throws away equal idempotency keys. What was under way goes on: incidents, clocks, windows.

use std::collections::BTreeMap;

use crate::harness::wait::{always, millis, secs};
use crate::harness::{Answer, Cachewatch, Load, Receiver, Server, Version, told};

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
    // What was noted down as delivered does not go again.
    if place != "after-mark" {
        watched.wait_metric(
            "cachewatch_notifications_total",
            &[("channel", "hook"), ("outcome", "delivered")],
            |v| v >= 1.0,
            secs(30),
        );
    }
    server.restart();
    // What follows a message about the same cache is gathered for half a minute.
    let again = watched.crashed(secs(60));

    let watched = again.env(CRASH_AT, "nowhere").start();
    let both = |arrived: &BTreeMap<String, (usize, String)>| {
        let of = |way: &str| arrived.values().filter(|(_, status)| status == way).count();
        (of("firing"), of("resolved"))
    };
    crate::harness::wait::eventually(secs(60), "both have arrived", || {
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
    after_mark: "after-mark";
}

#[test]
fn an_incident_goes_on_under_its_id_and_one_that_ended_while_we_were_down_is_resolved() {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let watched = Cachewatch::builder()
        .config(&config(&server, &receiver))
        .start();
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(10));
    server.stop();
    receiver.wait_for(1, secs(30));
    let id = told(&receiver)[0].2.clone();

    let watched = watched.kill9().start();
    let firing = [
        ("cache", "sessions"),
        ("rule", "CacheDown"),
        ("state", "firing"),
    ];
    watched.wait_metric("cache_alert_state", &firing, |v| v == 1.0, secs(10));
    always(secs(3), "it is not told again", || {
        receiver.requests().len() == 1
    });

    let again = watched.kill9();
    server.restart();
    let watched = again.start();
    receiver.wait_for(2, secs(30));
    let rule = |way: &str| ("CacheDown".to_owned(), way.to_owned(), id.clone());
    always(secs(2), "nothing else comes", || {
        told(&receiver) == [rule("firing"), rule("resolved")]
    });
    watched.stop();
}

#[test]
fn the_clock_of_for_goes_on_after_a_kill() {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let text = config(&server, &receiver).replace("for: 1s, clear", "for: 40s, clear");
    let watched = Cachewatch::builder().config(&text).start();
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(10));
    server.stop();
    let pending = [
        ("cache", "sessions"),
        ("rule", "CacheDown"),
        ("state", "pending"),
    ];
    watched.wait_metric("cache_alert_state", &pending, |v| v == 1.0, secs(20));
    always(secs(26), "it is still pending", || {
        receiver.requests().is_empty()
    });
    let again = watched.kill9();
    let began = crate::harness::wait::now();
    let watched = again.start();
    receiver.wait_for(1, secs(60));
    // 26 s had passed, of which the last five may not have been saved. From the start it would be 40.
    assert!(began.elapsed() < secs(32), "{:?}", began.elapsed());
    watched.stop();
}

#[test]
fn windows_go_on_after_a_kill() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let watched = Cachewatch::builder()
        .config(&config(&server, &receiver))
        .start();
    let window = [("cache", "sessions"), ("window", "5m")];
    let load = Load::start(&server, 200.0, 0.25);
    watched.wait_metric("cache_window_lookups", &window, |v| v > 5_000.0, secs(60));
    drop(load);
    let again = watched.kill9();
    let watched = again.start();
    // Nobody asks any more: what is in the window now was there before. A slot of ten seconds may be lost.
    watched.wait_metric("cache_window_lookups", &window, |v| v > 2_500.0, secs(10));
    let ratio = watched.metrics().get("cache_miss_ratio", &window);
    assert!((0.15..0.35).contains(&ratio), "{ratio}");
    watched.stop();
}
