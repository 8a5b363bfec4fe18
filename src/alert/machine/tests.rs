//! The machine against a slow model that looks at the whole history each time.

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::at;

const VERDICTS: [Verdict; 5] = [
    Verdict::NoData,
    Verdict::InsufficientTraffic,
    Verdict::Breach,
    Verdict::Clear,
    Verdict::Between,
];

type History = [(u64, Verdict)];

/// Seconds between neighbours that are both `verdict`.
fn credit(history: &History, verdict: Verdict) -> u64 {
    history
        .windows(2)
        .filter(|w| w[0].1 == verdict && w[1].1 == verdict)
        .map(|w| w[1].0 - w[0].0)
        .sum()
}

/// The end of the history in which all verdicts are among these.
fn tail<'a>(history: &'a History, among: &[Verdict]) -> &'a History {
    let outside = history.iter().rposition(|(_, v)| !among.contains(v));
    &history[outside.map_or(0, |i| i + 1)..]
}

/// The state without an incident, from what was seen since the last one; `Firing` when one begins.
fn quiet(history: &History, for_: u64) -> AlertState {
    use Verdict::{Breach, NoData};
    let Some((_, last)) = history.last() else {
        return AlertState::NoData;
    };
    // A condition begins anew after any other finding, and after too long a time in the dark.
    let mut run = tail(history, &[Breach, NoData]);
    let mut begin = 0;
    for i in 0..run.len() {
        if run[i].1 == NoData && credit(tail(&run[..=i], &[NoData]), NoData) > for_ {
            begin = i + 1;
        }
    }
    run = &run[begin..];
    let first = run.iter().position(|(_, v)| *v == Breach);
    match (last, first) {
        (Verdict::Clear | Verdict::Between, _) => AlertState::Ok,
        (Verdict::InsufficientTraffic, _) => AlertState::InsufficientTraffic,
        (Breach, Some(first)) if credit(&run[first..], Breach) >= for_ => AlertState::Firing,
        (_, Some(_)) => AlertState::Pending,
        (_, None) => AlertState::NoData,
    }
}

/// The state with an incident that began at the first entry.
fn open(history: &History, clear_for: u64, idle_for: u64) -> AlertState {
    use Verdict::{Clear, InsufficientTraffic, NoData};
    let undecided = [InsufficientTraffic, NoData];
    let clear = tail(history, &[Clear, InsufficientTraffic, NoData]);
    let recovering = clear.iter().any(|(_, v)| *v == Clear);
    let idle = credit(tail(history, &undecided), InsufficientTraffic);
    match history.last().unwrap().1 {
        Clear if credit(clear, Clear) >= clear_for => AlertState::Ok,
        InsufficientTraffic if idle >= idle_for => AlertState::InsufficientTraffic,
        _ if recovering => AlertState::Recovering,
        _ => AlertState::Firing,
    }
}

/// The states after each entry.
fn model(history: &History, for_: u64, clear_for: u64, idle_for: u64) -> Vec<AlertState> {
    let mut states = Vec::new();
    let mut firing = false;
    let mut begin = 0;
    for i in 0..history.len() {
        let state = if firing {
            open(&history[begin..=i], clear_for, idle_for)
        } else {
            quiet(&history[begin..=i], for_)
        };
        if state.is_firing() != firing {
            firing = !firing;
            begin = i;
        }
        states.push(state);
    }
    states
}

fn timing(for_: u64, clear_for: u64, idle_for: u64) -> Timing {
    Timing {
        for_: Duration::from_secs(for_),
        clear_for: Duration::from_secs(clear_for),
        idle_for: Duration::from_secs(idle_for),
    }
}

fn run(verdicts: &[(u64, Verdict)], timing: &Timing) -> (Vec<AlertState>, Vec<Change>) {
    let mut machine = Machine::new(at(0));
    let mut states = Vec::new();
    let mut changes = Vec::new();
    for (t, verdict) in verdicts {
        changes.extend(machine.step(*verdict, timing, at(*t)));
        states.push(machine.state());
    }
    (states, changes)
}

proptest! {
    #[test]
    fn the_machine_agrees_with_the_model(
        // Runs, so that long stretches of one finding are as frequent as changes.
        runs in prop::collection::vec((0_usize..5, prop::collection::vec(0_u64..30, 1..6)), 1..30),
        for_ in 0_u64..60,
        clear_for in 0_u64..60,
        idle_for in 0_u64..90,
    ) {
        let mut t = 0;
        let mut history = Vec::new();
        for (verdict, steps) in runs {
            for dt in steps {
                t += dt;
                history.push((t, VERDICTS[verdict]));
            }
        }
        let (states, changes) = run(&history, &timing(for_, clear_for, idle_for));
        // With both at 0 an incident begins and ends by single findings; the model says the same.
        prop_assert_eq!(states, model(&history, for_, clear_for, idle_for));
        for (i, change) in changes.iter().enumerate() {
            prop_assert_eq!(*change == Change::Fired, i % 2 == 0);
        }
    }

    /// A restart in the middle changes nothing but that the time of being away does not count.
    #[test]
    fn a_restored_machine_goes_on(verdicts in prop::collection::vec((1_u64..30, 0_usize..5), 1..40), cut in 0_usize..40) {
        let timing = timing(40, 50, 90);
        let mut one = Machine::new(at(0));
        let mut two = Machine::new(at(0));
        let mut t = 0;
        for (i, (dt, verdict)) in verdicts.iter().enumerate() {
            t += dt;
            if i == cut {
                one.last = None;
                two = Machine::restored(two.kept());
            }
            let verdict = VERDICTS[*verdict];
            prop_assert_eq!(one.step(verdict, &timing, at(t)), two.step(verdict, &timing, at(t)));
            prop_assert_eq!(one.kept(), two.kept());
        }
    }
}

#[test]
fn an_incident_from_first_to_last() {
    use AlertState::{Firing, Ok, Pending, Recovering};
    use Verdict::{Between, Breach, Clear, NoData};
    let history = [
        (0, Clear),
        (10, Breach),
        (20, NoData),
        (30, Breach),
        (40, Breach),
        (50, Breach),
        (60, NoData),
        (500, NoData),
        (510, Clear),
        (520, Between),
        (530, Clear),
        (540, NoData),
        (550, Clear),
        (560, Clear),
        (570, Clear),
    ];
    let (states, changes) = run(&history, &timing(20, 20, 60));
    assert_eq!(
        states,
        [
            Ok, Pending, Pending, Pending, Pending, Firing, Firing, Firing, Recovering, Firing,
            Recovering, Recovering, Recovering, Recovering, Ok
        ]
    );
    assert_eq!(changes, [Change::Fired, Change::Resolved(Ending::Cleared)]);
}

#[test]
fn an_incident_without_traffic_ends_some_time() {
    use Verdict::{Breach, InsufficientTraffic, NoData};
    let history = [
        (0, Breach),
        (10, InsufficientTraffic),
        (40, InsufficientTraffic),
        (50, NoData),
        (500, InsufficientTraffic),
        (530, InsufficientTraffic),
    ];
    let (_, changes) = run(&history, &timing(0, 20, 60));
    assert_eq!(changes, [Change::Fired, Change::Resolved(Ending::Idle)]);
}
