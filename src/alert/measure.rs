//! The value of a signal, out of a cache as it is now: one arm for each row of `config::signal`.
//!
//! Deliberately absent: windows and limits. What is counted comes as it stands; the difference over a window is taken by
//! [`super::limit`].
//!
//! Invariant: what is not known is `None`, never 0.

use super::evidence::{Scene, memory_used_ratio};
use crate::config::LimitRule;
use crate::config::signal::Measure;
use crate::model::attribution::{Counters, NamespaceHitRatio};
use crate::model::incident::Subject;
use crate::model::snapshot::NodeSnapshot;
use crate::model::window::Totals;

/// What a signal gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Taken {
    /// A value of the moment, or over a span of its own; with the lookups that it rests on, where that matters.
    Value(Option<f64>, Option<u64>),
    /// A count that only grows, for a rate.
    Count(Option<u64>),
    /// A part and its whole, both counts that only grow, for a share.
    Share(Option<(u64, u64)>),
}

/// Takes it.
pub(super) fn take(rule: &LimitRule, subject: Option<&Subject>, scene: &Scene<'_>) -> Taken {
    let about = About::new(subject, scene);
    match rule.measure {
        Measure::MissRatio => about.ratio(|misses, _| misses, |ratio| 1.0 - ratio),
        Measure::HitRatio => about.ratio(|_, hits| hits, |ratio| ratio),
        Measure::LookupsPerSecond => Taken::Count(about.totals(Totals::lookups)),
        Measure::MissesPerSecond => Taken::Count(about.count(|t| t.misses, |c| c.misses.total())),
        Measure::EvictionsPerSecond => Taken::Count(about.count(|t| t.evictions, |c| c.evictions)),
        Measure::ExpirationsPerSecond => {
            Taken::Count(about.count(|t| t.expirations, |c| c.expirations))
        }
        Measure::MemoryUsedRatio => Taken::Value(memory_used_ratio(about.nodes()), None),
        Measure::CauseShare => {
            let cause = rule.cause;
            let counters = about.counters();
            Taken::Share(
                counters
                    .zip(cause)
                    .map(|(c, cause)| (c.misses.get(cause), c.misses.total())),
            )
        }
        Measure::MissShare => {
            let all = scene.cache.attribution.as_deref().map(|a| &a.totals);
            let all = all.map(|totals| totals.events.misses);
            let mine = about.counters().map(|c| c.misses.total());
            Taken::Share(mine.zip(all))
        }
        Measure::EventsCompleteness => {
            let all = about.nodes().filter_map(|node| node.completeness.keymiss);
            Taken::Value(all.reduce(f64::min), None)
        }
        Measure::ReadingAge => {
            let ages = about.nodes().filter_map(|node| node.read_at);
            let ages = ages.map(|at| scene.now.since(at).as_secs_f64());
            Taken::Value(ages.reduce(f64::max), None)
        }
        Measure::PollErrorsPerSecond => {
            let errors = about.nodes().flat_map(|node| node.poll_errors.values());
            Taken::Count(Some(errors.fold(0, |sum, n| sum.saturating_add(*n))))
        }
        Measure::CostPerHour => Taken::Value(about.cost(&rule.currency), None),
        Measure::Gauge => Taken::Value(about.gauge(rule), None),
    }
}

/// A subject in a scene.
struct About<'a> {
    subject: Option<&'a Subject>,
    scene: &'a Scene<'a>,
}

impl<'a> About<'a> {
    fn new(subject: Option<&'a Subject>, scene: &'a Scene<'a>) -> Self {
        Self { subject, scene }
    }

    /// The node that it is about, or all of the cache.
    fn nodes(&self) -> impl Iterator<Item = &'a NodeSnapshot> {
        let of = match self.subject {
            Some(Subject::Node(name)) => Some(name),
            _ => None,
        };
        let nodes = self.scene.cache.nodes.iter();
        nodes.filter(move |node| of.is_none_or(|name| node.name == *name))
    }

    fn totals(&self, of: fn(&Totals) -> Option<u64>) -> Option<u64> {
        match self.subject {
            None => of(&self.scene.cache.totals),
            Some(Subject::Node(_)) => of(&self.nodes().next()?.totals),
            Some(Subject::Namespace(_)) => None,
        }
    }

    /// What its key events counted; `None`: nothing is known of it.
    fn counters(&self) -> Option<Counters> {
        let totals = &self.scene.cache.attribution.as_deref()?.totals;
        match self.subject {
            Some(Subject::Namespace(name)) => {
                let found = totals.namespaces.iter().find(|n| n.name == *name);
                Some(found?.counters)
            }
            _ => Some(totals.total()),
        }
    }

    fn count(&self, of: fn(&Totals) -> Option<u64>, within: fn(&Counters) -> u64) -> Option<u64> {
        match self.subject {
            Some(Subject::Namespace(_)) => Some(within(&self.counters()?)),
            _ => self.totals(of),
        }
    }

    fn hit_ratio(&self, name: &str) -> Option<&'a NamespaceHitRatio> {
        let all = &self.scene.cache.lookups.hit_ratios;
        all.iter().find(|known| known.namespace == name)
    }

    fn ratio(&self, part: fn(u64, u64) -> u64, of_hits: fn(f64) -> f64) -> Taken {
        let totals = match self.subject {
            Some(Subject::Namespace(name)) => {
                let known = self.hit_ratio(name);
                return Taken::Value(
                    known.map(|known| of_hits(known.ratio)),
                    known.map(|known| known.lookups),
                );
            }
            Some(Subject::Node(_)) => self.nodes().next().map(|node| node.totals),
            None => Some(self.scene.cache.totals),
        };
        let counted = totals.and_then(|t| Some((t.misses?, t.hits?)));
        Taken::Share(
            counted.map(|(misses, hits)| (part(misses, hits), misses.saturating_add(hits))),
        )
    }

    /// `None` where nothing of it has a price in this currency.
    fn cost(&self, currency: &str) -> Option<f64> {
        let costs = &self.scene.cache.attribution.as_deref()?.costs;
        let mine = costs.iter().filter(|cost| {
            cost.currency == currency
                && match self.subject {
                    Some(Subject::Namespace(name)) => cost.namespace == *name,
                    _ => true,
                }
        });
        mine.map(|cost| cost.per_hour)
            .reduce(|sum, cost| sum + cost)
    }

    /// The worst of all samples that have the labels of the rule and of the subject.
    fn gauge(&self, rule: &LimitRule) -> Option<f64> {
        let (gauges, metric) = (self.scene.around.gauges?, rule.metric.as_deref()?);
        let own = match self.subject {
            None => None,
            Some(Subject::Node(name)) => Some(("node", name.as_str())),
            Some(Subject::Namespace(name)) => Some(("namespace", name.as_str())),
        };
        let wanted = rule.metric_labels.iter();
        let wanted = wanted.map(|(label, value)| (label.as_str(), value.as_str()));
        let wanted: Vec<_> = wanted.chain(own).collect();
        let mut worst: Option<f64> = None;
        gauges.each(
            metric,
            self.scene.cache,
            self.scene.now,
            &mut |labels, value| {
                if value.is_finite() && wanted.iter().all(|label| labels.contains(label)) {
                    worst = Some(match worst {
                        Some(worst) if rule.above => worst.max(value),
                        Some(worst) => worst.min(value),
                        None => value,
                    });
                }
            },
        );
        worst
    }
}
