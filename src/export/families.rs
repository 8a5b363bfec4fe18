//! Evaluates the catalogue on a snapshot.
//!
//! Invariant: raw values and gauges of a node appear only while it is up, so that an old value is never shown as live;
//! counters of ours stay, because they only ever grow.

use prometheus::proto::MetricFamily;

use crate::model::reading::InfoFields;
use crate::model::snapshot::{CacheSnapshot, Snapshot};
use crate::model::time::Now;

use super::catalogue::{self, Kind, Metric, NodeView, Parse, Read};
use super::series::Series;

/// All families that the snapshot has samples for, in the order of the catalogue. Without those of the process.
pub fn families(snapshot: &Snapshot) -> Vec<MetricFamily> {
    catalogue::all()
        .filter_map(|metric| family(metric, snapshot))
        .collect()
}

/// One family; `None` when the snapshot has no samples for it.
pub(super) fn family(metric: &'static Metric, snapshot: &Snapshot) -> Option<MetricFamily> {
    let mut series = Series::new(metric);
    if let Read::Own(read) = metric.read {
        read(snapshot, &mut series);
    }
    for cache in &snapshot.caches {
        of_cache(metric, cache, snapshot.at, &mut series);
    }
    series.finish()
}

/// The samples of one cache.
pub(super) fn of_cache<'a>(
    metric: &'static Metric,
    cache: &'a CacheSnapshot,
    at: Now,
    series: &mut Series<'a>,
) {
    match metric.read {
        Read::Own(_) | Read::Process => {}
        Read::Cache(read) => {
            series.about(&[cache.name.as_str()]);
            read(cache, series);
        }
        Read::Node(read) => {
            for node in &cache.nodes {
                series.about(&[cache.name.as_str(), node.name.as_str()]);
                read(&NodeView { at, node }, series);
            }
        }
        Read::Reading(read) => {
            for node in cache.nodes.iter().filter(|node| node.up) {
                if let Some(reading) = &node.reading {
                    series.about(&[cache.name.as_str(), node.name.as_str()]);
                    read(&NodeView { at, node }, reading, series);
                }
            }
        }
        Read::Field(names, parse) => {
            for node in cache.nodes.iter().filter(|node| node.up) {
                let value = node
                    .reading
                    .as_ref()
                    .and_then(|r| field(&r.fields, names, parse));
                let value = value.filter(|v| *v >= 0.0 || metric.kind != Kind::Counter);
                series.about(&[cache.name.as_str(), node.name.as_str()]);
                series.maybe(&[], value);
            }
        }
    }
}

fn field(fields: &InfoFields, names: &[&str], parse: Parse) -> Option<f64> {
    let name = names.iter().find(|name| fields.get(name).is_some())?;
    match parse {
        Parse::Number(scale) => fields.f64(name).map(|v| v * scale),
        Parse::Word(good) => fields
            .get(name)
            .map(|word| f64::from(u8::from(word == good))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use prometheus::proto::MetricType;

    use super::super::sample;
    use super::*;

    #[test]
    fn every_family_is_as_the_catalogue_says_and_none_is_missing() {
        let snapshot = sample::rich();
        let by_name: BTreeMap<_, _> = catalogue::all().map(|m| (m.name, m)).collect();
        let mut labels_seen: BTreeMap<_, std::collections::BTreeSet<String>> = BTreeMap::new();
        for family in families(&snapshot) {
            let metric = by_name
                .get(family.name())
                .unwrap_or_else(|| panic!("{}", family.name()));
            assert_eq!(family.help(), metric.help);
            let kind = match family.get_field_type() {
                MetricType::COUNTER => Kind::Counter,
                MetricType::GAUGE => Kind::Gauge,
                MetricType::HISTOGRAM => Kind::Histogram,
                MetricType::SUMMARY => Kind::Summary,
                MetricType::UNTYPED => panic!("{} has no type", family.name()),
            };
            assert_eq!(kind, metric.kind, "{}", family.name());
            for sample in family.get_metric() {
                let names: Vec<_> = sample
                    .get_label()
                    .iter()
                    .map(|l| l.name().to_owned())
                    .collect();
                // Labels without a value are left out; those that are there keep the catalogue's order.
                let mut expected = metric.labels.iter();
                for name in &names {
                    assert!(
                        expected.any(|e| e == name),
                        "{} has {names:?}",
                        family.name()
                    );
                }
                labels_seen.entry(metric.name).or_default().extend(names);
            }
        }
        for metric in catalogue::all().filter(|m| !matches!(m.read, Read::Process)) {
            let seen = labels_seen.remove(metric.name);
            let seen = seen.unwrap_or_else(|| panic!("{} is not exported", metric.name));
            for label in metric.labels {
                assert!(seen.contains(*label), "{} never has {label}", metric.name);
            }
        }
    }

    #[test]
    fn a_node_that_is_down_keeps_its_counters_and_loses_its_gauges() {
        let mut snapshot = sample::rich();
        let samples = |snapshot: &Snapshot, name: &str, node: &str| -> usize {
            families(snapshot)
                .iter()
                .filter(|f| f.name() == name)
                .flat_map(|f| f.get_metric().to_vec())
                .filter(|m| m.get_label().iter().any(|l| l.value() == node))
                .count()
        };
        let node = sample::PRIMARY;
        assert_eq!(samples(&snapshot, "redis_memory_used_bytes", node), 1);
        let mut cache = (*snapshot.caches[1]).clone();
        assert_eq!(cache.nodes[0].name.as_str(), node);
        cache.nodes[0].up = false;
        snapshot.caches[1] = Arc::new(cache);
        for gone in [
            "redis_memory_used_bytes",
            "redis_keyspace_hits_total",
            "redis_commands_total",
            "redis_db_keys",
            "cache_memory_used_bytes",
            "cache_keys",
        ] {
            assert_eq!(samples(&snapshot, gone, node), 0, "{gone}");
        }
        for kept in [
            "redis_up",
            "cache_up",
            "cache_misses_total",
            "cache_reading_age_seconds",
        ] {
            assert_eq!(samples(&snapshot, kept, node), 1, "{kept}");
        }
    }

    #[test]
    fn sentinels_and_absent_fields_are_not_values() {
        let fields = InfoFields::from_pairs([("a", "-1"), ("b", "x"), ("c", "1500"), ("d", "nan")]);
        let number = Parse::Number(0.001);
        assert_eq!(field(&fields, &["a"], number), None);
        assert_eq!(field(&fields, &["b"], number), None);
        assert_eq!(field(&fields, &["d"], number), None);
        assert_eq!(field(&fields, &["nope", "c"], number), Some(1.5));
        assert_eq!(field(&fields, &["b"], Parse::Word("x")), Some(1.0));
    }
}
