//! What people see, in a real browser: each page in each state, three widths, both themes, with and without a script.
//!
//! `tests/browser/look.mjs` drives Debian's chromium and says what is wrong; pictures go to `target/screenshots/`. Pages of
//! the real program show a living scene; states that take a hundred servers or a week are shown by the same server over a
//! made-up snapshot and store ([`show`]).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::Cachewatch;
use crate::harness::process::find_in_path;
use crate::harness::skip;
use crate::harness::version::{Version, folder};
use crate::harness::wait::secs;
use crate::scene::{CACHE, Scene};

mod fleet;
mod past;
mod show;

use show::Show;

/// How long one plan may take.
const LIMIT: std::time::Duration = secs(280);

#[track_caller]
fn require() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let modules = folder().join("browser");
    let chromium = find_in_path("chromium");
    let node = find_in_path("node");
    let there = modules.join("node_modules/playwright-core").is_dir();
    let all = chromium.zip(node).filter(|_| there);
    skip::have("chromium with playwright-core", all.is_some());
    all.map(|(chromium, node)| (chromium, node, modules))
}

/// Opens these pages and panics with what is wrong.
#[track_caller]
fn look(base: &str, pages: &Value) {
    let Some((chromium, node, modules)) = require() else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    let plan = json!({ "chromium": chromium, "modules": modules, "base": base, "out": out, "pages": pages });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), plan.to_string()).unwrap();
    let mut command = Command::new("timeout");
    command.arg(LIMIT.as_secs().to_string()).arg(node);
    command
        .arg(root.join("tests/browser/look.mjs"))
        .arg(file.path());
    let done = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        done.status.success(),
        "{}\n{}\n{}",
        done.status,
        said(&done.stdout),
        said(&done.stderr)
    );
}

#[test]
fn the_real_program_is_shown_live() {
    if require().is_none() || !Version::Redis70.require() {
        return;
    }
    let scene = Scene::start();
    let cache = format!("/caches/{CACHE}");
    look(
        &format!("http://{}", scene.watched.addr()),
        &json!([
            { "name": "real-overview", "path": "/", "changes": "#meta", "shows": ["alert firing", "down", "CacheDown"] },
            { "name": "real-cache", "path": cache, "changes": ".tiles", "shows": ["product:*", "Would more memory help?"] },
            { "name": "real-down", "path": "/caches/gone", "shows": ["Its node does not answer."] },
            { "name": "real-incidents", "path": "/incidents" },
            { "name": "real-health", "path": "/health", "changes": "#health" },
            { "name": "real-configuration", "path": "/configuration" },
            { "name": "real-overview", "path": "/", "script": false },
            { "name": "real-cache", "path": cache, "script": false, "widths": [375, 1280] },
        ]),
    );
}

#[test]
fn each_state_is_shown() {
    if require().is_none() {
        return;
    }
    let show = Show::start(fleet::states);
    look(
        &show.base(),
        &json!([
            { "name": "overview", "path": "/", "shows": ["not enough traffic", "starting", "silenced", "warming up"] },
            { "name": "nothing-found", "path": "/?q=zzz" },
            { "name": "cache-firing", "path": "/caches/products?range=6h" },
            { "name": "cache-week", "path": "/caches/products?range=7d" },
            { "name": "cache-degraded", "path": "/caches/carts", "shows": ["CONFIG SET notify-keyspace-events"] },
            { "name": "cache-starting", "path": "/caches/new-one" },
            { "name": "cache-idle", "path": "/caches/archive" },
        ]),
    );
}

#[test]
fn incidents_tell_their_story_and_can_be_taken_on() {
    if require().is_none() {
        return;
    }
    let show = Show::start(fleet::states);
    let (open, past) = (fleet::OPEN, past::PAST);
    let story = format!("/incidents/{open}");
    let form = |what: &str| format!("form[action$=acknowledge] {what}");
    look(
        &show.base(),
        &json!([
            { "name": "incidents", "path": "/incidents" },
            { "name": "incident-open", "path": story, "shows": ["answered 503", "Silence"] },
            { "name": "incident-past", "path": format!("/incidents/{past}") },
            { "name": "act", "path": show::Show::link(open) },
            { "name": "act-refused", "path": "/act/silence?incident=x&until=1&signature=00", "status": 403 },
            { "name": "incident-refused", "path": story, "widths": [375], "themes": ["light"],
              "fill": { form("[name=author]"): "ann", form("[name=token]"): "wrong" },
              "send": form("button"), "shows": ["This is not the token"]  },
            { "name": "incident-acknowledged", "path": story, "widths": [1280], "themes": ["light"],
              "fill": { form("[name=author]"): "ann", form("[name=token]"): show::TOKEN },
              "send": form("button"), "shows": ["Acknowledged. There will be no more reminders.", "ann acknowledged it"] },
            { "name": "health", "path": "/health" },
        ]),
    );
}

#[test]
fn a_hundred_caches_are_readable() {
    if require().is_none() {
        return;
    }
    let show = Show::start(|at| fleet::many(100, at));
    look(
        &show.base(),
        &json!([
            { "name": "hundred", "path": "/", "full": false },
            { "name": "hundred-search", "path": "/", "type": { "text": "search-04", "rows": 1 } },
            { "name": "hundred-firing", "path": "/?state=firing&sort=name" },
        ]),
    );
}

#[test]
fn hostile_names_break_nothing() {
    if require().is_none() {
        return;
    }
    let show = Show::start(fleet::hostile);
    look(
        &show.base(),
        &json!([
            { "name": "hostile-overview", "path": "/" },
            { "name": "hostile-cache", "path": "/caches/hostile" },
            { "name": "hostile-incident", "path": format!("/incidents/{}", past::HOSTILE) },
            { "name": "hostile-incidents", "path": "/incidents" },
        ]),
    );
}

#[test]
fn a_report_is_a_page_of_its_own() {
    if require().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate::report::week(folder.path(), &["sessions", "products", "prices"], 0);
    let data = folder.path().to_str().unwrap();
    let out = folder.path().join("report.html");
    Cachewatch::builder()
        .args(["report", "--data-dir", data, "--time-zone", "Europe/Berlin"])
        .args(["--out", out.to_str().unwrap()])
        .run_to_end()
        .expect_code(0);
    let shows = ["and its bounds", "Europe/Berlin", "≈"];
    look(
        &format!("file://{data}"),
        &json!([{ "name": "report", "path": "/report.html", "shows": shows }]),
    );
}

#[test]
fn no_cache_at_all_is_a_page_too() {
    if require().is_none() {
        return;
    }
    let show = Show::start(|_| Vec::new());
    look(
        &show.base(),
        &json!([{ "name": "empty", "path": "/", "shows": ["No cache is configured"] }]),
    );
}
