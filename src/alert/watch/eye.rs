//! How a rule looks at its subject: the detector that it has, with what that remembers, and what it finds.
//!
//! Deliberately absent: how long a finding must hold.
//!
//! Invariant: without a fresh reading nothing is judged, except by rules about just that.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;

use crate::alert::baseline::{self, Past};
use crate::alert::evidence::{Misses, Scene, usual_of};
use crate::alert::limit::{Counted, Found, Limiter};
use crate::alert::machine::Verdict;
use crate::alert::sequential::{self, Params, Sequential};
use crate::alert::{down, rule_h};
use crate::analyze::history::Usual;
use crate::config::{BaselineRule, Detector, MissRatioRule, Rule, Signal};
use crate::model::incident::{DownEvidence, Subject};
use crate::model::snapshot::NodeSnapshot;
use crate::model::window::Totals;

/// What a look found.
#[derive(Debug, Clone)]
pub(in crate::alert) struct Finding {
    pub(in crate::alert) verdict: Verdict,
    pub(in crate::alert) why: Arc<str>,
    pub(in crate::alert) value: Option<f64>,
    pub(in crate::alert) threshold: Option<f64>,
    pub(in crate::alert) about: About,
}

/// The numbers of it.
#[derive(Debug, Clone)]
pub(in crate::alert) enum About {
    Misses(Box<Misses>),
    Down(DownEvidence),
    Limit(Found),
    Nothing,
}

/// A detector with its memory.
#[derive(Debug, Clone)]
pub(in crate::alert) enum Eye {
    /// It needs none: the history of the cache is enough.
    Plain,
    /// Evidence that is added up.
    Sequential(Box<Evidence>),
    /// What a number was.
    Limit(Box<Limiter>),
}

/// The evidence of the sequential test, with the totals up to which it was added up.
#[derive(Debug, Clone, Default)]
pub(in crate::alert) struct Evidence {
    test: Sequential,
    /// When they were read, hits and misses.
    until: Option<(Duration, u64, u64)>,
}

impl Evidence {
    /// Takes in a reading, if there is a new one.
    fn follow(&mut self, params: &Params, at: Option<Duration>, totals: &Totals) {
        let (Some(at), Some(hits), Some(misses)) = (at, totals.hits, totals.misses) else {
            return;
        };
        match self.until {
            Some((last, ..)) if at <= last => return,
            Some((last, hits_then, misses_then)) => self.test.observe(
                params,
                hits.saturating_sub(hits_then),
                misses.saturating_sub(misses_then),
                at.saturating_sub(last),
            ),
            None => {}
        }
        self.until = Some((at, hits, misses));
    }
}

impl Eye {
    pub(in crate::alert) fn new(signal: &Signal) -> Self {
        match signal {
            Signal::Limit(_) => Self::Limit(Box::default()),
            Signal::MissRatio(rule) if rule.detector == Detector::Sequential => {
                Self::Sequential(Box::default())
            }
            Signal::MissRatio(_) | Signal::Down(_) | Signal::Baseline(_) => Self::Plain,
        }
    }

    /// Whether what it remembers is of use for a rule that said something else before. The sequential test knows itself
    /// when its threshold has changed.
    pub(in crate::alert) fn fits(&self, before: &Signal, now: &Signal) -> bool {
        let sequential = matches!(now, Signal::MissRatio(r) if r.detector == Detector::Sequential);
        before == now || sequential && matches!(self, Self::Sequential(_))
    }

    /// Forgets what has been gathered: it is of a time that does not count.
    pub(in crate::alert) fn start_anew(&mut self) {
        if let Self::Sequential(evidence) = self {
            evidence.test.start_anew();
        }
    }

    pub(in crate::alert) fn limiter(&self) -> &Limiter {
        static NONE: std::sync::LazyLock<Limiter> = std::sync::LazyLock::new(Limiter::default);
        match self {
            Self::Limit(limiter) => limiter,
            Self::Plain | Self::Sequential(_) => &NONE,
        }
    }

    /// What is normal, looking back from now.
    pub(in crate::alert) fn usual(
        &self,
        rule: &Rule,
        scene: &Scene<'_>,
        over: Duration,
    ) -> Option<Usual> {
        match &rule.signal {
            Signal::MissRatio(rule) => scene.history.usual(rule.short_window, over, scene.now),
            Signal::Baseline(rule) => scene.history.usual(rule.window, over, scene.now),
            Signal::Limit(_) => usual_of(self.limiter()),
            Signal::Down(_) => None,
        }
    }

    /// Looks. What was before `from` does not count.
    pub(in crate::alert) fn look(
        &mut self,
        rule: &Rule,
        subject: Option<&Subject>,
        from: Option<Duration>,
        scene: &Scene<'_>,
    ) -> Finding {
        if let Some(finding) = out_of_role(rule, subject, scene) {
            return finding;
        }
        let nodes = || of(subject, scene);
        let fresh = nodes().any(|node| node.up);
        let read_at = nodes().filter_map(|node| Some(node.read_at?.mono)).max();
        let now = scene.now;
        match (&rule.signal, self) {
            (Signal::MissRatio(rule), Self::Sequential(evidence)) => {
                let params = Params::from(rule);
                evidence.follow(&params, read_at, &scene.cache.totals);
                let found = evidence.test.evaluate(&params, scene.history, fresh, now);
                sequential(rule, found)
            }
            (Signal::MissRatio(rule), _) => {
                let found = rule_h::evaluate_from(rule, scene.history, fresh, from, now);
                windowed(rule, found)
            }
            (Signal::Down(_), _) => {
                let found = down::evaluate(scene.cache, now);
                Finding {
                    verdict: found.verdict,
                    why: found.explanation.into(),
                    value: None,
                    threshold: None,
                    about: About::Down(found.evidence),
                }
            }
            (Signal::Limit(rule), Self::Limit(limiter)) => {
                let at = read_at.unwrap_or(now.mono);
                let mut found = limiter.look(rule, subject, scene, Counted { fresh, at, from });
                Finding {
                    verdict: found.verdict,
                    why: std::mem::take(&mut found.explanation).into(),
                    value: found.value,
                    threshold: Some(rule.threshold),
                    about: About::Limit(found),
                }
            }
            (Signal::Baseline(rule), _) => {
                let most = from.map_or(Duration::MAX, |from| now.mono.saturating_sub(from));
                baseline(rule, fresh, rule.window.min(most), scene)
            }
            (Signal::Limit(_), _) => nothing(Verdict::NoData, "nothing is known of it".to_owned()),
        }
    }
}

fn windowed(rule: &MissRatioRule, found: rule_h::Evaluation) -> Finding {
    let (short, long) = (found.short, found.long);
    let lookups = long.lookups().unwrap_or(0);
    let misses = long.delta.misses.unwrap_or(0);
    Finding {
        verdict: found.verdict,
        why: found.explanation.into(),
        value: short.miss_ratio,
        threshold: Some(rule.threshold),
        about: About::Misses(Box::new(Misses {
            short: Some(short),
            short_window: rule.short_window,
            long: long
                .miss_ratio
                .map(|ratio| (ratio, found.long_lower, lookups, misses, long.window)),
            confidence: rule.confidence,
            threshold: rule.threshold,
        })),
    }
}

fn sequential(rule: &MissRatioRule, found: sequential::Evaluation) -> Finding {
    Finding {
        verdict: found.verdict,
        why: found.explanation.into(),
        value: found.short.miss_ratio,
        threshold: Some(rule.threshold),
        about: About::Misses(Box::new(Misses {
            short: Some(found.short),
            short_window: rule.short_window,
            long: found.run.map(|run| {
                (
                    run.ratio,
                    Some(run.lower),
                    run.lookups,
                    run.misses,
                    run.span,
                )
            }),
            confidence: rule.confidence,
            threshold: rule.threshold,
        })),
    }
}

fn baseline(rule: &BaselineRule, fresh: bool, window: Duration, scene: &Scene<'_>) -> Finding {
    let params = baseline::Params {
        deviations: rule.deviations,
        floor: rule.margin,
        min_days: usize::try_from(rule.min_days).unwrap_or(usize::MAX),
        min_lookups: rule.min_lookups,
        confidence: rule.confidence,
    };
    let past = scene.around.past.iter().map(|hour| Past {
        ratio: hour.ratio,
        lookups: hour.lookups,
    });
    let past: Vec<_> = past.collect();
    let present = scene.history.window(window, scene.now);
    let found = baseline::evaluate(&params, &present, &past, fresh);
    let limit = found.normal.map(|normal| normal.limit);
    let (lookups, misses) = (present.lookups(), present.delta.misses);
    Finding {
        verdict: found.verdict,
        why: found.explanation.into(),
        value: present.miss_ratio,
        threshold: limit,
        about: About::Misses(Box::new(Misses {
            short: Some(present),
            short_window: rule.window,
            long: present.miss_ratio.map(|ratio| {
                let (lookups, misses) = (lookups.unwrap_or(0), misses.unwrap_or(0));
                (ratio, found.lower, lookups, misses, window)
            }),
            confidence: rule.confidence,
            threshold: limit.unwrap_or(rule.margin),
        })),
    }
}

fn nothing(verdict: Verdict, why: String) -> Finding {
    Finding {
        verdict,
        why: why.into(),
        value: None,
        threshold: None,
        about: About::Nothing,
    }
}

/// The nodes that a subject is made of.
fn of<'a>(
    subject: Option<&'a Subject>,
    scene: &Scene<'a>,
) -> impl Iterator<Item = &'a NodeSnapshot> {
    let of = match subject {
        Some(Subject::Node(name)) => Some(name),
        _ => None,
    };
    let nodes = scene.cache.nodes.iter();
    nodes.filter(move |node| of.is_none_or(|name| node.name == *name))
}

/// A rule for some roles does not hold for a cache whose nodes are known to have others. A node that never answered may
/// have any.
fn out_of_role(rule: &Rule, subject: Option<&Subject>, scene: &Scene<'_>) -> Option<Finding> {
    if rule.roles.is_empty() {
        return None;
    }
    let mut known = of(subject, scene)
        .filter_map(|node| node.reading.as_deref())
        .map(|reading| reading.role)
        .peekable();
    known.peek()?;
    if known.any(|role| rule.roles.contains(&role)) {
        return None;
    }
    let roles: Vec<_> = rule.roles.iter().map(|role| role.as_str()).collect();
    let why = format!(
        "no node is a {}, which the rule is about",
        roles.join(" or ")
    );
    Some(nothing(Verdict::Clear, why))
}

impl Eye {
    /// What outlives a restart; `None`: nothing does.
    pub(in crate::alert) fn memory(&self) -> Option<serde_json::Value> {
        match self {
            Self::Sequential(evidence) if evidence.test != Sequential::new() => {
                serde_json::to_value(&evidence.test).ok()
            }
            Self::Sequential(_) | Self::Plain | Self::Limit(_) => None,
        }
    }

    /// Takes what has outlived a restart, after so long a time of which nothing is known; what makes no sense counts as
    /// nothing.
    pub(in crate::alert) fn remember(
        &mut self,
        signal: &Signal,
        memory: &serde_json::Value,
        away: Duration,
    ) {
        if let (Self::Sequential(evidence), Signal::MissRatio(rule)) = (self, signal)
            && let Ok(test) = Sequential::deserialize(memory)
        {
            evidence.test = test;
            evidence.test.observe(&Params::from(rule), 0, 0, away);
        }
    }
}
