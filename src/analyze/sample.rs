//! How many lookups a namespace had, and so its hit ratio, estimated from short samples of all lookups.
//!
//! The misses are exact (each is an event), the lookups of the whole node are exact (INFO), and only the namespace's
//! share of them is estimated. Whatever leaves here is an estimate and has an interval; where there is too little to go
//! by, there is none, with the reason. Deliberately absent: taking samples, and the names of namespaces.
//!
//! Two things the caller sees to: a sample lies at a random moment of its interval (else a job that runs every minute is
//! always or never in it), and an interval whose misses or lookups are not completely known (events lost, counters reset)
//! is left out. What fewer than about one sample in ten would meet, no interval can know of.
//!
//! Invariants: at most [`MAX_SAMPLES`] intervals of at most [`MAX_NAMESPACES`] namespaces are kept;
//! 0 <= lower <= value <= upper, and ratios end at 1.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use share::{Cluster, Share};

mod share;

/// So many intervals are kept; the oldest goes first.
pub const MAX_SAMPLES: usize = 60;
/// With fewer, how much samples differ from one another is not known well enough.
pub const MIN_SAMPLES: usize = 8;
/// With fewer sampled lookups of a namespace there is no estimate.
pub const MIN_LOOKUPS: u64 = 100;
/// So many namespaces of an interval are kept; others count for the whole only.
pub const MAX_NAMESPACES: usize = 512;
/// The confidence of all intervals, two-sided.
pub const CONFIDENCE: f64 = 0.95;

/// What is known of a namespace in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamespaceCount {
    /// Its lookups in the sample.
    pub sampled: u64,
    /// Its misses in the whole interval, by events: exact.
    pub misses: u64,
}

/// The time between two readings, with one sample in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval<N> {
    /// How long it is.
    pub length: Duration,
    /// Of how much of it the sample saw every lookup.
    pub covered: Duration,
    /// All lookups in it: INFO's hits and misses.
    pub lookups: u64,
    /// All lookups in the sample.
    pub sampled: u64,
    /// By namespace: all that had a sampled lookup or a miss.
    pub namespaces: BTreeMap<N, NamespaceCount>,
}

/// A number that was estimated, with its interval at [`CONFIDENCE`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Bounded {
    /// The estimate.
    pub value: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// What samples say of a namespace. Not counted: estimated.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// Its lookups in the whole of the intervals.
    pub lookups: Bounded,
    /// Its hit ratio over them, 0..1.
    pub hit_ratio: Bounded,
    /// Its misses over them: exact.
    pub misses: u64,
    /// How many samples this rests on.
    pub samples: usize,
    /// How many of its lookups were in the samples.
    pub sampled: u64,
    /// How long the intervals are together, in seconds.
    pub seconds: f64,
    /// What part of that time was sampled, 0..1.
    pub covered_ratio: f64,
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoEstimate {
    /// Fewer than [`MIN_SAMPLES`].
    #[error("{0} samples are too few for an estimate: {MIN_SAMPLES} are needed")]
    TooFewSamples(usize),
    /// Fewer than [`MIN_LOOKUPS`] of this namespace.
    #[error("{0} sampled lookups are too few for an estimate: {MIN_LOOKUPS} are needed")]
    TooFewLookups(u64),
    /// The namespace has more misses than it can have had lookups: the samples do not show what the events tell of.
    #[error(
        "the namespace has more misses than the samples say it can have lookups; are samples taken of this node?"
    )]
    Contradiction,
}

/// The last intervals of one node.
#[derive(Debug, Clone)]
pub struct Samples<N> {
    intervals: VecDeque<Interval<N>>,
    cut: u64,
}

impl<N> Default for Samples<N> {
    fn default() -> Self {
        Self {
            intervals: VecDeque::new(),
            cut: 0,
        }
    }
}

impl<N: Ord> Samples<N> {
    /// Takes in an interval. One whose sample covered nothing tells nothing, and is left out.
    pub fn push(&mut self, mut interval: Interval<N>) {
        if interval.covered.is_zero() || interval.length.is_zero() {
            return;
        }
        while interval.namespaces.len() > MAX_NAMESPACES {
            interval.namespaces.pop_last();
            self.cut = self.cut.saturating_add(1);
        }
        while self.intervals.len() >= MAX_SAMPLES {
            self.intervals.pop_front();
        }
        self.intervals.push_back(interval);
    }

    /// Forgets all, when the node is not the one it was.
    pub fn clear(&mut self) {
        self.intervals.clear();
    }

    /// How many namespaces of intervals [`MAX_NAMESPACES`] cut.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// What the intervals say of a namespace.
    ///
    /// With w = length / covered of an interval, x all lookups of its sample and y the namespace's, the share is
    /// `R = Σ w y / Σ w x` and the lookups are `L R`, L being INFO's count: the combined ratio estimate of W. G. Cochran,
    /// *Sampling Techniques*, 3rd ed. (1977), section 6.11, whose clusters are the samples. The interval of R is that of
    /// the share's. The misses M are known, so the hit ratio is `1 - M / (L R)`, which grows with R: its
    /// ends are those of R put in, with no further approximation.
    pub fn estimate(&self, namespace: &N) -> Result<Estimate, NoEstimate> {
        if self.intervals.len() < MIN_SAMPLES {
            return Err(NoEstimate::TooFewSamples(self.intervals.len()));
        }
        let of = |interval: &Interval<N>| {
            let count = interval.namespaces.get(namespace);
            count.copied().unwrap_or_default()
        };
        let sum = |part: &dyn Fn(&Interval<N>) -> u64| {
            let parts = self.intervals.iter().map(part);
            parts.fold(0, u64::saturating_add)
        };
        let sampled = sum(&|interval| of(interval).sampled);
        if sampled < MIN_LOOKUPS {
            return Err(NoEstimate::TooFewLookups(sampled));
        }
        let share = Share::of(self.intervals.iter().map(|interval| Cluster {
            weight: interval.length.as_secs_f64() / interval.covered.as_secs_f64(),
            all: interval.sampled as f64,
            part: of(interval).sampled.min(interval.sampled) as f64,
        }));
        let share = share.ok_or(NoEstimate::TooFewLookups(0))?;
        let all = sum(&|interval| interval.lookups) as f64;
        let misses = sum(&|interval| of(interval).misses);
        let lookups = share.map(|share| all * share);
        if lookups.upper <= 0.0 || lookups.upper < misses as f64 {
            return Err(NoEstimate::Contradiction);
        }
        let hit_ratio = lookups.map(|lookups| hit_ratio(misses as f64, lookups));
        let seconds = |part: &dyn Fn(&Interval<N>) -> Duration| -> f64 {
            let parts = self.intervals.iter().map(part);
            parts.map(|part| part.as_secs_f64()).sum()
        };
        let length = seconds(&|interval| interval.length);
        Ok(Estimate {
            lookups,
            hit_ratio,
            misses,
            samples: self.intervals.len(),
            sampled,
            seconds: length,
            covered_ratio: (seconds(&|interval| interval.covered) / length).min(1.0),
        })
    }
}

impl Bounded {
    /// All three through a function that grows.
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            value: f(self.value),
            lower: f(self.lower),
            upper: f(self.upper),
        }
    }
}

/// There cannot have been fewer lookups than misses.
fn hit_ratio(misses: f64, lookups: f64) -> f64 {
    if misses >= lookups {
        0.0
    } else {
        1.0 - misses / lookups
    }
}

#[cfg(test)]
mod tests;
