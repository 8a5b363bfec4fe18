//! `cachewatch report`: beside a cachewatch that runs, after it, and about a week that was put there.

use std::path::Path;

use crate::harness::http::request;
use crate::harness::wait::secs;
use crate::harness::{Cachewatch, Server, Version, eventually};

mod past;

pub(crate) use past::week;

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
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(15));
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
fn what_the_application_tells_of_namespaces_is_in_it() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let config = format!(
        "data_dir: {path}\napi_token: hunter2hunter2hunter2\npoll_interval: 1s\n\
         caches: [{{name: shop, url: '{}', events: true}}]\n\
         namespaces: [{{name: 'ai:*', pattern: 'ai:*', cost_per_miss: 0.5, currency: USD}}]\n",
        server.url()
    );
    let watched = Cachewatch::with_config(&config);
    let post = |hits, misses| {
        let body = format!(
            r#"{{"source":"web-1","lookups":[{{"namespace":"ai:*","hits":{hits},"misses":{misses}}}]}}"#
        );
        let headers = [("Authorization", "Bearer hunter2hunter2hunter2")];
        let path = "/api/v1/caches/shop/lookups";
        let told = request(watched.addr(), "POST", path, &headers, body.as_bytes()).unwrap();
        assert_eq!(told.status, 202, "{}", told.text());
    };
    watched.wait_metric("cachewatch_store_up", &[], |v| v == 1.0, secs(15));
    watched.wait_metric("cache_up", &[("cache", "shop")], |v| v == 1.0, secs(15));
    post(80, 20);
    post(10, 0);
    let all = 110;
    // Slots of namespaces are a minute wide; what is told is in one or two of them.
    let found = eventually(secs(100), "all that was told is in the report", || {
        let args = ["--data-dir", path, "--last", "1h", "--format", "json"];
        let ended = report(&args);
        let found: serde_json::Value = serde_json::from_str(&ended.stdout).ok()?;
        let cache = found["caches"][0].clone();
        let told = &cache["attribution"]["namespaces"][0]["lookups"]["lookups"];
        (told.as_u64() == Some(all)).then_some(cache)
    });
    let namespace = &found["attribution"]["namespaces"][0];
    assert_eq!(namespace["namespace"], "ai:*");
    let lookups = &namespace["lookups"];
    assert_eq!(lookups["source"], "application");
    assert_eq!(
        (&lookups["hits"], &lookups["misses"]),
        (&90.into(), &20.into())
    );
    let ratio = lookups["hit_ratio"].as_f64().unwrap();
    assert!((ratio - 90.0 / 110.0).abs() < 1e-9, "{ratio}");
    assert_eq!(
        namespace["saved"]["amount"].as_f64(),
        Some(45.0),
        "90 hits at 0.5"
    );
    assert_eq!(found["attribution"]["saved"].as_f64(), Some(45.0));
    assert_eq!(
        found["counts"]["saved"].as_f64(),
        Some(45.0),
        "the same of the cache"
    );
    watched.stop();

    let zone = [
        "--data-dir",
        path,
        "--last",
        "1h",
        "--time-zone",
        "Europe/Berlin",
    ];
    let markdown = report(&zone).expect_code(0).stdout;
    assert!(markdown.contains("| ai:\\* | 81.8"), "{markdown}");
    assert!(markdown.contains("What hits saved | 45.00"), "{markdown}");
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
        (
            vec!["--time-zone", "Berlin"],
            2,
            "there is no such time zone; write it as Europe/Berlin",
        ),
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

#[test]
fn help_tells_how() {
    let help = report(&["--help"]).expect_code(0).stdout;
    for word in [
        "--last",
        "--cache",
        "--format",
        "--out",
        "--data-dir",
        "--time-zone",
        "Examples:",
        "only reads",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
