//! A cache's totals over time, and what happened in a window of it.
//!
//! Full resolution for the last 15 minutes, thinned beyond that to 400 samples up to the horizon (an hour unless a rule
//! asks for more: then about one in 7 s). A window begins at the last reading at or before its beginning, so it may
//! span one poll interval (or one step of the thinning) more than asked; `covered` tells, and rates are per second of
//! what is covered. Samples are good readings only. After a gap (three polls missed) a window never begins inside the
//! gap but at the first reading after it; a window that holds the gap as a whole averages over it.
//!
//! Deliberately absent: readings, nodes, and whether a number is bad.
//!
//! Invariant: at most [`MAX_SAMPLES`] samples, in order of time, totals only growing.

use std::collections::VecDeque;
use std::time::Duration;

use super::wilson;
use crate::model::record::HistoryPoint;
use crate::model::time::Now;
use crate::model::window::{Sparkline, Totals, WindowStats};

mod sparkline;

/// The most samples kept, whatever the poll interval and the horizon: about 120 KB for a cache.
pub const MAX_SAMPLES: usize = 1500;

/// What is kept in any case.
const MIN_HORIZON: Duration = Duration::from_hours(1);
/// How far back samples are kept as they came.
const FULL: Duration = Duration::from_mins(15);
/// How many samples cover the time from there to the horizon.
const THINNED: u32 = 400;
/// Samples closer than this are merged: a cache of many nodes gives one at each of their readings.
const MIN_SPACING: Duration = Duration::from_millis(850);

/// How often [`History::usual_ratio`] looks at most.
const MAX_LOOKS: u32 = 1_440;

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    totals: Totals,
}

/// The totals of one cache over time.
#[derive(Debug, Clone)]
pub struct History {
    /// Older than [`FULL`], thinned.
    old: VecDeque<Sample>,
    recent: VecDeque<Sample>,
    horizon: Duration,
    poll_interval: Duration,
    /// What was counted before this process began; added to all that is pushed.
    before: Totals,
}

impl History {
    /// An empty one, for a cache that is polled so often.
    pub fn new(poll_interval: Duration) -> Self {
        Self {
            old: VecDeque::new(),
            recent: VecDeque::new(),
            horizon: MIN_HORIZON,
            poll_interval,
            before: Totals::default(),
        }
    }

    /// Goes on from what was stored before a restart: slots of `width` in order of time, older than `now`. To be called
    /// before the first [`History::push`]. Slots of the future, and from before the beginning of the monotonic clock, are
    /// left out.
    pub fn resume(&mut self, slots: &[HistoryPoint], width: Duration, now: Now) {
        let mut last = None;
        for slot in slots {
            let age = Duration::try_from(now.wall.duration_since(slot.at)).ok();
            let Some(begin) = age.and_then(|age| now.mono.checked_sub(age)) else {
                continue;
            };
            // The slot in which the restart was may not be over yet.
            let end = (begin + width).min(now.mono);
            // After a gap the totals have not grown when the next slot begins.
            let adjoins = last.is_some_and(|last| begin.saturating_sub(last) < width);
            if !adjoins {
                self.insert(begin, self.before);
            }
            self.before = sum(&self.before, slot);
            self.insert(end, self.before);
            last = Some(end);
        }
    }

    /// Keeps at least this much; never less than an hour. A longer horizon is thinned more.
    pub fn keep(&mut self, horizon: Duration) {
        self.horizon = horizon.max(MIN_HORIZON);
    }

    /// A new poll interval, after a reload.
    pub fn set_poll_interval(&mut self, poll_interval: Duration) {
        self.poll_interval = poll_interval;
    }

    /// Takes in the totals after a good reading. One that is older than the last one is left out.
    pub fn push(&mut self, now: Now, totals: Totals) {
        let totals = Totals {
            hits: add(totals.hits, self.before.hits),
            misses: add(totals.misses, self.before.misses),
            evictions: add(totals.evictions, self.before.evictions),
            expirations: add(totals.expirations, self.before.expirations),
        };
        self.insert(now.mono, totals);
    }

    fn insert(&mut self, at: Duration, totals: Totals) {
        if self.recent.back().is_some_and(|last| last.at > at) {
            return;
        }
        let mut back = self.recent.iter().rev();
        if let (Some(last), Some(before)) = (back.next(), back.next())
            && last.at.saturating_sub(before.at) < MIN_SPACING
        {
            self.recent.pop_back();
        }
        self.recent.push_back(Sample { at, totals });
        self.age(at);
    }

    fn age(&mut self, newest: Duration) {
        let spacing = self.spacing();
        while let Some(first) = self.recent.front().copied()
            && newest.saturating_sub(first.at) > FULL
        {
            self.recent.pop_front();
            let far_enough = |last: &Sample| first.at.saturating_sub(last.at) >= spacing;
            if self.old.back().is_none_or(far_enough) {
                self.old.push_back(first);
            }
        }
        // One sample beyond the horizon stays, so that the longest window has where to begin.
        while let Some(second) = self.old.get(1)
            && newest.saturating_sub(second.at) >= self.horizon
        {
            self.old.pop_front();
        }
        while self.old.len() + self.recent.len() > MAX_SAMPLES {
            if self.old.pop_front().is_none() {
                self.recent.pop_front();
            }
        }
    }

    fn spacing(&self) -> Duration {
        self.horizon.saturating_sub(FULL) / THINNED
    }

    /// Two samples farther apart than this have a gap between them.
    fn gap(&self) -> Duration {
        (self.poll_interval * 3).max(self.spacing() * 2)
    }

    /// The last sample at or before `at`, and the one after it.
    fn around(&self, at: Duration) -> Option<(Sample, Option<Sample>)> {
        let (samples, after) = match self.recent.front() {
            Some(first) if first.at <= at => (&self.recent, None),
            first => (&self.old, first.copied()),
        };
        let next = samples.partition_point(|s| s.at <= at);
        let found = *samples.get(next.checked_sub(1)?)?;
        Some((found, samples.get(next).copied().or(after)))
    }

    fn oldest(&self) -> Option<Sample> {
        self.old.front().or(self.recent.front()).copied()
    }

    /// What happened in the window of this length that ends at `now`, which may lie in the past.
    pub fn window(&self, span: Duration, now: Now) -> WindowStats {
        let Some((end, _)) = self.around(now.mono) else {
            return stats(span, Duration::ZERO, Totals::default());
        };
        let begin = now
            .mono
            .checked_sub(span)
            .and_then(|begin| self.around(begin));
        let baseline = match begin {
            Some((before, Some(after)))
                if after.at <= end.at && after.at.saturating_sub(before.at) > self.gap() =>
            {
                after
            }
            Some((before, _)) => before,
            None => self.oldest().unwrap_or(end),
        };
        let covered = end.at.saturating_sub(baseline.at);
        stats(span, covered, difference(&end.totals, &baseline.totals))
    }

    /// The miss ratio in so many points, oldest first; `None` where there were no lookups. Over the last hour, or over
    /// less (15, 5 or 1 min) while no more is known and readings come often enough to fill the points.
    pub fn sparkline(&self, now: Now, points: usize) -> Sparkline {
        sparkline::draw(self, now, points)
    }

    /// The median of the miss ratio over a window of length `span`, looked at every minute of the `over` before `now`, or
    /// five times per `span` where that is more often. `None` when fewer than five of those looks found a ratio.
    pub fn usual_ratio(&self, span: Duration, over: Duration, now: Now) -> Option<f64> {
        self.usual(span, over, now).map(|usual| usual.median)
    }

    /// As [`History::usual_ratio`], with the range in which the ratio usually lies.
    pub fn usual(&self, span: Duration, over: Duration, now: Now) -> Option<Usual> {
        let step = (span / 5).clamp(Duration::from_secs(1), Duration::from_mins(1));
        let mut ratios: Vec<f64> = (1..=MAX_LOOKS)
            .map(|i| step * i)
            .take_while(|ago| *ago <= over)
            .map_while(|ago| now.mono.checked_sub(ago))
            .filter_map(|mono| self.window(span, Now { mono, ..now }).miss_ratio)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let last = ratios.len().checked_sub(1)?;
        let at = |tenths: usize| ratios.get((last * tenths + 5) / 10).copied();
        (ratios.len() >= 5).then_some(())?;
        Some(Usual {
            median: ratios.get(ratios.len() / 2).copied()?,
            range: at(1).zip(at(9)),
        })
    }
}

/// What is counted now, with what was counted before; not known now is not known.
fn add(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    now.map(|now| now.saturating_add(before.unwrap_or(0)))
}

fn sum(before: &Totals, slot: &HistoryPoint) -> Totals {
    let grow = |before: Option<u64>, by: Option<u64>| match (before, by) {
        (None, None) => None,
        (before, by) => Some(before.unwrap_or(0).saturating_add(by.unwrap_or(0))),
    };
    Totals {
        hits: grow(before.hits, slot.hits),
        misses: grow(before.misses, slot.misses),
        evictions: grow(before.evictions, slot.evictions),
        expirations: grow(before.expirations, slot.expirations),
    }
}

/// What is normal.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Usual {
    /// The median.
    pub median: f64,
    /// The 10th and the 90th percentile, where they are known.
    pub range: Option<(f64, f64)>,
}

/// A total that is first reported within the window has grown from 0.
fn difference(end: &Totals, begin: &Totals) -> Totals {
    let since = |end: Option<u64>, begin: Option<u64>| {
        end.map(|end| end.saturating_sub(begin.unwrap_or(0)))
    };
    Totals {
        hits: since(end.hits, begin.hits),
        misses: since(end.misses, begin.misses),
        evictions: since(end.evictions, begin.evictions),
        expirations: since(end.expirations, begin.expirations),
    }
}

fn stats(window: Duration, covered: Duration, delta: Totals) -> WindowStats {
    let seconds = covered.as_secs_f64();
    let rate = |count: Option<u64>| (seconds > 0.0).then_some(count? as f64 / seconds);
    let sample = delta.misses.zip(delta.lookups()).filter(|(_, n)| *n > 0);
    WindowStats {
        window,
        covered,
        delta,
        lookups_per_second: rate(delta.lookups()),
        evictions_per_second: rate(delta.evictions),
        expirations_per_second: rate(delta.expirations),
        miss_ratio: sample.map(|(misses, n)| misses as f64 / n as f64),
        miss_ratio_lower: sample.and_then(|(misses, n)| wilson::lower(misses, n, wilson::Z_98)),
    }
}

#[cfg(test)]
mod tests;
