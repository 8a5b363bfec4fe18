//! Queries and catalogue agree: what is named is exported, and what is exported for people is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use crate::promql::{catalogue, family};
use crate::rules;

/// Metrics that no dashboard and no rule needs, with the reason: `name: reason`, a line each.
fn not_shown() -> BTreeMap<String, String> {
    let lines = include_str!("not_shown.txt").lines();
    let entries = lines.filter(|l| !l.is_empty() && !l.starts_with('#'));
    entries
        .map(|line| {
            let (name, reason) = line.split_once(": ").unwrap();
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}

fn used() -> BTreeSet<String> {
    let catalogue = catalogue();
    let all = names().into_iter().chain(rules::names());
    all.map(|name| family(&name, &catalogue).to_owned())
        .collect()
}

#[test]
fn every_metric_that_is_named_is_one_of_ours() {
    let (catalogue, recorded) = (catalogue(), rules::recorded());
    for name in used() {
        assert!(
            catalogue.contains(&name) || recorded.contains(&name),
            "{name} is in a dashboard or a rule, and nothing exports it"
        );
    }
}

#[test]
fn every_metric_of_ours_is_looked_at_somewhere() {
    let (used, not_shown) = (used(), not_shown());
    // Raw values are for dashboards that exist; ours show those that tell something of a cache.
    let ours = catalogue().into_iter().filter(|m| !m.starts_with("redis_"));
    for name in ours {
        match (used.contains(&name), not_shown.get(&name)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => panic!("{name} is shown; take it out of not_shown.txt"),
            (false, None) => panic!(
                "{name} is in no dashboard and no rule: add a panel (dashboards/generator/) or a line with the reason \
                 (tests/it/dashboards/not_shown.txt)"
            ),
        }
    }
    for name in not_shown.keys() {
        assert!(catalogue().contains(name), "{name} is no metric of ours");
    }
}
