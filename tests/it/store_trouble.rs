//! Full disk, read-only disk, something in the way, a file cut off anywhere, rubbish: the real program starts, alerts come
//! all the same, the trouble is shown and told, and what memory held is brought over when it is over.

use std::path::Path;

use crate::harness::wait::{always, secs};
use crate::harness::{Cachewatch, Receiver, Server, Tmpfs, Version, net, python, told, wait_told};

mod damaged;

const RULES: &str = "rules:\n\
    - {name: CacheMissRatioHigh, enabled: false}\n\
    - {name: CacheDown, for: 1s, clear_for: 1s}\n";

fn config(server: &Server, receiver: &Receiver, folder: &Path) -> String {
    format!(
        "poll_interval: 1s\n\
         data_dir: '{}'\n\
         caches: [{{name: sessions, url: '{}'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
         {RULES}",
        folder.display(),
        server.url(),
        receiver.url("/hook"),
    )
}

/// What a statement gives, from the file, by another implementation's eyes.
fn ask(folder: &Path, sql: &str) -> String {
    let program = format!(
        "import sqlite3\nprint(sqlite3.connect({:?}).execute({sql:?}).fetchall())",
        folder.join("cachewatch.db").display().to_string()
    );
    python::run(&program, "").unwrap().trim().to_owned()
}

#[test]
fn a_full_disk_stops_no_alert_and_nothing_is_lost_when_there_is_room_again() {
    if !Version::Redis70.require() || !python::require() {
        return;
    }
    let Some(disk) = Tmpfs::mount(4 << 20) else {
        return;
    };
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let watched = Cachewatch::builder()
        .config(&config(&server, &receiver, disk.path()))
        .start();
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(20));
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(20));

    disk.fill();
    server.stop();
    let id = wait_told(&receiver, "CacheDown", "firing");
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 0.0, secs(60));
    watched.wait_log("the database does not work", secs(5));
    let page = watched.get("/health").text();
    assert!(page.contains("The store does not work"), "{page}");
    let trouble = wait_told(&receiver, "StoreTrouble", "firing");
    server.restart();
    assert_eq!(wait_told(&receiver, "CacheDown", "resolved"), id);
    let metrics = watched.metrics();
    assert_eq!(
        metrics.get("cachewatch_store_up", &[]),
        0.0,
        "all of it from memory"
    );
    assert!(metrics.get("cachewatch_store_waiting", &[]) >= 1.0);

    disk.free();
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(60));
    assert_eq!(wait_told(&receiver, "StoreTrouble", "resolved"), trouble);
    always(secs(2), "each was told once", || told(&receiver).len() == 4);
    // Killed, so that only what was brought over while it ran counts.
    drop(watched.kill9());
    assert_eq!(
        ask(
            disk.path(),
            "select rule, resolved is null from incidents order by rule"
        ),
        "[('CacheDown', 0), ('StoreTrouble', 0)]"
    );
    assert_eq!(
        ask(
            disk.path(),
            "select count(*) from outbox where status <> 'delivered'"
        ),
        "[(0,)]"
    );
    assert_eq!(
        ask(
            disk.path(),
            "select count(*) from attempts where outcome = 'delivered'"
        ),
        "[(4,)]"
    );
}

#[test]
fn a_disk_that_is_read_only_at_the_start_gives_back_its_incidents_later() {
    if !Version::Redis70.require() {
        return;
    }
    let Some(disk) = Tmpfs::mount(16 << 20) else {
        return;
    };
    let mut server = Server::start(Version::Redis70, &[]);
    let receiver = Receiver::start();
    let watched = Cachewatch::builder()
        .config(&config(&server, &receiver, disk.path()))
        .start();
    let up = [("cache", "sessions")];
    watched.wait_metric("cache_up", &up, |v| v == 1.0, secs(20));
    server.stop();
    let id = wait_told(&receiver, "CacheDown", "firing");
    let again = watched.kill9();
    disk.read_only();
    server.restart();
    let watched = again.start();
    wait_told(&receiver, "StoreTrouble", "firing");
    assert_eq!(watched.metrics().get("cachewatch_store_up", &[]), 0.0);
    assert_eq!(
        told(&receiver).len(),
        2,
        "of what is on the disk nothing is known"
    );

    disk.writable();
    assert_eq!(wait_told(&receiver, "CacheDown", "resolved"), id);
    wait_told(&receiver, "StoreTrouble", "resolved");
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(5));
    assert_eq!(told(&receiver).len(), 4);
    watched.stop();
}

#[test]
fn a_file_where_the_folder_should_be_is_said_and_gone_round() {
    let receiver = Receiver::start();
    let dead = net::free_port();
    let builder = Cachewatch::builder();
    let inside = builder.file("state", "in the way");
    let watched = builder
        .config(&format!(
            "poll_interval: 1s\n\
             data_dir: state\n\
             caches: [{{name: sessions, url: 'redis://127.0.0.1:{dead}'}}]\n\
             channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
             {RULES}",
            receiver.url("/hook"),
        ))
        .start();
    wait_told(&receiver, "CacheDown", "firing");
    wait_told(&receiver, "StoreTrouble", "firing");
    std::fs::remove_file(&inside).unwrap();
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(60));
    wait_told(&receiver, "StoreTrouble", "resolved");
    assert!(inside.join("cachewatch.db").is_file());
    watched.stop();
}
