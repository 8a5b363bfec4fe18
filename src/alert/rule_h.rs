//! Whether too many lookups miss: rule H of the project's simulation (`benches/detector.rs` repeats it).
//!
//! It holds when the Wilson lower bound of the miss ratio over the long window is above the threshold, and the ratio
//! over the short window is too. The long window is evidence that it is no chance, the short one that it still goes on.
//! A long window with too few lookups is replaced by the extended one; if that has too few as well, nothing is said.
//! Nor is anything said until readings span the short window: before that both windows are the same few seconds, and
//! any burst that happens while cachewatch starts would count as evidence.
//!
//! Deliberately absent: time that passes. How long it must hold is the state machine's.
//!
//! Invariant: a breach always rests on at least `min_lookups` lookups.

use std::fmt::Display;

use super::machine::Verdict;
use super::words::{add, grouped, percent, percent_set, said, span};
use crate::analyze::history::History;
use crate::analyze::wilson;
use crate::config::MissRatioRule;
use crate::model::time::Now;
use crate::model::window::WindowStats;

/// What the rule finds, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// In a word.
    pub verdict: Verdict,
    /// The short window.
    pub short: WindowStats,
    /// The long window, or the extended one in its place.
    pub long: WindowStats,
    /// Lower confidence bound of the long ratio, at the rule's own confidence.
    pub long_lower: Option<f64>,
    /// One line: which clause held or did not, with the numbers.
    pub explanation: String,
}

/// Looks at the cache. `fresh`: some node of it has a recent reading.
pub fn evaluate(rule: &MissRatioRule, history: &History, fresh: bool, now: Now) -> Evaluation {
    evaluate_from(rule, history, fresh, None, now)
}

/// As [`evaluate`], but what was before `from` (on the monotonic clock) does not count.
pub fn evaluate_from(
    rule: &MissRatioRule,
    history: &History,
    fresh: bool,
    from: Option<std::time::Duration>,
    now: Now,
) -> Evaluation {
    let most = from.map_or(std::time::Duration::MAX, |from| {
        now.mono.saturating_sub(from)
    });
    let short = history.window(rule.short_window.min(most), now);
    let mut long = history.window(rule.long_window.min(most), now);
    let lookups = |window: &WindowStats| window.lookups().unwrap_or(0);
    if lookups(&long) < rule.min_lookups {
        long = history.window(rule.extended_window.min(most), now);
    }
    let z = wilson::z_for_confidence(rule.confidence);
    let long_lower = long
        .delta
        .misses
        .and_then(|misses| wilson::lower(misses, lookups(&long), z));

    let (verdict, explanation) = if !fresh {
        let words = "no reading to judge by: the last poll failed, or is late".to_owned();
        (Verdict::NoData, words)
    } else if lookups(&long) < rule.min_lookups {
        let words = format!(
            "only {} lookups in {}, fewer than the {} that a judgement needs",
            grouped(lookups(&long)),
            span(long.window),
            grouped(rule.min_lookups)
        );
        (Verdict::InsufficientTraffic, words)
    } else if long.covered.min(most) < rule.short_window.min(rule.long_window) {
        let words = format!(
            "readings span {} so far; it is judged from {} on",
            span(long.covered.min(most)),
            span(rule.short_window.min(rule.long_window))
        );
        (Verdict::InsufficientTraffic, words)
    } else if let (Some(now_ratio), Some(ratio), Some(lower)) =
        (short.miss_ratio, long.miss_ratio, long_lower)
    {
        judge(rule, &long, now_ratio, ratio, lower)
    } else {
        let words = format!("no lookups in {}", span(short.window));
        (Verdict::InsufficientTraffic, words)
    };
    Evaluation {
        verdict,
        short,
        long,
        long_lower,
        explanation,
    }
}

fn judge(
    rule: &MissRatioRule,
    long: &WindowStats,
    now_ratio: f64,
    ratio: f64,
    lower: f64,
) -> (Verdict, String) {
    let mut words = said(format_args!(
        "{} of {} lookups missed in {} (at least {} with {} confidence) and {} in {}: ",
        percent(ratio),
        grouped(long.lookups().unwrap_or(0)),
        span(long.window),
        percent(lower),
        percent_set(rule.confidence),
        percent(now_ratio),
        span(rule.short_window)
    ));
    let threshold = percent_set(rule.threshold);
    let clear = percent_set(rule.clear_threshold);
    let long_holds = lower > rule.threshold;
    let (verdict, clause, limit): (_, _, &dyn Display) = if long_holds && now_ratio > rule.threshold
    {
        let clause = "the bound and the short window are above";
        (Verdict::Breach, clause, &threshold)
    } else if now_ratio < rule.clear_threshold {
        (Verdict::Clear, "the short window is below", &clear)
    } else if long_holds {
        let clause = "the short window is not above";
        (Verdict::Between, clause, &threshold)
    } else {
        (Verdict::Between, "the bound is not above", &threshold)
    };
    add(&mut words, format_args!("{clause} {limit}"));
    (verdict, words)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analyze::fixture::at;
    use crate::model::window::Totals;

    /// One sample every 10 s; `pace(t)` says how many (hits, misses) the next 10 s bring.
    fn history(until: u64, pace: impl Fn(u64) -> (u64, u64)) -> History {
        let mut history = History::new(Duration::from_secs(10));
        let (mut hits, mut misses) = (0, 0);
        for t in (0..=until).step_by(10) {
            let totals = Totals {
                hits: Some(hits),
                misses: Some(misses),
                ..Totals::default()
            };
            history.push(at(t), totals);
            let (h, m) = pace(t);
            hits += h;
            misses += m;
        }
        history
    }

    fn verdict(until: u64, pace: impl Fn(u64) -> (u64, u64)) -> Verdict {
        let rule = MissRatioRule::default();
        evaluate(&rule, &history(until, pace), true, at(until)).verdict
    }

    #[test]
    fn both_windows_must_hold() {
        assert_eq!(verdict(3600, |_| (90, 10)), Verdict::Clear);
        assert_eq!(verdict(3600, |_| (60, 40)), Verdict::Breach);
        assert_eq!(verdict(3600, |_| (82, 18)), Verdict::Between);
        // Over now, though the long window still holds: clear.
        assert_eq!(
            verdict(3600, |t| if t < 3300 { (50, 50) } else { (90, 10) }),
            Verdict::Clear
        );
        // A burst: the short window alone.
        assert_eq!(
            verdict(3600, |t| if t < 3500 { (90, 10) } else { (20, 80) }),
            Verdict::Between
        );
    }

    #[test]
    fn a_few_lookups_say_nothing() {
        let every = |seconds: u64| move |t: u64| (0, u64::from(t.is_multiple_of(seconds)));
        // 45 lookups in the hour, all of them misses; then 60.
        let few = history(3600, every(80));
        let got = evaluate(&MissRatioRule::default(), &few, true, at(3600));
        assert_eq!(got.verdict, Verdict::InsufficientTraffic);
        assert!(
            got.explanation.contains("fewer than the 50"),
            "{}",
            got.explanation
        );
        assert_eq!(verdict(3600, every(60)), Verdict::Breach);
    }

    #[test]
    fn the_extended_window_takes_over_when_the_long_one_has_too_little() {
        // 45 lookups in 15 min, 180 in the hour.
        let pace = |t: u64| (0, u64::from(t.is_multiple_of(20)));
        let got = evaluate(
            &MissRatioRule::default(),
            &history(3600, pace),
            true,
            at(3600),
        );
        assert_eq!(
            (got.verdict, got.long.window),
            (Verdict::Breach, Duration::from_hours(1))
        );
    }

    #[test]
    fn no_lookups_in_the_short_window_say_nothing() {
        let stopped = |t: u64| if t < 3000 { (50, 50) } else { (0, 0) };
        let got = evaluate(
            &MissRatioRule::default(),
            &history(3600, stopped),
            true,
            at(3600),
        );
        assert_eq!(got.verdict, Verdict::InsufficientTraffic);
        assert_eq!(got.explanation, "no lookups in 5m");
    }

    #[test]
    fn a_burst_at_the_start_is_no_evidence() {
        let burst = |t: u64| if t < 60 { (20, 80) } else { (90, 10) };
        let rule = MissRatioRule::default();
        let got = evaluate(&rule, &history(120, burst), true, at(120));
        assert_eq!(got.verdict, Verdict::InsufficientTraffic);
        assert_eq!(
            got.explanation,
            "readings span 2m so far; it is judged from 5m on"
        );
        assert_eq!(verdict(330, burst), Verdict::Between);
        assert_eq!(verdict(300, |_| (60, 40)), Verdict::Breach);
    }

    #[test]
    fn without_a_reading_nothing_is_judged() {
        let got = evaluate(
            &MissRatioRule::default(),
            &history(3600, |_| (0, 100)),
            false,
            at(3600),
        );
        assert_eq!(got.verdict, Verdict::NoData);
        let empty = History::new(Duration::from_secs(5));
        let got = evaluate(&MissRatioRule::default(), &empty, true, at(0));
        assert_eq!(got.verdict, Verdict::InsufficientTraffic);
    }

    #[test]
    fn the_explanation_has_the_numbers() {
        let got = evaluate(
            &MissRatioRule::default(),
            &history(3600, |_| (60, 40)),
            true,
            at(3600),
        );
        assert_eq!(
            got.explanation,
            "40.0 % of 9 000 lookups missed in 15m (at least 38.8 % with 98 % confidence) and 40.0 % in 5m: the bound \
             and the short window are above 20 %"
        );
    }
}
