//! A store that the real program made, damaged in many ways: the real program starts on each, never panics, keeps what it
//! cannot use, and alerts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::RULES;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Receiver, net, told, wait_told};

const FILE: &str = "cachewatch.db";
const WAL: &str = "cachewatch.db-wal";
/// How many of them run at a time.
const AT_ONCE: usize = 4;

/// The files of a folder.
type Files = BTreeMap<String, Vec<u8>>;

fn config(cache: &str, receiver: &Receiver) -> String {
    format!(
        "poll_interval: 1s\n\
         data_dir: state\n\
         caches: [{{name: {cache}, url: 'redis://127.0.0.1:{}'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n\
         {RULES}",
        net::free_port(),
        receiver.url("/hook"),
    )
}

/// A store with an incident in it: closed in good order, or as kill -9 leaves it, with all that belongs to it.
fn made(in_good_order: bool) -> Files {
    let receiver = Receiver::start();
    let watched = Cachewatch::builder()
        .config(&config("old", &receiver))
        .start();
    wait_told(&receiver, "CacheDown", "firing");
    let folder = watched.dir().join("state");
    let read = |folder: &Path| -> Files {
        let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
        entries
            .map(|e| {
                (
                    e.file_name().into_string().unwrap(),
                    fs::read(e.path()).unwrap(),
                )
            })
            .collect()
    };
    if in_good_order {
        let kept = tempfile::tempdir().unwrap();
        watched.signal("TERM");
        crate::harness::eventually(secs(20), "the log of the file is gone", || {
            (!folder.join(WAL).exists()).then_some(())
        });
        let files = read(&folder);
        drop((watched.kill9(), kept));
        files
    } else {
        let again = watched.kill9();
        let files = read(&folder);
        drop(again);
        files
    }
}

/// Starts on these files; another cache is down meanwhile.
fn survives(what: &str, files: &Files) {
    let receiver = Receiver::start();
    let builder = Cachewatch::builder();
    let folder = builder.dir().join("state");
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let watched = builder.config(&config("fresh", &receiver)).start();
    crate::harness::eventually(secs(60), "the cache that is down is told", || {
        let fresh = |t: &(String, String, String)| t.0 == "CacheDown" && t.2.contains("fresh");
        told(&receiver).iter().any(fresh).then_some(())
    });
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(30));
    let log = watched.log();
    assert!(!log.contains("panicked"), "{what}: {log}");
    let aside: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("corrupt-"))
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .collect();
    if aside.is_empty() {
        // Whole enough: then the incident of the cache that is gone is over.
        assert!(!log.contains("was set aside"), "{what}: {log}");
    } else {
        assert!(log.contains("was set aside"), "{what}: {log}");
        wait_told(&receiver, "StoreTrouble", "firing");
        let kept: Vec<_> = aside.iter().map(|path| fs::read(path).unwrap()).collect();
        assert!(
            kept.contains(&files[FILE]),
            "{what}: what was set aside was changed"
        );
    }
    // What a lost end of the log had marked as delivered is told again, under the key it had.
    let told = told(&receiver);
    let fired = told
        .iter()
        .filter(|t| t.0 == "CacheDown" && t.1 == "firing" && t.2.contains("fresh"));
    assert_eq!(fired.count(), 1, "{what}: {told:?}");
    watched.stop();
}

/// Starts on each of them, some at a time.
fn all_survive(damaged: &[(String, Files)]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((what, files)) = damaged.get(next.fetch_add(1, Ordering::Relaxed)) {
                    survives(what, files);
                }
            });
        }
    });
}

/// The file cut off at all these offsets, the others left as they are.
fn cut(files: &Files, name: &str, parts: usize, more: &[usize]) -> Vec<(String, Files)> {
    let length = files[name].len();
    assert!(length > 8_192, "{name} has {length} bytes");
    let spread = (0..parts).map(|n| n * length / parts);
    let offsets = spread.chain(more.iter().copied()).chain([length - 1]);
    offsets
        .map(|end| {
            let mut files = files.clone();
            files.get_mut(name).unwrap().truncate(end);
            (format!("{name} cut off at {end}"), files)
        })
        .collect()
}

#[test]
fn a_file_cut_off_anywhere() {
    let files = made(true);
    all_survive(&cut(
        &files,
        FILE,
        13,
        &[1, 16, 99, 100, 511, 4_095, 4_096, 4_097],
    ));
}

#[test]
fn a_log_of_the_file_cut_off_anywhere() {
    let files = made(false);
    assert!(files.contains_key(WAL), "{:?}", files.keys());
    all_survive(&cut(&files, WAL, 12, &[1, 31, 32, 33, 56, 4_152]));
}

#[test]
fn rubbish() {
    let files = made(false);
    let mut random = fastrand::Rng::with_seed(7);
    let mut rubbish = |length: usize| -> Vec<u8> { (0..length).map(|_| random.u8(..)).collect() };
    let mut damaged = Vec::new();
    for length in [1, 700, 5_000, 100_000] {
        damaged.push((
            format!("{length} bytes of rubbish"),
            Files::from([(FILE.to_owned(), rubbish(length))]),
        ));
    }
    let mut log = files.clone();
    log.insert(WAL.to_owned(), rubbish(50_000));
    damaged.push(("rubbish in place of the log".to_owned(), log));
    let mut both = files.clone();
    both.insert(FILE.to_owned(), rubbish(50_000));
    damaged.push(("rubbish beside a good log".to_owned(), both));
    let whole = made(true);
    for at in [100, 5_000, 20_000, 40_000] {
        let mut holed = whole.clone();
        holed.get_mut(FILE).unwrap()[at..at + 300].copy_from_slice(&rubbish(300));
        damaged.push((format!("300 bytes of rubbish at {at}"), holed));
    }
    all_survive(&damaged);
}
