//! `docs/metrics.md`, written from the catalogue.
//!
//! Invariant: the file in the repository is what [`reference()`] returns; a test compares them.

use super::catalogue::{self, Group, Metric};

const HEAD: &str = "\
# Metrics

<!-- Written by `cachewatch::export::reference()` from the catalogue in `src/export/catalogue`; do not edit.
     To write it anew: UPDATE_DOCS=1 cargo test --lib export::docs -->

`GET /metrics` gives text 0.0.4, or OpenMetrics 1.0.0 to who prefers it, gzipped on request. It serves the last reading
and never asks a cache anything, so it may be scraped as often as you like.

- **A node that is down** has `cache_up` and `redis_up` 0, and its gauges and raw `redis_*` values are gone: an old value
  is never shown as a live one. `cache_*_total` stay, for they only ever grow.
- **Rates** are left to Prometheus: `rate(cache_evictions_total[5m])`. Ratios over windows are exported because they come
  with a sample size and a confidence bound, which is what alerts look at.
- **Resets** (restart, CONFIG RESETSTAT, failover) are taken out of `cache_*_total`, but not out of the raw `redis_*`
  counters. What a server counted between its last reading and its death nobody can know.
- **Bounds**: per node at most 512 commands, 128 kinds of errors, 128 databases and 64 replicas are exported;
  `cachewatch_label_values_cut` tells how many were left out. Label values are cut after 128 characters, control
  characters are written as `\\u{...}`.
";

/// The reference of all metrics as Markdown.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    for (group, title, about) in [
        (
            Group::Cache,
            "What cachewatch says about caches",
            "Computed from readings and events.",
        ),
        (
            Group::Redis,
            "Raw values",
            "INFO as the server gave it, under the names that redis_exporter made customary, so that existing dashboards \
             go on working. Names that promtool would complain about are mended and marked. A field that the server does \
             not report, or reports as -1, is absent.",
        ),
        (
            Group::Own,
            "What cachewatch says about itself",
            "For watching the watcher.",
        ),
    ] {
        out.push_str(&table_head(title, about));
        for metric in catalogue::all().filter(|m| m.group() == group) {
            out.push_str(&row(metric));
        }
    }
    out
}

fn table_head(title: &str, about: &str) -> String {
    format!(
        "\n## {title}\n\n{about}\n\n\
         | name | type | unit | labels | what it says | source |\n|---|---|---|---|---|---|\n"
    )
}

fn row(metric: &Metric) -> String {
    let labels: Vec<_> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
    let customary = metric
        .customary
        .map_or_else(String::new, |name| format!(" (redis_exporter: `{name}`)"));
    format!(
        "| `{}`{customary} | {} | {} | {} | {} | {} |\n",
        metric.name,
        metric.kind.as_str(),
        metric.unit.as_str(),
        labels.join(", "),
        metric.help,
        metric.source(),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_reference_in_the_repository_is_that_of_the_catalogue() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, reference()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == reference(),
            "docs/metrics.md is not what the catalogue says; run UPDATE_DOCS=1 cargo test --lib export::docs"
        );
    }

    #[test]
    fn no_cell_breaks_the_table() {
        for line in reference().lines().filter(|l| l.starts_with("| `")) {
            assert_eq!(line.matches('|').count(), 7, "{line}");
        }
    }
}
