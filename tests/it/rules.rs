//! Prometheus' rules: promtool takes them and finds them firing, quiet at low traffic and resolving; on a living
//! cachewatch each of them runs; each alert says what to do, and its runbook is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::process::find_in_path;
use crate::harness::wait::{eventually, secs};
use crate::harness::{Prometheus, Version, http, prometheus, skip};
use crate::scene::Scene;
use crate::{promql, read};

const RECORDING: &str = "alerts/prometheus/recording.yml";
const ALERTS: &str = "alerts/prometheus/alerts.yml";

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn rules(file: &str) -> Vec<Value> {
    let parsed: Value = serde_saphyr::from_str(&read(file)).unwrap();
    let groups = parsed["groups"].as_array().unwrap().clone();
    let all = groups
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap().clone());
    all.collect()
}

fn text<'a>(rule: &'a Value, key: &str) -> &'a str {
    rule[key]
        .as_str()
        .unwrap_or_else(|| panic!("{rule}: no {key}"))
}

/// What recording rules record.
pub fn recorded() -> BTreeSet<String> {
    let all = rules(RECORDING);
    all.iter().map(|r| text(r, "record").to_owned()).collect()
}

/// All metrics and recorded series that rules name.
pub fn names() -> BTreeSet<String> {
    let all = [rules(RECORDING), rules(ALERTS)].concat();
    all.iter()
        .flat_map(|r| promql::names(text(r, "expr")))
        .collect()
}

fn tests() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(path("alerts/prometheus/tests")).unwrap();
    folder.map(|f| f.unwrap().path()).collect()
}

#[test]
fn promtool_takes_the_rules() {
    if prometheus::require() {
        prometheus::check_rules(&path(RECORDING)).unwrap();
        prometheus::check_rules(&path(ALERTS)).unwrap();
    }
}

#[test]
fn they_fire_stay_quiet_and_resolve_as_their_tests_say() {
    if !prometheus::require() {
        return;
    }
    for file in tests() {
        prometheus::test_rules(&file).unwrap();
    }
}

/// Each alert is seen firing, and later in the same case nothing fires any more.
#[test]
fn every_alert_is_seen_firing_and_resolving() {
    let mut resolved = BTreeSet::new();
    for file in tests() {
        let content = std::fs::read_to_string(&file).unwrap();
        let parsed: Value = serde_saphyr::from_str(&content).unwrap();
        for case in parsed["tests"].as_array().unwrap() {
            let mut firing = BTreeSet::new();
            for step in case["promql_expr_test"].as_array().unwrap() {
                let samples = step["exp_samples"].as_array().unwrap();
                if samples.is_empty() {
                    resolved.append(&mut firing);
                }
                let names = samples.iter().filter_map(|s| {
                    let labels = s["labels"].as_str().unwrap();
                    labels.strip_prefix("{alertname=\"")?.strip_suffix("\"}")
                });
                firing.extend(names.map(str::to_owned));
            }
        }
    }
    let all: BTreeSet<String> = rules(ALERTS)
        .iter()
        .map(|r| text(r, "alert").to_owned())
        .collect();
    assert_eq!(all, resolved);
}

#[test]
fn every_alert_says_what_to_do() {
    let readme = read("alerts/README.md");
    for rule in rules(ALERTS) {
        let name = text(&rule, "alert");
        let annotations = &rule["annotations"];
        for key in ["summary", "description", "dashboard_url"] {
            assert!(!text(annotations, key).is_empty(), "{name}");
        }
        let runbook = text(annotations, "runbook_url");
        let anchor = format!("alerts/README.md#{}", name.to_lowercase());
        assert!(runbook.ends_with(&anchor), "{name}: {runbook}");
        assert!(
            readme.lines().any(|l| l == format!("### {name}")),
            "{name} has no runbook"
        );
        let severity = text(&rule["labels"], "severity");
        assert!(["info", "warning", "critical"].contains(&severity));
        // What is about a cache leads to it.
        if !name.starts_with("Cachewatch") {
            assert!(text(annotations, "dashboard_url").contains("var-cache="));
            assert!(text(annotations, "page_url").contains("$labels.cache"));
        }
    }
    for line in readme.lines().filter_map(|l| l.strip_prefix("### Cache")) {
        let name = format!("Cache{line}");
        assert!(
            rules(ALERTS).iter().any(|r| r["alert"] == name.as_str()),
            "{name} is a runbook of no alert"
        );
    }
}

#[test]
fn each_rule_runs_on_a_living_cachewatch() {
    if !prometheus::require() || !Version::Redis70.require() {
        return;
    }
    let scene = Scene::start();
    let prometheus = Prometheus::with_config(&format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}', '{}']\n\
         scrape_configs:\n  - job_name: cachewatch\n    static_configs: [{{targets: ['{}']}}]\n",
        path(RECORDING).display(),
        path(ALERTS).display(),
        scene.watched.addr(),
    ));
    prometheus.wait_up(1, secs(20));
    // What they look at is there: metrics and what is recorded of them.
    for name in names().into_iter().chain(recorded()) {
        eventually(secs(30), &format!("{name} is there"), || {
            (!prometheus.query(&name).is_empty()).then_some(())
        });
    }
    // And they say what is true here: one in four and more are missed, a cache is gone, evictions hurt.
    for name in [
        "CacheMissRatioHigh",
        "CacheMissesAfterEviction",
        "CacheDown",
    ] {
        let query = format!("count(ALERTS{{alertname=\"{name}\"}})");
        prometheus.wait_value(&query, |n| n >= 1.0, secs(30));
    }
    assert_eq!(
        prometheus.query("ALERTS{alertname=~\"Cachewatch.*\",alertstate=\"firing\"}"),
        [],
        "cachewatch itself is well"
    );
    let state = http::get(prometheus.addr(), "/api/v1/rules")
        .unwrap()
        .json();
    let groups = state["data"]["groups"].as_array().unwrap();
    let all: Vec<&Value> = groups
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap())
        .collect();
    assert_eq!(all.len(), rules(RECORDING).len() + rules(ALERTS).len());
    for rule in all {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    scene.stop();
}

#[test]
fn alertmanager_takes_the_example_and_routes_by_severity() {
    if !skip::have("amtool", find_in_path("amtool").is_some()) {
        return;
    }
    let file = path("alerts/alertmanager/alertmanager.yml");
    let amtool = |args: &[&str]| {
        let out = Command::new("amtool").args(args).output().unwrap();
        // It warns on standard error that it asks a file and no Alertmanager.
        let said = String::from_utf8(out.stdout).unwrap();
        let complaints = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{said}{complaints}");
        said
    };
    let file = file.to_str().unwrap();
    amtool(&["check-config", file]);
    let config = format!("--config.file={file}");
    for rule in rules(ALERTS) {
        let (name, severity) = (text(&rule, "alert"), text(&rule["labels"], "severity"));
        let labels = [
            format!("alertname={name}"),
            format!("severity={severity}"),
            "cache=c".to_owned(),
        ];
        let mut args = vec!["config", "routes", "test", &config];
        args.extend(labels.iter().map(String::as_str));
        let receiver = if name.starts_with("Cachewatch") {
            "operators"
        } else {
            match severity {
                "critical" => "oncall",
                "warning" => "team",
                _ => "nobody",
            }
        };
        assert_eq!(amtool(&args).trim(), receiver, "{name}");
    }
}
