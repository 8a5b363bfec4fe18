//! What the sequential test is told, and the constants that follow from it.
//!
//! Deliberately absent: anything that changes while it runs.
//!
//! Invariant: every constant is finite and positive for every `Params`, however absurd.

use std::time::Duration;

use crate::config::MissRatioRule;

/// How many alternatives are tested side by side.
pub(super) const ALTERNATIVES: usize = 6;

/// The alternatives, as factors on the odds (not the ratio) of the threshold, so that they make sense for each
/// threshold; for 0.20 they are 0.211, 0.223, 0.25, 0.30, 0.40, 0.60. The near ones find a small excess at high
/// traffic, the far ones a large one at low traffic.
const ODDS: [f64; ALTERNATIVES] = [1.07, 1.15, 4.0 / 3.0, 12.0 / 7.0, 8.0 / 3.0, 6.0];

/// The time that one portion of capped evidence stands for, in seconds.
pub(super) const SLOT: f64 = 10.0;
/// A slot is made of whole readings, and full from here on: a poll of every 10 s that comes a little early fills it.
pub(super) const SLOT_LEAST: f64 = 9.0;

/// The evidence needed at a confidence of 98 %, in nats.
const BAR: f64 = 8.0;
/// The bar is never raised beyond this many times its lowest: at high traffic a step is then told after 190 s.
const BAR_MOST: f64 = 2.5;
/// Peaks up to this part of the bar are what chance gives every week; they raise nothing.
const USUAL: f64 = 0.5;
/// What a slot may take away, in portions: one good moment does not wipe out what many bad ones said.
const AGAINST: f64 = 3.0;
/// Evidence is kept up to this many portions above the bar: enough to hold it there, little enough to lose it soon.
const HEADROOM: f64 = 3.0;

/// What the sequential test is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// The question is whether the miss ratio is above this, 0..1 exclusive.
    pub threshold: f64,
    /// Clear below this over the short window.
    pub clear_threshold: f64,
    /// The window that clears.
    pub short_window: Duration,
    /// The window in which there must be `min_lookups`.
    pub extended_window: Duration,
    /// Below so many lookups in the extended window nothing is said.
    pub min_lookups: u64,
    /// 0.5..0.9999. Sets how much evidence is needed: 8 nats at 0.98, and one more for each factor e of doubt less.
    pub confidence: f64,
    /// A burst of misses up to this long does not fire, however deep. Default 1 min.
    pub burst: Duration,
    /// By how much a peak of evidence that came to nothing raises the bar, per nat; 0: not at all. Default 2.5.
    pub caution: f64,
}

impl From<&MissRatioRule> for Params {
    fn from(rule: &MissRatioRule) -> Self {
        Self {
            threshold: rule.threshold,
            clear_threshold: rule.clear_threshold,
            short_window: rule.short_window,
            extended_window: rule.extended_window,
            min_lookups: rule.min_lookups,
            confidence: rule.confidence,
            burst: Duration::from_mins(1),
            caution: 2.5,
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::from(&MissRatioRule::default())
    }
}

/// What follows from the parameters, in nats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) threshold: f64,
    /// Evidence of one miss and of one hit, for each alternative.
    pub(super) weights: [(f64, f64); ALTERNATIVES],
    /// What a slot may add at most.
    pub(super) cap: f64,
    /// The lowest bar.
    pub(super) bar: f64,
    caution: f64,
    burst: f64,
}

impl Scale {
    pub(super) fn of(params: &Params) -> Self {
        let threshold = or(params.threshold, 0.2).clamp(1e-6, 1.0 - 1e-6);
        let doubt = 1.0 - or(params.confidence, 0.98).clamp(0.5, 0.9999);
        let bar = BAR + (0.02 / doubt).ln();
        let burst = params.burst.as_secs_f64().clamp(SLOT, 3600.0);
        let odds = threshold / (1.0 - threshold);
        let weights = ODDS.map(|factor| {
            // (1 - ratio) / (1 - threshold), without the loss of digits near 1. A ratio with so many times the odds of
            // the threshold is that times the factor of it.
            let hit = ((1.0 + odds) / (1.0 + factor * odds)).ln();
            (factor.ln() + hit, hit)
        });
        Self {
            threshold,
            weights,
            // A burst touches one slot more than it fills; half a slot is left for what was there before.
            cap: bar / (burst / SLOT + 1.5),
            bar,
            caution: or(params.caution, 2.5).clamp(0.0, 100.0),
            burst,
        }
    }

    /// What a slot may take away at most.
    pub(super) fn most_against(&self) -> f64 {
        self.cap * AGAINST
    }

    /// The bar, given the highest peak that came to nothing.
    pub(super) fn bar(&self, learned: f64) -> f64 {
        let raised = self.bar + self.caution * (learned - USUAL * self.bar).max(0.0);
        raised.min(self.bar * BAR_MOST)
    }

    /// The most evidence that is kept.
    pub(super) fn most(&self, bar: f64) -> f64 {
        bar + HEADROOM * self.cap
    }

    /// What a slot of so many seconds may add at most.
    ///
    /// Of a slot one cannot tell how its misses were spread: all may have come in one burst. A burst touches at most
    /// `ceil(burst / seconds) + 1` slots; together these may add as much as those of 10 s that it touches. (A tenth of
    /// a slot is left out of account, so that a poll that comes a little early does not count as one more.)
    pub(super) fn most_for(&self, seconds: f64) -> f64 {
        if seconds <= 0.0 {
            return 0.0;
        }
        let touched = (self.burst / seconds - 0.1).ceil().max(1.0) + 1.0;
        self.cap * (self.burst / SLOT + 1.0) / touched
    }
}

/// The value, or another where it is none.
fn or(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}
