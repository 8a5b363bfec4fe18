//! `cachewatch demo` tells its whole story: an alert fires and resolves, and nothing is left behind.

use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Version};

#[test]
fn an_alert_fires_and_resolves() {
    if !Version::USUAL.require() {
        return;
    }
    let server = Version::USUAL.binary().unwrap().display().to_string();
    let ended = Cachewatch::builder()
        .args([
            "demo",
            "--for",
            "80s",
            "--listen",
            "127.0.0.1:0",
            "--server-bin",
            &server,
        ])
        .run_to_end_within(secs(120))
        .expect_code(0);
    let story = &ended.stdout;
    for part in ["TTL cliff", "eviction pressure", "recovery"] {
        assert!(story.contains(part), "{part:?} is missing in:\n{story}");
    }
    let fired = story
        .find("Miss rate")
        .unwrap_or_else(|| panic!("nothing fired:\n{story}"));
    assert!(
        story[fired..].contains("Resolved"),
        "nothing resolved:\n{story}"
    );
    assert!(
        !story.contains("127.0.0.1:0/"),
        "the page's address is a real one:\n{story}"
    );
}
