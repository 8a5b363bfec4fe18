//! The evidence itself: one cumulative sum per alternative, the slot that is being filled, and what was learned.
//!
//! Deliberately absent: verdicts, words, History.
//!
//! Invariant: every number is finite; evidence lies between 0 and the bar plus its headroom.

use super::params::{ALTERNATIVES, SLOT, SLOT_LEAST, Scale};

/// What fades in each slot, in nats: about half a one in an hour. Evidence must not lie about for ever when traffic stops.
const FADE: f64 = 0.0015;
/// How long it takes for a learned peak to count half, in seconds: 14 days.
const HALF_LIFE: f64 = 14.0 * 86_400.0;
/// An alarm that was over within this, in seconds, teaches as well.
const SHORT_ALARM: f64 = 600.0;
/// Counts beyond this are of no use.
const MOST: f64 = 1e18;

/// One alternative.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Run {
    /// In nats, since it last was nought.
    pub(super) evidence: f64,
    /// Since then.
    pub(super) lookups: f64,
    pub(super) misses: f64,
    pub(super) seconds: f64,
}

/// What the current slot holds: whole readings, until they span enough.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
struct Slot {
    hits: f64,
    misses: f64,
    seconds: f64,
}

/// All that outlives a restart.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Whose evidence it is.
    threshold: f64,
    runs: [Run; ALTERNATIVES],
    slot: Slot,
    /// The highest peak that came to nothing, faded.
    learned: f64,
    /// The highest evidence of the present excursion.
    peak: f64,
    /// How long that has gone on, in seconds.
    age: f64,
    /// Whether it reached the bar.
    alarmed: bool,
}

impl State {
    /// Evidence that does not belong to this threshold is worth nothing.
    pub(super) fn belongs(&self, scale: &Scale) -> bool {
        (self.threshold - scale.threshold).abs() < 1e-12
    }

    /// Takes in what happened in so many seconds.
    pub(super) fn add(&mut self, scale: &Scale, hits: f64, misses: f64, span: f64) {
        if !self.belongs(scale) {
            *self = Self {
                threshold: scale.threshold,
                ..Self::default()
            };
        }
        self.slot.hits = (self.slot.hits + hits).min(MOST);
        self.slot.misses = (self.slot.misses + misses).min(MOST);
        self.slot.seconds += span;
        if self.slot.seconds >= SLOT_LEAST {
            let full = std::mem::take(&mut self.slot);
            self.settle(scale, &full);
        }
    }

    /// As if the slot were over now.
    pub(super) fn with_open_slot(&self, scale: &Scale) -> Self {
        let mut state = self.clone();
        let open = std::mem::take(&mut state.slot);
        if open.seconds > 0.0 {
            state.settle(scale, &open);
        }
        state
    }

    fn settle(&mut self, scale: &Scale, slot: &Slot) {
        let bar = scale.bar(self.learned);
        let least = -scale.most_against() * slot.seconds / SLOT;
        let most = scale.most_for(slot.seconds);
        let faded = FADE * slot.seconds / SLOT;
        for (run, (miss, hit)) in self.runs.iter_mut().zip(scale.weights) {
            let said = miss * slot.misses + hit * slot.hits;
            run.evidence += said.clamp(least, most) - faded;
            if run.evidence <= 0.0 {
                *run = Run::default();
            } else {
                run.evidence = run.evidence.min(scale.most(bar));
                run.lookups = (run.lookups + slot.hits + slot.misses).min(MOST);
                run.misses = (run.misses + slot.misses).min(run.lookups);
                run.seconds = (run.seconds + slot.seconds).min(MOST);
            }
        }
        self.learned *= (-std::f64::consts::LN_2 * slot.seconds / HALF_LIFE).exp();
        self.age = (self.age + slot.seconds).min(MOST);
        self.learn(bar);
    }

    /// An excursion that fell to half its peak without reaching the bar, or reached it for a short time only, shows
    /// how far chance and short bursts alone carry the evidence on this cache.
    fn learn(&mut self, bar: f64) {
        let evidence = self.evidence();
        self.peak = self.peak.max(evidence);
        self.alarmed |= evidence >= bar;
        if evidence < self.peak * 0.5 {
            if !self.alarmed || self.age < SHORT_ALARM {
                self.learned = self.learned.max(self.peak);
            }
            if !self.alarmed || evidence < 1.0 {
                self.end_excursion(evidence);
            }
        }
        if evidence <= 0.0 {
            self.age = 0.0;
        }
    }

    fn end_excursion(&mut self, evidence: f64) {
        self.alarmed = false;
        self.peak = evidence;
        self.age = 0.0;
    }

    /// Forgets the evidence, not what was learned.
    pub(super) fn clear(&mut self) {
        self.runs = Default::default();
        self.slot = Slot::default();
        self.end_excursion(0.0);
    }

    /// The alternative that the most speaks for.
    pub(super) fn lead(&self) -> Run {
        let by_evidence = |a: &&Run, b: &&Run| a.evidence.total_cmp(&b.evidence);
        self.runs
            .iter()
            .max_by(by_evidence)
            .copied()
            .unwrap_or_default()
    }

    /// In nats.
    pub(super) fn evidence(&self) -> f64 {
        self.lead().evidence
    }

    /// The highest evidence of the present excursion.
    pub(super) fn peak(&self) -> f64 {
        self.peak
    }

    /// The highest peak that came to nothing.
    pub(super) fn learned(&self) -> f64 {
        self.learned
    }

    /// Nothing, where a number is none or cannot be.
    pub(super) fn checked(self) -> Self {
        let slot = self.slot;
        let mut numbers = vec![self.threshold, self.learned, self.peak, self.age];
        numbers.extend([slot.hits, slot.misses, slot.seconds]);
        for run in &self.runs {
            numbers.extend([run.evidence, run.lookups, run.misses, run.seconds]);
        }
        let sound = numbers.iter().all(|n| (0.0..=MOST).contains(n))
            && slot.seconds < SLOT_LEAST
            && self.runs.iter().all(|run| run.misses <= run.lookups);
        if sound { self } else { Self::default() }
    }
}
