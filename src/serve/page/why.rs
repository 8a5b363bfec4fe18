//! Why a cache misses: its namespaces, their causes, and what would help.
//!
//! Deliberately absent: numbers that nobody knows. A hit ratio without lookups is a dash; what rests on a part of the
//! events says on how much.

use crate::model::attribution::{CacheAttribution, Cause, Counters, NamespaceCounts};
use crate::model::events::EventsState;
use crate::model::snapshot::CacheSnapshot;

use super::format::{percent, span, text};

mod remedies;
mod row;

use remedies::Remedy;
use row::{Row, row};

/// The most namespaces shown.
const MAX_ROWS: usize = 10;
/// What rests on fewer of the misses says so.
const COMPLETE: f64 = 0.99;
/// A memory of removals that is shorter says so: most times to live are longer.
const SHORT_HORIZON_SECONDS: u64 = 600;
/// The most characters of a namespace's name.
const MAX_NAME: usize = 80;

/// The whole block.
pub(super) struct WhyView {
    /// How long "recent" is; empty when nothing is attributed.
    pub(super) over: String,
    /// The main reason, or why there is none.
    pub(super) lead: Lead,
    /// What this rests on, where that is not everything.
    pub(super) caveats: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// What is left out.
    pub(super) more: Option<String>,
    pub(super) has_costs: bool,
    pub(super) has_ratios: bool,
    pub(super) remedies: Vec<Remedy>,
}

/// The sentence that stands first.
pub(super) enum Lead {
    /// The namespace with the most misses, and what there is to say of it.
    Namespace(String, String),
    /// Nothing to show, and what to set, if that helps.
    Nothing(String, Option<String>),
}

impl WhyView {
    pub(super) fn new(cache: &CacheSnapshot) -> Self {
        let Some(found) = cache.attribution.as_deref() else {
            return Self::empty(String::new(), disabled(cache));
        };
        let over = span(found.recent_span);
        let mut recent = Counters::default();
        for namespace in &found.recent {
            recent.add(&namespace.counters);
        }
        let all = recent.misses.total();
        let seen: Vec<_> = found
            .recent
            .iter()
            .filter(|n| n.counters.events() > 0)
            .collect();
        let Some(first) = seen.first().filter(|_| all > 0) else {
            let mut view = Self::empty(over, no_misses(cache));
            view.caveats = caveats(found);
            view.rows = rows(&seen, found, all);
            return view;
        };
        Self {
            over,
            lead: lead(first, all),
            caveats: caveats(found),
            rows: rows(&seen, found, all),
            more: more(&seen, all),
            has_costs: !found.costs.is_empty(),
            has_ratios: !found.hit_ratios.is_empty(),
            remedies: remedies::of(&recent),
        }
    }

    fn empty(over: String, lead: Lead) -> Self {
        Self {
            over,
            lead,
            caveats: Vec::new(),
            rows: Vec::new(),
            more: None,
            has_costs: false,
            has_ratios: false,
            remedies: Vec::new(),
        }
    }
}

fn disabled(cache: &CacheSnapshot) -> Lead {
    let off = |state| state == EventsState::Disabled;
    if cache.nodes.iter().all(|n| off(n.events_status.state)) {
        let words = "Nobody knows: this cache's keyspace events are switched off in the configuration. To see which \
                     keys miss and why, set";
        return Lead::Nothing(words.to_owned(), Some("events: true".to_owned()));
    }
    Lead::Nothing("No events have been attributed yet.".to_owned(), None)
}

/// The servers may know of misses that no event told.
fn no_misses(cache: &CacheSnapshot) -> Lead {
    let troubled = cache.nodes.iter().map(|n| &n.events_status).find(|status| {
        matches!(
            status.state,
            EventsState::NotificationsOff | EventsState::Forbidden | EventsState::Lost
        )
    });
    match troubled {
        Some(status) => Lead::Nothing(
            format!("No misses were seen as events: {}.", text(&status.message)),
            status.remedy.as_deref().map(text),
        ),
        None => Lead::Nothing("No misses were seen.".to_owned(), None),
    }
}

fn lead(first: &NamespaceCounts, all: u64) -> Lead {
    Lead::Namespace(name(&first.name), lead_words(first, all))
}

/// What there is to say of the namespace with the most misses of `all`.
pub(super) fn lead_words(first: &NamespaceCounts, all: u64) -> String {
    let misses = first.counters.misses;
    let share = percent(ratio(misses.total(), all));
    let cause = misses.main().map_or_else(String::new, |(cause, n)| {
        let of_them = percent(ratio(n, misses.total()));
        format!("; {of_them} of them {}", past(cause))
    });
    format!("has {share} of the misses{cause}.")
}

fn caveats(found: &CacheAttribution) -> Vec<String> {
    let mut caveats = Vec::new();
    if let Some(seen) = found.completeness.filter(|seen| *seen < COMPLETE) {
        // Rounded down, so that it never claims more than there is.
        let seen = percent((seen * 1000.0).floor() / 1000.0);
        caveats.push(format!(
            "This rests on {seen} of the misses: the events of the others were not received."
        ));
    }
    if found.totals.horizon.as_secs() < SHORT_HORIZON_SECONDS {
        caveats.push(format!(
            "It remembers removals of the last {} only: keys removed before that count as never seen.",
            span(found.totals.horizon)
        ));
    }
    caveats
}

fn rows(seen: &[&NamespaceCounts], found: &CacheAttribution, all: u64) -> Vec<Row> {
    let shown = seen.iter().take(MAX_ROWS);
    shown.map(|namespace| row(namespace, found, all)).collect()
}

fn more(seen: &[&NamespaceCounts], all: u64) -> Option<String> {
    let rest = seen.get(MAX_ROWS..).filter(|rest| !rest.is_empty())?;
    let misses = rest.iter().map(|n| n.counters.misses.total()).sum();
    Some(format!(
        "and {} more with {} of the misses",
        rest.len(),
        percent(ratio(misses, all))
    ))
}

/// What became of the keys.
pub(super) fn past(cause: Cause) -> &'static str {
    match cause {
        Cause::Expired => "had expired",
        Cause::Evicted => "had been evicted",
        Cause::Deleted => "had been deleted",
        Cause::Flushed => "had been flushed",
        Cause::NeverSeen => "had not been seen before",
        Cause::Unknown => "for an unknown reason, because events were lost",
    }
}

pub(super) fn name(name: &str) -> String {
    let name = text(name);
    match name.char_indices().nth(MAX_NAME) {
        None => name,
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
    }
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
    use std::time::Duration;

    use super::*;
    use crate::export::sample;

    fn products(change: impl FnOnce(&mut CacheSnapshot, &mut CacheAttribution)) -> WhyView {
        let snapshot = sample::rich();
        let cache = snapshot.caches.iter().find(|c| c.attribution.is_some());
        let mut cache = CacheSnapshot::clone(cache.unwrap());
        let mut found = sample::attribution::attribution();
        change(&mut cache, &mut found);
        if cache.attribution.is_some() {
            cache.attribution = Some(Arc::new(found));
        }
        WhyView::new(&cache)
    }

    fn said(view: &WhyView) -> String {
        let lead = match &view.lead {
            Lead::Namespace(name, words) => format!("{name} {words}"),
            Lead::Nothing(words, set) => format!("{words} {}", set.as_deref().unwrap_or_default()),
        };
        lead.replace('\u{a0}', " ")
    }

    #[test]
    fn the_main_reason_comes_first() {
        let view = products(|_, _| ());
        assert_eq!(
            said(&view),
            "product:*:detail has 58.8 % of the misses; 92.6 % of them had been evicted."
        );
        assert_eq!(view.rows.len(), 10);
        let more = view.more.unwrap().replace('\u{a0}', " ");
        assert_eq!(more, "and 3 more with 0.76 % of the misses");
        assert!(view.caveats.is_empty());
        let row = &view.rows[2];
        let causes: Vec<_> = row
            .causes
            .iter()
            .map(|c| c.words.replace('\u{a0}', " "))
            .collect();
        assert_eq!(row.name, "ai:answer:*");
        assert_eq!(
            causes,
            ["expired 93.1 %", "never seen 5.6 %", "deleted 1.4 %"]
        );
        assert_eq!(row.cost.as_deref(), Some("103.68\u{a0}USD"));
        assert!(view.rows[1].ratio.is_none(), "never invented");
        let estimate = view.rows[0].ratio.as_ref().unwrap();
        assert_eq!(
            (estimate.ratio.as_str(), estimate.basis.as_str()),
            ("about 56.0\u{a0}%", "estimate, 50–\u{2060}61\u{a0}%")
        );
    }

    #[test]
    fn what_it_rests_on_is_said() {
        let view = products(|_, found| {
            found.completeness = Some(0.9399);
            found.totals.horizon = Duration::from_secs(40);
        });
        let caveats = view.caveats.join(" ").replace('\u{a0}', " ");
        assert!(
            caveats.contains("rests on 93.9 % of the misses"),
            "{caveats}"
        );
        assert!(
            caveats.contains("removals of the last 40 s only"),
            "{caveats}"
        );
    }

    #[test]
    fn when_there_is_nothing_it_says_what_to_do() {
        let view = products(|cache, _| {
            cache.attribution = None;
            for node in &mut cache.nodes {
                node.events_status.state = EventsState::Disabled;
            }
        });
        assert!(said(&view).ends_with("set events: true"), "{}", said(&view));
        let view = products(|_, found| found.recent.clear());
        assert!(
            said(&view).ends_with("CONFIG SET notify-keyspace-events Eexm"),
            "{}",
            said(&view)
        );
        let view = products(|cache, found| {
            cache.nodes.pop();
            found.recent.clear();
        });
        assert_eq!(said(&view), "No misses were seen. ");
    }

    #[test]
    fn a_namespace_is_only_text() {
        let view = products(|_, found| {
            if let Some(first) = found.recent.first_mut() {
                first.name = format!("\u{202e}{}", "x".repeat(900));
            }
        });
        assert!(view.rows[0].name.starts_with("\\u{202e}x"));
        assert_eq!(view.rows[0].name.chars().count(), MAX_NAME + 1);
    }
}
