//! What the claims about the miss alert rest on: false firings a year and delay of the sequential test, beside rule H
//! and the two rules that people write by hand. Lookups are simulated and read every 10 s; the rules, the history and
//! the state machine are the program's own. `cargo bench --bench detector` prints the tables (about two minutes);
//! `-- --quick` a rougher version of them.
//!
//! Deliberately absent: anything else of the program.

#![expect(clippy::print_stdout, reason = "a program that prints tables")]

use std::thread;
use std::time::Duration;

use cachewatch::alert::sequential::Params;

#[path = "detector/loads.rs"]
mod loads;
#[path = "detector/random.rs"]
mod random;
#[path = "detector/rules.rs"]
mod rules;

use loads::{Cache, HARD, HEALTHY, Load, STEPS, Step};
use rules::{Bench, Rule, Second};

const POLL: Duration = Duration::from_secs(10);
const WEEK: Duration = Duration::from_hours(24 * 7);
/// Long enough for every window to be full before the step.
const BEFORE_STEP: Duration = Duration::from_mins(70);
const AFTER_STEP: Duration = Duration::from_hours(2);

/// How much is simulated.
#[derive(Clone, Copy)]
struct Size {
    /// Weeks of the sequential test; counts are given per 52.
    weeks: u32,
    /// Weeks of the other rules, which cost more and fire more.
    weeks_of_others: u32,
    runs: u64,
}

/// Firings of each rule in so many weeks, per year.
fn per_year(rules: &[Rule], load: &Load, interval: Duration, weeks: u32) -> Vec<f64> {
    let mut cache = Cache::new(load.name.bytes().map(u64::from).sum());
    let mut bench = Bench::new(rules, interval);
    let end = (WEEK * weeks).as_secs_f64();
    while cache.now < end {
        bench.read(cache.read(load, interval));
    }
    let year = 52.0 / f64::from(weeks);
    let firings = bench.watches.iter().map(|watch| watch.firings as f64);
    firings.map(|count| count * year).collect()
}

/// Seconds from the step until each rule had an incident open, sorted; the runs in which it came to nothing last.
fn delays(rules: &[Rule], step: &Step, before: Duration, runs: u64) -> Vec<Vec<Option<u64>>> {
    let mut all: Vec<Vec<Option<u64>>> = vec![Vec::new(); rules.len()];
    for run in 0..runs {
        let mut random = fastrand::Rng::with_seed(1000 + run);
        let mut bench = Bench::new(rules, POLL);
        for _ in 0..before.as_secs() / POLL.as_secs() {
            bench.read(loads::steady(&mut random, step.per_second, 0.10, POLL));
        }
        let mut found = vec![None; rules.len()];
        for i in 1..=AFTER_STEP.as_secs() / POLL.as_secs() {
            bench.read(loads::steady(&mut random, step.per_second, step.to, POLL));
            for (found, watch) in found.iter_mut().zip(&bench.watches) {
                if found.is_none() && watch.open() {
                    *found = Some(i * POLL.as_secs());
                }
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        for (all, found) in all.iter_mut().zip(found) {
            all.push(found);
        }
    }
    for delays in &mut all {
        delays.sort_unstable_by_key(|delay| delay.unwrap_or(u64::MAX));
    }
    all
}

/// `median / 95th percentile`.
fn quantiles(sorted: &[Option<u64>]) -> String {
    let at = |percent: usize| match sorted.get((sorted.len() * percent / 100).min(sorted.len() - 1))
    {
        Some(Some(delay)) => delay.to_string(),
        _ => "never".to_owned(),
    };
    format!("{} / {}", at(50), at(95))
}

/// One thread for each, results in order.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .iter()
            .map(|item| scope.spawn(|| work(item)))
            .collect();
        threads.into_iter().filter_map(|t| t.join().ok()).collect()
    })
}

fn line(first: &str, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>16}")).collect();
    println!("{first:<32}{}", cells.concat());
}

fn heading(first: &str) {
    println!();
    line(first, &rules::all().map(|rule| rule.name().to_owned()));
}

fn firings(title: &str, loads: &[Load], size: Size) {
    heading(title);
    let [naive, patient, h, ours, either] = rules::all();
    let others = [naive, patient, h, either];
    let rows = each(loads, |load| {
        let mut row = per_year(&others, load, POLL, size.weeks_of_others);
        let ours = std::slice::from_ref(&ours);
        let at = row.len() - 1;
        row.splice(at..at, per_year(ours, load, POLL, size.weeks));
        row
    });
    for (load, row) in loads.iter().zip(rows) {
        let cells: Vec<String> = row.iter().map(|count| format!("{count:.0}")).collect();
        line(load.name, &cells);
    }
}

fn steps(size: Size) {
    heading("delay, s: median / 95 %");
    let all = rules::all();
    let rows = each(&STEPS, |step| delays(&all, step, BEFORE_STEP, size.runs));
    for (step, row) in STEPS.iter().zip(rows) {
        let cells: Vec<String> = row.iter().map(|sorted| quantiles(sorted)).collect();
        line(step.name, &cells);
    }
}

/// The same for a test that has had a week to learn.
fn learned(size: Size) {
    println!();
    line("delay, s, after a week", &["sequential".to_owned()]);
    let rule = [Rule::Sequential(Params::default())];
    let slow = STEPS.get(..4).unwrap_or_default();
    let rows = each(slow, |step| delays(&rule, step, WEEK, size.runs / 4));
    for (step, row) in slow.iter().zip(rows) {
        let cells: Vec<String> = row.iter().map(|sorted| quantiles(sorted)).collect();
        line(step.name, &cells);
    }
}

fn poll_intervals(size: Size) {
    println!();
    line(
        "sequential, read every",
        &["1 min 80 %/h", "... shifted"].map(str::to_owned),
    );
    let rule = [Rule::Sequential(Params::default())];
    let intervals = [1, 5, 20, 30, 60, 300].map(Duration::from_secs);
    let scans = HEALTHY.get(3).into_iter().chain(HARD.get(2));
    let scans: Vec<&Load> = scans.collect();
    let rows = each(&intervals, |interval| {
        // What is read more often is simulated for a shorter time.
        let weeks = size
            .weeks
            .min(2 * u32::try_from(interval.as_secs()).unwrap_or(52));
        let count = |load: &&Load| per_year(&rule, load, *interval, weeks).iter().sum::<f64>();
        scans.iter().map(count).collect::<Vec<f64>>()
    });
    for (interval, row) in intervals.iter().zip(rows) {
        let cells: Vec<String> = row.iter().map(|count| format!("{count:.0}")).collect();
        line(&format!("{} s", interval.as_secs()), &cells);
    }
}

/// What the parameters buy, and what they cost.
fn trade_off(size: Size) {
    println!();
    let titles = [
        "0.5/s 20 %, /y",
        "0.05->40 %, s",
        "0.5->30 %, s",
        "20->40 %, s",
    ];
    line("sequential, with", &titles.map(str::to_owned));
    let params = |confidence, caution, burst| Params {
        confidence,
        caution,
        burst: Duration::from_secs(burst),
        ..Params::default()
    };
    let choices = [
        ("confidence 90 %, no caution", params(0.90, 0.0, 60)),
        ("confidence 98 %, no caution", params(0.98, 0.0, 60)),
        ("confidence 99.9 %, no caution", params(0.999, 0.0, 60)),
        ("confidence 99.99 %, no caution", params(0.9999, 0.0, 60)),
        ("confidence 90 %", params(0.90, 2.5, 60)),
        ("confidence 98 % (the default)", params(0.98, 2.5, 60)),
        ("confidence 99.9 %", params(0.999, 2.5, 60)),
        ("caution 1", params(0.98, 1.0, 60)),
        ("caution 5", params(0.98, 5.0, 60)),
        ("burst 30 s", params(0.98, 2.5, 30)),
        ("burst 3 min", params(0.98, 2.5, 180)),
    ];
    let rows = each(&choices, |(_, params)| {
        let rule = [Rule::Sequential(params.clone())];
        let mut cells = Vec::new();
        if let Some(limit) = HEALTHY.last() {
            let weeks = size.weeks.div_ceil(2);
            cells.extend(
                per_year(&rule, limit, POLL, weeks)
                    .iter()
                    .map(|n| format!("{n:.0}")),
            );
        }
        for step in [0, 2, 5].into_iter().filter_map(|i| STEPS.get(i)) {
            let sorted = delays(&rule, step, BEFORE_STEP, size.runs);
            cells.extend(sorted.iter().map(|sorted| quantiles(sorted)));
        }
        cells
    });
    for ((name, _), row) in choices.iter().zip(rows) {
        line(name, &row);
    }
}

/// What rule H beside the sequential test buys, and what it costs.
fn second_opinion(size: Size) {
    println!();
    let titles = [
        "0.5/s 17 %, /y",
        "0.5/s 20 %, /y",
        "0.05->40 %, s",
        "0.5->25 %, s",
    ];
    line("rule H beside it", &titles.map(str::to_owned));
    let either = |confidence, at_ease, part| {
        Rule::Either(Second {
            confidence,
            at_ease,
            part,
        })
    };
    let choices = [
        (
            "not at all (the default)",
            Rule::Sequential(Params::default()),
        ),
        ("at 98 %", either(0.98, false, 0.0)),
        ("at 99.9 %", either(0.999, false, 0.0)),
        ("at 99.99 %", either(0.9999, false, 0.0)),
        ("at 98 %, bar at its lowest", either(0.98, true, 0.0)),
        ("... and half the evidence", either(0.98, true, 0.5)),
        ("... at 99.9 %", either(0.999, true, 0.5)),
        ("rule H alone", Rule::H),
    ];
    let rows = each(&choices, |(_, rule)| {
        let rule = std::slice::from_ref(rule);
        let healthy = [1, 4].into_iter().filter_map(|i| HEALTHY.get(i));
        let mut cells: Vec<String> = healthy
            .flat_map(|load| per_year(rule, load, POLL, size.weeks_of_others * 3))
            .map(|count| format!("{count:.0}"))
            .collect();
        let steps = ["0.05/s -> 40 %", "0.5/s -> 25 %"];
        for step in STEPS.iter().filter(|step| steps.contains(&step.name)) {
            let sorted = delays(rule, step, BEFORE_STEP, size.runs);
            cells.extend(sorted.iter().map(|sorted| quantiles(sorted)));
        }
        cells
    });
    for ((name, _), row) in choices.iter().zip(rows) {
        line(name, &row);
    }
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let size = if quick {
        Size {
            weeks: 4,
            weeks_of_others: 1,
            runs: 40,
        }
    } else {
        Size {
            weeks: 52,
            weeks_of_others: 4,
            runs: 300,
        }
    };
    firings("firings a year", &HEALTHY, size);
    steps(size);
    learned(size);
    firings("firings a year, harder", &HARD, size);
    poll_intervals(size);
    trade_off(size);
    second_opinion(size);
}
