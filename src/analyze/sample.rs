//! How many lookups a namespace had, and so its hit ratio, estimated from short samples of all lookups.
//!
//! The misses are exact (each is an event), the lookups of the whole node are exact (INFO), and only the namespace's
//! share of them is estimated. Whatever leaves here is an estimate and has an interval; where there is too little to go
//! by, there is none, with the reason. Deliberately absent: taking samples, and the names of namespaces.
//!
//! An estimate needs sums over intervals only, so that it can be made over any stretch of time of which sums were kept.
//!
//! Two things the caller sees to: a sample lies at a random moment of its interval (else a job that runs every minute is
//! always or never in it), and an interval whose misses or lookups are not completely known (events lost, counters reset)
//! is left out. What fewer than about one sample in ten would meet, no interval can know of.
//!
//! Invariants: at most [`MAX_SAMPLES`] intervals of at most [`MAX_NAMESPACES`] namespaces are kept;
//! 0 <= lower <= value <= upper, and ratios end at 1.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::lookups::{NamespaceSums, SampleSums};

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
        if interval.is_empty() {
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
        let (mut whole, mut part) = (SampleSums::default(), NamespaceSums::default());
        for interval in &self.intervals {
            whole.add(&interval.sums());
            let count = interval.namespaces.get(namespace);
            part.add(&interval.sums_of(count.copied().unwrap_or_default()));
        }
        estimate(&whole, &part, CONFIDENCE)
    }
}

impl<N> Interval<N> {
    /// It alone, summed up.
    pub fn sums(&self) -> SampleSums {
        let (weight, all) = (self.weight(), self.sampled as f64);
        SampleSums {
            intervals: 1,
            seconds: self.length.as_secs_f64(),
            covered_seconds: self.covered.as_secs_f64(),
            lookups: self.lookups,
            all: weight * all,
            all_squared: (weight * all).powi(2),
            all_weighted: weight * weight * all,
        }
    }

    /// One of its namespaces, summed up.
    pub fn sums_of(&self, count: NamespaceCount) -> NamespaceSums {
        let (weight, all) = (self.weight(), self.sampled as f64);
        let part = count.sampled.min(self.sampled) as f64;
        NamespaceSums {
            sampled: count.sampled,
            misses: count.misses,
            part: weight * part,
            part_squared: (weight * part).powi(2),
            product: weight * weight * all * part,
        }
    }

    /// Whether its sample saw nothing of it, so that it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.covered.is_zero() || self.length.is_zero()
    }

    /// How much of the time its sample stands for, in its own length.
    fn weight(&self) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        self.length.as_secs_f64() / self.covered.as_secs_f64()
    }
}

/// What intervals, summed up, say of a namespace, with bounds at this confidence, 0..1. How: [`Samples::estimate`].
pub fn estimate(
    whole: &SampleSums,
    part: &NamespaceSums,
    confidence: f64,
) -> Result<Estimate, NoEstimate> {
    let samples = usize::try_from(whole.intervals).unwrap_or(usize::MAX);
    if samples < MIN_SAMPLES {
        return Err(NoEstimate::TooFewSamples(samples));
    }
    if part.sampled < MIN_LOOKUPS {
        return Err(NoEstimate::TooFewLookups(part.sampled));
    }
    let share = share::share(whole, part, confidence).ok_or(NoEstimate::TooFewLookups(0))?;
    let lookups = share.map(|share| whole.lookups as f64 * share);
    if lookups.upper <= 0.0 || lookups.upper < part.misses as f64 {
        return Err(NoEstimate::Contradiction);
    }
    Ok(Estimate {
        lookups,
        hit_ratio: lookups.map(|lookups| hit_ratio(part.misses as f64, lookups)),
        misses: part.misses,
        samples,
        sampled: part.sampled,
        seconds: whole.seconds,
        covered_ratio: (whole.covered_seconds / whole.seconds).min(1.0),
    })
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
