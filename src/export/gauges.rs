//! Hands exported gauges to rules by name: a rule can watch whatever is shown.
//!
//! Deliberately absent: counters, which only grow, and what is about cachewatch as a whole.
//!
//! Invariant: a rule sees the value that a scrape at the same moment would have.

use prometheus::proto::MetricFamily;

use super::catalogue::{self, Kind};
use super::families::of_cache;
use super::series::Series;
use crate::alert::surroundings::{EachSample, Gauges};
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

/// The gauges of the catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportedGauges;

impl Gauges for ExportedGauges {
    fn each(&self, metric: &str, cache: &CacheSnapshot, now: Now, each: EachSample<'_>) {
        let mut all = catalogue::all();
        let Some(metric) = all.find(|m| m.name == metric && m.kind == Kind::Gauge) else {
            return;
        };
        let mut series = Series::new(metric);
        of_cache(metric, cache, now, &mut series);
        for sample in series.finish().iter().flat_map(MetricFamily::get_metric) {
            let pairs = sample.get_label().iter();
            let labels: Vec<_> = pairs.map(|pair| (pair.name(), pair.value())).collect();
            each(&labels, sample.get_gauge().get_value());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::signal::GAUGES;
    use crate::export::catalogue::{Group, Read};
    use crate::export::sample;

    #[test]
    fn every_gauge_of_a_cache_can_be_watched_but_what_is_about_alerts() {
        let about_alerts = |name: &str| name.starts_with("cache_alert_") || name == "cache_state";
        let mut names: Vec<_> = catalogue::all()
            .filter(|m| m.group() == Group::Cache && m.kind == Kind::Gauge)
            .filter(|m| !matches!(m.read, Read::Own(_) | Read::Process))
            .map(|m| m.name)
            .filter(|name| !about_alerts(name))
            .collect();
        names.sort_unstable();
        assert_eq!(GAUGES, names, "src/config/signal/gauges.rs lists them");
    }

    #[test]
    fn a_gauge_is_found_by_its_name() {
        let snapshot = sample::rich();
        let mut found = Vec::new();
        for cache in &snapshot.caches {
            ExportedGauges.each(
                "cache_window_lookups",
                cache,
                snapshot.at,
                &mut |labels, v| {
                    assert_eq!(labels[0], ("cache", cache.name.as_str()));
                    assert_eq!(labels[1].0, "window");
                    found.push(v);
                },
            );
        }
        assert!(found.len() >= 4 && found.iter().any(|v| *v > 0.0));
        ExportedGauges.each("no_such", &snapshot.caches[0], snapshot.at, &mut |_, _| {
            panic!("found")
        });
    }
}
