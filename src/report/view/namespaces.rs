//! The table of namespaces in words.
//!
//! Invariant: what was estimated begins with ≈ and has its bounds; what nobody told of is a dash.

use super::super::lookups::Saved;
use super::super::numbers::{Attribution, Cache, Causes, Namespace};
use super::super::words::{NONE, count, growth, money, name, percent};
use super::{CauseView, Row, Together, between, change, known};

pub(super) fn rows(cache: &Cache, found: &Attribution) -> Vec<Row> {
    let attributed = found.misses > 0;
    let rows = found.namespaces.iter();
    rows.map(|n| row(cache, n, attributed)).collect()
}

/// `attributed`: whether any miss of the cache was; else nobody knows the misses of this namespace by events.
fn row(cache: &Cache, n: &Namespace, attributed: bool) -> Row {
    let currency = cache.currency.as_deref();
    let events = |text: String| if attributed { text } else { NONE.to_owned() };
    let bounds = n.lookups.map(|l| (l.hit_ratio_lower, l.hit_ratio_upper));
    Row {
        name: name(&n.namespace),
        ratio: known(n.lookups, |l| about(l.estimated, percent(l.hit_ratio))),
        bounds: bounds.map(between),
        trend: change(n.hit_ratio_change, n.hit_ratio_change_is_clear),
        lookups: known(n.lookups, |l| about(l.estimated, count(l.lookups))),
        saved: known(n.saved, |s| about(s.estimated, money(s.amount, currency))),
        saved_bounds: n.saved.and_then(|saved| amounts(&saved)),
        misses: events(count(n.misses)),
        share: events(percent(n.misses_ratio)),
        change: known(n.previous_misses.filter(|_| attributed), |before| {
            growth(n.misses, before)
        }),
        causes: causes(&n.causes),
        evictions: events(count(n.evictions)),
        expirations: events(count(n.expirations)),
        cost: known(n.miss_cost, |cost| money(cost, currency)),
    }
}

/// An estimate is marked as one.
pub(super) fn about(estimated: bool, text: String) -> String {
    if estimated {
        format!("≈ {text}")
    } else {
        text
    }
}

fn amounts(saved: &Saved) -> Option<String> {
    let (low, high) = saved.lower.zip(saved.upper)?;
    Some(format!("{} to {}", money(low, None), money(high, None)))
}

pub(super) fn together(cache: &Cache, found: &Attribution) -> Option<Together> {
    let several = found.namespaces.len() + found.namespaces_left_out > 1;
    let amounts = found.miss_cost.or(found.saved).or(found.saved_estimated);
    let currency = cache.currency.as_deref();
    (several && amounts.is_some()).then(|| Together {
        misses: count(found.misses),
        cost: known(found.miss_cost, |cost| money(cost, currency)),
        saved: saved(found, currency),
    })
}

/// Counted and estimated ones are added up, and the sum is an estimate then.
fn saved(found: &Attribution, currency: Option<&str>) -> String {
    let estimated = found.saved_estimated.is_some();
    let parts = [found.saved, found.saved_estimated].into_iter().flatten();
    known(parts.reduce(|a, b| a + b), |sum| {
        about(estimated, money(sum, currency))
    })
}

fn causes(causes: &Causes) -> Vec<CauseView> {
    let all = causes.total() as f64;
    let mut begin = 0.0;
    let mut views = Vec::new();
    for (key, n) in causes.named() {
        if n == 0 {
            continue;
        }
        let part = n as f64 / all;
        views.push(CauseView {
            key,
            words: key.replace('_', " "),
            percent: percent(part),
            begin,
            length: part * 100.0,
        });
        begin += part * 100.0;
    }
    views
}
