//! `cachewatch report`: beside a cachewatch that runs, after it, and about a week that was put there.

use std::path::Path;
use std::sync::Arc;

use cachewatch::model::name::Name;
use cachewatch::model::record::{HistoryPoint, NamespacePoint};
use cachewatch::model::time::{Clock as _, SystemClock};
use cachewatch::store::{Backend, Store};
use jiff::Timestamp;

use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version, eventually};

fn report(args: &[&str]) -> crate::harness::cachewatch::Finished {
    Cachewatch::builder()
        .args(["report"])
        .args(args)
        .run_to_end()
}

fn json(folder: &str, more: &[&str]) -> serde_json::Value {
    let mut args = vec!["--data-dir", folder, "--last", "1h", "--format", "json"];
    args.extend(more);
    let ended = report(&args).expect_code(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Every file of a folder, with its size and time.
fn files(folder: &Path) -> Vec<(String, u64, std::time::SystemTime)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            (
                entry.file_name().to_string_lossy().into_owned(),
                meta.len(),
                meta.modified().unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn it_reads_beside_a_cachewatch_that_runs_and_after_it() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let url = format!("shop={}", server.url());
    let watched = Cachewatch::builder()
        .args(["serve", &url, "--poll-interval", "1s", "--data-dir", path])
        .start();
    server.call(&["SET", "here", "1"]);
    // Lookups until a slot with some of them is over and stored.
    let kept = eventually(secs(60), "a slot with lookups is in the report", || {
        for _ in 0..30 {
            server.call(&["GET", "here"]);
            server.call(&["GET", "gone"]);
        }
        let args = ["--data-dir", path, "--last", "1h", "--format", "json"];
        let ended = report(&args);
        if ended.code() != 0 {
            assert!(
                ended.stderr.contains("there is no history"),
                "{}",
                ended.stderr
            );
            return None;
        }
        let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let cache = &found["caches"][0];
        (cache["counts"]["misses"].as_u64() > Some(0)).then(|| cache.clone())
    });
    assert_eq!(kept["cache"], "shop");
    let ratio = kept["counts"]["hit_ratio"].as_f64().unwrap();
    assert!((0.3..0.7).contains(&ratio), "{ratio}");
    assert!(
        kept["counts"]["covered_ratio"].as_f64().unwrap() < 0.5,
        "an hour is not covered yet"
    );
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(5));
    watched.stop();

    let before = files(folder.path());
    let after = json(path, &["--cache", "shop"]);
    let looked = |v: &serde_json::Value| v["counts"]["lookups"].as_u64().unwrap();
    assert!(looked(&after["caches"][0]) >= looked(&kept));
    let changed: Vec<_> = files(folder.path())
        .into_iter()
        .filter(|file| {
            Path::new(&file.0).extension().is_some_and(|e| e == "db") && !before.contains(file)
        })
        .collect();
    assert_eq!(changed, [], "the file is only read");
}

#[test]
fn what_is_wrong_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (args, code, said) in [
        (vec!["--data-dir", path], 1, "there is no database at"),
        (vec![], 1, "pass --config, or --data-dir"),
        (
            vec!["--data-dir", path, "--out", "report.pdf"],
            1,
            ".html, .md or .json",
        ),
        (vec!["--last", "5m"], 2, "must be between 1h and 400d"),
    ] {
        let ended = report(&args).expect_code(code);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(files(folder.path()), [], "nothing is made");
    let memory = Cachewatch::builder()
        .args(["report"])
        .config("caches: [{name: c, url: 'redis://127.0.0.1:1'}]\n")
        .run_to_end()
        .expect_code(1);
    assert!(
        memory.stderr.contains("neither data_dir nor store"),
        "{}",
        memory.stderr
    );

    week(folder.path(), &["sessions"], 60);
    for (args, said) in [
        (vec!["--cache", "session"], "known are: sessions"),
        (vec!["--last", "1d"], "there is no history of the last 1day"),
        (
            vec!["--last", "90d", "--out", "/does/not/exist/r.html"],
            "cannot write /does/not/exist/r.html",
        ),
    ] {
        let mut all = vec!["--data-dir", path];
        all.extend(args);
        let ended = report(&all).expect_code(1);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.trim_end().lines().count(),
            1,
            "{}",
            ended.stderr
        );
    }
    std::fs::write(folder.path().join("cachewatch.db"), vec![b'x'; 9_000]).unwrap();
    let ended = report(&["--data-dir", path]).expect_code(1);
    assert!(ended.stderr.contains("corrupt"), "{}", ended.stderr);
    assert_eq!(
        files(folder.path()).len(),
        files(folder.path())
            .iter()
            .filter(|f| !f.0.contains("corrupt"))
            .count()
    );
}

#[test]
fn a_week_of_several_caches_in_reasonable_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    week(folder.path(), &["sessions", "products", "prices"], 0);
    let config = format!(
        "data_dir: {path}\nexternal_url: https://cachewatch.example.org\ncaches:\n\
         - {{name: sessions, url: 'redis://127.0.0.1:1', namespaces: [{{pattern: 'session:*', cost_per_miss: 0.002, currency: USD}}]}}\n\
         - {{name: products, url: 'redis://127.0.0.1:2'}}\n- {{name: idle, url: 'redis://127.0.0.1:3'}}\n"
    );
    for ending in ["html", "md", "json"] {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report.{ending}"));
        std::fs::remove_file(&out).ok();
        let ended = Cachewatch::builder()
            .args(["report", "--out", out.to_str().unwrap()])
            .config(&config)
            .run_to_end()
            .expect_code(0);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
        let text = std::fs::read_to_string(&out).unwrap();
        for name in ["sessions", "products", "prices", "idle"] {
            assert!(text.contains(name), "{name} is missing in {ending}");
        }
    }
}

/// Puts two weeks of made-up history there, in slots of 15 min, that ended so many days ago.
fn week(folder: &Path, caches: &[&str], days_ago: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let clock = Arc::new(SystemClock::start());
    let end = clock.now().wall.as_second().div_euclid(900) * 900 - days_ago * 86_400;
    runtime.block_on(async {
        let store = Store::open(Backend::Sqlite(folder.to_owned()), clock).await;
        let mut points = Vec::new();
        let mut spaces = Vec::new();
        for (number, name) in caches.iter().enumerate() {
            let cache = Name::new(name).unwrap();
            for slot in 0..14 * 96 {
                let at = Timestamp::from_second(end - (slot + 1) * 900).unwrap();
                // Nobody looked for half a day.
                if (200..248).contains(&slot) && number == 1 {
                    continue;
                }
                let (point, some) = made_up(at, slot, number);
                points.push((cache.clone(), point));
                spaces.extend(some.into_iter().map(|space| (cache.clone(), space)));
            }
        }
        store
            .append_history(Timestamp::from_second(end).unwrap(), points, spaces)
            .await;
        store.close().await;
    });
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
fn made_up(at: Timestamp, slot: i64, number: usize) -> (HistoryPoint, Vec<NamespacePoint>) {
    let hour = at.as_second().rem_euclid(86_400) as f64 / 3_600.0;
    let wave = 1.0 + 0.6 * ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin();
    let noise = 1.0 + 0.1 * ((slot * 7_919 % 101) as f64 / 50.0 - 1.0);
    let lookups = 400_000.0 * wave * noise / (number + 1) as f64;
    let storm = number == 0 && (150..162).contains(&slot);
    let ratio = [0.09, 0.03, 0.01][number % 3] * (0.7 + 0.5 * wave * noise)
        + if storm { 0.25 } else { 0.0 }
        - if slot > 7 * 96 && number == 0 {
            0.02
        } else {
            0.0
        };
    let misses = (lookups * ratio) as u64;
    let part = |p: f64| (misses as f64 * p) as u64;
    let space = |name: &str, causes: [f64; 6], cost: Option<f64>| {
        let causes = causes.map(part).to_vec();
        let total = causes.iter().sum();
        NamespacePoint {
            at,
            namespace: name.to_owned(),
            misses: total,
            evictions: causes[1] * 2,
            expirations: causes[0] + 40,
            causes,
            cost: cost.map(|price| price * total as f64),
        }
    };
    let evicted = if storm { 0.45 } else { 0.2 };
    let spaces = vec![
        space(
            "session:*",
            [0.08, evicted, 0.02, 0.0, 0.06, 0.0],
            (number == 0).then_some(0.002),
        ),
        space("user:*:profile", [0.14, 0.03, 0.01, 0.0, 0.04, 0.0], None),
        space("cart:*", [0.05, 0.01, 0.08, 0.0, 0.02, 0.01], None),
        space("<b>other</b>", [0.01, 0.0, 0.0, 0.0, 0.09, 0.0], None),
    ];
    let limit = 4 << 30;
    let point = HistoryPoint {
        at,
        covered_seconds: 900.0,
        hits: Some(lookups as u64 - misses),
        misses: Some(misses),
        evictions: Some(if number == 2 { 0 } else { part(evicted * 2.0) }),
        expirations: Some(part(0.5) + 300),
        memory_used_bytes: Some(
            (limit as f64 * if number == 2 { 0.3 } else { 0.93 + 0.04 * wave }) as u64,
        ),
        memory_limit_bytes: Some(limit),
        miss_cost: (number == 0).then(|| spaces[0].misses as f64 * 0.002),
    };
    (point, spaces)
}

#[test]
fn help_tells_how() {
    let help = report(&["--help"]).expect_code(0).stdout;
    for word in [
        "--last",
        "--cache",
        "--format",
        "--out",
        "--data-dir",
        "Examples:",
        "only reads",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
