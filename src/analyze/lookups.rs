//! Hit ratios of namespaces, where their lookups can be known: from samples, or from the application's own counts.
//!
//! Redis has no event for a hit. `sampled` puts samples, INFO's totals and the exact misses of the events together to
//! an estimate; `application` keeps what the application told. Where both speak of a namespace the application is
//! believed, since it counts and does not estimate. Where neither does there is no ratio.
//!
//! Invariants: what the application told is never lost but only folded into `other`; memory is bounded for each cache.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use self::application::Application;
use self::sampled::SampledNode;
use crate::model::attribution::{AttributionSnapshot, NamespaceHitRatio};
use crate::model::lookups::{LookupBatch, LookupsSnapshot, SampleResult};
use crate::model::name::NodeName;
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot};
use crate::model::time::Now;

mod application;
mod sampled;
#[cfg(test)]
mod tests;

pub use application::{MAX_NAMESPACES, WINDOW};

/// The lookups of one cache.
#[derive(Debug)]
pub struct CacheLookups {
    application: Application,
    sampled: Option<SampledNode>,
}

impl CacheLookups {
    /// Nothing known yet. `sampled`: the node that is sampled and how often, where that is switched on.
    pub fn new(sampled: Option<(NodeName, Duration)>) -> Self {
        Self {
            application: Application::default(),
            sampled: sampled.map(|(node, every)| SampledNode::new(node, every)),
        }
    }

    /// Takes a new configuration of the same cache. What the application told stays.
    pub fn reconfigure(&mut self, sampled: Option<(NodeName, Duration)>) {
        self.sampled = sampled.map(|(node, every)| SampledNode::new(node, every));
    }

    /// Takes in what the application has counted since the last time.
    pub fn told(&mut self, batch: &LookupBatch, now: Now) {
        self.application.add(&batch.lookups, now.mono);
    }

    /// Takes in a sample, or that there is none. One of a node that is not (or no longer) sampled is left out.
    pub fn sampled(&mut self, result: SampleResult) {
        if let Some(sampled) = &mut self.sampled
            && *sampled.name() == result.node
        {
            sampled.take_in(result);
        }
    }

    /// Takes in the newest reading of the sampled node and what its events say; the same reading again is left out.
    pub fn observe(&mut self, node: &NodeSnapshot, events: &AttributionSnapshot) {
        if let Some(sampled) = &mut self.sampled
            && *sampled.name() == node.name
        {
            sampled.observe(node, events);
        }
    }

    /// Hit ratios, where lookups are known, in order of the names.
    pub fn hit_ratios(&self, now: Now) -> Vec<NamespaceHitRatio> {
        let mut ratios = self.application.hit_ratios(now.mono);
        let told: BTreeSet<_> = ratios.iter().map(|r| r.namespace.clone()).collect();
        let sampled = self.sampled.iter().flat_map(|s| s.hit_ratios(now.mono));
        ratios.extend(sampled.filter(|ratio| !told.contains(&ratio.namespace)));
        ratios.sort_by(|a, b| a.namespace.cmp(&b.namespace));
        ratios
    }

    /// All that is known.
    pub fn snapshot(&self, now: Now) -> LookupsSnapshot {
        let samples = self.sampled.as_ref();
        LookupsSnapshot {
            application: self.application.totals(),
            beyond_bound: self.application.beyond_bound(),
            samples: samples.map(|s| (s.name().clone(), s.stats())),
            sampled: samples.map(SampledNode::totals).unwrap_or_default(),
            hit_ratios: self.hit_ratios(now),
        }
    }

    /// Learns from the snapshot of this cache, whose attribution is filled in, and adds what is known of lookups to it.
    ///
    /// A cache of several nodes is not estimated: the attribution of a cache does not tell which node missed.
    pub fn enrich(&mut self, cache: &mut CacheSnapshot, now: Now) {
        if let ([node], Some(attribution)) = (cache.nodes.as_slice(), &cache.attribution) {
            self.observe(node, &attribution.totals);
        }
        let lookups = self.snapshot(now);
        if let Some(attribution) = &mut cache.attribution {
            let attribution = Arc::make_mut(attribution);
            attribution.hit_ratios.clone_from(&lookups.hit_ratios);
            for cost in &mut attribution.costs {
                let told = lookups
                    .application
                    .iter()
                    .find(|n| *n.namespace == *cost.namespace);
                cost.saved = told.map(|namespace| namespace.hits as f64 * cost.per_miss);
            }
        }
        cache.lookups = Arc::new(lookups);
    }
}
