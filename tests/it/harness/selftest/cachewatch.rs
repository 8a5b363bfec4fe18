//! Running the program, with a shell script in its place: what the harness does with a good one and with bad ones.

use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::harness::cachewatch::Builder;
use crate::harness::wait::{eventually, secs};
use crate::harness::{Answer, Cachewatch, Receiver};

/// A builder that runs this script instead.
fn stand_in(script: &str) -> Builder {
    let builder = Cachewatch::builder();
    let path: PathBuf = builder.file("stand-in", &format!("#!/bin/sh\n{script}"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    builder.binary(&path)
}

fn serving(receiver: &Receiver, more: &str) -> Builder {
    stand_in(&format!(
        "echo args: \"$@\"\nenv | sort\necho 'INFO cachewatch: listening on http://{}' >&2\n\
         trap 'echo reloading >&2' HUP\n{more}\nwhile :; do sleep 0.02; done\n",
        receiver.addr()
    ))
}

#[test]
fn starts_asks_signals_and_stops() {
    let receiver = Receiver::start();
    receiver.set(Answer::Say(200, "cache_up{cache=\"a\"} 1\n".into()));
    let watch = serving(&receiver, "trap 'echo bye >&2; exit 0' TERM")
        .args(["redis://h:1", "--poll-interval", "1s"])
        .env("CACHEWATCH_X", "y")
        .config("caches: []\n")
        .start();
    assert_eq!(watch.addr(), receiver.addr());
    assert_eq!(watch.metrics().get("cache_up", &[("cache", "a")]), 1.0);
    watch.wait_metric("cache_up", &[], |v| v > 0.5, secs(5));
    assert_eq!(watch.get("/healthz").status, 200);
    let printed = eventually(secs(5), "all is printed", || {
        let out = watch.stdout();
        out.contains("PATH=").then_some(out)
    });
    let config = watch.dir().join("cachewatch.yaml");
    let line = format!(
        "args: serve redis://h:1 --poll-interval 1s --listen 127.0.0.1:0 --config {}",
        config.display()
    );
    assert_eq!(printed.lines().next(), Some(line.as_str()));
    assert!(
        printed.contains("CACHEWATCH_X=y") && !printed.contains("CARGO"),
        "{printed}"
    );
    watch.rewrite_config("caches: [1]\n");
    assert_eq!(std::fs::read_to_string(config).unwrap(), "caches: [1]\n");
    watch.signal("HUP");
    watch.wait_log("reloading", secs(5));
    let log = watch.stop();
    assert!(log.ends_with("bye"), "{log}");
}

#[test]
fn a_bad_end_is_no_good_end() {
    let receiver = Receiver::start();
    let watch = serving(&receiver, "trap 'exit 3' TERM").start();
    let message = *catch_unwind(AssertUnwindSafe(|| watch.stop()))
        .unwrap_err()
        .downcast::<String>()
        .unwrap();
    assert!(message.contains("exit status: 3"), "{message}");
}

#[test]
fn a_start_that_fails_shows_the_log() {
    let message = *catch_unwind(|| stand_in("echo 'no such file' >&2; exit 2").start())
        .unwrap_err()
        .downcast::<String>()
        .unwrap();
    assert!(
        message.contains("exit status: 2") && message.contains("no such file"),
        "{message}"
    );
}

#[test]
fn can_be_killed_and_started_again_in_its_folder() {
    let receiver = Receiver::start();
    let watch = serving(&receiver, "[ -e seen ] && echo again >&2; touch seen").start();
    eventually(secs(5), "it leaves a trace", || {
        watch.dir().join("seen").exists().then_some(())
    });
    let watch = watch.kill9().start();
    watch.wait_log("again", secs(5));
}

#[test]
fn runs_to_its_end() {
    let end = stand_in("echo out \"$1\"; echo err >&2; exit 2")
        .args(["check"])
        .run_to_end()
        .expect_code(2);
    assert_eq!(
        (end.stdout.as_str(), end.stderr.as_str()),
        ("out check", "err")
    );
}
