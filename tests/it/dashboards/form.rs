//! What can be said of a dashboard without a Prometheus: who wrote it, whether Grafana can read it, and what every panel
//! must have.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{ALL, dashboard, panels};
use crate::harness::python;
use crate::read;

/// Runs the generator; what it printed, or what it complained of.
pub fn generator(argument: &str) -> Result<String, String> {
    let out = Command::new(python::interpreter().expect("call require() first"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/generate.py"))
        .arg(argument)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if out.status.success() {
        return Ok(text(out.stdout));
    }
    Err(text(out.stderr))
}

#[test]
fn they_are_what_the_generator_writes() {
    if python::require() {
        generator("--check").unwrap();
    }
}

#[test]
fn the_typed_model_of_grafana_takes_them() {
    if !python::require_models() {
        return;
    }
    let program = include_str!("typed_model.py");
    for uid in ALL {
        let text = read(&format!("dashboards/{uid}.json"));
        let lost = python::run(program, &text).unwrap();
        assert_eq!(lost.trim(), "", "{uid}");
        // The witness sees a key that is not one.
        let misspelt = text.replace("\"fillOpacity\"", "\"fillOpactiy\"");
        assert_ne!(misspelt, text);
        let lost = python::run(program, &misspelt).unwrap();
        assert!(lost.contains("fillOpactiy: lost"), "{lost}");
    }
}

#[test]
fn every_panel_has_a_description_a_unit_thresholds_and_a_text_for_no_data() {
    for uid in ALL {
        let dashboard = dashboard(uid);
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap();
            let has = |place: &str| {
                let text = panel.pointer(place).and_then(Value::as_str);
                text.is_some_and(|t| !t.is_empty())
            };
            for place in [
                "/title",
                "/description",
                "/fieldConfig/defaults/unit",
                "/fieldConfig/defaults/noValue",
            ] {
                assert!(has(place), "{uid}: {title}: no {place}");
            }
            let steps = &panel["fieldConfig"]["defaults"]["thresholds"]["steps"];
            assert!(!steps.as_array().unwrap().is_empty(), "{uid}: {title}");
        }
    }
}

#[test]
fn titles_and_ids_are_unique_and_the_grid_has_no_holes() {
    for uid in ALL {
        let dashboard = dashboard(uid);
        assert_eq!(dashboard["uid"], uid);
        assert!(dashboard["id"].is_null());
        let all = panels(&dashboard);
        let rows = dashboard["panels"].as_array().unwrap();
        let rows = rows.iter().filter(|p| p["type"] == "row");
        let ids: Vec<u64> = all
            .iter()
            .copied()
            .chain(rows)
            .map(|p| p["id"].as_u64().unwrap())
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        // A query is named by its panel's title.
        let titles: BTreeSet<_> = all.iter().map(|p| p["title"].as_str()).collect();
        assert_eq!(titles.len(), all.len(), "{uid}: two panels have one title");
        let mut taken = BTreeSet::new();
        let mut area = 0;
        for panel in &all {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(x < 24 && taken.insert((x, y)), "{uid}: {}", panel["title"]);
                    area += 1;
                }
            }
        }
        let lines: BTreeSet<u64> = taken.iter().map(|(_, y)| *y).collect();
        assert_eq!(area, lines.len() * 24, "{uid}: a line is not full");
    }
}

#[test]
fn import_asks_for_the_datasource_and_nothing_else_names_one() {
    fn walk(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("datasource").cloned());
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    for uid in ALL {
        let dashboard = dashboard(uid);
        let input = &dashboard["__inputs"][0];
        assert_eq!(input["name"], "DS_PROMETHEUS");
        assert_eq!(input["pluginId"], "prometheus");
        let variable = &dashboard["templating"]["list"][0];
        assert_eq!(variable["type"], "datasource");
        assert_eq!(variable["current"]["value"], "${DS_PROMETHEUS}");
        let mut found = Vec::new();
        walk(&dashboard, &mut found);
        assert!(found.len() > 20);
        for datasource in found {
            assert_eq!(
                datasource["uid"], "${datasource}",
                "{uid}: a datasource of its own"
            );
        }
        // Import refuses what is not installed, so each kind of panel is declared.
        let required: BTreeSet<&str> = dashboard["__requires"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|r| r["type"] == "panel")
            .map(|r| r["id"].as_str().unwrap())
            .collect();
        let used: BTreeSet<&str> = panels(&dashboard)
            .iter()
            .map(|p| p["type"].as_str().unwrap())
            .collect();
        assert_eq!(used, required, "{uid}");
    }
}

#[test]
fn links_lead_to_dashboards_that_are_there() {
    for uid in ALL {
        let text = read(&format!("dashboards/{uid}.json"));
        for after in text.split("\"/d/").skip(1) {
            let target = after.split(['/', '?', '"']).next().unwrap();
            assert!(ALL.contains(&target), "{uid} links to {target}");
        }
        let dashboard = dashboard(uid);
        let links = dashboard["links"].as_array().unwrap();
        assert!(links.iter().any(|l| l["tags"][0] == "cachewatch"));
        assert!(
            links
                .iter()
                .any(|l| l["url"].as_str().unwrap().starts_with("${page}"))
        );
    }
}

/// An override that matches nothing does nothing, and nobody would notice.
#[test]
fn overrides_name_a_series_or_a_column() {
    for uid in ALL {
        let dashboard = dashboard(uid);
        for panel in panels(&dashboard) {
            let mut names: BTreeSet<String> = BTreeSet::new();
            let mut open = false;
            for target in panel["targets"].as_array().unwrap() {
                let legend = target["legendFormat"].as_str().unwrap();
                // What a label says is not known here.
                open |= legend.starts_with("{{");
                names.insert(legend.to_owned());
            }
            let columns = panel.pointer("/transformations/1/options/renameByName");
            let columns = columns.and_then(Value::as_object).into_iter().flatten();
            names.extend(columns.map(|(_, title)| title.as_str().unwrap().to_owned()));
            let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
            for matcher in overrides.iter().map(|o| &o["matcher"]) {
                if matcher["id"] == "byName" {
                    let name = matcher["options"].as_str().unwrap();
                    assert!(
                        open || names.contains(name),
                        "{uid}: {}: {name}",
                        panel["title"]
                    );
                }
            }
        }
    }
}

#[test]
fn no_ratio_is_an_average_of_ratios() {
    for uid in ALL {
        for query in super::queries(uid) {
            let compact: String = query.text.split_whitespace().collect();
            let averaged = ["avg(cache_miss_ratio", "avg(1-cache_miss_ratio"];
            assert!(
                !averaged.iter().any(|a| compact.contains(a)),
                "{}: {}",
                query.place,
                query.text
            );
        }
    }
}
