//! Which namespaces and causes are behind the misses of the last minutes, and what is unusual about them.
//!
//! What is usual for a namespace is its mean pace since its events are attributed, without the last minutes. That is
//! known after half an hour; before that, namespaces are ranked by misses alone and no extra cost is named.
//!
//! Deliberately absent: words.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{Scene, cliff};
use crate::model::attribution::{CacheAttribution, Cause, Counters, NamespaceCounts};
use crate::model::gap::GapReason;
use crate::model::incident::{EventGap, MissAttribution, NamespaceShare};
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot};
use crate::model::time::Now;

/// How many namespaces are named.
const NAMED: usize = 3;
/// How long events must have been attributed before the last minutes, until their pace counts as usual.
const USUAL_AFTER: Duration = Duration::from_mins(30);
/// A cliff is looked for when at least so many of the misses are for keys that expired.
const CLIFF_SHARE: f64 = 0.5;

/// Since when the events of a cache are attributed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::alert) struct Since {
    from: Option<Duration>,
    misses: u64,
}

impl Since {
    /// Takes in how the cache is now. Counts that have gone back were begun anew.
    pub(in crate::alert) fn follow(&mut self, cache: &CacheSnapshot, now: Now) {
        let misses = cache.attribution.as_ref().map(|a| a.totals.events.misses);
        match misses {
            Some(misses) if misses >= self.misses => {
                self.from.get_or_insert(now.mono);
                self.misses = misses;
            }
            Some(misses) => {
                self.from = Some(now.mono);
                self.misses = misses;
            }
            None => *self = Self::default(),
        }
    }

    /// For how long what is usual has been watched: without the last `recent`; `None` while that is too short.
    fn usual_span(self, recent: Duration, now: Now) -> Option<Duration> {
        let watched = now.mono.saturating_sub(self.from?);
        watched
            .checked_sub(recent)
            .filter(|usual| *usual >= USUAL_AFTER)
    }
}

/// `None` when nothing is attributed.
pub(super) fn of(scene: &Scene<'_>) -> Option<MissAttribution> {
    let found = scene.cache.attribution.as_deref()?;
    let usual = scene.attributed.usual_span(found.recent_span, scene.now);
    let mut recent = Counters::default();
    for namespace in &found.recent {
        recent.add(&namespace.counters);
    }
    let misses = recent.misses.total();
    let cause = recent.misses.main();
    let cause = cause.map(|(cause, count)| (cause, ratio(count, misses)));
    let expired = cause.filter(|(cause, share)| *cause == Cause::Expired && *share >= CLIFF_SHARE);
    Some(MissAttribution {
        span_seconds: found.recent_span.as_secs_f64(),
        misses,
        completeness: found.completeness,
        gap: gap(&scene.cache.nodes, found.recent_span, scene.now),
        cause,
        horizon_seconds: found.totals.horizon.as_secs_f64(),
        namespaces: namespaces(found, misses, usual),
        ttl_cliff: expired.and_then(|_| cliff::find(scene.history, scene.now)),
        cost_per_hour: by_currency(
            found
                .costs
                .iter()
                .map(|c| (c.per_hour, c.currency.as_str())),
        ),
        extra_cost_per_hour: usual.map_or_else(Vec::new, |usual| extra_costs(found, usual)),
    })
}

/// The longest gap that reaches into the last `span`. The start is none: nothing is said about what was before it.
fn gap(nodes: &[NodeSnapshot], span: Duration, now: Now) -> Option<EventGap> {
    let over = nodes.iter().filter_map(|node| {
        let last = node.gaps.last?;
        let reaches = last.reason != GapReason::Start && now.since(last.ended) <= span;
        reaches.then(|| EventGap {
            node: node.name.clone(),
            began: last.began.wall,
            ended: Some(last.ended.wall),
            seconds: last.lasted().as_secs_f64(),
            reason: last.reason,
            lost: last.lost,
        })
    });
    let lasting = nodes.iter().filter_map(|node| {
        let gap = node.events.recent_gaps.last()?;
        let lasts = gap.ended.is_none() && gap.reason != GapReason::Start;
        lasts.then(|| EventGap {
            node: node.name.clone(),
            began: gap.began.wall,
            ended: None,
            seconds: now.since(gap.began).as_secs_f64(),
            reason: gap.reason,
            lost: None,
        })
    });
    over.chain(lasting)
        .max_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

fn namespaces(
    found: &CacheAttribution,
    misses: u64,
    usual: Option<Duration>,
) -> Vec<NamespaceShare> {
    let mut shares: Vec<_> = found
        .recent
        .iter()
        .filter_map(|namespace| share(namespace, found, misses, usual))
        .collect();
    shares.sort_by_key(|s| Reverse((s.extra_misses.unwrap_or(s.misses), s.misses)));
    shares.truncate(NAMED);
    shares
}

fn share(
    namespace: &NamespaceCounts,
    found: &CacheAttribution,
    all: u64,
    usual: Option<Duration>,
) -> Option<NamespaceShare> {
    let misses = namespace.counters.misses.total();
    let (cause, of_cause) = namespace.counters.misses.main()?;
    let extra_misses = usual.map(|usual| {
        let known = found
            .totals
            .namespaces
            .iter()
            .find(|n| n.name == namespace.name);
        let total = known.map_or(&found.totals.other, |n| &n.counters);
        let before = total.misses.total().saturating_sub(misses);
        let expected = before as f64 * found.recent_span.as_secs_f64() / usual.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and at most the misses"
        )]
        let extra = (misses as f64 - expected).max(0.0).round() as u64;
        extra
    });
    let cost = found.costs.iter().find(|c| c.namespace == namespace.name);
    Some(NamespaceShare {
        name: namespace.name.clone(),
        misses,
        share: ratio(misses, all),
        extra_misses,
        cause,
        cause_share: ratio(of_cause, misses),
        cost_per_hour: cost.map(|c| (c.per_hour, c.currency.clone())),
    })
}

/// Beyond the usual, by currency: cheaper than usual in one namespace makes up for dearer in another.
fn extra_costs(found: &CacheAttribution, usual: Duration) -> Vec<(f64, String)> {
    let hours = |d: Duration| d.as_secs_f64() / 3600.0;
    by_currency(found.costs.iter().map(|cost| {
        let before = (cost.total - cost.per_hour * hours(found.recent_span)).max(0.0);
        (
            cost.per_hour - before / hours(usual),
            cost.currency.as_str(),
        )
    }))
}

/// What is above zero, the largest sum first.
fn by_currency<'a>(costs: impl Iterator<Item = (f64, &'a str)>) -> Vec<(f64, String)> {
    let mut sums = BTreeMap::<&str, f64>::new();
    for (cost, currency) in costs.filter(|(cost, _)| cost.is_finite()) {
        *sums.entry(currency).or_default() += cost;
    }
    let mut sums: Vec<_> = sums
        .into_iter()
        .filter(|(_, cost)| *cost > 0.0)
        .map(|(currency, cost)| (cost, currency.to_owned()))
        .collect();
    sums.sort_by(|a, b| b.0.total_cmp(&a.0));
    sums
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analyze::fixture::at;
    use crate::analyze::history::History;
    use crate::export::sample;
    use crate::model::gap::{Gap, JudgedGap};

    /// What is said after the events were attributed for so many seconds.
    fn after(seconds: u64) -> MissAttribution {
        let snapshot = sample::rich();
        let cache = snapshot.caches.iter().find(|c| c.attribution.is_some());
        let mut since = Since::default();
        since.follow(cache.unwrap(), at(0));
        since.follow(cache.unwrap(), at(seconds));
        let history = History::new(Duration::from_secs(5));
        of(&Scene {
            cache: cache.unwrap(),
            history: &history,
            attributed: since,
            happenings: &crate::alert::happenings::Happenings::default(),
            around: crate::alert::surroundings::Surroundings::default(),
            now: at(seconds),
        })
        .unwrap()
    }

    #[test]
    fn while_nothing_is_usual_the_most_misses_come_first() {
        let got = after(600);
        let names: Vec<_> = got.namespaces.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["product:*:detail", "search:*", "ai:answer:*"]);
        assert_eq!(got.misses, 7_092);
        let (cause, share) = got.cause.unwrap();
        assert_eq!(cause, Cause::Evicted);
        assert!((share - 4_091.0 / 7_092.0).abs() < 1e-9, "{share}");
        let first = &got.namespaces[0];
        assert_eq!((first.misses, first.extra_misses), (4_170, None));
        assert_eq!(first.cost_per_hour, Some((5.004, "USD".to_owned())));
        assert_eq!(got.extra_cost_per_hour, []);
        assert!((got.cost_per_hour[0].0 - 108.684).abs() < 1e-9);
    }

    #[test]
    fn later_what_is_beyond_the_usual_counts() {
        // The totals are three times the last five minutes: twice as much in the 55 minutes before.
        let got = after(3600);
        assert_eq!(got.namespaces[0].extra_misses, Some(4_170 - 758));
        let (cost, currency) = &got.extra_cost_per_hour[0];
        let of = |per_hour: f64, total: f64| per_hour - (total - per_hour / 12.0) * 12.0 / 11.0;
        let expected = of(103.68, 25.92) + of(5.004, 1.251);
        assert!(
            (cost - expected).abs() < 1e-9 && currency == "USD",
            "{cost}"
        );
    }

    #[test]
    fn counts_that_begin_anew_are_not_usual() {
        let snapshot = sample::rich();
        let cache = snapshot.caches.iter().find(|c| c.attribution.is_some());
        let mut cache = CacheSnapshot::clone(cache.unwrap());
        let mut since = Since::default();
        since.follow(&cache, at(0));
        assert!(since.usual_span(Duration::ZERO, at(3600)).is_some());
        if let Some(attribution) = &mut cache.attribution {
            Arc::make_mut(attribution).totals.events.misses = 1;
        }
        since.follow(&cache, at(3600));
        assert!(since.usual_span(Duration::ZERO, at(3600)).is_none());
        cache.attribution = None;
        since.follow(&cache, at(3600));
        assert!(since.usual_span(Duration::ZERO, at(9000)).is_none());
    }

    #[test]
    fn the_longest_gap_of_the_last_minutes_is_told() {
        let span = Duration::from_mins(5);
        let nodes = |reason, ended, lasts| {
            let snapshot = sample::rich();
            let mut node = snapshot.caches[1].nodes[0].clone();
            node.gaps.last = Some(JudgedGap {
                began: at(990),
                ended: at(ended),
                reason,
                lost: Some(3),
            });
            node.events.recent_gaps = vec![Gap {
                number: 2,
                began: at(1_000),
                ended: None,
                reason: GapReason::Silent,
                mid_message: false,
            }];
            node.events.recent_gaps.truncate(usize::from(lasts));
            vec![node]
        };
        let told = gap(&nodes(GapReason::Restart, 1_000, false), span, at(1_200)).unwrap();
        assert_eq!((told.reason, told.lost), (GapReason::Restart, Some(3)));
        assert!((told.seconds - 10.0).abs() < 1e-9 && told.ended.is_some());
        assert_eq!(
            gap(&nodes(GapReason::Restart, 1_000, false), span, at(1_301)),
            None
        );
        assert_eq!(
            gap(&nodes(GapReason::Start, 1_000, false), span, at(1_001)),
            None
        );
        let told = gap(&nodes(GapReason::Restart, 1_000, true), span, at(1_200)).unwrap();
        assert_eq!((told.reason, told.ended), (GapReason::Silent, None));
    }

    #[test]
    fn costs_are_never_added_over_currencies() {
        let costs = [
            (1.0, "EUR"),
            (2.0, "USD"),
            (0.5, "EUR"),
            (-3.0, "GBP"),
            (f64::NAN, "USD"),
        ];
        assert_eq!(
            by_currency(costs.into_iter()),
            [(2.0, "USD".to_owned()), (1.5, "EUR".to_owned())]
        );
    }
}
