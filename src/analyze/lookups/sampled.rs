//! Puts samples, INFO's totals and the misses of the events of one node together to intervals for `analyze::sample`.
//!
//! Samples lie in stretches of time of their own; readings come when they come. An interval ends with the first reading
//! after the end of a stretch and holds the sample of it; what is sampled between the two belongs to the next interval.
//! Since every stretch has one sample and intervals follow each other without a gap, each moment is as likely to be
//! sampled as any other, only by a poll interval late.
//!
//! What is left out: intervals with a sample that failed or is missing, in which events were lost or counters began
//! anew, or whose events are less than 99 % of what INFO counted. A namespace that came (or came back) in the middle of
//! an interval is not in it: neither its misses nor its lookups are.
//!
//! Invariant: no ratio that rests on misses which may not be all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::analyze::sample::{Interval, NamespaceCount, Samples};
use crate::model::attribution::{AttributionSnapshot, LookupSource, NamespaceHitRatio};
use crate::model::events::{EventKind, Subscription};
use crate::model::lookups::{SampleResult, SampleStats, SampleTotals};
use crate::model::name::NodeName;
use crate::model::snapshot::{NodeSnapshot, ResetReason};

/// Samples that may wait for a reading.
const MAX_WAITING: usize = 64;
/// Events that are fewer than this part of what was counted are not all.
const COMPLETE: f64 = 0.99;
/// After so many stretches without a new interval, the old ones say nothing of now.
const STALE_AFTER: u32 = 10;

/// One end of an interval.
#[derive(Debug, Clone, Default)]
struct End {
    at: Duration,
    lookups: u64,
    /// Different from that of another end if counters began anew or events were lost in between.
    epoch: (u64, u64, u64, u64, u64),
    /// Misses of each namespace, by its name and which admission it is.
    misses: BTreeMap<(Arc<str>, u64), u64>,
}

/// The samples of one node.
#[derive(Debug)]
pub(super) struct SampledNode {
    name: NodeName,
    every: Duration,
    samples: Samples<Arc<str>>,
    stats: SampleStats,
    waiting: VecDeque<SampleResult>,
    /// Whether something happened since the last interval that makes the present one useless.
    spoiled: bool,
    /// The beginning of the present interval.
    begun: Option<End>,
    /// The stretch whose sample was the last to be taken into account.
    last_period: Option<u64>,
    read_at: Option<Duration>,
    /// Failovers and swaps so far: after another one, the node is not the one it was.
    identity: u64,
    /// When the last interval was taken in.
    pushed: Option<Duration>,
    /// What the intervals say. Only a new interval changes it.
    ratios: Vec<NamespaceHitRatio>,
    /// All intervals since the beginning, summed up.
    totals: Arc<SampleTotals>,
}

impl SampledNode {
    pub(super) fn new(name: NodeName, every: Duration) -> Self {
        Self {
            name,
            every,
            samples: Samples::default(),
            stats: SampleStats::default(),
            waiting: VecDeque::new(),
            spoiled: false,
            begun: None,
            last_period: None,
            read_at: None,
            identity: 0,
            pushed: None,
            ratios: Vec::new(),
            totals: Arc::default(),
        }
    }

    pub(super) fn totals(&self) -> Arc<SampleTotals> {
        Arc::clone(&self.totals)
    }

    pub(super) fn name(&self) -> &NodeName {
        &self.name
    }

    pub(super) fn stats(&self) -> SampleStats {
        self.stats
    }

    pub(super) fn take_in(&mut self, result: SampleResult) {
        match &result.sample {
            None => self.stats.failed += 1,
            Some(sample) => {
                if sample.cut {
                    self.stats.cut += 1;
                } else {
                    self.stats.complete += 1;
                }
                self.stats.bytes = self.stats.bytes.saturating_add(sample.bytes);
            }
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
            self.spoiled = true;
        }
        self.waiting.push_back(result);
    }

    pub(super) fn observe(&mut self, node: &NodeSnapshot, events: &AttributionSnapshot) {
        let Some(at) = node.read_at.map(|read_at| read_at.mono) else {
            return;
        };
        if self.read_at.is_some_and(|before| before >= at) {
            return;
        }
        self.read_at = Some(at);
        let resets = |reason| node.resets.get(&reason).copied().unwrap_or(0);
        let identity = resets(ResetReason::Failover) + resets(ResetReason::NodeSwap);
        if identity != self.identity {
            self.identity = identity;
            self.samples.clear();
            self.ratios.clear();
        }
        self.spoiled |= !has_all_events(node);
        // A sample of before the interval began has nothing to be compared with.
        let over = self.waiting.iter().filter(|sample| sample.ends <= at);
        let over = over.count();
        if self.begun.is_some() && over == 0 {
            return;
        }
        let end = End::new(at, node, events);
        if let Some(begun) = self.begun.take() {
            let samples: Vec<_> = self.waiting.drain(..over).collect();
            let interval = end
                .as_ref()
                .filter(|_| !self.spoiled && self.is_gapless(&samples))
                .and_then(|end| interval(&begun, end, &samples));
            self.last_period = samples.last().map(|sample| sample.period);
            match (interval, &end) {
                (Some(interval), Some(end)) => self.push(interval, end),
                _ => self.stats.left_out += 1,
            }
        } else if let Some(last) = self.waiting.drain(..).next_back() {
            // What was sampled before the first interval is no gap.
            self.last_period = Some(last.period);
        }
        self.spoiled = false;
        self.begun = end;
    }

    fn push(&mut self, interval: Interval<Arc<str>>, end: &End) {
        self.sum_up(&interval, end);
        self.samples.push(interval);
        self.pushed = Some(end.at);
        let estimates = end.misses.keys().filter_map(|(name, _)| {
            let estimate = self.samples.estimate(name).ok()?;
            let ratio = estimate.hit_ratio;
            Some(NamespaceHitRatio {
                namespace: name.to_string(),
                source: LookupSource::Sample,
                ratio: ratio.value,
                lower: ratio.lower,
                upper: ratio.upper,
                lookups: estimate.sampled,
            })
        });
        self.ratios = estimates.collect();
    }

    /// Namespaces that are retired are forgotten, so that memory stays bounded.
    fn sum_up(&mut self, interval: &Interval<Arc<str>>, end: &End) {
        if interval.is_empty() {
            return;
        }
        let totals = Arc::make_mut(&mut self.totals);
        totals.whole.add(&interval.sums());
        let known: BTreeSet<_> = end.misses.keys().map(|(name, _)| name).collect();
        totals.namespaces.retain(|name, _| known.contains(name));
        for (name, count) in &interval.namespaces {
            let sums = totals.namespaces.entry(Arc::clone(name)).or_default();
            sums.add(&interval.sums_of(*count));
        }
    }

    /// Whether the stretches follow upon each other and upon the last one before.
    fn is_gapless(&self, samples: &[SampleResult]) -> bool {
        let mut before = self.last_period;
        samples.iter().all(|sample| {
            let next = before.is_none_or(|before| sample.period == before + 1);
            before = Some(sample.period);
            next
        })
    }

    /// Of the namespaces with an estimate.
    pub(super) fn hit_ratios(&self, now: Duration) -> Vec<NamespaceHitRatio> {
        let stale = self
            .pushed
            .is_none_or(|pushed| now.saturating_sub(pushed) > self.every * STALE_AFTER);
        if stale {
            Vec::new()
        } else {
            self.ratios.clone()
        }
    }
}

/// Whether the misses that events tell of are all.
fn has_all_events(node: &NodeSnapshot) -> bool {
    let ratio = node.completeness.get(EventKind::Keymiss);
    node.events.subscription == Subscription::Subscribed && ratio.is_none_or(|r| r >= COMPLETE)
}

impl End {
    /// `None`: misses may not be all, or lookups are not known.
    fn new(at: Duration, node: &NodeSnapshot, events: &AttributionSnapshot) -> Option<Self> {
        if !has_all_events(node) {
            return None;
        }
        let namespaces = events.namespaces.iter();
        let misses = namespaces.map(|n| {
            let name = Arc::from(n.name.as_str());
            ((name, n.id), n.counters.misses.total())
        });
        Some(Self {
            at,
            lookups: node.totals.lookups()?,
            epoch: (
                node.resets.values().sum(),
                node.readings_discarded,
                node.events.gaps,
                node.events.sessions,
                events.gaps,
            ),
            misses: misses.collect(),
        })
    }
}

/// What happened between two readings, with these samples in between; `None` if that is not completely known.
fn interval(begun: &End, end: &End, samples: &[SampleResult]) -> Option<Interval<Arc<str>>> {
    if begun.epoch != end.epoch {
        return None;
    }
    let mut interval = Interval {
        length: end.at.saturating_sub(begun.at),
        covered: Duration::ZERO,
        lookups: end.lookups.checked_sub(begun.lookups)?,
        sampled: 0,
        namespaces: BTreeMap::new(),
    };
    for ((name, id), after) in &end.misses {
        let Some(before) = begun.misses.get(&(Arc::clone(name), *id)) else {
            continue;
        };
        let misses = after.checked_sub(*before)?;
        let count = NamespaceCount { sampled: 0, misses };
        interval.namespaces.insert(Arc::clone(name), count);
    }
    for result in samples {
        let sample = result.sample.as_ref()?;
        interval.covered += sample.covered;
        interval.sampled = interval.sampled.saturating_add(sample.lookups);
        for (name, lookups) in &sample.namespaces {
            if let Some(count) = interval.namespaces.get_mut(name) {
                count.sampled = count.sampled.saturating_add(*lookups);
            }
        }
    }
    interval
        .namespaces
        .retain(|_, count| *count != NamespaceCount::default());
    Some(interval)
}
