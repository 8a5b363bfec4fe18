//! Lookups by namespace, from where they can be known: samples of MONITOR, and what the application itself counts.
//!
//! Deliberately absent: ratios of samples, which are estimates and `analyze::lookups`' affair.
//!
//! Invariants: no key and no value is in here, only names of namespaces; every list has a bound where it is filled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::attribution::NamespaceHitRatio;
use super::name::{CacheName, NodeName};
use super::time::Now;

/// One attempt to sample what a node's clients look up.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleResult {
    /// The cache.
    pub cache: CacheName,
    /// The node.
    pub node: NodeName,
    /// When the attempt was over.
    pub at: Now,
    /// In which stretch of time it lay, counted from 0. There is at most one attempt in each; one that is missing was
    /// not made, or could not be told.
    pub period: u64,
    /// When that stretch ends, as [`Now::mono`].
    pub ends: Duration,
    /// The sample; `None`: it failed, and what had been seen until then is thrown away.
    pub sample: Option<Sample>,
}

/// What a sample saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// For how long every lookup was seen.
    pub covered: Duration,
    /// All lookups seen.
    pub lookups: u64,
    /// How many of these were of each namespace; what is missing was of none.
    pub namespaces: Vec<(Arc<str>, u64)>,
    /// Bytes read.
    pub bytes: u64,
    /// Whether the budget of bytes ended it before its time.
    pub cut: bool,
}

/// What an application has counted since it told us last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupBatch {
    /// The cache.
    pub cache: CacheName,
    /// By namespace; the same one may be there several times.
    pub lookups: Vec<NamespaceLookups>,
}

/// Hits and misses of one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct NamespaceLookups {
    /// The namespace, as cachewatch writes it.
    pub namespace: Arc<str>,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

/// How sampling of a node goes. Only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleStats {
    /// Samples that were as long as they were meant to be.
    pub complete: u64,
    /// Samples that the budget of bytes cut short.
    pub cut: u64,
    /// Samples that failed.
    pub failed: u64,
    /// Stretches of time that no estimate rests on: their sample failed or is missing, or events were lost in them.
    pub left_out: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Sums over intervals with a sample each: what an estimate over them needs, and no more. Sums of several stretches of
/// time are added to those of all of them.
///
/// `x` are all lookups of a sample, `w` is how much it stands for: the length of its interval / how much of that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SampleSums {
    /// How many intervals there are.
    pub intervals: u64,
    /// How long they are together, in seconds.
    pub seconds: f64,
    /// Of how much of that the samples saw every lookup, in seconds.
    pub covered_seconds: f64,
    /// All lookups in the intervals, as the server counted.
    pub lookups: u64,
    /// Σ w x.
    pub all: f64,
    /// Σ (w x)².
    pub all_squared: f64,
    /// Σ w² x.
    pub all_weighted: f64,
}

/// The same of one namespace, of whose lookups `y` were in a sample.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct NamespaceSums {
    /// Σ y.
    pub sampled: u64,
    /// Its misses in the intervals: exact.
    pub misses: u64,
    /// Σ w y.
    pub part: f64,
    /// Σ (w y)².
    pub part_squared: f64,
    /// Σ w² x y.
    pub product: f64,
}

/// Sums of a node, and of its namespaces, since it began to be sampled. A namespace that was retired has none any more.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SampleTotals {
    /// Of all lookups.
    pub whole: SampleSums,
    /// By namespace.
    pub namespaces: BTreeMap<Arc<str>, NamespaceSums>,
}

impl SampleSums {
    /// Adds those of another stretch of time.
    pub fn add(&mut self, other: &Self) {
        self.intervals = self.intervals.saturating_add(other.intervals);
        self.seconds += other.seconds;
        self.covered_seconds += other.covered_seconds;
        self.lookups = self.lookups.saturating_add(other.lookups);
        self.all += other.all;
        self.all_squared += other.all_squared;
        self.all_weighted += other.all_weighted;
    }

    /// What came since `before`; all of it where sampling began anew. `None`: nothing came.
    pub fn since(&self, before: &Self) -> Option<Self> {
        if self.intervals < before.intervals {
            return Some(*self).filter(|new| new.intervals > 0);
        }
        let new = self.intervals - before.intervals;
        (new > 0).then(|| Self {
            intervals: new,
            seconds: grown(self.seconds, before.seconds),
            covered_seconds: grown(self.covered_seconds, before.covered_seconds),
            lookups: self.lookups.saturating_sub(before.lookups),
            all: grown(self.all, before.all),
            all_squared: grown(self.all_squared, before.all_squared),
            all_weighted: grown(self.all_weighted, before.all_weighted),
        })
    }
}

impl NamespaceSums {
    /// Adds those of another stretch of time.
    pub fn add(&mut self, other: &Self) {
        self.sampled = self.sampled.saturating_add(other.sampled);
        self.misses = self.misses.saturating_add(other.misses);
        self.part += other.part;
        self.part_squared += other.part_squared;
        self.product += other.product;
    }

    /// What came since `before`; all of it where they began anew. `None`: nothing came.
    pub fn since(&self, before: &Self) -> Option<Self> {
        if self.sampled < before.sampled || self.misses < before.misses {
            return Some(*self).filter(|new| *new != Self::default());
        }
        let new = Self {
            sampled: self.sampled - before.sampled,
            misses: self.misses - before.misses,
            part: grown(self.part, before.part),
            part_squared: grown(self.part_squared, before.part_squared),
            product: grown(self.product, before.product),
        };
        (new.sampled > 0 || new.misses > 0).then_some(new)
    }
}

fn grown(now: f64, before: f64) -> f64 {
    (now - before).max(0.0)
}

/// What is known of a cache's lookups by namespace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookupsSnapshot {
    /// What the application told since cachewatch began to watch. Only grows.
    pub application: Vec<NamespaceLookups>,
    /// Lookups that it told for namespaces beyond the bound; they are in `other`.
    pub beyond_bound: u64,
    /// The node that is sampled, and how that goes; `None`: sampling is off.
    pub samples: Option<(NodeName, SampleStats)>,
    /// What the samples add up to, for estimates over longer than is looked at at once.
    pub sampled: Arc<SampleTotals>,
    /// Hit ratios, where lookups are known.
    pub hit_ratios: Vec<NamespaceHitRatio>,
}
