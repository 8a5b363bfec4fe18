//! Lookups by namespace of the sample.

use std::sync::Arc;

use super::PRIMARY;
use crate::model::attribution::{LookupSource, NamespaceHitRatio};
use crate::model::lookups::{LookupsSnapshot, NamespaceLookups, SampleStats};
use crate::model::name::NodeName;

/// Something of everything: the application tells of two namespaces, a third is sampled.
pub(super) fn lookups() -> Arc<LookupsSnapshot> {
    let (host, port) = PRIMARY.rsplit_once(':').unwrap();
    let told = |namespace: &str, hits, misses| NamespaceLookups {
        namespace: Arc::from(namespace),
        hits,
        misses,
    };
    let ratio = |namespace: &str, source, ratio: f64, lookups| NamespaceHitRatio {
        namespace: namespace.to_owned(),
        source,
        ratio,
        lower: ratio - 0.02,
        upper: ratio + 0.015,
        lookups,
    };
    let stats = SampleStats {
        complete: 117,
        cut: 2,
        failed: 1,
        left_out: 3,
        bytes: 41_203_377,
    };
    Arc::new(LookupsSnapshot {
        sampled: Arc::default(),
        application: vec![told("ai:answer:*", 91_200, 8_800), told("other", 12, 3)],
        beyond_bound: 15,
        samples: Some((NodeName::tcp(host, port.parse().unwrap()), stats)),
        hit_ratios: vec![
            ratio("ai:answer:*", LookupSource::Application, 0.91, 4_200),
            ratio("product:*", LookupSource::Sample, 0.54, 23_417),
        ],
    })
}
