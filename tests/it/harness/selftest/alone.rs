//! What is measured in time or CPU; nextest gives this module the machine to itself.

use crate::harness::wait::{always, eventually, millis, now, secs, try_eventually};
use crate::harness::{Server, Version};

#[test]
fn waiting_ends_in_time_and_says_for_what() {
    let began = now();
    let error = try_eventually::<()>(millis(100), "the moon", || None).unwrap_err();
    assert!(error.contains("the moon"), "{error}");
    assert!(began.elapsed() >= millis(100) && began.elapsed() < secs(2));
    assert_eq!(try_eventually(millis(0), "now", || Some(1)), Ok(1));
    let mut looks = 0;
    always(millis(100), "true", || {
        looks += 1;
        true
    });
    assert!(looks > 1);
}

#[test]
fn cpu_and_memory_of_a_process_are_read() {
    if !Version::USUAL.require() {
        return;
    }
    let server = Server::start(Version::USUAL, &[]);
    let busy = "local t = redis.call('TIME') local e = t[1] * 1e6 + t[2] + 1e5 \
                repeat t = redis.call('TIME') until t[1] * 1e6 + t[2] >= e";
    let before = server.process().cpu_time();
    let began = now();
    // Busy for a tenth of a second each time; on a machine that others use it gets only a part of that.
    let used = eventually(secs(20), "100 ms of CPU are used", || {
        server.call(&["EVAL", busy, "0"]);
        let used = server.process().cpu_time().saturating_sub(before);
        (used >= millis(100)).then_some(used)
    });
    assert!(used <= began.elapsed() + millis(50), "{used:?}");
    assert!(server.process().resident_bytes() > 1_000_000);
}
