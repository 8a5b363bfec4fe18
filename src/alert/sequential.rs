//! Whether the true miss ratio is above the threshold: a sequential test that may be looked at after every reading.
//!
//! For each of six alternatives the log likelihood ratio against "the ratio is at the threshold" is added up, reset
//! whenever it falls to nought (CUSUM: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954)), with what
//! each 10 s may add capped, so that no burst up to `Params::burst` can fire, however deep. It fires at a bar of 8 nats
//! (odds of 3 000 to 1). Evidence that rose and came to nothing shows how far chance, correlated misses or regular
//! bursts carry it on this cache, and raises the bar (half of that is forgotten in 14 days). Hence a cache that hovers
//! at its threshold did not fire in a simulated year, and one that is usually far below it is judged without delay.
//! With a fixed bar one has to choose: 8 nats fire 38 times a year on such a cache, 11 still twice, and take longer than
//! rule H from 10 % to 40 % at 0.05 lookups/s. What is not had: an excess of a quarter of the threshold at 0.5 lookups/s
//! takes 35 min (rule H: 16, with 570 false firings a year). `benches/detector.rs` has the figures and the trade-off.
//!
//! Deliberately absent: the state machine. `for` should be zero: the time that it must hold is in the cap.
//!
//! Invariants: a breach rests on at least [`MIN_RUN`] lookups in at least `burst` of time; the same traffic gives the
//! same evidence, whether it is read every second or every ten, and less if it is read more rarely.

use std::time::Duration;

use super::machine::Verdict;
use super::words::{add, grouped, percent, percent_set, said, span, tenths};
use crate::analyze::history::History;
use crate::analyze::wilson;
use crate::model::time::Now;
use crate::model::window::WindowStats;

mod params;
mod state;

pub use params::Params;
use params::Scale;
use state::State;

/// Fewer lookups than this are never enough, even if all of them miss: they may be one client with one list of keys.
/// A dozen misses in a row at a true 20 % are one in 2e8; the bar alone would be content with eight.
pub const MIN_RUN: u64 = 12;

/// Evidence that has fallen this far (in nats) below its peak no longer grows.
const FALLEN: f64 = 0.5;

/// The state of the test for one cache and one rule. Small, bounded, and saved with the incident's: serialised it is
/// less than 2 KB. What is loaded and makes no sense counts as nothing.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(from = "State", into = "State")]
pub struct Sequential {
    state: State,
}

impl From<State> for Sequential {
    fn from(state: State) -> Self {
        Self {
            state: state.checked(),
        }
    }
}

impl From<Sequential> for State {
    fn from(sequential: Sequential) -> Self {
        sequential.state
    }
}

/// The lookups since the evidence began to grow: where the change was, as far as one can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// How long ago that was.
    pub span: Duration,
    /// Lookups since.
    pub lookups: u64,
    /// Misses among them.
    pub misses: u64,
    /// Misses / lookups, 0..1. The beginning is chosen by the data, so it is a little high while there are few.
    pub ratio: f64,
    /// Its Wilson lower bound at the rule's confidence.
    pub lower: f64,
}

/// What the test finds, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// In a word.
    pub verdict: Verdict,
    /// The short window.
    pub short: WindowStats,
    /// That the ratio is above the threshold, in nats.
    pub evidence: f64,
    /// What it takes.
    pub bar: f64,
    /// What the evidence rests on. `None` while there is none.
    pub run: Option<Run>,
    /// One line: what was found, with the numbers.
    pub explanation: String,
}

impl Sequential {
    /// Nothing seen, nothing learned.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a reading: what happened since the one before, `span` ago. To be called once for each. A late reading
    /// is one with a long span. Where it is not known what happened (a restart of cachewatch, a counter that was
    /// reset), call it with no lookups: the evidence fades by half a nat an hour. Another threshold begins anew.
    pub fn observe(&mut self, params: &Params, hits: u64, misses: u64, span: Duration) {
        let scale = Scale::of(params);
        // A century: what is longer is a clock that jumped.
        let seconds = span.as_secs_f64().min(3.2e9);
        self.state.add(&scale, hits as f64, misses as f64, seconds);
    }

    /// Forgets the evidence, not what was learned. For when an incident was resolved, or a cache was flushed.
    pub fn start_anew(&mut self) {
        self.state.clear();
    }

    /// Judges. `fresh`: some node of the cache has a recent reading.
    pub fn evaluate(
        &self,
        params: &Params,
        history: &History,
        fresh: bool,
        now: Now,
    ) -> Evaluation {
        let scale = Scale::of(params);
        let known = if self.state.belongs(&scale) {
            self.state.clone()
        } else {
            State::default()
        };
        let state = known.with_open_slot(&scale);
        let short = history.window(params.short_window, now);
        let enough = |window: &WindowStats| window.lookups() >= Some(params.min_lookups);
        // What the short window holds, the extended one does, too.
        let recent = if params.extended_window >= params.short_window && enough(&short) {
            short.lookups()
        } else {
            history.window(params.extended_window, now).lookups()
        };
        let mut found = Evaluation {
            verdict: Verdict::Between,
            evidence: state.evidence(),
            // Of before the open slot, which must not raise the bar that it is held against.
            bar: scale.bar(known.learned()),
            run: run(&state, params.confidence),
            short,
            explanation: String::new(),
        };
        (found.verdict, found.explanation) = if fresh {
            let falling = found.evidence < state.peak() - FALLEN;
            judge(params, &found, recent.unwrap_or(0), falling)
        } else {
            let words = "no reading to judge by: the last poll failed, or is late".to_owned();
            (Verdict::NoData, words)
        };
        found
    }
}

fn run(state: &State, confidence: f64) -> Option<Run> {
    let lead = state.lead();
    let (lookups, misses) = (whole(lead.lookups), whole(lead.misses));
    Some(Run {
        span: Duration::try_from_secs_f64(lead.seconds).unwrap_or(Duration::MAX),
        lookups,
        misses,
        ratio: (lookups > 0).then(|| lead.misses / lead.lookups)?,
        lower: wilson::lower(misses, lookups, wilson::z_for_confidence(confidence))?,
    })
}

fn judge(params: &Params, found: &Evaluation, recent: u64, falling: bool) -> (Verdict, String) {
    if recent < params.min_lookups {
        let words = format!(
            "only {} lookups in {}, fewer than the {} that a judgement needs",
            grouped(recent),
            span(params.extended_window),
            grouped(params.min_lookups)
        );
        return (Verdict::InsufficientTraffic, words);
    }
    let (Some(ratio), Some(lookups)) = (found.short.miss_ratio, found.short.lookups()) else {
        let words = format!("no lookups in {}", span(params.short_window));
        return (Verdict::InsufficientTraffic, words);
    };
    let threshold = percent_set(params.threshold);
    let (evidence, bar) = (tenths(found.evidence), tenths(found.bar));
    let below = ratio < params.clear_threshold;
    let enough = |run: &Run| run.lookups >= MIN_RUN && found.evidence >= found.bar;
    if let Some(run) = found.run.filter(enough)
        && !(below && falling)
    {
        let words = said(format_args!(
            "{} of {} lookups missed in the last {} (at least {} with {} confidence): above {threshold}, \
             evidence {evidence} of the {bar} that it takes",
            percent(run.ratio),
            grouped(run.lookups),
            span(run.span),
            percent(run.lower),
            percent_set(params.confidence),
        ));
        return (Verdict::Breach, words);
    }
    let mut words = said(format_args!(
        "{} of {} lookups missed in {}",
        percent(ratio),
        grouped(lookups),
        span(params.short_window)
    ));
    let verdict = if below {
        let clear = percent_set(params.clear_threshold);
        add(&mut words, format_args!(", below {clear}"));
        Verdict::Clear
    } else {
        Verdict::Between
    };
    add(
        &mut words,
        format_args!("; for more than {threshold}: evidence {evidence} of the {bar} that it takes"),
    );
    (verdict, words)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are held between 0 and 1e18"
)]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests;
