//! What the claims about the miss alert rest on: false firings a week and delay of rule H as it is implemented, beside
//! the two rules that people write by hand. Lookups are simulated (Poisson arrivals, independent misses), polled every
//! 10 s. `cargo bench --bench detector` prints the table of `alerting.md` 7.2; it takes about a minute.
//!
//! Deliberately absent: correlated misses, seasons, and anything of the program but history, rule and state machine.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::time::Duration;

use cachewatch::alert::machine::{Change, Machine, Timing, Verdict};
use cachewatch::alert::rule_h;
use cachewatch::analyze::history::History;
use cachewatch::config::MissRatioRule;
use cachewatch::model::time::Now;
use cachewatch::model::window::Totals;

const POLL: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);
const SEEDS: u64 = 5;
const RUNS: u64 = 200;
/// Long enough for every window to be full before the step.
const BEFORE_STEP: Duration = Duration::from_mins(70);
const AFTER_STEP: Duration = Duration::from_hours(2);

/// Traffic: lookups a second and the miss ratio, both by time.
struct Load {
    name: &'static str,
    per_second: f64,
    miss_ratio: fn(Duration) -> f64,
}

/// A cache that nobody has, and its lookups so far.
struct Cache {
    random: fastrand::Rng,
    now: Now,
    totals: (u64, u64),
}

impl Cache {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            now: Now::ZERO,
            totals: (0, 0),
        }
    }

    /// One poll interval later.
    fn poll(&mut self, per_second: f64, miss_ratio: f64) -> Totals {
        let lookups = self.poisson(per_second * POLL.as_secs_f64());
        let misses = (0..lookups)
            .filter(|_| self.random.f64() < miss_ratio)
            .count() as u64;
        self.totals.0 += lookups - misses;
        self.totals.1 += misses;
        self.now = self.now.plus(POLL);
        Totals {
            hits: Some(self.totals.0),
            misses: Some(self.totals.1),
            ..Totals::default()
        }
    }

    /// Arrivals with exponential times between them.
    fn poisson(&mut self, mean: f64) -> u64 {
        let mut count = 0;
        let mut time = -(1.0 - self.random.f64()).ln();
        while time < mean {
            count += 1;
            time -= (1.0 - self.random.f64()).ln();
        }
        count
    }
}

/// A rule that can be compared: what it finds, and how long that must hold.
struct Detector {
    name: &'static str,
    find: fn(&History, Now) -> Verdict,
    timing: Timing,
}

fn rule_h(history: &History, now: Now) -> Verdict {
    rule_h::evaluate(&MissRatioRule::default(), history, true, now).verdict
}

/// `misses / lookups over 5 min > 20 %`, and nothing else.
fn naive(history: &History, now: Now) -> Verdict {
    match history.window(Duration::from_mins(5), now).miss_ratio {
        Some(ratio) if ratio > 0.20 => Verdict::Breach,
        _ => Verdict::Clear,
    }
}

fn detectors() -> [Detector; 3] {
    let rule = MissRatioRule::default();
    let timing = |for_, clear_for| Timing {
        for_,
        clear_for,
        idle_for: clear_for + rule.extended_window,
    };
    [
        Detector {
            name: "5m > 20 %",
            find: naive,
            timing: timing(Duration::ZERO, Duration::ZERO),
        },
        Detector {
            name: "5m > 20 % for 5m",
            find: naive,
            timing: timing(Duration::from_mins(5), Duration::ZERO),
        },
        Detector {
            name: "rule H",
            find: rule_h,
            timing: timing(rule.for_, rule.clear_for),
        },
    ]
}

/// From when to when an incident was open.
type Incident = (Duration, Duration);

/// Runs the load and tells the incidents that each detector saw.
fn incidents(load: &Load, length: Duration, run: u64) -> Vec<Vec<Incident>> {
    let detectors = detectors();
    let mut cache = Cache::new(run);
    let mut history = History::new(POLL);
    let mut machines: Vec<Machine> = detectors.iter().map(|_| Machine::new(cache.now)).collect();
    let mut seen: Vec<Vec<Incident>> = vec![Vec::new(); detectors.len()];
    while cache.now.mono < length {
        let totals = cache.poll(load.per_second, (load.miss_ratio)(cache.now.mono));
        let now = cache.now;
        history.push(now, totals);
        for ((detector, machine), seen) in detectors.iter().zip(&mut machines).zip(&mut seen) {
            let verdict = (detector.find)(&history, now);
            match machine.step(verdict, &detector.timing, now) {
                Some(Change::Fired) => seen.push((now.mono, Duration::MAX)),
                Some(Change::Resolved(_)) => {
                    if let Some(last) = seen.last_mut() {
                        last.1 = now.mono;
                    }
                }
                None => {}
            }
        }
    }
    seen
}

fn hourly_scan(t: Duration) -> f64 {
    if t.as_secs() % 3600 < 60 { 0.80 } else { 0.10 }
}

fn step(t: Duration, to: f64) -> f64 {
    if t < BEFORE_STEP { 0.10 } else { to }
}

fn healthy() -> [Load; 5] {
    let load = |name, per_second, miss_ratio| Load {
        name,
        per_second,
        miss_ratio,
    };
    [
        load("0.05/s, 10 %", 0.05, |_| 0.10),
        load("0.5/s, 17 %", 0.5, |_| 0.17),
        load("20/s, 17 %", 20.0, |_| 0.17),
        load("20/s, 10 % + scan", 20.0, hourly_scan),
        load("0.5/s, 20 %", 0.5, |_| 0.20),
    ]
}

fn steps() -> [Load; 7] {
    let load = |name, per_second, miss_ratio| Load {
        name,
        per_second,
        miss_ratio,
    };
    [
        load("0.05/s -> 40 %", 0.05, |t| step(t, 0.4)),
        load("0.05/s -> 80 %", 0.05, |t| step(t, 0.8)),
        load("0.5/s -> 30 %", 0.5, |t| step(t, 0.3)),
        load("0.5/s -> 40 %", 0.5, |t| step(t, 0.4)),
        load("20/s -> 30 %", 20.0, |t| step(t, 0.3)),
        load("20/s -> 40 %", 20.0, |t| step(t, 0.4)),
        load("20/s -> 80 %", 20.0, |t| step(t, 0.8)),
    ]
}

/// Seconds from the step until each detector had an incident open; `None` where it came to nothing.
fn delays(load: &Load, run: u64) -> Vec<Option<u64>> {
    let open_after = |seen: Vec<Incident>| {
        let (from, _) = seen.into_iter().find(|(_, to)| *to > BEFORE_STEP)?;
        Some(from.saturating_sub(BEFORE_STEP).as_secs())
    };
    incidents(load, BEFORE_STEP + AFTER_STEP, 1000 + run)
        .into_iter()
        .map(open_after)
        .collect()
}

fn heading(first: &str) {
    let names = detectors().map(|detector| format!("{:>20}", detector.name));
    println!("{first:<20}{}", names.concat());
}

fn main() {
    heading("firings a week");
    for load in healthy() {
        let mut counts = detectors().map(|_| 0_usize);
        for seed in 0..SEEDS {
            for (count, seen) in counts.iter_mut().zip(incidents(&load, DAY * 7, seed)) {
                *count += seen.len();
            }
        }
        let cells = counts.map(|count| format!("{:>20.1}", count as f64 / SEEDS as f64));
        println!("{:<20}{}", load.name, cells.concat());
    }

    println!();
    heading("median delay, s");
    for load in steps() {
        let runs: Vec<Vec<Option<u64>>> = (0..RUNS).map(|run| delays(&load, run)).collect();
        let cells: Vec<String> = (0..detectors().len())
            .map(|i| {
                let mut found: Vec<u64> = runs.iter().filter_map(|run| *run.get(i)?).collect();
                found.sort_unstable();
                let missed = runs.len() - found.len();
                // A run that missed it counts as later than all others.
                match found.get(runs.len() / 2) {
                    Some(median) if missed == 0 => format!("{median:>20}"),
                    Some(median) => format!("{:>20}", format!("({missed} missed) {median}")),
                    None => format!("{:>20}", format!("never ({missed})")),
                }
            })
            .collect();
        println!("{:<20}{}", load.name, cells.concat());
    }
}
