//! Of the baseline rule.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::window::Totals;

fn present(hits: u64, misses: u64) -> WindowStats {
    let n = hits + misses;
    WindowStats {
        window: Duration::from_mins(15),
        covered: Duration::from_mins(15),
        delta: Totals {
            hits: Some(hits),
            misses: Some(misses),
            ..Totals::default()
        },
        lookups_per_second: None,
        evictions_per_second: None,
        expirations_per_second: None,
        miss_ratio: (n > 0).then(|| misses as f64 / n as f64),
        miss_ratio_lower: None,
    }
}

fn past(ratios: &[f64]) -> Vec<Past> {
    let hour = |ratio: &f64| Past {
        ratio: *ratio,
        lookups: 10_000,
    };
    ratios.iter().map(hour).collect()
}

fn judged(hits: u64, misses: u64, ratios: &[f64]) -> Evaluation {
    evaluate(
        &Params::default(),
        &present(hits, misses),
        &past(ratios),
        true,
    )
}

#[test]
fn it_is_held_against_the_same_hour_of_earlier_days() {
    let usual = [0.35, 0.33, 0.36, 0.34, 0.35, 0.37, 0.35];
    let found = judged(6_500, 3_500, &usual);
    assert_eq!(found.verdict, Verdict::Clear);
    assert_eq!(judged(5_900, 4_100, &usual).verdict, Verdict::Between);
    let found = judged(5_000, 5_000, &usual);
    assert_eq!(found.verdict, Verdict::Breach);
    assert_eq!(
        found.explanation,
        "50.0 % of 10 000 lookups missed in 15m (at least 48.8 % with 98 % confidence); normal at this hour is 35.0 % \
         (median of 7 days), the limit 40.9 %: the bound is above the limit"
    );
}

#[test]
fn a_past_without_any_spread_does_not_make_every_change_an_alarm() {
    let flat = [0.10; 10];
    assert_eq!(judged(86_000, 14_000, &flat).verdict, Verdict::Between);
    assert_eq!(judged(88_000, 12_000, &flat).verdict, Verdict::Clear);
    assert_eq!(judged(83_000, 17_000, &flat).verdict, Verdict::Breach);
}

#[test]
fn bad_days_do_not_become_normal_while_they_are_fewer_than_half() {
    let normal = normal(
        &Params::default(),
        &past(&[0.9, 0.1, 0.95, 0.11, 0.1, 0.9, 0.1]),
    )
    .unwrap();
    assert!(normal.median < 0.12 && normal.limit < 0.2, "{normal:?}");
}

#[test]
fn without_a_past_or_a_present_nothing_is_said() {
    let found = judged(50, 50_000, &[0.1, 0.1]);
    assert_eq!(found.verdict, Verdict::InsufficientTraffic);
    assert_eq!(
        found.explanation,
        "fewer than 3 earlier days with at least 200 lookups at this hour"
    );
    let usual = [0.1, 0.1, 0.1];
    let found = judged(0, 199, &usual);
    assert_eq!(found.verdict, Verdict::InsufficientTraffic);
    assert_eq!(
        found.explanation,
        "only 199 lookups in 15m, fewer than the 200 that a judgement needs"
    );
    assert_eq!(judged(0, 0, &usual).verdict, Verdict::InsufficientTraffic);
    // Days with too little traffic, or with numbers that are none, do not count.
    let mut poor = past(&[0.1, 0.1, f64::NAN]);
    poor.push(Past {
        ratio: 0.1,
        lookups: 199,
    });
    assert_eq!(normal(&Params::default(), &poor), None);
    let stale = evaluate(
        &Params::default(),
        &present(0, 10_000),
        &past(&usual),
        false,
    );
    assert_eq!(stale.verdict, Verdict::NoData);
}

proptest! {
    #[test]
    fn a_breach_exceeds_the_median_by_the_floor(
        ratios in prop::collection::vec(prop_oneof![0.0_f64..1.0, any::<f64>()], 0..100),
        hits in 0_u64..100_000,
        misses in 0_u64..100_000,
        deviations in 0.0_f64..10.0,
    ) {
        let params = Params { deviations, ..Params::default() };
        let found = evaluate(&params, &present(hits, misses), &past(&ratios), true);
        if let Some(normal) = found.normal {
            prop_assert!((0.0..=1.0).contains(&normal.median) && normal.deviation >= 0.0);
            prop_assert!(normal.limit >= normal.median + params.floor - 1e-12);
            prop_assert!(normal.clear < normal.limit && normal.days <= MAX_PAST);
        }
        if found.verdict == Verdict::Breach {
            let normal = found.normal.unwrap();
            prop_assert!(misses as f64 / (hits + misses) as f64 > normal.median + params.floor);
            prop_assert!(hits + misses >= params.min_lookups && normal.days >= params.min_days);
        }
    }
}
