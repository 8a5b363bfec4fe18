//! Hands the exported gauges of a cache to rules that watch one by name: what is alerted on is what is exported.
//!
//! Deliberately absent: which gauges a rule may watch (`config::signal`).

use crate::alert::surroundings::Gauges;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

use super::catalogue::{self, Kind, Metric};
use super::families;
use super::series::Series;

/// The gauges of the catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportedGauges;

impl Gauges for ExportedGauges {
    fn each(
        &self,
        metric: &str,
        cache: &CacheSnapshot,
        now: Now,
        each: &mut dyn FnMut(&[(&str, &str)], f64),
    ) {
        let gauge = |m: &&Metric| m.name == metric && m.kind == Kind::Gauge;
        let Some(metric) = catalogue::all().find(gauge) else {
            return;
        };
        let mut series = Series::new(metric);
        families::of_cache(metric, cache, now, &mut series);
        let Some(family) = series.finish() else {
            return;
        };
        for sample in family.get_metric() {
            let labels: Vec<_> = sample
                .get_label()
                .iter()
                .map(|label| (label.name(), label.value()))
                .collect();
            each(&labels, sample.get_gauge().get_value());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::signal::GAUGES;
    use crate::export::sample;

    #[test]
    fn a_gauge_is_read_with_its_labels() {
        let snapshot = sample::rich();
        let sessions = snapshot
            .caches
            .iter()
            .find(|c| c.name.as_str() == "sessions");
        let mut found = Vec::new();
        ExportedGauges.each(
            "cache_up",
            sessions.unwrap(),
            snapshot.at,
            &mut |labels, value| {
                let node = labels.iter().find(|(name, _)| *name == "node");
                found.push((node.unwrap().1.to_owned(), value));
            },
        );
        assert!(!found.is_empty());
        assert!(found.iter().all(|(_, up)| *up >= 0.0));
    }

    #[test]
    fn every_gauge_that_a_rule_can_name_is_there() {
        let snapshot = sample::rich();
        for name in GAUGES {
            let mut samples = 0;
            for cache in &snapshot.caches {
                ExportedGauges.each(name, cache, snapshot.at, &mut |_, _| samples += 1);
            }
            assert!(samples > 0, "{name}");
        }
    }

    #[test]
    fn what_is_no_gauge_has_no_samples() {
        let snapshot = sample::rich();
        for name in ["cache_hits_total", "no_such_metric"] {
            ExportedGauges.each(name, &snapshot.caches[0], snapshot.at, &mut |_, _| {
                panic!("{name} is no gauge")
            });
        }
    }
}
