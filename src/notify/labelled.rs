//! A notification as an alert of Prometheus' kind: labels that identify it, annotations that tell of it.
//!
//! Deliberately absent: the envelope, which each receiver wants in its own way.
//!
//! Invariant: values are annotations, never labels, so that an alert keeps its identity; its fingerprint is the one that
//! Alertmanager would compute from the same labels.

use std::collections::BTreeMap;

use crate::model::incident::{Evidence, MissAttribution, Notification, Subject, Transition};
use crate::notify::message::Message;
use crate::notify::text::{Fnv, clean};

/// The longest value of a label or an annotation, in characters.
const MAX_VALUE_CHARS: usize = 4000;

/// What identifies the alert. Configured labels do not replace ours. `test` keeps trials apart from real alerts.
pub(crate) fn labels(n: &Notification, test: bool) -> BTreeMap<String, String> {
    let ours = [
        ("alertname", n.rule.as_str()),
        ("cache", n.cache.as_str()),
        ("severity", n.severity.as_str()),
    ];
    let part = n.subject.as_ref().map(|subject| match subject {
        Subject::Namespace(name) => ("namespace", name.as_str()),
        Subject::Node(node) => ("node", node.as_str()),
    });
    let part = part.map(|(name, value)| (name.to_owned(), clean(value, MAX_VALUE_CHARS)));
    n.labels
        .iter()
        .map(|(name, value)| (clean(name, MAX_VALUE_CHARS), clean(value, MAX_VALUE_CHARS)))
        // Alertmanager takes an empty label for none, and would count another fingerprint.
        .filter(|(_, value)| !value.is_empty())
        .chain(ours.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .chain(part)
        .chain(test.then(|| ("test".to_owned(), "true".to_owned())))
        .collect()
}

/// What tells of it.
pub(crate) fn annotations(n: &Notification, message: &Message) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::from([
        ("summary", message.headline.clone()),
        ("description", message.summary.join("\n")),
        ("incident", clean(&n.incident, MAX_VALUE_CHARS)),
    ]);
    if let Some(runbook) = &n.runbook {
        all.insert("runbook_url", clean(runbook, MAX_VALUE_CHARS));
    }
    if let Some(chart) = &message.chart {
        all.insert("sparkline", chart.bars.clone());
    }
    if n.transition == Transition::Resolved {
        all.insert("duration_seconds", number(n.duration.as_secs_f64()));
    }
    // For machines: plain numbers in base units, as the metrics have them.
    match &n.evidence {
        Evidence::MissRatio(e) => {
            let (value, lower) = match n.transition {
                Transition::Firing => (e.long_ratio.or(e.short_ratio), e.long_lower),
                Transition::Resolved => (e.short_ratio, None),
            };
            all.insert("threshold", number(e.threshold));
            all.insert("lookups", e.lookups.to_string());
            all.insert("misses", e.misses.to_string());
            all.extend(value.map(|v| ("value", number(v))));
            all.extend(lower.map(|v| ("value_lower_bound", number(v))));
            all.extend(e.normal_ratio.map(|v| ("normal", number(v))));
            all.extend(e.peak_ratio.map(|v| ("peak", number(v))));
            all.extend(e.extra_misses.map(|v| ("extra_misses", v.to_string())));
            // What is behind the end of an incident is not what was behind it.
            if n.transition == Transition::Firing {
                all.extend(e.attribution.iter().flat_map(attribution));
            }
        }
        // It is all in the description.
        Evidence::Own(_) => {}
        Evidence::Down(e) => {
            all.insert("value", e.nodes.len().to_string());
            all.insert("nodes", e.total.to_string());
        }
        Evidence::Signal(e) => {
            all.insert("signal", e.name.clone());
            all.insert("threshold", number(e.threshold));
            all.extend(e.value.map(|v| ("value", number(v))));
            all.extend(e.normal.map(|v| ("normal", number(v))));
            all.extend(e.peak.map(|v| ("peak", number(v))));
        }
    }
    all
}

/// The main namespace and cause, for machines: lists are in the description only.
fn attribution(a: &MissAttribution) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(top) = a.namespaces.first() {
        all.push(("namespace", clean(&top.name, MAX_VALUE_CHARS)));
        all.push(("namespace_share", number(top.share)));
        all.push(("namespace_cause", top.cause.as_str().to_owned()));
        all.push(("namespace_cause_share", number(top.cause_share)));
    }
    if let Some((cause, share)) = a.cause {
        all.push(("cause", cause.as_str().to_owned()));
        all.push(("cause_share", number(share)));
    }
    all.extend(a.completeness.map(|c| ("events_completeness", number(c))));
    all.extend(a.ttl_cliff.map(|cliff| ("ttl_cliff", cliff.at.to_string())));
    let costs = a.extra_cost_per_hour.iter();
    let costs: Vec<_> = costs
        .map(|(cost, currency)| format!("{} {currency}", number(*cost)))
        .collect();
    if !costs.is_empty() {
        all.push((
            "extra_cost_per_hour",
            clean(&costs.join(", "), MAX_VALUE_CHARS),
        ));
    }
    all
}

/// Up to six decimals, none that say nothing.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// FNV-1a over the sorted labels, each name and value followed by 0xff: `model.LabelSet.Fingerprint` in
/// prometheus/common.
pub(crate) fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    labels
        .iter()
        .fold(Fnv::EMPTY, |hash, (name, value)| {
            hash.add(name.as_bytes())
                .add(&[0xff])
                .add(value.as_bytes())
                .add(&[0xff])
        })
        .hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::notification;

    #[test]
    fn our_labels_win() {
        let mut n = notification::miss_firing();
        n.labels.insert("cache".to_owned(), "other".to_owned());
        n.labels.insert("team".to_owned(), "web\nx".to_owned());
        let labels = labels(&n, false);
        assert_eq!(labels["cache"], "sessions");
        assert_eq!(labels["team"], "web x");
    }

    #[test]
    fn the_part_that_is_watched_belongs_to_the_identity() {
        let mut n = notification::miss_firing();
        n.labels.insert("empty".to_owned(), String::new());
        n.subject = Some(Subject::Namespace("a:*".to_owned()));
        let labels = labels(&n, true);
        assert_eq!(labels["namespace"], "a:*");
        assert_eq!(labels["test"], "true");
        assert!(!labels.contains_key("empty"));
    }

    #[test]
    fn the_fingerprint_is_alertmanagers() {
        // The values of signature_test.go in prometheus/common.
        let labels = [("name", "garland, briggs"), ("fear", "love is not enough")];
        for (labels, value) in [
            (&labels[..0], 14_695_981_039_346_656_037_u64),
            (&labels[..], 5_799_056_148_416_392_346),
        ] {
            let labels = labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect();
            assert_eq!(fingerprint(&labels), format!("{value:016x}"));
        }
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number(0.341), "0.341");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(840.0), "840");
    }
}
