//! One namespace as a row of the table: its causes as a bar and in words, and its numbers.
//!
//! Invariant: colour is never the only carrier; the bar's colours stand beside their words.

use crate::model::attribution::{
    CacheAttribution, Cause, LookupSource, NamespaceCost, NamespaceCounts, NamespaceHitRatio,
};

use super::super::format::{count, money, percent, text};
use super::{name, ratio};

/// The most causes of a row that get their own words.
const MAX_CAUSES: usize = 3;
/// One namespace.
pub(in crate::serve::page) struct Row {
    pub(in crate::serve::page) name: String,
    pub(in crate::serve::page) misses: String,
    pub(in crate::serve::page) share: String,
    pub(in crate::serve::page) bar: Vec<Segment>,
    pub(in crate::serve::page) causes: Vec<CauseView>,
    /// Evictions, expirations, repeats, stampedes, each with its name.
    pub(in crate::serve::page) counts: [(&'static str, String); 4],
    pub(in crate::serve::page) cost: Option<String>,
    pub(in crate::serve::page) ratio: Option<RatioView>,
}

/// A part of the bar, in hundredths of its width.
pub(in crate::serve::page) struct Segment {
    pub(in crate::serve::page) class: &'static str,
    pub(in crate::serve::page) x: String,
    pub(in crate::serve::page) width: String,
}

/// A cause in words.
pub(in crate::serve::page) struct CauseView {
    pub(in crate::serve::page) class: &'static str,
    pub(in crate::serve::page) words: String,
}

/// A hit ratio with what it rests on.
pub(in crate::serve::page) struct RatioView {
    pub(in crate::serve::page) ratio: String,
    pub(in crate::serve::page) basis: String,
}

pub(super) fn row(namespace: &NamespaceCounts, found: &CacheAttribution, all: u64) -> Row {
    let c = &namespace.counters;
    let misses = c.misses.total();
    let mut causes: Vec<_> = Cause::ALL
        .into_iter()
        .map(|cause| (cause, c.misses.get(cause)))
        .filter(|(_, n)| *n > 0)
        .collect();
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let of_name = |name: &str| name == namespace.name;
    Row {
        name: name(&namespace.name),
        misses: count(misses),
        share: percent(ratio(misses, all)),
        bar: bar(&causes, misses),
        causes: words(&causes, misses),
        counts: [
            ("evicted", count(c.evictions)),
            ("expired", count(c.expirations)),
            ("repeats", count(c.repeats)),
            ("stampedes", count(c.stampedes)),
        ],
        cost: found
            .costs
            .iter()
            .find(|cost| of_name(&cost.namespace))
            .map(cost),
        ratio: found
            .hit_ratios
            .iter()
            .find(|ratio| of_name(&ratio.namespace))
            .map(hit_ratio),
    }
}

fn bar(causes: &[(Cause, u64)], misses: u64) -> Vec<Segment> {
    let mut before = 0;
    let mut bar = Vec::with_capacity(causes.len());
    for (cause, n) in causes {
        bar.push(Segment {
            class: cause.as_str(),
            x: format!("{:.2}", ratio(before, misses) * 100.0),
            width: format!("{:.2}", ratio(*n, misses) * 100.0),
        });
        before += n;
    }
    bar
}

/// The first causes by name, the others together, so that a row stays a row.
fn words(causes: &[(Cause, u64)], misses: u64) -> Vec<CauseView> {
    let named = match causes.len() {
        n if n > MAX_CAUSES => MAX_CAUSES - 1,
        n => n,
    };
    let share = |n: u64| match n {
        all if all == misses => "100\u{a0}%".to_owned(),
        n => percent(ratio(n, misses)),
    };
    let mut views: Vec<_> = causes
        .iter()
        .take(named)
        .map(|(cause, n)| CauseView {
            class: cause.as_str(),
            words: format!("{} {}", cause.words(), share(*n)),
        })
        .collect();
    let rest = causes.get(named..).unwrap_or_default();
    if !rest.is_empty() {
        views.push(CauseView {
            class: "several",
            words: format!("others {}", share(rest.iter().map(|(_, n)| n).sum())),
        });
    }
    views
}

fn cost(cost: &NamespaceCost) -> String {
    money(cost.per_hour, &text(&cost.currency))
}

fn hit_ratio(ratio: &NamespaceHitRatio) -> RatioView {
    let (source, about) = match ratio.source {
        LookupSource::Sample => ("estimate", "about "),
        LookupSource::Application => ("application's count", ""),
    };
    // A range that is rounded outward never claims more than there is.
    let (lower, upper) = ((ratio.lower * 100.0).floor(), (ratio.upper * 100.0).ceil());
    RatioView {
        ratio: format!("{about}{}", percent(ratio.ratio)),
        basis: format!("{source}, {lower:.0}–\u{2060}{upper:.0}\u{a0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample::attribution::attribution;

    #[test]
    fn bars_are_full_and_in_their_box() {
        let found = attribution();
        for namespace in &found.recent {
            let row = row(namespace, &found, 7_092);
            let of = |s: &Segment| s.width.parse::<f64>().unwrap();
            let width: f64 = row.bar.iter().map(of).sum();
            assert!((width - 100.0).abs() < 0.05, "{}: {width}", row.name);
            let last = row.bar.last().unwrap();
            let end = last.x.parse::<f64>().unwrap() + of(last);
            assert!(end <= 100.02, "{end}");
        }
    }

    #[test]
    fn many_causes_stay_a_row() {
        let causes = Cause::ALL.map(|cause| (cause, 10));
        let words: Vec<_> = words(&causes, 60)
            .into_iter()
            .map(|c| c.words.replace('\u{a0}', " "))
            .collect();
        assert_eq!(words, ["expired 16.7 %", "evicted 16.7 %", "others 66.7 %"]);
        let all = super::words(&[(Cause::Flushed, 7)], 7);
        assert_eq!(all[0].words, "flushed 100\u{a0}%");
    }
}
