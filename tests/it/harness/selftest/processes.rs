//! Nothing outlives the test: not when it panics, not when it is killed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::harness::process::{find_in_path, wait_gone};
use crate::harness::wait::{pause, secs};
use crate::harness::{Server, Version, skip};

#[test]
fn a_panic_takes_the_server_along() {
    if !Version::USUAL.require() {
        return;
    }
    let (tell, told) = std::sync::mpsc::channel();
    let test = std::thread::spawn(move || {
        let server = Server::start(Version::USUAL, &[]);
        tell.send((server.process().pid(), server.dir().to_owned()))
            .unwrap();
        panic!("as a failing test does");
    });
    let (pid, dir) = told.recv().unwrap();
    assert!(test.join().is_err());
    wait_gone(pid, secs(5));
    assert!(!dir.exists(), "{} is left", dir.display());
}

#[test]
fn a_server_outlives_the_thread_that_asked_for_it() {
    if !Version::USUAL.require() {
        return;
    }
    let server = std::thread::spawn(|| Server::start(Version::USUAL, &[]))
        .join()
        .unwrap();
    assert_eq!(server.cli(&["PING"]), "PONG");
}

#[test]
fn a_killed_test_takes_the_server_along() {
    if !Version::USUAL.require() || !skip::have("setpriv", find_in_path("setpriv").is_some()) {
        return;
    }
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("harness::selftest::processes::starts_a_server_and_hangs")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(test.stdout.take().unwrap()).lines();
    let told = lines
        .map_while(Result::ok)
        .find_map(|l| Some(l.split_once("server: ")?.1.to_owned()))
        .expect("the other test tells of its server");
    let (pid, dir) = told.split_once(' ').unwrap();
    test.kill().unwrap();
    test.wait().unwrap();
    wait_gone(pid.parse().unwrap(), secs(5));
    // The one thing that a kill -9 leaves behind.
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
#[ignore = "run, and killed, by a_killed_test_takes_the_server_along"]
fn starts_a_server_and_hangs() {
    let server = Server::start(Version::USUAL, &[]);
    let pid = server.process().pid();
    println!("\nserver: {pid} {}", server.dir().display());
    pause(secs(60));
}
