//! The rules, each with the state machine that turns its findings into incidents.

use std::time::Duration;

use cachewatch::alert::machine::{Change, Machine, Timing, Verdict};
use cachewatch::alert::rule_h;
use cachewatch::alert::sequential::{Params, Sequential};
use cachewatch::analyze::history::History;
use cachewatch::config::MissRatioRule;
use cachewatch::model::time::Now;
use cachewatch::model::window::Totals;

/// A rule by name.
#[derive(Clone)]
pub(crate) enum Rule {
    /// `misses / lookups over 5 min > 20 %`, and for how long.
    Naive(Duration),
    H,
    Sequential(Params),
    /// The sequential test, or else rule H.
    Either(Second),
}

/// When rule H counts beside the sequential test.
#[derive(Clone, Copy)]
pub(crate) struct Second {
    /// Its confidence; 98 % is rule H's own.
    pub(crate) confidence: f64,
    /// Only while the bar is as low as it can be: the cache does not hover at its limit.
    pub(crate) at_ease: bool,
    /// Only with this part of the evidence that the sequential test needs.
    pub(crate) part: f64,
}

impl Rule {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Naive(Duration::ZERO) => "5m > 20 %",
            Self::Naive(_) => "... for 5m",
            Self::H => "rule H",
            Self::Sequential(_) => "sequential",
            Self::Either(_) => "either of both",
        }
    }

    fn timing(&self) -> Timing {
        let rule = MissRatioRule::default();
        let (for_, clear_for) = match self {
            Self::Naive(for_) => (*for_, Duration::ZERO),
            Self::H => (rule.for_, rule.clear_for),
            // How long rule H must hold is seen to below.
            Self::Sequential(_) | Self::Either(_) => (Duration::ZERO, rule.clear_for),
        };
        Timing {
            for_,
            clear_for,
            idle_for: clear_for + rule.extended_window,
        }
    }
}

/// All that are compared.
pub(crate) fn all() -> [Rule; 5] {
    [
        Rule::Naive(Duration::ZERO),
        Rule::Naive(Duration::from_mins(5)),
        Rule::H,
        Rule::Sequential(Params::default()),
        Rule::Either(Second {
            confidence: 0.98,
            at_ease: false,
            part: 0.0,
        }),
    ]
}

/// One rule that watches one cache.
pub(crate) struct Watch {
    rule: Rule,
    timing: Timing,
    machine: Machine,
    test: Sequential,
    /// Since when rule H holds beside the sequential test.
    since: Option<Now>,
    open: bool,
    pub(crate) firings: u64,
}

impl Watch {
    pub(crate) fn new(rule: &Rule) -> Self {
        Self {
            rule: rule.clone(),
            timing: rule.timing(),
            machine: Machine::new(Now::ZERO),
            test: Sequential::new(),
            since: None,
            open: false,
            firings: 0,
        }
    }

    /// Whether an incident is open.
    pub(crate) fn open(&self) -> bool {
        self.open
    }

    fn either(
        &mut self,
        second: Second,
        history: &History,
        reading: (u64, u64),
        span: Duration,
        now: Now,
    ) -> Verdict {
        let params = Params::default();
        self.test.observe(&params, reading.0, reading.1, span);
        let found = self.test.evaluate(&params, history, true, now);
        let rule = MissRatioRule {
            confidence: second.confidence,
            ..MissRatioRule::default()
        };
        // The lowest bar, at the confidence of the default.
        let counts =
            (!second.at_ease || found.bar < 8.001) && found.evidence >= second.part * found.bar;
        let holds =
            counts && rule_h::evaluate(&rule, history, true, now).verdict == Verdict::Breach;
        let since = self.since.get_or_insert(now);
        if !holds {
            self.since = None;
        } else if now.mono.saturating_sub(since.mono) >= rule.for_ {
            return Verdict::Breach;
        }
        found.verdict
    }

    fn look(&mut self, history: &History, reading: (u64, u64), span: Duration, now: Now) {
        let verdict = match &self.rule {
            Rule::Naive(_) => match history.window(Duration::from_mins(5), now).miss_ratio {
                Some(ratio) if ratio > 0.20 => Verdict::Breach,
                _ => Verdict::Clear,
            },
            Rule::H => rule_h::evaluate(&MissRatioRule::default(), history, true, now).verdict,
            Rule::Sequential(params) => {
                self.test.observe(params, reading.0, reading.1, span);
                self.test.evaluate(params, history, true, now).verdict
            }
            Rule::Either(second) => self.either(*second, history, reading, span, now),
        };
        match self.machine.step(verdict, &self.timing, now) {
            Some(Change::Fired) => {
                self.firings += 1;
                self.open = true;
            }
            Some(Change::Resolved(_)) => {
                self.open = false;
                self.test.start_anew();
            }
            None => {}
        }
    }
}

/// A cache's readings, and those who watch it.
pub(crate) struct Bench {
    history: History,
    now: Now,
    totals: (u64, u64),
    interval: Duration,
    pub(crate) watches: Vec<Watch>,
}

impl Bench {
    pub(crate) fn new(rules: &[Rule], interval: Duration) -> Self {
        Self {
            history: History::new(interval),
            now: Now::ZERO,
            totals: (0, 0),
            interval,
            watches: rules.iter().map(Watch::new).collect(),
        }
    }

    /// One reading later.
    pub(crate) fn read(&mut self, reading: (u64, u64)) {
        self.totals.0 += reading.0;
        self.totals.1 += reading.1;
        self.now = self.now.plus(self.interval);
        let totals = Totals {
            hits: Some(self.totals.0),
            misses: Some(self.totals.1),
            ..Totals::default()
        };
        self.history.push(self.now, totals);
        for watch in &mut self.watches {
            watch.look(&self.history, reading, self.interval, self.now);
        }
    }
}
