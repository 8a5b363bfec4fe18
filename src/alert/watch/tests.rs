//! State machine, mutes, flapping and saved state together, against a slow model that looks at the whole history at
//! each step: over random readings, failed polls, restarts of cachewatch, jumps of the wall clock, and silences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::alert::book::AlertBook;
use crate::alert::saved::SavedState;
use crate::alert::surroundings::{EachSample, Gauges, Outcome, Surroundings};
use crate::analyze::fixture::{at, config, counters, good, reading};
use crate::analyze::history::History;
use crate::analyze::ledger::CacheLedger;
use crate::config::LimitRule;
use crate::config::signal::Measure;
use crate::model::incident::{Severity, Transition};
use crate::model::name::Name;
use crate::model::silence::Silence;
use crate::model::snapshot::CacheSnapshot;

/// What happens at one step.
#[derive(Debug, Clone)]
struct Event {
    /// How long after the one before, in seconds.
    dt: u64,
    verdict: Verdict,
    /// Whether cachewatch was restarted in between.
    restart: bool,
    /// By how much the wall clock jumps, in seconds.
    jump: i64,
    muted: bool,
}

/// What there is to see after a step.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    state: AlertState,
    told: Option<Transition>,
}

/// One entry of the history of the model.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Time in which something could be seen, since the entry before.
    seen: u64,
    /// Time of being away before it.
    away: Option<u64>,
    verdict: Verdict,
    muted: bool,
}

impl Entry {
    fn passed(&self) -> u64 {
        self.seen + self.away.unwrap_or(0)
    }
}

/// Time between neighbours that both found this.
fn credit(history: &[Entry], verdict: Verdict) -> u64 {
    let both = |w: &&[Entry]| w.iter().all(|entry| entry.verdict == verdict);
    history.windows(2).filter(both).map(|w| w[1].seen).sum()
}

/// The end of the history in which all verdicts are among these.
fn tail<'a>(history: &'a [Entry], among: &[Verdict]) -> &'a [Entry] {
    let outside = history.iter().rposition(|e| !among.contains(&e.verdict));
    &history[outside.map_or(0, |i| i + 1)..]
}

/// How long nothing has been known up to an entry, its own verdict aside or included, since the last breach.
fn dark(run: &[Entry], to: usize, included: bool) -> u64 {
    let last = run[..to].iter().rposition(|e| e.verdict == Verdict::Breach);
    let after = last.map_or(0, |i| i + 1);
    let aways: u64 = run[after..=to].iter().filter_map(|e| e.away).sum();
    let end = if included { to + 1 } else { to };
    aways + credit(&run[after.min(end)..end], Verdict::NoData)
}

/// The state without an incident.
fn quiet(history: &[Entry], for_: u64) -> AlertState {
    use Verdict::{Breach, Clear, NoData};
    let run = tail(history, &[Breach, NoData]);
    let mut begin = 0;
    for i in 0..run.len() {
        if run[i].away.is_some() && dark(run, i, false) > for_ {
            begin = i;
        }
        if run[i].verdict == NoData && dark(run, i, true) > for_ {
            begin = i + 1;
        }
    }
    let run = &run[begin..];
    let first = run.iter().position(|e| e.verdict == Breach);
    match (history.last().map(|e| e.verdict), first) {
        (Some(Clear | Verdict::Between), _) => AlertState::Ok,
        (Some(Breach), Some(first)) if credit(&run[first..], Breach) >= for_ => AlertState::Firing,
        (_, Some(_)) => AlertState::Pending,
        _ => AlertState::NoData,
    }
}

/// The state with an incident that began at the first entry.
fn open(history: &[Entry], clear_for: u64) -> AlertState {
    use Verdict::{Clear, NoData};
    let clear = tail(history, &[Clear, NoData]);
    let recovers = clear.iter().any(|e| e.verdict == Clear);
    let last = history.last().map(|e| e.verdict);
    if last == Some(Clear) && credit(clear, Clear) >= clear_for {
        AlertState::Ok
    } else if recovers {
        AlertState::Recovering
    } else {
        AlertState::Firing
    }
}

/// All that was to be seen, from the history alone.
fn model(history: &[Entry], for_: u64, clear_for: u64) -> Vec<Shown> {
    let mut shown = Vec::new();
    let (mut begin, mut incident, mut told) = (0, false, false);
    let mut fired: Vec<usize> = Vec::new();
    for i in 0..history.len() {
        let upto = &history[begin..=i];
        let mut transition = None;
        let state = if incident {
            // So many firings within the hour before the last one, that one included.
            let last = fired[fired.len() - 1];
            let age = |at: usize| -> u64 { history[at + 1..=last].iter().map(Entry::passed).sum() };
            let times = fired.iter().filter(|at| age(**at) < 3600).count();
            let held = match times.min(16) {
                0..=2 => clear_for,
                times => (clear_for << (times - 2)).clamp(0, 3600).max(clear_for),
            };
            open(upto, held)
        } else {
            quiet(upto, for_)
        };
        if state.is_firing() && !incident {
            (incident, begin) = (true, i);
            fired.push(i);
            told = false;
        } else if !state.is_firing() && incident {
            (incident, begin) = (false, i);
            transition = told.then_some(Transition::Resolved);
        }
        let silent = incident && history[i].muted;
        if incident && !told && !silent && state == AlertState::Firing {
            told = true;
            transition = Some(Transition::Firing);
        }
        shown.push(Shown {
            state: if silent { AlertState::Silenced } else { state },
            told: transition,
        });
    }
    shown
}

/// The gauge that the rule looks at.
struct Value(f64);

impl Gauges for Value {
    fn each(&self, _metric: &str, _cache: &CacheSnapshot, _now: Now, each: EachSample<'_>) {
        each(&[], self.0);
    }
}

fn rule(for_: u64, clear_for: u64) -> Rule {
    let limit = LimitRule {
        metric: Some("cache_keys".to_owned()),
        clear_threshold: 1.0,
        for_: Duration::from_secs(for_),
        clear_for: Duration::from_secs(clear_for),
        ..LimitRule::new(Measure::Gauge, true, 2.0)
    };
    Rule::new(
        Name::new("Keys").unwrap(),
        Signal::Limit(limit),
        Severity::Info,
    )
}

fn new_book(rule: &Rule, now: Now) -> AlertBook {
    let rules = std::slice::from_ref(rule);
    AlertBook::new(&config().name, &BTreeMap::new(), rules, now)
}

fn everything(now: Now) -> Silence {
    Silence {
        id: "1".to_owned(),
        matchers: vec!["cache=*".parse().unwrap()],
        author: "ann".to_owned(),
        comment: String::new(),
        starts: now.wall,
        ends: Timestamp::MAX,
        created: now.wall,
    }
}

/// Lets the real thing see the same. Gives what was shown, what the model has to know of the clocks, and all that was
/// told.
fn real(events: &[Event], rule: &Rule) -> (Vec<Shown>, Vec<Entry>, Outcome) {
    let mut ledger = CacheLedger::new(&config());
    ledger.observe(&good(at(0), reading(Some("a"), 1, counters(1, 1, 1))));
    let mut cache = ledger.snapshot(at(0));
    let history = History::new(Duration::from_secs(5));
    let mut now = at(1_000_000);
    now.mono = Duration::from_secs(1);
    let mut book = new_book(rule, now);
    let (mut shown, mut entries, mut all) = (Vec::new(), Vec::new(), Outcome::default());
    for (i, event) in events.iter().enumerate() {
        let before = now;
        now = now.plus(Duration::from_secs(event.dt));
        let jump = SignedDuration::from_secs(event.jump);
        now.wall = now.wall.saturating_add(jump).unwrap();
        let mut away = None;
        if event.restart && i > 0 {
            let text = serde_json::to_string(&book.save(before)).unwrap();
            let saved: SavedState = serde_json::from_str(&text).unwrap();
            now.mono = Duration::from_secs(1);
            book = new_book(rule, now);
            assert_eq!(book.restore(&saved, now), Outcome::default());
            let passed = now.wall.duration_since(before.wall).as_secs();
            away = Some(u64::try_from(passed).unwrap_or(0));
        }
        entries.push(Entry {
            seen: if away.is_some() || i == 0 {
                0
            } else {
                event.dt
            },
            away,
            verdict: event.verdict,
            muted: event.muted,
        });
        cache.nodes[0].up = event.verdict != Verdict::NoData;
        let value = Value(match event.verdict {
            Verdict::Breach => 3.0,
            Verdict::Between => 1.5,
            _ => 0.0,
        });
        let silences = event.muted.then(|| everything(now));
        let around = Surroundings {
            silences: silences.as_slice(),
            gauges: Some(&value),
            ..Surroundings::default()
        };
        let outcome = book.evaluate(&cache, &history, &around, now);
        assert!(outcome.notifications.len() <= 1);
        shown.push(Shown {
            state: outcome.statuses[0].state,
            told: outcome.notifications.first().map(|n| n.transition),
        });
        all.add(outcome);
    }
    (shown, entries, all)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let verdicts = prop::sample::select(vec![
        Verdict::NoData,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Clear,
        Verdict::Clear,
        Verdict::Between,
    ]);
    // Runs, so that long stretches of one finding are as frequent as changes.
    let step = (
        prop_oneof![20 => 0_u64..30, 1 => 300_u64..2000],
        prop::bool::weighted(0.06),
        prop_oneof![20 => Just(0_i64), 1 => Just(3600), 1 => Just(-3600)],
    );
    let run = (
        verdicts,
        prop::bool::weighted(0.2),
        prop::collection::vec(step, 1..6),
    );
    prop::collection::vec(run, 1..30).prop_map(|runs| {
        let steps = runs.into_iter().flat_map(|(verdict, muted, steps)| {
            steps.into_iter().map(move |(dt, restart, jump)| Event {
                dt,
                verdict,
                restart,
                jump,
                muted,
            })
        });
        steps.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn all_of_it_agrees_with_the_model(events in events(), for_ in 0_u64..60, clear_for in 0_u64..60) {
        let rule = rule(for_, clear_for);
        let (shown, entries, all) = real(&events, &rule);
        prop_assert_eq!(shown, model(&entries, for_, clear_for));

        // Each incident begins once and ends at most once, under an id of its own, and so is what is told of it.
        for said in [&all.incidents, &all.notifications] {
            let mut firing = BTreeSet::new();
            let mut resolved = BTreeSet::new();
            for one in said {
                match one.transition {
                    Transition::Firing => prop_assert!(firing.insert(one.incident.clone())),
                    Transition::Resolved => {
                        prop_assert!(firing.contains(&one.incident));
                        prop_assert!(resolved.insert(one.incident.clone()));
                    }
                }
            }
        }
        // The records of transitions lead from one state to the next without a gap, but over a restart.
        if !events.iter().any(|event| event.restart) {
            for pair in all.transitions.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
            }
        }
        for status in &all.statuses {
            prop_assert!(status.looks.len() <= MAX_LOOKS);
        }
    }
}
