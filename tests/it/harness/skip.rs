//! A test that lacks something says so loudly, and fails where it must not lack anything.

use std::fs::OpenOptions;
use std::io::Write;

/// Whether a missing piece is a failure: in CI, or where CACHEWATCH_REQUIRE_SERVERS is set.
pub fn strict() -> bool {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    set("CI", "true") || set("CACHEWATCH_REQUIRE_SERVERS", "1")
}

/// The decision alone: go on, skip, or (a panic) fail.
#[track_caller]
pub fn may_go_on(what: &str, there: bool, strict: bool) -> bool {
    assert!(
        there || !strict,
        "{what} is missing, and nothing may be missing here: run `make setup`"
    );
    there
}

/// True when `what` is there. Otherwise prints `SKIPPED`, notes it in the file CACHEWATCH_SKIP_LOG (a passing test's
/// output is not shown), and gives false; or panics when [`strict`].
#[track_caller]
pub fn have(what: &str, there: bool) -> bool {
    if may_go_on(what, there, strict()) {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED: {test}: {what} is missing; `make setup` brings it or says how to get it");
    if let Ok(path) = std::env::var("CACHEWATCH_SKIP_LOG")
        && let Ok(mut log) = OpenOptions::new().append(true).create(true).open(path)
    {
        // One write, so that tests in parallel do not mix their lines.
        log.write_all(format!("{what} is missing\n").as_bytes())
            .unwrap();
    }
    false
}
