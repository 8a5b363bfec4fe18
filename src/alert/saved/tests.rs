//! What comes back after a restart, and what does not.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::{at, config};
use crate::config::{DownRule, MissRatioRule, Rule, Signal};
use crate::model::incident::{AlertState, Severity, Transition};

/// Written by the first version of cachewatch that kept its state.
const FIRST: &str = r#"{
  "cache": "sessions", "saved_at": "1970-01-01T01:00:00Z",
  "rules": [
    {"rule": "CacheMissRatioHigh", "signal": "miss_ratio", "severity": "warning", "runbook": null, "state": "firing",
     "since": "1970-01-01T00:50:00Z", "held_ms": 0, "idle_ms": 0, "unknown_ms": 0,
     "pending_since": "1970-01-01T00:49:00Z", "normal_ratio": 0.1,
     "incident": {"started": "1970-01-01T00:50:00Z", "pending_since": "1970-01-01T00:49:00Z", "age_ms": 600000,
                  "peak_ratio": 0.6, "normal_ratio": 0.1, "lookups": 1000, "misses": 600}},
    {"rule": "CacheDown", "signal": "down", "severity": "critical", "runbook": null, "state": "pending",
     "since": "1970-01-01T00:59:30Z", "held_ms": 30000, "idle_ms": 0, "unknown_ms": 0,
     "pending_since": "1970-01-01T00:59:30Z", "normal_ratio": null, "incident": null}
  ]
}"#;

fn rules() -> Vec<Rule> {
    let rule = |name, signal, severity| Rule::new(Name::new(name).unwrap(), signal, severity);
    vec![
        rule(
            "CacheMissRatioHigh",
            Signal::MissRatio(MissRatioRule::sequential()),
            Severity::Warning,
        ),
        rule(
            "CacheDown",
            Signal::Down(DownRule::default()),
            Severity::Critical,
        ),
    ]
}

fn book(rules: &[Rule]) -> AlertBook {
    AlertBook::new(&config().name, &BTreeMap::new(), rules, at(3600))
}

#[test]
fn the_file_of_the_first_version_is_continued() {
    let saved: SavedState = serde_json::from_str(FIRST).unwrap();
    assert_eq!((saved.version, saved.rules.len()), (1, 2));
    let mut continued = book(&rules());
    assert_eq!(continued.restore(&saved, at(3630)), Outcome::default());
    let states: Vec<_> = continued
        .rules
        .iter()
        .map(|ruled| ruled.watches[0].machine.state())
        .collect();
    assert_eq!(states, [AlertState::Firing, AlertState::Pending]);
    let gone = continued.retire("over", at(3700));
    assert_eq!(gone.notifications[0].transition, Transition::Resolved);
    assert_eq!(
        gone.notifications[0].incident,
        "sessions-CacheMissRatioHigh-3000000"
    );
    // What it writes is of the present version, and the same again.
    let mut again = book(&rules());
    again.restore(&saved, at(3600));
    let written = again.save(at(3600));
    assert_eq!(written.version, VERSION);
    let text = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<SavedState>(&text).unwrap(), written);
}

#[test]
fn what_a_later_version_says_in_other_words_is_left_out_and_the_rest_is_used() {
    let later = FIRST
        .replace("\"state\": \"pending\"", "\"state\": \"dreaming\"")
        .replace("\"cache\"", "\"version\": 9, \"mood\": {}, \"cache\"")
        .replace(
            "\"severity\": \"warning\"",
            "\"severity\": \"warning\", \"new\": [1]",
        );
    let saved: SavedState = serde_json::from_str(&later).unwrap();
    assert_eq!((saved.version, saved.rules.len()), (9, 1));
    let mut book = book(&rules());
    assert_eq!(book.restore(&saved, at(3600)), Outcome::default());
    assert_eq!(book.save(at(3600)).rules.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever a file says, a book can be made of it and goes on.
    #[test]
    fn nothing_in_a_file_can_panic(
        state in 0_usize..8,
        numbers in prop::collection::vec(any::<u64>(), 6),
        ratio in any::<f64>(),
        open in any::<bool>(),
        minutes in 0_u64..100_000,
        subject in any::<bool>(),
    ) {
        let value = serde_json::json!({
            "version": numbers[0] % 4, "cache": "sessions", "saved_at": at(minutes * 60).wall,
            "warm_ups": [{"rule": "CacheMissRatioHigh", "since": at(5).wall, "kind": "restart",
                          "age_ms": numbers[3], "length_ms": numbers[4]}],
            "rules": [{
                "rule": "CacheMissRatioHigh", "signal": "miss_ratio", "severity": "info", "runbook": null,
                "subject": subject.then(|| serde_json::json!({"namespace": "a:*"})),
                "state": AlertState::ALL[state].as_str(), "since": at(1).wall,
                "held_ms": numbers[0], "idle_ms": numbers[1], "unknown_ms": numbers[2] % 3,
                "pending_since": null, "normal_ratio": ratio, "fired_ms": [numbers[5], 3], "firings": numbers[1] % 4_000_000_000,
                "memory": {"weird": numbers},
                "incident": open.then(|| serde_json::json!({
                    "started": at(3).wall, "pending_since": at(2).wall, "age_ms": numbers[3], "peak_ratio": ratio,
                    "normal_ratio": ratio, "lookups": numbers[4], "misses": numbers[5], "number": i64::MAX,
                })),
            }],
        });
        let saved: SavedState = serde_json::from_value(value).unwrap();
        let mut book = book(&rules());
        let gone = book.restore(&saved, at(3600));
        let end = book.retire("over", at(9000));
        let told = gone.notifications.len() + end.notifications.len();
        // An incident that was open is never lost; a state that contradicts it is not followed.
        let followed = open && (subject || matches!(AlertState::ALL[state], AlertState::Firing | AlertState::Recovering));
        prop_assert_eq!(told, usize::from(followed));
    }
}
