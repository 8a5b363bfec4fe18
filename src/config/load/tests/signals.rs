//! Rules about signals of all kinds, maintenance windows, inhibitions.

use super::*;
use crate::config::maintenance::When;
use crate::config::signal::Measure;

fn signals() -> Config {
    load_file(Path::new("src/config/testdata/good/signals.yaml")).unwrap()
}

fn rule<'a>(config: &'a Config, name: &str) -> &'a Rule {
    config
        .rules
        .iter()
        .find(|r| r.name.as_str() == name)
        .unwrap()
}

fn limit<'a>(config: &'a Config, name: &str) -> &'a LimitRule {
    match &rule(config, name).signal {
        Signal::Limit(limit) => limit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_limit_has_its_side_and_its_clear_limit() {
    let config = signals();
    let evicts = limit(&config, "Evicts");
    assert_eq!(evicts.measure, Measure::EvictionsPerSecond);
    assert!(evicts.above && (evicts.clear_threshold - 4.0).abs() < 1e-9);
    assert_eq!(evicts.window, Duration::from_mins(10));
    assert_eq!(evicts.clear_for, Duration::from_mins(15), "keep_firing_for");
    let hits = limit(&config, "HitRatioLow");
    assert!(!hits.above && (hits.clear_threshold - 0.84).abs() < 1e-9);
    assert_eq!(hits.for_, Duration::from_mins(1));
}

#[test]
fn a_rule_says_what_it_is_about() {
    let config = signals();
    assert_eq!(
        rule(&config, "Reads").scope,
        Scope::Namespaces {
            globs: vec!["user:*".to_owned()],
            most: 5
        }
    );
    assert_eq!(limit(&config, "Reads").measure, Measure::MissRatio);
    assert_eq!(
        rule(&config, "Share").scope,
        Scope::Namespaces {
            globs: vec!["*".to_owned()],
            most: 20
        },
        "it is of nothing else"
    );
    assert_eq!(rule(&config, "Keys").scope, Scope::Nodes { most: 20 });
    assert!(matches!(rule(&config, "Past").signal, Signal::Baseline(_)));
}

#[test]
fn the_miss_ratio_is_judged_by_evidence_unless_it_is_said() {
    let config = signals();
    let Signal::MissRatio(windowed) = &rule(&config, "CacheMissRatioHigh").signal else {
        panic!("miss ratio")
    };
    assert_eq!(
        (windowed.detector, windowed.for_),
        (Detector::Windowed, Duration::from_mins(1))
    );
    assert!(!rule(&config, "CacheMissRatioHigh").warms_up());
    let config = load_env(&["redis://host"], &[]).unwrap();
    let Signal::MissRatio(usual) = &rule(&config, "CacheMissRatioHigh").signal else {
        panic!("miss ratio")
    };
    assert_eq!(usual, &MissRatioRule::sequential());
    assert!(rule(&config, "CacheMissRatioHigh").warms_up());
    assert!(!rule(&config, "CacheDown").warms_up());
}

#[test]
fn maintenance_windows_are_read() {
    let config = signals();
    let [night, moving] = config.maintenance.as_slice() else {
        panic!("two windows")
    };
    let labels = [("cache", "sessions"), ("severity", "warning")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    // A Sunday, half past midnight in Berlin: it began on Saturday.
    let at = "2026-01-10T23:30:00Z".parse().unwrap();
    assert_eq!(
        night.until(&labels, at).unwrap().to_string(),
        "2026-01-11T00:30:00Z"
    );
    assert!(matches!(moving.when, When::Once { .. }));
    assert!(
        moving
            .until(&labels, "2026-12-01T20:00:00Z".parse().unwrap())
            .is_some()
    );
    assert_eq!(config.inhibitions.len(), 1);
}
