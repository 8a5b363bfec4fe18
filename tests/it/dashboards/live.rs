//! Every query of every dashboard, as Grafana would send it, to a Prometheus that scrapes a living cachewatch.

use std::collections::{BTreeMap, BTreeSet};

use super::{ALL, Query, dashboard, form::generator, panels, queries, variables};
use crate::harness::wait::{now, pause, secs};
use crate::harness::{Prometheus, Version, http, prometheus, python};
use crate::scene::{CACHE, Scene};

/// Queries that the generator says may find nothing, and that find nothing in the scene either. All others of that kind
/// find something here, so that they are known to work.
const NOT_IN_THE_SCENE: [&str; 5] = [
    // Nothing goes beyond a bound here.
    "cachewatch-cache/Lookups the application told of/B",
    "cachewatch-cache/Events/B",
    "cachewatch-exporter/Readings that were not used/C",
    // The only gap is that of the start, and Prometheus is not there yet.
    "cachewatch-cache/Time without events/A",
    // The primary of `shop` is no replica.
    "cachewatch-cache/Replication/C",
];

/// As Grafana does, with everything selected.
fn filled_in(uid: &str, text: &str) -> String {
    let cache = if uid == "cachewatch-cache" {
        CACHE
    } else {
        ".*"
    };
    let filled = [
        ("$__rate_interval", "20s"),
        ("$__range", "1m"),
        ("$instance", ".*"),
        ("$cache", cache),
        ("$namespace", ".*"),
        ("$node", ".*"),
        ("$channel", ".*"),
    ]
    .iter()
    .fold(text.to_owned(), |t, (name, value)| t.replace(name, value));
    assert!(
        !filled.contains('$'),
        "{text} has a variable that is unknown"
    );
    filled
}

/// Whether a query finds something; what its legend names must be there then.
fn finds_something(prometheus: &Prometheus, uid: &str, query: &Query) -> bool {
    let found = prometheus.query(&filled_in(uid, &query.text));
    for (labels, _) in &found {
        for label in &query.labels {
            assert!(
                labels.contains_key(label),
                "{}: {label} is not among {labels:?}",
                query.place
            );
        }
    }
    found.iter().any(|(_, value)| value.is_finite())
}

/// The columns of the tables are labels of what the queries of the table find, or their values.
fn columns_are_there(prometheus: &Prometheus, uid: &str) {
    let dashboard = dashboard(uid);
    for panel in panels(&dashboard) {
        if panel["type"] != "table" {
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        let mut known = BTreeSet::new();
        for target in targets {
            let value = match (targets.len(), target["refId"].as_str().unwrap()) {
                (1, _) => "Value".to_owned(),
                (_, name) => format!("Value #{name}"),
            };
            known.insert(value);
            let found = prometheus.query(&filled_in(uid, target["expr"].as_str().unwrap()));
            known.extend(found.into_iter().flat_map(|(labels, _)| labels.into_keys()));
        }
        let columns = &panel["transformations"][1]["options"];
        let shown = columns["renameByName"].as_object().unwrap();
        let hidden = columns["excludeByName"].as_object().unwrap();
        for name in shown.keys().chain(hidden.keys()).filter(|n| *n != "Time") {
            assert!(known.contains(name), "{uid}: {}: no {name}", panel["title"]);
        }
        for name in known {
            assert!(
                shown.contains_key(&name) || hidden.contains_key(&name),
                "{uid}: {}: {name} would be a column without a title",
                panel["title"]
            );
        }
    }
}

/// What a variable would offer.
fn choices(prometheus: &Prometheus, uid: &str, definition: &str) -> Vec<String> {
    let inside = definition
        .strip_prefix("label_values(")
        .and_then(|d| d.strip_suffix(')'));
    let (series, label) = inside.unwrap().rsplit_once(", ").unwrap();
    let series = filled_in(uid, series);
    let matching: String = url::form_urlencoded::byte_serialize(series.as_bytes()).collect();
    let path = format!("/api/v1/label/{label}/values?match[]={matching}");
    let json = http::get(prometheus.addr(), &path).unwrap().json();
    assert_eq!(json["status"], "success", "{definition}: {json}");
    let values = json["data"].as_array().unwrap().iter();
    values.map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_query_finds_what_is_there() {
    if !prometheus::require() || !python::require() || !Version::Redis70.require() {
        return;
    }
    let excuses: BTreeMap<String, String> =
        serde_json::from_str(&generator("--may-be-empty").unwrap()).unwrap();
    let scene = Scene::start();
    let prometheus = Prometheus::scraping(&[scene.watched.addr()]);
    prometheus.wait_up(1, secs(20));

    let mut waiting: Vec<(&str, Query)> = ALL
        .iter()
        .flat_map(|uid| queries(uid).into_iter().map(|q| (*uid, q)))
        .collect();
    let all = waiting.len();
    for place in excuses.keys() {
        assert!(waiting.iter().any(|(_, q)| q.place == *place), "{place}");
    }
    let deadline = now() + secs(60);
    while !waiting.is_empty() && now() < deadline {
        pause(secs(1));
        waiting.retain(|(uid, query)| !finds_something(&prometheus, uid, query));
        let only_the_expected = waiting
            .iter()
            .all(|(_, q)| NOT_IN_THE_SCENE.contains(&q.place.as_str()));
        if only_the_expected {
            break;
        }
    }
    let empty: Vec<&str> = waiting.iter().map(|(_, q)| q.place.as_str()).collect();
    for (_, query) in &waiting {
        assert!(
            NOT_IN_THE_SCENE.contains(&query.place.as_str()),
            "{} finds nothing: {}\n(all that find nothing: {empty:#?})",
            query.place,
            query.text
        );
        assert!(excuses.contains_key(&query.place), "{}", query.place);
    }
    assert!(all > 100, "{all} queries");
    for place in NOT_IN_THE_SCENE {
        assert!(empty.contains(&place), "{place} finds something after all");
    }
    for uid in ALL {
        columns_are_there(&prometheus, uid);
        for (name, definition) in variables(uid) {
            let found = choices(&prometheus, uid, &definition);
            assert!(!found.is_empty(), "{uid}: ${name}: {definition}");
            if name == "cache" {
                assert_eq!(found, ["copy", "gone", CACHE]);
            }
        }
    }
    scene.stop();
}
