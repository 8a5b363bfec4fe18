//! The Grafana dashboards: they are what the generator writes, Grafana's typed model takes them, every query runs on a
//! real Prometheus and finds what is there, every metric is one of ours and is shown somewhere.

mod form;
mod live;
mod metrics;
mod redis_exporter;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::read;

/// The files, without `.json`; each is its dashboard's uid.
pub const ALL: [&str; 3] = [
    "cachewatch-overview",
    "cachewatch-cache",
    "cachewatch-exporter",
];

/// A dashboard as checked in.
pub fn dashboard(uid: &str) -> Value {
    serde_json::from_str(&read(&format!("dashboards/{uid}.json"))).unwrap()
}

/// All panels but rows, those in folded rows included.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let top = dashboard["panels"].as_array().unwrap();
    let inner = top
        .iter()
        .flat_map(|p| p["panels"].as_array().into_iter().flatten());
    top.iter()
        .chain(inner)
        .filter(|p| p["type"] != "row")
        .collect()
}

/// A query.
#[derive(Debug, Clone)]
pub struct Query {
    /// Where it is: `uid/panel/ref`.
    pub place: String,
    /// PromQL with variables.
    pub text: String,
    /// Labels that its legend or its table names.
    pub labels: BTreeSet<String>,
}

/// Every query of a dashboard: of panels and of annotations.
pub fn queries(uid: &str) -> Vec<Query> {
    let dashboard = dashboard(uid);
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for panel in panels(&dashboard) {
        let targets = panel["targets"].as_array().unwrap();
        assert!(
            !targets.is_empty(),
            "{uid}: {} asks nothing",
            panel["title"]
        );
        for target in targets {
            all.push(Query {
                place: format!("{uid}/{}/{}", text(&panel["title"]), text(&target["refId"])),
                text: text(&target["expr"]),
                labels: in_braces(&text(&target["legendFormat"])),
            });
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        all.push(Query {
            place: format!("{uid}/annotation {}", text(&annotation["name"])),
            text: text(&annotation["expr"]),
            labels: ["titleFormat", "textFormat"]
                .iter()
                .flat_map(|key| in_braces(&text(&annotation[key])))
                .collect(),
        });
    }
    all
}

/// The labels that a legend names: `{{label}}`.
fn in_braces(legend: &str) -> BTreeSet<String> {
    let pieces = legend.split("{{").skip(1);
    pieces
        .map(|p| p.split("}}").next().unwrap().to_owned())
        .collect()
}

/// The variables that ask Prometheus: name and `label_values(…)`.
pub fn variables(uid: &str) -> Vec<(String, String)> {
    let dashboard = dashboard(uid);
    let list = dashboard["templating"]["list"].as_array().unwrap();
    let asking = list.iter().filter(|v| v["type"] == "query");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    asking
        .map(|v| (text(&v["name"]), text(&v["query"]["query"])))
        .collect()
}

/// All that any dashboard names.
pub fn names() -> BTreeSet<String> {
    let panels = ALL.iter().flat_map(|uid| queries(uid)).map(|q| q.text);
    let variables = ALL.iter().flat_map(|uid| variables(uid)).map(|v| v.1);
    panels
        .chain(variables)
        .flat_map(|q| crate::promql::names(&q))
        .collect()
}
