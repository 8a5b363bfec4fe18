//! A cache polled every 5 s, its ledger and its book, through whole incidents.

use std::sync::Arc;

use super::*;
use crate::alert::surroundings::{EachSample, Gauges, PastRatio};
use crate::analyze::fixture::{at, config, counters, failed, good, reading};
use crate::analyze::ledger::CacheLedger;
use crate::config::signal::Measure;
use crate::config::{DownRule, LimitRule, MissRatioRule};
use crate::export::sample::attribution::attribution;
use crate::model::attribution::CacheAttribution;
use crate::model::incident::{
    AlertState, AlertStatus, Evidence, MissEvidence, Notification, Severity, Transition,
};
use crate::model::name::Name;
use crate::model::poll::PollErrorKind;
use crate::model::record::TransitionRecord;
use crate::model::silence::Silence;

struct World {
    ledger: CacheLedger,
    book: AlertBook,
    now: u64,
    hits: u64,
    misses: u64,
    sent: Vec<Notification>,
    statuses: Vec<AlertStatus>,
    incidents: Vec<Notification>,
    cut: u64,
    transitions: Vec<TransitionRecord>,
    silences: Vec<Silence>,
    past: Vec<PastRatio>,
    run_id: &'static str,
    /// When the server was started.
    born: i64,
    attribution: Option<Arc<CacheAttribution>>,
}

fn rule(name: &str, signal: Signal) -> Rule {
    Rule {
        labels: BTreeMap::from([("team".to_owned(), "rule".to_owned())]),
        runbook: Some("https://runbook".to_owned()),
        ..Rule::new(Name::new(name).unwrap(), signal, Severity::Warning)
    }
}

fn miss_rule() -> Rule {
    rule(
        "CacheMissRatioHigh",
        Signal::MissRatio(MissRatioRule::default()),
    )
}

fn down_rule() -> Rule {
    rule("CacheDown", Signal::Down(DownRule::default()))
}

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("team".to_owned(), "cache".to_owned()),
        ("env".to_owned(), "prod".to_owned()),
    ])
}

impl World {
    fn new(rules: &[Rule]) -> Self {
        Self {
            ledger: CacheLedger::new(&config()),
            book: AlertBook::new(&config().name, &labels(), rules, at(0)),
            now: 0,
            hits: 0,
            misses: 0,
            sent: Vec::new(),
            statuses: Vec::new(),
            incidents: Vec::new(),
            cut: 0,
            transitions: Vec::new(),
            silences: Vec::new(),
            past: Vec::new(),
            run_id: "a",
            born: -1000,
            attribution: None,
        }
    }

    fn tick(&mut self) {
        let now = at(self.now);
        let mut snapshot = self.ledger.snapshot(now);
        snapshot.attribution.clone_from(&self.attribution);
        let around = Surroundings {
            silences: &self.silences,
            past: &self.past,
            gauges: Some(&Fifty),
            ..Surroundings::default()
        };
        let outcome = self
            .book
            .evaluate(&snapshot, self.ledger.history(), &around, now);
        self.statuses = outcome.statuses;
        self.sent.extend(outcome.notifications);
        self.incidents.extend(outcome.incidents);
        self.cut = outcome.subjects_cut;
        self.transitions.extend(outcome.transitions);
    }

    /// So many seconds with so many hits and misses in each 5 s.
    fn run(&mut self, seconds: u64, hits: u64, misses: u64) -> &mut Self {
        for _ in 0..seconds / 5 {
            self.now += 5;
            self.hits += hits;
            self.misses += misses;
            let counters = counters(self.hits, self.misses, self.hits);
            self.ledger.observe(&good(
                at(self.now),
                reading(Some(self.run_id), self.uptime(), counters),
            ));
            self.tick();
        }
        self
    }

    /// So many seconds in which polls fail.
    fn fail(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds / 5 {
            self.now += 5;
            self.ledger
                .observe(&failed(at(self.now), PollErrorKind::Refused));
            self.tick();
        }
        self
    }

    fn uptime(&self) -> u64 {
        u64::try_from(i64::try_from(self.now).unwrap() - self.born).unwrap()
    }

    /// The server is restarted.
    fn restart(&mut self, run_id: &'static str) -> &mut Self {
        self.run_id = run_id;
        self.born = i64::try_from(self.now).unwrap();
        (self.hits, self.misses) = (0, 0);
        self
    }

    fn state(&self) -> AlertState {
        self.statuses[0].state
    }

    fn told(&self) -> Vec<Transition> {
        self.sent.iter().map(|n| n.transition).collect()
    }

    fn miss(&self, i: usize) -> &MissEvidence {
        match &self.sent[i].evidence {
            Evidence::MissRatio(evidence) => evidence,
            Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => {
                panic!("not about misses")
            }
        }
    }
}

/// Has a gauge of 50 for one window and of 5 for the other.
struct Fifty;

impl Gauges for Fifty {
    fn each(&self, metric: &str, cache: &CacheSnapshot, _now: Now, each: EachSample<'_>) {
        if metric == "cache_window_lookups" {
            each(&[("cache", cache.name.as_str()), ("window", "5m")], 50.0);
            each(&[("cache", cache.name.as_str()), ("window", "1m")], 5.0);
        }
    }
}

fn close(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 0.01)
}

mod incidents;
mod lasting;
mod mutes;
mod signals;
