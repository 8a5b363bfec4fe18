//! What the numbers do not rest on.

use super::summary::plural;
use crate::report::gather::part;
use crate::report::numbers::{Attribution, Cache, Report};
use crate::report::words::{count, moment, percent, span};

/// What covers less says so.
const COMPLETE: f64 = 0.995;
/// Gaps that are told one by one.
const TOLD: usize = 3;
/// What rests on fewer of the misses says so.
const ATTRIBUTED: f64 = 0.99;

/// About a cache as a whole.
pub(super) fn caveats(cache: &Cache, report: &Report) -> Vec<String> {
    if cache.record.slots.is_empty() {
        return vec!["Nothing is known of this cache in this time.".to_owned()];
    }
    let mut all = Vec::new();
    if cache.counts.covered_ratio < COMPLETE {
        let covered = covered(cache);
        let begun = cache.history_begins.map_or_else(String::new, |at| {
            format!(" History begins on {}.", moment(at))
        });
        all.push(format!("Readings cover {covered} of the time.{begun}"));
    }
    let gaps: Vec<_> = cache
        .gaps
        .list
        .iter()
        // That before the beginning was just told.
        .filter(|gap| cache.history_begins.is_none() || gap.from > report.from)
        .collect();
    if !gaps.is_empty() {
        let mut longest = gaps.clone();
        longest.sort_by_key(|gap| std::cmp::Reverse(gap.to.duration_since(gap.from)));
        let told: Vec<_> = longest
            .iter()
            .take(TOLD)
            .map(|gap| {
                let seconds = gap.to.duration_since(gap.from).as_secs_f64();
                format!("{} from {}", span(seconds), moment(gap.from))
            })
            .collect();
        let hidden = cache.gaps.count.saturating_sub(cache.gaps.list.len());
        let count = gaps.len() + hidden;
        let all_told = count <= TOLD;
        all.push(format!(
            "{} without readings{} {}.",
            plural(count, "time"),
            if all_told { ":" } else { "; the longest:" },
            told.join(", ")
        ));
    }
    all
}

/// Which part of the time readings cover, rounded down, so that it never claims more than there is.
pub(super) fn covered(cache: &Cache) -> String {
    percent((cache.counts.covered_ratio * 1000.0).floor() / 1000.0)
}

/// About the table of namespaces.
pub(super) fn namespaces(cache: &Cache) -> String {
    let Some(found) = &cache.attribution else {
        return "No miss was attributed to a namespace: no keyspace events were kept of this time."
            .to_owned();
    };
    let mut said = Vec::new();
    if found.misses == 0 {
        said.push(
            "No miss was attributed to a namespace: no keyspace events were kept of this time."
                .to_owned(),
        );
    }
    if found.namespaces_left_out > 0 {
        let part = part(found.misses_left_out as f64, found.misses as f64).unwrap_or_default();
        said.push(format!(
            "{} more with {} of the attributed misses are left out.",
            plural(found.namespaces_left_out, "namespace"),
            percent(part)
        ));
    }
    let rests = found.of_misses_ratio.filter(|_| found.misses > 0);
    if let Some(part) = rests.filter(|part| *part < ATTRIBUTED) {
        let part = percent((part * 1000.0).floor() / 1000.0);
        said.push(format!("Misses and causes rest on {part} of the misses."));
    }
    said.extend(lookups(found));
    said.join(" ")
}

/// Where hit ratios come from.
fn lookups(found: &Attribution) -> Vec<String> {
    let of = |estimated| {
        let known = found.namespaces.iter().filter_map(|n| n.lookups);
        known.filter(|l| l.estimated == estimated).count()
    };
    let mut said = Vec::new();
    if of(false) + of(true) == 0 {
        said.push(
            "Hit ratios and savings by namespace are not known: Redis counts no lookups by namespace. The application can \
             tell of them, or sampling can estimate them."
                .to_owned(),
        );
    }
    if of(false) > 0 {
        said.push("Lookups without ≈ are those that the application counted.".to_owned());
    }
    if let Some(samples) = found.samples.filter(|_| of(true) > 0) {
        said.push(format!(
            "≈ is estimated from {} samples that stand for {}, with bounds at 98 % confidence.",
            count(samples.count),
            span(samples.seconds)
        ));
    }
    said
}
