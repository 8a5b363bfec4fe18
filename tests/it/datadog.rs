//! Datadog: its own check reads a living cachewatch with our conf.yaml and finds what is listed there, with the intended
//! types; its API client's models take monitors and dashboard, which ask for nothing that is not collected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Version, python};
use crate::scene::Scene;
use crate::{promql, read};

const FOLDER: &str = "alerts/datadog";

fn instance() -> Value {
    let conf: Value =
        serde_saphyr::from_str(&read(&format!("{FOLDER}/openmetrics.d/conf.yaml"))).unwrap();
    conf["instances"][0].clone()
}

/// What is collected: our family to Datadog's name.
fn mapped() -> Vec<(String, String)> {
    let instance = instance();
    let entries = instance["metrics"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let (ours, theirs) = entry.as_object().unwrap().iter().next().unwrap();
            (
                ours.clone(),
                format!("cachewatch.{}", theirs.as_str().unwrap()),
            )
        })
        .collect()
}

/// The names under which Datadog keeps what is collected, with their types, as the reference of our metrics says.
fn intended() -> BTreeMap<String, &'static str> {
    let reference = read("docs/metrics.md");
    let kind = |family: &str| {
        let row = reference.lines().find_map(|line| {
            let row = line.strip_prefix("| `")?;
            let (name, rest) = row.split_once("` ")?;
            let kind = rest.split('|').nth(1)?.trim();
            (name == family || name == format!("{family}_total")).then_some(kind)
        });
        row.unwrap_or_else(|| panic!("{family} is no metric of ours"))
    };
    let mut all = BTreeMap::new();
    for (ours, theirs) in mapped() {
        let suffixes: &[&str] = match kind(&ours) {
            "gauge" => {
                all.insert(theirs, "gauge");
                continue;
            }
            "counter" => &["count"],
            "histogram" => &["bucket", "count", "sum"],
            other => panic!("{ours} is a {other}"),
        };
        for suffix in suffixes {
            all.insert(format!("{theirs}.{suffix}"), "monotonic_count");
        }
    }
    all
}

fn monitors() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(FOLDER)
        .join("monitors");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read(&format!("{FOLDER}/dashboard.json"))).unwrap()
}

/// All queries: of monitors, and of widgets in widgets.
fn queries() -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("query").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&dashboard(), &mut found);
    for (_, monitor) in monitors() {
        walk(&monitor, &mut found);
    }
    assert!(found.len() > 40);
    found
}

/// The metrics in a query, each with the tags that it asks for: `sum:NAME{TAG:value,…} by {TAG,…}`.
fn asked(query: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut all = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(":cachewatch.") {
        let (name, after) = rest[at + 1..].split_once('{').unwrap();
        let (filter, after) = after.split_once('}').unwrap();
        let by = after
            .strip_prefix(" by {")
            .and_then(|b| b.split_once('}'))
            .map_or("", |b| b.0);
        let filters = filter.split(',').filter(|f| *f != "*");
        let filtered = filters.map(|f| f.trim_start_matches(['$', '!']).split(':').next().unwrap());
        let grouped = by.split(',').filter(|t| !t.is_empty());
        let tags = filtered.chain(grouped).map(|t| t.trim().to_owned());
        all.push((name.to_owned(), tags.collect()));
        rest = after;
    }
    assert!(!all.is_empty(), "{query}");
    all
}

#[test]
fn datadogs_check_collects_what_is_intended() {
    if !python::require_models() || !Version::Redis70.require() {
        return;
    }
    let scene = Scene::start();
    let mut instance = instance();
    instance["openmetrics_endpoint"] = json!(format!("http://{}/metrics", scene.watched.addr()));
    let out = python::run(include_str!("datadog/check.py"), &instance.to_string()).unwrap();
    let found: Value = serde_json::from_str(&out).unwrap();
    let metrics = found["metrics"].as_object().unwrap();
    let intended = intended();
    for (name, kind) in &intended {
        let metric = metrics.get(name);
        let metric = metric.unwrap_or_else(|| panic!("{name} is not collected"));
        assert_eq!(metric["types"], json!([kind]), "{name}");
    }
    for name in metrics.keys() {
        assert!(intended.contains_key(name), "{name} is collected unasked");
    }
    assert_eq!(
        found["checks"]["cachewatch.openmetrics.health"],
        json!([true, true])
    );
    // Tags that Datadog keeps for itself would be mixed up with its own.
    let taken = [
        "cluster_name",
        "clustername",
        "cluster",
        "clusterid",
        "cluster_id",
        "env",
        "host_name",
        "hostname",
        "host",
        "service",
        "version",
    ];
    for (name, metric) in metrics {
        let tags = metric["tags"].as_array().unwrap();
        let clash = tags.iter().find(|t| taken.contains(&t.as_str().unwrap()));
        assert_eq!(clash, None, "{name}");
    }
    // What monitors and dashboard filter and group by is there; `host` comes from the agent.
    for query in queries() {
        for (name, tags) in asked(&query) {
            let has = metrics[&name]["tags"].as_array().unwrap();
            for tag in tags.iter().filter(|t| *t != "host") {
                assert!(
                    has.contains(&json!(tag)),
                    "{query}: {name} has no tag {tag}, but {has:?}"
                );
            }
        }
    }
    scene.stop();
}

#[test]
fn what_is_asked_for_is_collected_and_the_other_way_round() {
    let intended = intended();
    let asked: BTreeSet<String> = queries()
        .iter()
        .flat_map(|q| asked(q))
        .map(|a| a.0)
        .collect();
    for name in &asked {
        assert!(
            intended.contains_key(name),
            "{name} is asked for and not collected"
        );
    }
    for (_, theirs) in mapped() {
        let used = asked
            .iter()
            .any(|name| *name == theirs || name.starts_with(&format!("{theirs}.")));
        assert!(used, "{theirs} is paid for, and nobody looks at it");
    }
    // The configuration names families as the check does: counters without `_total`.
    let catalogue = promql::catalogue();
    for (ours, _) in mapped() {
        assert!(
            catalogue.contains(&ours) || catalogue.contains(&format!("{ours}_total")),
            "{ours}"
        );
    }
}

#[test]
fn datadogs_models_take_monitors_and_dashboard() {
    if !python::require_models() {
        return;
    }
    let complaints = |kind: &str, body: &Value| {
        let input = json!({"kind": kind, "body": body}).to_string();
        python::run(include_str!("datadog/models.py"), &input).unwrap()
    };
    let monitors = monitors();
    assert!(monitors.len() >= 10);
    for (name, monitor) in &monitors {
        assert_eq!(complaints("Monitor", monitor).trim(), "", "{name}");
        let thresholds = &monitor["options"]["thresholds"]["critical"];
        let query = monitor["query"].as_str().unwrap();
        assert!(
            query.ends_with(&format!(" {thresholds}")),
            "{name}: the query and its threshold differ"
        );
    }
    let dashboard = dashboard();
    assert_eq!(complaints("Dashboard", &dashboard).trim(), "");
    // The witness sees what is wrong.
    let mut wrong = dashboard;
    wrong["layout_type"] = json!("diagonal");
    wrong["widgets"][0]["definition"]["widgets"][0]["definition"]["autoscal"] = json!(true);
    let said = complaints("Dashboard", &wrong);
    assert!(
        said.contains("diagonal") && said.contains("autoscal"),
        "{said}"
    );
}

#[test]
fn each_monitor_has_a_runbook() {
    let readme = read("alerts/README.md");
    for (name, monitor) in monitors() {
        let message = monitor["message"].as_str().unwrap();
        let (_, runbooks) = message.rsplit_once("of cachewatch, ").unwrap();
        let runbooks = runbooks.split(". @").next().unwrap();
        for runbook in runbooks.split(" and ") {
            assert!(
                readme.contains(&format!("\n### {runbook}\n")),
                "{name}: {runbook}"
            );
        }
    }
}
