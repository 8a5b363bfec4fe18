//! Lookups and hit ratios by namespace, and how sampling goes.

use crate::model::attribution::NamespaceHitRatio;
use crate::model::snapshot::CacheSnapshot;

use super::{Kind, Metric, Read, Unit};
use crate::export::series::Series;

const RATIO: &[&str] = &["cache", "namespace", "source"];
const FROM_BOTH: &str = "the application's own counts, or samples of MONITOR, events and INFO";

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "cache_namespace_lookups_total",
        Kind::Counter,
        Unit::None,
        &["cache", "namespace", "source", "result"],
        "Lookups of the namespace that the application told of, by result.",
        Read::Cache(|c, s| {
            for told in &c.lookups.application {
                for (result, count) in [("hit", told.hits), ("miss", told.misses)] {
                    s.count(&[&told.namespace, "application", result], count);
                }
            }
        }),
    )
    .from("`POST /api/v1/caches/{cache}/lookups`"),
    Metric::new(
        "cache_namespace_lookups_cut_total",
        Kind::Counter,
        Unit::None,
        super::CACHE,
        "Lookups that the application told of namespaces beyond the bound of 200. They are in the namespace `other`.",
        Read::Cache(|c, s| s.count(&[], c.lookups.beyond_bound)),
    )
    .from("own counter"),
    Metric::new(
        "cache_namespace_hit_ratio",
        Kind::Gauge,
        Unit::Ratio,
        RATIO,
        "Hits / lookups of the namespace, where its lookups are known: over the last five minutes with source `application`, an estimate over up to the last 60 samples with source `sample`.",
        Read::Cache(|c, s| ratios(c, s, |ratio| ratio.ratio)),
    )
    .from(FROM_BOTH),
    Metric::new(
        "cache_namespace_hit_ratio_lower_bound",
        Kind::Gauge,
        Unit::Ratio,
        RATIO,
        "Lower end of the 95 % interval of cache_namespace_hit_ratio.",
        Read::Cache(|c, s| ratios(c, s, |ratio| ratio.lower)),
    )
    .from(FROM_BOTH),
    Metric::new(
        "cache_namespace_hit_ratio_upper_bound",
        Kind::Gauge,
        Unit::Ratio,
        RATIO,
        "Upper end of the 95 % interval of cache_namespace_hit_ratio.",
        Read::Cache(|c, s| ratios(c, s, |ratio| ratio.upper)),
    )
    .from(FROM_BOTH),
    Metric::new(
        "cachewatch_samples_total",
        Kind::Counter,
        Unit::None,
        &["cache", "node", "outcome"],
        "Samples of lookups by outcome: `complete`, `cut` by the budget of bytes, `failed`.",
        Read::Cache(|c, s| {
            if let Some((node, stats)) = &c.lookups.samples {
                s.count(&[node.as_str(), "complete"], stats.complete);
                s.count(&[node.as_str(), "cut"], stats.cut);
                s.count(&[node.as_str(), "failed"], stats.failed);
            }
        }),
    )
    .from("MONITOR"),
    Metric::new(
        "cachewatch_sample_intervals_left_out_total",
        Kind::Counter,
        Unit::None,
        super::NODE,
        "Times between samples that no estimate rests on: the sample failed or is missing, events were lost, or counters began anew.",
        Read::Cache(|c, s| {
            if let Some((node, stats)) = &c.lookups.samples {
                s.count(&[node.as_str()], stats.left_out);
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_sample_bytes_total",
        Kind::Counter,
        Unit::Bytes,
        super::NODE,
        "Bytes read in samples of lookups.",
        Read::Cache(|c, s| {
            if let Some((node, stats)) = &c.lookups.samples {
                s.count(&[node.as_str()], stats.bytes);
            }
        }),
    )
    .from("MONITOR"),
];

fn ratios(cache: &CacheSnapshot, s: &mut Series<'_>, value: fn(&NamespaceHitRatio) -> f64) {
    for ratio in &cache.lookups.hit_ratios {
        let labels = [ratio.namespace.as_str(), ratio.source.as_str()];
        s.value(&labels, value(ratio));
    }
}
