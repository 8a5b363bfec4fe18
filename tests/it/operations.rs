//! What people do while something fires: silence it, take it on, ask why, tell of a deploy; and before it does: try a
//! channel out, and see what rules would have done.

use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::cachewatch::Finished;
use crate::harness::wait::{always, secs};
use crate::harness::{Answer, Cachewatch, Load, Receiver, Server, Version, eventually};

const TOKEN: &str = "0123456789abcdef-it";

const SHORT_RULES: &str = "\
rules:
- name: CacheMissRatioHigh
  detector: windowed
  short_window: 4s
  long_window: 8s
  extended_window: 30s
  for: 2s
  clear_for: 3s
- name: CacheDown
  for: 5s
  clear_for: 2s
";

fn start(server: &Server, hook: &Receiver) -> Cachewatch {
    Cachewatch::with_config(&format!(
        "poll_interval: 1s\napi_token: {TOKEN}\ndata_dir: state\n\
         caches: [{{name: sessions, url: '{}'}}]\n\
         channels: [{{name: slack, type: slack, url: '{}'}}]\n{SHORT_RULES}",
        server.url(),
        hook.url("/services/hook-secret")
    ))
}

/// Runs a command that talks to a running cachewatch.
fn ask(watched: &Cachewatch, args: &[&str]) -> Finished {
    Cachewatch::builder()
        .args(args)
        .env("CACHEWATCH_URL", &format!("http://{}", watched.addr()))
        .env("CACHEWATCH_API_TOKEN", TOKEN)
        .env("USER", "ann")
        .run_to_end()
}

/// The state and the id of the incident that is open.
fn open(watched: &Cachewatch) -> Option<(String, String)> {
    let found = watched.get("/api/v1/incidents?state=open").json();
    let one = found["incidents"].get(0)?;
    let text = |key: &str| one[key].as_str().unwrap().to_owned();
    Some((text("state"), text("id")))
}

#[test]
fn a_silence_holds_back_what_its_end_tells() {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let hook = Receiver::start();
    let watched = start(&server, &hook);
    watched.wait_metric("cache_up", &[("cache", "sessions")], |v| v == 1.0, secs(20));

    let add = [
        "silence",
        "add",
        "cache=sess*",
        "--for",
        "1h",
        "-m",
        "moving house",
        "--json",
    ];
    let made = ask(&watched, &add).expect_code(0).stdout;
    let made: Value = serde_json::from_str(&made).unwrap();
    let silence = made["id"].as_str().unwrap();
    server.kill9();
    let incident = eventually(secs(30), "it is open and silenced", || {
        open(&watched).filter(|(state, _)| state == "silenced")
    });
    let incident = incident.1;
    always(secs(3), "nobody is told", || hook.requests().is_empty());

    let listed = ask(&watched, &["incidents", "--open"])
        .expect_code(0)
        .stdout;
    assert!(
        listed.contains("silenced") && listed.contains(&incident),
        "{listed}"
    );
    let told = ask(&watched, &["explain", &incident]).expect_code(0).stdout;
    assert!(told.contains("nobody is told silenced until"), "{told}");
    assert!(told.contains("by ann: moving house"), "{told}");
    assert!(
        told.contains("pending -> firing") || told.contains("pending -> silenced"),
        "{told}"
    );
    let silences = ask(&watched, &["silence", "list"]).expect_code(0).stdout;
    assert!(
        silences.contains(silence) && silences.contains("cache=sess*"),
        "{silences}"
    );

    ask(&watched, &["silence", "end", silence]).expect_code(0);
    hook.wait_for(1, secs(20));
    let message = hook.requests()[0].text();
    assert!(message.contains("was silenced until"), "{message}");
    let again = ask(&watched, &["silence", "end", silence]).expect_code(1);
    assert!(
        again.stderr.contains("no silence of this id"),
        "{}",
        again.stderr
    );

    ask(&watched, &["ack", &incident, "-m", "on my way"]).expect_code(0);
    let told = eventually(secs(10), "the attempt is written down", || {
        let told = ask(&watched, &["explain", &incident]).expect_code(0).stdout;
        told.contains("code 200").then_some(told)
    });
    assert!(told.contains("acknowledged   by ann at"), "{told}");
    assert!(
        told.contains("on my way") && told.contains("delivered"),
        "{told}"
    );
    let whole = ask(&watched, &["explain", &incident, "--json"])
        .expect_code(0)
        .stdout;
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["messages"][0]["attempts"][0]["code"], 200);
    assert!(!whole["rule"]["evaluations"].as_array().unwrap().is_empty());

    server.restart();
    hook.wait_for(2, secs(30));
    let past = eventually(secs(10), "it is over", || {
        let listed = ask(&watched, &["incidents"]).expect_code(0).stdout;
        listed.contains("resolved").then_some(listed)
    });
    assert!(past.contains(&incident), "{past}");
    let late = ask(&watched, &["ack", &incident]).expect_code(1);
    assert!(
        late.stderr.contains("this incident is over"),
        "{}",
        late.stderr
    );
    assert!(!watched.log().contains(TOKEN));
    watched.stop();
}

#[test]
fn a_deploy_is_named_in_the_message_and_history_is_replayed() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let hook = Receiver::start();
    let watched = start(&server, &hook);
    let load = Load::start(&server, 200.0, 0.05);
    let window = [("cache", "sessions"), ("window", "1m")];
    watched.wait_metric("cache_window_lookups", &window, |v| v > 1_000.0, secs(30));
    let told = ask(&watched, &["annotate", "shop 2.14", "--cache", "sessions"]).expect_code(0);
    assert!(told.stdout.starts_with("deploy at "), "{}", told.stdout);
    load.set_miss_ratio(0.6);
    hook.wait_for(1, secs(40));
    let message = hook.requests()[0].text();
    assert!(message.contains("shop 2.14"), "{message}");

    // Some slots of history are there while it runs: by the file, and by HTTP.
    eventually(secs(40), "three slots are kept", || {
        let found = watched.get("/api/v1/caches/sessions/history").json();
        (found["points"].as_array().unwrap().len() >= 3).then_some(())
    });
    let folder = watched.dir().join("state").display().to_string();
    let url = format!("http://{}", watched.addr());
    for from in [["--data-dir", &folder], ["--url", &url]] {
        let args = ["backtest", "--cache", "sessions", "--last", "10m", "--json"];
        let found = Cachewatch::run(&[args.as_slice(), from.as_slice()].concat()).expect_code(0);
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        let cache = &found["caches"][0];
        assert_eq!(cache["slots"][0]["slot_seconds"], 10.0, "{found}");
        assert!(cache["known_seconds"].as_f64().unwrap() >= 30.0, "{found}");
        assert_eq!(cache["rules"][0]["rule"], "CacheMissRatioHigh");
        assert!(cache["rules"][1]["not_replayed"].is_string(), "{found}");
    }
    // Who keeps it was not disturbed.
    ask(&watched, &["annotate", "still here"]).expect_code(0);
    let log = watched.log();
    assert!(
        !log.contains("corrupt") && !log.contains("set aside"),
        "{log}"
    );
    load.stop();
    watched.stop();
}

#[test]
fn who_has_no_token_only_reads() {
    let hook = Receiver::start();
    let watched = Cachewatch::with_config(&format!(
        "caches: [{{name: c, url: 'redis://127.0.0.1:1'}}]\napi_token: {TOKEN}\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n",
        hook.url("/x")
    ));
    let url = format!("http://{}", watched.addr());
    let anonymous = |args: &[&str]| {
        let url = ["--url", url.as_str()];
        Cachewatch::run(&[args, url.as_slice()].concat())
    };
    anonymous(&["incidents"]).expect_code(0);
    anonymous(&["silence", "list"]).expect_code(0);
    let refused = anonymous(&[
        "silence", "add", "cache=c", "--for", "1h", "--author", "ann",
    ]);
    let refused = refused.expect_code(1);
    assert!(refused.stderr.contains("token is missing") && refused.stderr.contains("--token-file"));
    let builder = Cachewatch::builder();
    let file = builder
        .file("token", &format!("{TOKEN}\n"))
        .display()
        .to_string();
    let args = [
        "silence", "add", "cache=c", "--for", "1h", "--author", "ann", "--url", &url,
    ];
    builder
        .args(args)
        .args(["--token-file", &file])
        .run_to_end()
        .expect_code(0);
    let mistaken = anonymous(&["explain", "nope"]).expect_code(1);
    assert!(
        mistaken.stderr.contains("there is no incident of this id"),
        "{}",
        mistaken.stderr
    );
    watched.stop();
}

#[test]
fn a_channel_is_tried_out_and_no_secret_printed() {
    let good = Receiver::start();
    let bad = Receiver::start();
    bad.set(Answer::Say(404, "no_service".into()));
    let config = format!(
        "caches: [{{name: c, url: 'redis://127.0.0.1:1'}}]\nchannels:\n\
         - {{name: good, type: webhook, url: '{}'}}\n- {{name: bad, type: slack, url: '{}'}}\n",
        good.url("/hook/very-secret-part"),
        bad.url("/services/very-secret-part")
    );
    let run = |args: &[&str]| {
        let builder = Cachewatch::builder().args(["test-notify"]).args(args);
        builder.config(&config).run_to_end()
    };
    let sent = run(&["--channel", "good", "--state", "resolved"]).expect_code(0);
    assert!(
        sent.stdout.contains("> POST http://127.0.0.1:"),
        "{}",
        sent.stdout
    );
    assert!(sent.stdout.contains("< HTTP 200") && sent.stdout.contains("delivered (200)"));
    assert_eq!(good.requests()[0].json()["status"], "resolved");
    let refused = run(&["--channel", "bad"]).expect_code(1);
    assert!(
        refused.stdout.contains("not delivered (404)"),
        "{}",
        refused.stdout
    );
    for finished in [&sent, &refused] {
        assert!(!format!("{}{}", finished.stdout, finished.stderr).contains("very-secret"));
    }
    let unknown = run(&["--channel", "ugly"]).expect_code(1);
    assert!(
        unknown.stderr.contains("there are good, bad"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_file_of_history_is_replayed() {
    // Three days of 10 % misses, with an hour of 40 % at noon.
    let mut csv = "time,hits,misses\n".to_owned();
    let (mut hits, mut misses) = (0, 0);
    for minute in 0..3 * 1_440 {
        let bad = (720..780).contains(&(minute % 1_440));
        misses += if bad { 400 } else { 100 };
        hits += if bad { 600 } else { 900 };
        writeln!(csv, "{},{hits},{misses}", 1_700_000_000 + minute * 60).unwrap();
    }
    let run = |more: &[&str]| {
        let builder = Cachewatch::builder();
        let file = builder.file("history.csv", &csv).display().to_string();
        builder
            .args(["backtest", "--csv", &file])
            .args(more)
            .run_to_end()
    };
    let told = run(&[]).expect_code(0).stdout;
    assert!(
        told.contains("CacheMissRatioHigh (miss_ratio, threshold 20 %)"),
        "{told}"
    );
    assert!(
        told.contains("would have fired 3 times, 7.0 a week"),
        "{told}"
    );
    assert!(told.contains("worst 40 %"), "{told}");
    assert!(told.contains("slots of 1m are coarse"), "{told}");
    assert!(
        told.contains("less than once a week with a threshold of at least"),
        "{told}"
    );
    assert!(
        told.contains("not replayed: history does not hold when a cache did not answer"),
        "{told}"
    );
    let quiet = run(&["--threshold", "0.45", "--rule", "CacheMissRatioHigh"]).expect_code(0);
    assert!(
        quiet.stdout.contains("would not have fired"),
        "{}",
        quiet.stdout
    );
    let wrong = run(&["--rule", "Nope"]).expect_code(1);
    assert!(
        wrong.stderr.contains("CacheMissRatioHigh, CacheDown"),
        "{}",
        wrong.stderr
    );
    let wrong = run(&["--threshold", "30"]).expect_code(1);
    assert!(wrong.stderr.contains("0.3 is 30 %"), "{}", wrong.stderr);
}
