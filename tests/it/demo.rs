//! `cachewatch demo` tells its whole story: an alert fires and resolves, and nothing is left behind.

use crate::harness::{Cachewatch, Version};

#[test]
fn an_alert_fires_and_resolves() {
    let Some(server) = Version::Redis70
        .require()
        .then(|| Version::Redis70.binary())
        .flatten()
    else {
        return;
    };
    let server = server.display().to_string();
    let ended = Cachewatch::run(&[
        "demo",
        "--for",
        "90s",
        "--listen",
        "127.0.0.1:0",
        "--server-bin",
        &server,
    ])
    .expect_code(0);
    let story = &ended.stdout;
    assert!(
        story.contains("TTL cliff") && story.contains("eviction pressure"),
        "{story}"
    );
    let fired = story
        .find("Miss rate")
        .unwrap_or_else(|| panic!("nothing fired:\n{story}"));
    assert!(
        story[fired..].contains("Resolved"),
        "nothing resolved:\n{story}"
    );
}
