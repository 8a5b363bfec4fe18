//! Dashboards that exist go on working: 763 and 14091, made for redis_exporter, find all their series, and the servers to
//! choose from.

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::wait::{eventually, secs};
use crate::harness::{Prometheus, Version, prometheus};
use crate::read;
use crate::scene::Scene;

const FOLDER: &str = "dashboards/redis_exporter";

#[test]
fn the_public_dashboards_find_their_series() {
    if !prometheus::require() || !Version::Redis70.require() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    prometheus::check_config(&folder.join("prometheus.yml")).unwrap();
    let scene = Scene::start();
    let config = read(&format!("{FOLDER}/prometheus.yml"))
        .replace("127.0.0.1:9721", &scene.watched.addr().to_string())
        .replace(
            "scrape_interval: 15s",
            "scrape_interval: 1s\n    scrape_timeout: 1s",
        )
        .replace(
            "- rules.yml",
            &format!("- {}", folder.join("rules.yml").display()),
        );
    let prometheus =
        Prometheus::with_config(&format!("global: {{evaluation_interval: 1s}}\n{config}"));
    prometheus.wait_up(1, secs(20));

    let list = include_str!("redis_exporter.txt").lines();
    let lines: Vec<&str> = list.filter(|l| !l.starts_with('#')).collect();
    assert!(lines.len() > 30);
    for line in lines {
        let mut words = line.split(' ').skip(1);
        let series = words.next().unwrap();
        let labels: Vec<&str> = words.collect();
        // A label that is there is not empty.
        let matchers: Vec<String> = labels.iter().map(|l| format!("{l}!=\"\"")).collect();
        let query = format!("{series}{{{}}}", matchers.join(","));
        eventually(secs(20), line, || {
            (!prometheus.query(&query).is_empty()).then_some(())
        });
    }
    // Their variable: label_values(redis_up, instance).
    let instances: BTreeSet<String> = prometheus
        .query("redis_up")
        .into_iter()
        .map(|(labels, _)| {
            assert_eq!(labels["instance"], labels["node"]);
            labels["instance"].clone()
        })
        .collect();
    assert_eq!(instances.len(), 3, "{instances:?}");
    // Nothing but raw values is in this job.
    assert_eq!(
        prometheus.query("{__name__=~\"cache_.+|cachewatch_.+\"}"),
        []
    );
    scene.stop();
}
