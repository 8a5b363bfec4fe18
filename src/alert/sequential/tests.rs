//! Of the sequential test: what it must never do, and what it must.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::MissRatioRule;
use crate::model::time::Now;
use crate::model::window::Totals;

const TEN: Duration = Duration::from_secs(10);

/// A cache and the test that watches it.
struct Watch {
    params: Params,
    test: Sequential,
    history: History,
    now: Now,
    totals: (u64, u64),
}

impl Watch {
    fn new(params: Params) -> Self {
        let mut history = History::new(TEN);
        let none = Totals {
            hits: Some(0),
            misses: Some(0),
            ..Totals::default()
        };
        history.push(Now::ZERO, none);
        Self {
            params,
            test: Sequential::new(),
            history,
            now: Now::ZERO,
            totals: (0, 0),
        }
    }

    fn read(&mut self, hits: u64, misses: u64, span: Duration) -> Evaluation {
        self.totals.0 += hits;
        self.totals.1 += misses;
        self.now = self.now.plus(span);
        let totals = Totals {
            hits: Some(self.totals.0),
            misses: Some(self.totals.1),
            ..Totals::default()
        };
        self.history.push(self.now, totals);
        self.test.observe(&self.params, hits, misses, span);
        self.look()
    }

    fn look(&self) -> Evaluation {
        self.test
            .evaluate(&self.params, &self.history, true, self.now)
    }

    /// The same reading so many times.
    fn go_on(&mut self, times: u32, hits: u64, misses: u64) -> Evaluation {
        for _ in 0..times {
            self.read(hits, misses, TEN);
        }
        self.look()
    }
}

fn above(threshold: f64) -> Params {
    Params::from(&MissRatioRule {
        threshold,
        clear_threshold: 0.8 * threshold,
        ..MissRatioRule::default()
    })
}

/// After an hour of 10 %, 100 lookups in 10 s.
fn healthy() -> Watch {
    let mut watch = Watch::new(Params::default());
    let found = watch.go_on(360, 90, 10);
    assert_eq!(found.verdict, Verdict::Clear);
    watch
}

fn evidence(params: &Params, test: &Sequential) -> f64 {
    test.evaluate(params, &History::new(TEN), true, Now::ZERO)
        .evidence
}

#[test]
fn a_step_fires_within_eighty_seconds_and_clears() {
    let mut watch = healthy();
    assert_ne!(watch.go_on(7, 60, 40).verdict, Verdict::Breach);
    let found = watch.go_on(1, 60, 40);
    assert_eq!(found.verdict, Verdict::Breach);
    assert_eq!(
        found.explanation,
        "40.0 % of 800 lookups missed in the last 1m 20s (at least 36.1 % with 98 % confidence): above 20 %, evidence \
         8.5 of the 8.0 that it takes"
    );
    assert_eq!(watch.go_on(360, 60, 40).verdict, Verdict::Breach);
    let cleared = (1..=90).find(|_| watch.go_on(1, 90, 10).verdict == Verdict::Clear);
    assert!(cleared.is_some_and(|slots| slots <= 31), "{cleared:?}");
}

#[test]
fn the_change_is_found_where_it_was() {
    let mut watch = healthy();
    let run = watch.go_on(60, 60, 40).run.unwrap();
    assert_eq!((run.lookups, run.misses), (6000, 2400));
    assert_eq!(run.span, Duration::from_mins(10));
    assert!((run.ratio - 0.4).abs() < 1e-9 && run.lower < 0.4 && run.lower > 0.38);
}

#[test]
fn a_minute_of_nothing_but_misses_does_not_fire_but_is_remembered() {
    let mut watch = healthy();
    assert_ne!(watch.go_on(6, 0, 100_000).verdict, Verdict::Breach);
    let found = watch.go_on(60, 90, 10);
    assert!(found.evidence < 0.1 && found.bar > 13.0, "{found:?}");
    // Half of it is forgotten in two weeks; what chance gives raises nothing.
    watch.read(90_000_000, 10_000_000, Duration::from_hours(24 * 14));
    assert!((watch.look().bar - 8.0).abs() < 1e-9);
}

#[test]
fn an_incident_does_not_raise_the_bar() {
    let mut watch = healthy();
    watch.go_on(360, 60, 40);
    let found = watch.go_on(360, 90, 10);
    assert!(found.evidence < 0.1 && found.bar < 8.01, "{found:?}");
    watch.go_on(20, 60, 40);
    assert_eq!(watch.look().verdict, Verdict::Breach);
    watch.test.start_anew();
    assert!(watch.look().evidence < 0.1 && watch.look().bar < 8.01);
}

#[test]
fn an_alarm_that_was_over_at_once_does_and_then_such_bursts_are_quiet() {
    let mut watch = healthy();
    assert_eq!(watch.go_on(18, 20, 80).verdict, Verdict::Breach);
    for _ in 0..24 {
        watch.go_on(342, 90, 10);
        assert_ne!(watch.go_on(18, 20, 80).verdict, Verdict::Breach);
    }
    // Never later than this.
    watch.go_on(342, 90, 10);
    assert_eq!(watch.go_on(19, 20, 80).verdict, Verdict::Breach);
}

#[test]
fn a_few_lookups_say_nothing() {
    let mut watch = Watch::new(Params::default());
    // One in a minute, all of them misses: 49 in the hour.
    for i in 1..=49 {
        let found = watch.read(0, 1, Duration::from_mins(1));
        assert_eq!(found.verdict, Verdict::InsufficientTraffic, "after {i}");
    }
    assert_eq!(
        watch.look().explanation,
        "only 49 lookups in 1h, fewer than the 50 that a judgement needs"
    );
    assert_eq!(
        watch.read(0, 1, Duration::from_mins(1)).verdict,
        Verdict::Breach
    );
}

#[test]
fn fewer_than_a_dozen_never_fire() {
    let mut watch = Watch::new(above(0.02));
    watch.go_on(300, 1, 0);
    for i in 1..MIN_RUN {
        assert_ne!(watch.read(0, 1, TEN).verdict, Verdict::Breach, "after {i}");
    }
    assert_eq!(watch.read(0, 1, TEN).verdict, Verdict::Breach);
}

#[test]
fn without_readings_or_lookups_nothing_is_said_and_evidence_fades() {
    let mut watch = healthy();
    let before = watch.go_on(10, 60, 40);
    let stale = watch
        .test
        .evaluate(&watch.params, &watch.history, false, watch.now);
    assert_eq!(stale.verdict, Verdict::NoData);
    let found = watch.read(0, 0, Duration::from_hours(1));
    assert_eq!(found.verdict, Verdict::InsufficientTraffic);
    let faded = before.evidence - found.evidence;
    assert!((faded - 0.54).abs() < 0.01, "{faded}");
    watch.read(0, 0, Duration::from_hours(48));
    assert_eq!((watch.look().run, watch.look().evidence), (None, 0.0));
}

#[test]
fn another_threshold_begins_anew() {
    let mut watch = healthy();
    assert_eq!(watch.go_on(30, 60, 40).verdict, Verdict::Breach);
    watch.params = above(0.3);
    let found = watch.look();
    assert_eq!((found.evidence, found.run), (0.0, None));
    assert!(watch.go_on(1, 60, 40).evidence > 0.9);
}

#[test]
fn what_makes_no_sense_is_not_loaded() {
    let mut watch = healthy();
    watch.go_on(12, 60, 40);
    let json = serde_json::to_string(&watch.test).unwrap();
    assert!(json.len() < 2048, "{}", json.len());
    for (from, to) in [
        ("\"seconds\":120.0", "\"seconds\":-1.0"),
        ("\"misses\":480.0", "\"misses\":1e300"),
        ("\"misses\":480.0", "\"misses\":1300.0"),
    ] {
        assert!(json.contains(from), "{json}");
        let broken: Sequential = serde_json::from_str(&json.replacen(from, to, 1)).unwrap();
        assert_eq!(broken, Sequential::new());
    }
    assert_eq!(
        serde_json::from_str::<Sequential>("{}").unwrap(),
        Sequential::new()
    );
}

fn readings() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    // Half of them ordinary, half of them absurd.
    let ordinary = (0_u64..500, 0_u64..300, 1_u64..400);
    let absurd = (any::<u64>(), any::<u64>(), 0_u64..u64::MAX);
    prop::collection::vec(prop_oneof![ordinary, absurd], 1..60)
}

proptest! {
    #[test]
    fn it_stays_finite_and_bounded(
        readings in readings(),
        threshold in prop_oneof![any::<f64>(), 0.02_f64..0.9],
        confidence in prop_oneof![any::<f64>(), 0.5_f64..0.9999],
        caution: f64,
        burst: u32,
    ) {
        let burst = Duration::from_secs(u64::from(burst));
        let params = Params { confidence, burst, caution, ..above(threshold) };
        let mut test = Sequential::new();
        for (hits, misses, millis) in readings {
            test.observe(&params, hits, misses, Duration::from_millis(millis));
            let found = test.evaluate(&params, &History::new(TEN), true, Now::ZERO);
            prop_assert!(found.evidence.is_finite() && found.evidence >= 0.0);
            prop_assert!(found.bar.is_finite() && found.evidence < 60.0);
            let saved = serde_json::to_string(&test).unwrap();
            let loaded: Sequential = serde_json::from_str(&saved).unwrap();
            prop_assert_ne!(&loaded, &Sequential::new());
            let again = loaded.evaluate(&params, &History::new(TEN), true, Now::ZERO);
            prop_assert!((again.evidence - found.evidence).abs() < 1e-9);
        }
    }

    /// Whatever the threshold, the confidence, the phase and how often one reads.
    #[test]
    fn a_burst_within_the_bound_never_fires(
        threshold in 0.02_f64..0.9,
        confidence in 0.5_f64..0.9999,
        burst in 20_u64..400,
        poll in 1_u64..400,
        phase in 0_u64..400,
        misses in 1_u64..1_000_000,
    ) {
        let params = Params { confidence, burst: Duration::from_secs(burst), ..above(threshold) };
        let mut watch = Watch::new(params);
        let begin = 4000 + phase % poll;
        let burst = burst - (poll.max(20) / 10).min(burst - 1);
        let mut t = 0;
        while t < begin + burst + 600 {
            let bad = (t..t + poll).filter(|s| (begin..begin + burst).contains(s)).count() as u64;
            let found = watch.read((poll - bad) * 50, bad * misses, Duration::from_secs(poll));
            prop_assert!(found.verdict != Verdict::Breach, "{} at {}", found.explanation, t);
            t += poll;
        }
    }

    /// For each threshold a user may set: twice the odds are told, four fifths of the limit are not.
    #[test]
    fn each_threshold_has_a_sensible_test(threshold in 0.02_f64..0.9) {
        let odds = 2.0 * threshold / (1.0 - threshold);
        let bad = whole(10_000.0 * odds / (1.0 + odds));
        let good = whole(8_000.0 * threshold);
        let mut watch = Watch::new(above(threshold));
        for _ in 0..360 {
            prop_assert!(watch.read(10_000 - good, good, TEN).evidence < 0.01);
        }
        let fired = (1..=9).find(|_| watch.read(10_000 - bad, bad, TEN).verdict == Verdict::Breach);
        prop_assert_eq!(fired, Some(8));
    }

    #[test]
    fn more_misses_are_more_evidence(
        readings in prop::collection::vec((0_u64..40, 0_u64..20), 1..200),
        at in 0_usize..200,
        threshold in 0.02_f64..0.9,
    ) {
        let params = above(threshold);
        let (mut less, mut more) = (Sequential::new(), Sequential::new());
        for (i, (hits, misses)) in readings.iter().enumerate() {
            less.observe(&params, *hits, *misses, TEN);
            // One hit of them was a miss.
            let moved = u64::from(i == at && *hits > 0);
            more.observe(&params, hits - moved, misses + moved, TEN);
            // While the bar, and with it the headroom, is the same.
            if less.state.learned() == 0.0 && more.state.learned() == 0.0 {
                prop_assert!(evidence(&params, &more) >= evidence(&params, &less) - 1e-9);
            }
        }
    }

    /// Readings of a second, or pieces of any length, that make up the same slots, give the same evidence.
    #[test]
    fn how_a_slot_is_read_does_not_matter(
        slots in prop::collection::vec((0_u64..40, 0_u64..20, 1_u64..9), 1..100),
    ) {
        let params = Params::default();
        let (mut whole, mut split) = (Sequential::new(), Sequential::new());
        for (hits, misses, cut) in slots {
            whole.observe(&params, hits, misses, TEN);
            split.observe(&params, hits, 0, Duration::from_secs(cut));
            split.observe(&params, 0, misses, Duration::from_secs(10 - cut));
        }
        prop_assert!((evidence(&params, &whole) - evidence(&params, &split)).abs() < 1e-6);
    }

    /// A reading that comes late proves no more than the same counts in good time.
    #[test]
    fn merged_readings_prove_less(hits in 0_u64..100, misses in 1_u64..100, merged in 2_u32..40) {
        let params = Params::default();
        let (mut each, mut once) = (Sequential::new(), Sequential::new());
        for _ in 0..merged {
            each.observe(&params, hits, misses, TEN);
        }
        once.observe(&params, hits * u64::from(merged), misses * u64::from(merged), TEN * merged);
        let (each, once) = (evidence(&params, &each), evidence(&params, &once));
        prop_assert!(once <= each + 1e-6, "{once} {each}");
        prop_assert!(once < 8.0);
    }
}
