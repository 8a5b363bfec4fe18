//! How complete the events are: those seen against those the server counted, over the last five minutes.
//!
//! `expired`, `evicted` and `keymiss` match `expired_keys`, `evicted_keys` and `keyspace_misses` one to one
//! (OBJECT sub-commands apart, which count a miss and publish nothing). A report carries both numbers, but events come
//! on a connection of their own: at any report they may be ahead of the counter, or behind it, by what happens in a few
//! milliseconds. So the two ends of the interval are each judged by the more favourable of two neighbouring reports:
//! a working reader has exactly 1, also when 1 event is 5 % of all; a loss shows one report later.
//!
//! Deliberately absent: why events are missing; see `status`.
//!
//! Invariant: 0..1, and `None` where nothing was counted or nobody was subscribed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::events::{EventKind, EventReport, PerKind, Subscription};
use crate::model::time::Now;
use crate::model::window::Totals;

/// How far back it looks.
pub const SPAN: Duration = Duration::from_mins(5);

/// The fewest reports that a verdict needs: two for each end.
const MIN_SAMPLES: usize = 4;

/// More than polls of 1 s give.
const MAX_SAMPLES: usize = 400;

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    subscribed: bool,
    counted: PerKind<Option<u64>>,
    seen: PerKind<u64>,
    /// Events seen beyond those counted, since the first sample. Lower after a loss.
    lead: PerKind<i128>,
}

/// What a kind of event did in the last five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// By the server's counter.
    pub counted: u64,
    /// By the reader.
    pub seen: u64,
}

/// Compares events with counters. One for a node.
#[derive(Debug, Clone, Default)]
pub struct Completeness {
    samples: VecDeque<Sample>,
}

impl Completeness {
    /// Takes in a good report: its events, and the node's totals after its reading. `reset`: the server's counters began
    /// anew with it.
    pub fn observe(&mut self, now: Now, events: &EventReport, totals: &Totals, reset: bool) {
        // What was before the first subscription was never promised.
        let subscribed = events.subscription == Subscription::Subscribed;
        if self.samples.is_empty() && !subscribed {
            return;
        }
        let counted = PerKind {
            expired: totals.expirations,
            evicted: totals.evictions,
            keymiss: totals.misses,
        };
        let mut sample = Sample {
            at: now.mono,
            subscribed,
            counted,
            seen: events.seen,
            lead: PerKind::default(),
        };
        if let Some(last) = self.samples.back() {
            for kind in EventKind::ALL {
                let seen = events.seen.get(kind).saturating_sub(last.seen.get(kind));
                let counted = growth(counted.get(kind), last.counted.get(kind));
                let step = i128::from(seen) - i128::from(counted);
                // What died uncounted with a process is no lead that could hide a loss later on.
                let step = if reset { step.min(0) } else { step };
                *sample.lead.get_mut(kind) = last.lead.get(kind) + step;
            }
        }
        self.samples.push_back(sample);
        self.forget(now.mono);
    }

    /// One sample at or before the beginning stays, and never fewer than a verdict needs: a slow poll has few.
    fn forget(&mut self, now: Duration) {
        while self.samples.len() > MAX_SAMPLES
            || (self.samples.len() > MIN_SAMPLES
                && self
                    .samples
                    .get(1)
                    .is_some_and(|second| now.saturating_sub(second.at) >= SPAN))
        {
            self.samples.pop_front();
        }
    }

    /// Events seen / counted, for each kind.
    pub fn ratio(&self) -> PerKind<Option<f64>> {
        let mut ratio = PerKind::default();
        for kind in EventKind::ALL {
            *ratio.get_mut(kind) = self.ratio_of(kind);
        }
        ratio
    }

    fn ratio_of(&self, kind: EventKind) -> Option<f64> {
        if self.samples.len() < MIN_SAMPLES || !self.samples.iter().any(|s| s.subscribed) {
            return None;
        }
        let lead = |sample: Option<&Sample>| sample.map(|s| s.lead.get(kind));
        let mut newest = self.samples.iter().rev();
        let begin = lead(self.samples.front())?.min(lead(self.samples.get(1))?);
        let end = lead(newest.next())?.max(lead(newest.next())?);

        let counted = self.published().get(kind).counted;
        if counted == 0 {
            return None;
        }
        let seen = i128::from(counted) + end - begin;
        Some((seen as f64 / counted as f64).clamp(0.0, 1.0))
    }

    /// Events seen beyond those counted, shortly before `began`: the smaller of the last two numbers of each kind. Where
    /// there is none so early, the first one before `ended`.
    pub fn lead_before(&self, began: Duration, ended: Duration) -> Option<PerKind<i128>> {
        let before = self.samples.iter().rev().filter(|s| s.at <= began);
        extreme(before, i128::min).or_else(|| {
            let first = self.samples.front().filter(|s| s.at < ended)?;
            Some(first.lead)
        })
    }

    /// The same shortly after `at`: the larger of the first two numbers.
    pub fn lead_after(&self, at: Duration) -> Option<PerKind<i128>> {
        let after = self.samples.iter().filter(|s| s.at >= at);
        extreme(after, i128::max)
    }

    /// How much time [`Completeness::published`] speaks of: up to about [`SPAN`], more where polls are slow.
    pub fn covered(&self) -> Duration {
        let (first, last) = (self.samples.front(), self.samples.back());
        first.zip(last).map_or(Duration::ZERO, |(first, last)| {
            last.at.saturating_sub(first.at)
        })
    }

    /// What was counted and seen in the same time.
    pub fn published(&self) -> PerKind<Published> {
        let mut published = PerKind::<Published>::default();
        if let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) {
            for kind in EventKind::ALL {
                *published.get_mut(kind) = Published {
                    counted: growth(last.counted.get(kind), first.counted.get(kind)),
                    seen: last.seen.get(kind).saturating_sub(first.seen.get(kind)),
                };
            }
        }
        published
    }
}

/// Of the first two leads, for each kind the one that `choose` takes.
fn extreme<'a>(
    samples: impl Iterator<Item = &'a Sample>,
    choose: fn(i128, i128) -> i128,
) -> Option<PerKind<i128>> {
    samples
        .take(2)
        .map(|sample| sample.lead)
        .reduce(|one, other| PerKind {
            expired: choose(one.expired, other.expired),
            evicted: choose(one.evicted, other.evicted),
            keymiss: choose(one.keymiss, other.keymiss),
        })
}

/// A counter that is reported for the first time has not grown yet.
fn growth(new: Option<u64>, old: Option<u64>) -> u64 {
    new.zip(old).map_or(0, |(new, old)| new.saturating_sub(old))
}

#[cfg(test)]
mod tests;
