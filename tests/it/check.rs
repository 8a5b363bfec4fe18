//! `cachewatch check`: what each cache allows, what is missing, and the exact commands that mend it.

use crate::harness::each_version::on_all_servers;
use crate::harness::{Cachewatch, Server};

on_all_servers! {
    /// A server that is set up well: code 0, and the table says who it is.
    fn all_is_well(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Exem"]);
        let ended = Cachewatch::run(&["check", &format!("c={}", server.url())]).expect_code(0);
        let flavour = if version.is_valkey() { "Valkey" } else { "Redis" };
        for word in [flavour, version.number(), "primary", "c"] {
            assert!(ended.stdout.contains(word), "{word:?} is missing in:\n{}", ended.stdout);
        }
    }

    /// What the configuration asks for besides is tested and proposed, and what cachewatch sets itself is no problem.
    fn samples_and_managed_flags(version: Version) {
        let server = Server::start(version, &[]);
        let before = server.call(&["CONFIG", "GET", "*"]).text();
        server.acl_user("watcher", "pw", &["resetchannels", "+ping", "+info", "+config|get", "+subscribe", "&__keyevent@*__:*"]);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let config = format!(
            "notifications: manage\ncaches: [{{name: c, url: '{url}', sampling: {{monitor: {{duration: 100ms, every: 1m}}}}}}]\n"
        );
        let check = || Cachewatch::builder().args(["check"]).config(&config).run_to_end();
        let ended = check().expect_code(1);
        assert!(ended.stdout.contains("MONITOR") && ended.stdout.contains("CONFIG SET"), "{}", ended.stdout);
        let acl = ended.stdout.lines().find_map(|l| l.strip_prefix("  grant what is missing:").map(|line| line.trim().to_owned()));
        let acl = acl.unwrap_or_else(|| panic!("no ACL line in:\n{}", ended.stdout));
        assert_eq!(acl, "ACL SETUSER watcher +config|set +monitor");
        let words: Vec<&str> = acl.split_whitespace().collect();
        assert_eq!(server.cli(&words), "OK", "{acl}");
        let ended = check().expect_code(0);
        assert!(ended.stdout.contains("will add Exemg to notify-keyspace-events"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("switch the events on"), "{}", ended.stdout);
        assert_eq!(server.call(&["CONFIG", "GET", "*"]).text(), before, "check changes nothing");
    }

    /// What check proposes can be pasted: afterwards all is well.
    fn what_it_proposes_works(version: Version) {
        let server = Server::start(version, &["--notify-keyspace-events", "Kg"]);
        server.acl_user("watcher", "pw", &["resetchannels", "+ping"]);
        let url = server.url().replace("redis://", "redis://watcher:pw@");
        let ended = Cachewatch::run(&["check", &format!("c={url}")]).expect_code(1);
        let acl = ended.stdout.lines().find_map(|l| l.strip_prefix("  grant what is missing:").map(|line| line.trim().to_owned()));
        let acl = acl.unwrap_or_else(|| panic!("no ACL line in:\n{}", ended.stdout));
        let words: Vec<&str> = acl.split_whitespace().collect();
        assert_eq!(server.cli(&words), "OK", "{acl}");
        let ended = Cachewatch::run(&["check", &format!("c={url}")]).expect_code(1);
        let set = ended.stdout.lines().find_map(|l| l.strip_prefix("  switch the events on:").map(|line| line.trim().to_owned()));
        let set = set.unwrap_or_else(|| panic!("no CONFIG SET line in:\n{}", ended.stdout));
        let words: Vec<&str> = set.split_whitespace().collect();
        assert_eq!(server.cli(&words), "OK", "{set}");
        let ended = Cachewatch::run(&["check", &format!("c={url}")]).expect_code(0);
        assert!(!ended.stdout.contains("pw@"), "{}", ended.stdout);
    }
}

#[test]
fn a_cache_that_is_not_there_is_a_problem() {
    let ended = Cachewatch::run(&["check", "gone=redis://127.0.0.1:1"]).expect_code(1);
    assert!(ended.stdout.contains("refused"), "{}", ended.stdout);
}
