//! Lookups by namespace, from where they can be known: samples of MONITOR, and what the application itself counts.
//!
//! Deliberately absent: ratios of samples, which are estimates and `analyze::lookups`' affair.
//!
//! Invariants: no key and no value is in here, only names of namespaces; every list has a bound where it is filled.

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

/// What is known of a cache's lookups by namespace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookupsSnapshot {
    /// What the application told since cachewatch began to watch. Only grows.
    pub application: Vec<NamespaceLookups>,
    /// Lookups that it told for namespaces beyond the bound; they are in `other`.
    pub beyond_bound: u64,
    /// The node that is sampled, and how that goes; `None`: sampling is off.
    pub samples: Option<(NodeName, SampleStats)>,
    /// Hit ratios, where lookups are known.
    pub hit_ratios: Vec<NamespaceHitRatio>,
}
