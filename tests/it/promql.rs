//! What is in a PromQL query: the metrics that it names. And which metrics there are, from the reference.
//!
//! No parser of PromQL: Prometheus itself is asked whether a query is one. Here only names are picked out.

use std::collections::BTreeSet;

use crate::read;

/// What our names begin with. Names of recording rules have a colon.
const OURS: [&str; 4] = ["cache_", "cachewatch_", "redis_", "process_"];

/// The metrics and recorded series that a query names.
pub fn names(query: &str) -> BTreeSet<String> {
    // Every other piece is inside quotes; label values may look like anything. No query here has a quote in a quote.
    let outside: String = query.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = outside.split(|c| !word(c));
    let ours = words.filter(|w| w.contains(':') || OURS.iter().any(|p| w.starts_with(p)));
    // `[5m:10s]` is no name.
    ours.filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
        .collect()
}

/// The metric that a sample's name belongs to: a histogram has three names.
pub fn family<'a>(name: &'a str, catalogue: &BTreeSet<String>) -> &'a str {
    if catalogue.contains(name) {
        return name;
    }
    let base = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix));
    base.filter(|b| catalogue.contains(*b)).unwrap_or(name)
}

/// Every metric of docs/metrics.md, which a unit test keeps equal to the catalogue.
pub fn catalogue() -> BTreeSet<String> {
    let reference = read("docs/metrics.md");
    let rows = reference.lines().filter_map(|l| l.strip_prefix("| `"));
    let names: BTreeSet<String> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    assert!(names.len() > 100, "{names:?}");
    names
}

#[test]
fn names_are_found_and_nothing_else() {
    let query = r#"sum by (cache) (rate(cache_x_total{cache="cache_y"}[5m])) / on (node) cache:z:rate5m[5m:1m] * process_w"#;
    let found = names(query);
    let want = ["cache:z:rate5m", "cache_x_total", "process_w"];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), want);
}
