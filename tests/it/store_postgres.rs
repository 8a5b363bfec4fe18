//! PostgreSQL as the store, seen through the real program: it survives kill -9, and a database that comes late.

use crate::harness::wait::{always, eventually, secs};
use crate::harness::{Cachewatch, Postgres, Receiver, Server, Version, told, wait_told};

fn config(server: &Server, receiver: &Receiver, postgres: &Postgres) -> String {
    format!(
        "poll_interval: 1s\n\
         store: '{}'\n\
         caches: [{{name: sessions, url: '{}'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
         rules:\n\
         - {{name: CacheMissRatioHigh, enabled: false}}\n\
         - {{name: CacheDown, for: 1s, clear_for: 1s}}\n",
        postgres.url(),
        server.url(),
        receiver.url("/hook"),
    )
}

/// Fires, is killed; gives what is needed to go on, and the incident's id.
fn fired_and_killed(
    postgres: &Postgres,
    server: &mut Server,
    receiver: &Receiver,
) -> (crate::harness::cachewatch::Builder, String) {
    let watched = Cachewatch::builder()
        .config(&config(server, receiver, postgres))
        .start();
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(30));
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(20));
    server.stop();
    let id = wait_told(receiver, "CacheDown", "firing");
    watched.wait_metric(
        "cachewatch_notifications_total",
        &[("channel", "hook"), ("outcome", "delivered")],
        |v| v >= 1.0,
        secs(10),
    );
    (watched.kill9(), id)
}

#[test]
fn an_incident_survives_a_kill_and_is_resolved_under_its_id() {
    if !Version::Redis70.require() {
        return;
    }
    let Some(mut postgres) = Postgres::new() else {
        return;
    };
    postgres.start();
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let (again, id) = fired_and_killed(&postgres, &mut server, &receiver);
    server.restart();
    let watched = again.start();
    let both =
        ["firing", "resolved"].map(|way| ("CacheDown".to_owned(), way.to_owned(), id.clone()));
    eventually(secs(40), "it is resolved", || {
        (told(&receiver).len() >= 2).then_some(())
    });
    always(secs(2), "nothing else comes", || told(&receiver) == both);
    let log = watched.stop();
    assert!(!log.contains("hunter2"), "{log}");
    assert_eq!(
        postgres.ask("select count(*) from incidents where resolved is not null"),
        "1"
    );
    assert_eq!(
        postgres.ask("select count(*) from outbox where status <> 'delivered'"),
        "0"
    );
}

#[test]
fn a_database_that_comes_long_after_the_start_gives_its_incidents_back() {
    if !Version::Redis70.require() {
        return;
    }
    let Some(mut postgres) = Postgres::new() else {
        return;
    };
    postgres.start();
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let (again, id) = fired_and_killed(&postgres, &mut server, &receiver);
    postgres.kill9();
    server.restart();
    let watched = again.start();
    // It goes on without, after ten seconds, and says so.
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(30));
    assert_eq!(watched.metrics().get("cachewatch_store_up", &[]), 0.0);
    wait_told(&receiver, "StoreTrouble", "firing");
    postgres.start();
    assert_eq!(wait_told(&receiver, "CacheDown", "resolved"), id);
    wait_told(&receiver, "StoreTrouble", "resolved");
    assert_eq!(told(&receiver).len(), 4, "{:?}", told(&receiver));
    eventually(secs(20), "nothing is open", || {
        (postgres.ask("select count(*) from incidents where resolved is null") == "0").then_some(())
    });
    watched.stop();
}
