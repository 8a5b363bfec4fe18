//! What is on the screen: the snapshot and the choices of the person, as rows and sentences. Pure.
//!
//! Deliberately absent: widths, colours and columns, which the view and the report choose.
//!
//! Invariant: every text from elsewhere has gone through [`clean`].

use std::sync::Arc;
use std::time::Duration;

use super::state::{Shown, Sort, State};
use super::words::{self, clean, number_of, percent, span};
use crate::model::attribution::{Counters, NamespaceCost, NamespaceHitRatio};
use crate::model::events::EventsState;
use crate::model::snapshot::{CacheSnapshot, CacheState, Snapshot};
use crate::model::window::WindowStats;

mod status;

pub(super) use status::{Sentence, Tone, errors, events, status, unnamed};

/// The window that is shown.
const WINDOW: Duration = Duration::from_mins(5);
/// What rests on fewer of the events says so.
const ENOUGH: f64 = 0.99;

/// One cache.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CacheRow {
    pub(super) name: String,
    pub(super) state: CacheState,
    /// Over five minutes, 0..1.
    pub(super) hit_ratio: Option<f64>,
    /// What it is at most, by the lower bound of the miss ratio.
    pub(super) hit_ratio_at_most: Option<f64>,
    /// A second, as are the next two.
    pub(super) lookups: Option<f64>,
    pub(super) evictions: Option<f64>,
    pub(super) expirations: Option<f64>,
    /// In use and limit, of the node that is closest to its limit.
    pub(super) memory: Option<(u64, Option<u64>)>,
    /// How complete the events are, or why there are none.
    pub(super) events: String,
}

/// One namespace of the chosen cache.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamespaceRow {
    pub(super) name: String,
    /// Of all misses, 0..1.
    pub(super) share: Option<f64>,
    pub(super) counters: Counters,
    pub(super) hit_ratio: Option<NamespaceHitRatio>,
    pub(super) cost: Option<NamespaceCost>,
}

impl NamespaceRow {
    pub(super) fn misses(&self) -> u64 {
        self.counters.misses.total()
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    /// The first line, in pieces.
    pub(super) header: Vec<String>,
    pub(super) caches: Vec<CacheRow>,
    /// Which of them is chosen.
    pub(super) cache: usize,
    /// What the table of namespaces is about.
    pub(super) about: String,
    pub(super) namespaces: Vec<NamespaceRow>,
    /// Which of them is chosen.
    pub(super) namespace: usize,
    /// Why there are no namespaces.
    pub(super) nothing: String,
    /// What needs to be known besides.
    pub(super) status: Vec<Sentence>,
    cache_names: Vec<String>,
    namespace_names: Vec<String>,
}

impl Screen {
    pub(super) fn new(snapshot: &Snapshot, state: &State) -> Self {
        let caches: Vec<&Arc<CacheSnapshot>> = snapshot
            .caches
            .iter()
            .filter(|c| matches(c.name.as_str(), &state.cache_filter))
            .collect();
        let chosen = state.cache.as_deref();
        let named = caches.iter().position(|c| Some(c.name.as_str()) == chosen);
        // Without a choice the one that needs a look most: the states are in that order.
        let worst = caches.iter().enumerate().min_by_key(|(_, c)| c.state);
        let cache = named.or(worst.map(|(at, _)| at)).unwrap_or(0);
        let shown = caches.get(cache).map(|c| &***c);
        let namespaces = shown.map(|c| namespaces(c, state)).unwrap_or_default();
        let namespace_names: Vec<_> = namespaces.iter().map(|n| n.name.clone()).collect();
        let namespace = namespace_names
            .iter()
            .position(|n| Some(n) == state.namespace.as_ref())
            .unwrap_or(0);
        Self {
            header: header(snapshot),
            cache_names: caches.iter().map(|c| c.name.to_string()).collect(),
            caches: caches.into_iter().map(|c| row(c)).collect(),
            cache,
            about: shown.map(|c| about(c, state)).unwrap_or_default(),
            nothing: shown.map_or_else(
                || "no cache has this in its name".to_owned(),
                |c| nothing(c, state),
            ),
            namespaces,
            namespace,
            namespace_names,
            status: status(snapshot, shown),
        }
    }

    /// The names of the rows, for the keys that move.
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown {
            caches: &self.cache_names,
            cache: self.cache,
            namespaces: &self.namespace_names,
            namespace: self.namespace,
        }
    }
}

/// The first line, in pieces.
pub(super) fn header(snapshot: &Snapshot) -> Vec<String> {
    let caches = &snapshot.caches;
    let up = |c: &Arc<CacheSnapshot>| c.nodes.iter().any(|n| n.up);
    vec![
        format!("cachewatch {}", env!("CARGO_PKG_VERSION")),
        format!(
            "{}, {} up",
            number_of(caches.len(), "cache"),
            caches.iter().filter(|c| up(c)).count()
        ),
        format!(
            "watching for {}",
            span(snapshot.at.since(snapshot.own.started))
        ),
        snapshot
            .at
            .wall
            .strftime("%Y-%m-%d %H:%M:%S UTC")
            .to_string(),
    ]
}

/// One cache.
pub(super) fn row(cache: &CacheSnapshot) -> CacheRow {
    let window = cache.windows.iter().find(|w| w.window == WINDOW);
    CacheRow {
        name: cache.name.to_string(),
        state: cache.state,
        hit_ratio: window.and_then(WindowStats::hit_ratio),
        hit_ratio_at_most: window.and_then(|w| Some(1.0 - w.miss_ratio_lower?)),
        lookups: window.and_then(|w| w.lookups_per_second),
        evictions: window.and_then(|w| w.evictions_per_second),
        expirations: window.and_then(|w| w.expirations_per_second),
        memory: memory(cache),
        events: events_word(cache),
    }
}

fn memory(cache: &CacheSnapshot) -> Option<(u64, Option<u64>)> {
    let fill = |(used, limit): (u64, Option<u64>)| limit.map_or(0.0, |l| used as f64 / l as f64);
    cache
        .nodes
        .iter()
        .filter(|n| n.up)
        .filter_map(|n| {
            let memory = &n.reading.as_ref()?.memory;
            Some((memory.used?, memory.limit))
        })
        .max_by(|a, b| fill(*a).total_cmp(&fill(*b)).then(a.0.cmp(&b.0)))
}

fn events_word(cache: &CacheSnapshot) -> String {
    let trouble = cache
        .nodes
        .iter()
        .map(|n| n.events_status.state)
        .find(|s| *s != EventsState::Working);
    match (trouble, completeness(cache)) {
        (Some(trouble), _) => words::events(trouble).to_owned(),
        (None, Some(ratio)) => percent(ratio),
        (None, None) => words::events(EventsState::Working).to_owned(),
    }
}

/// Of what was missed; the lowest of the nodes where the cache as a whole is not known.
fn completeness(cache: &CacheSnapshot) -> Option<f64> {
    let whole = cache.attribution.as_ref().and_then(|a| a.completeness);
    let nodes = cache.nodes.iter().filter_map(|n| n.completeness.keymiss);
    whole.or(nodes.reduce(f64::min))
}

/// The namespaces of a cache that the filter lets through, in the chosen order.
pub(super) fn namespaces(cache: &CacheSnapshot, state: &State) -> Vec<NamespaceRow> {
    let Some(known) = &cache.attribution else {
        return Vec::new();
    };
    let total: u64 = known.recent.iter().map(|n| n.counters.misses.total()).sum();
    let mut rows: Vec<_> = known
        .recent
        .iter()
        .map(|n| NamespaceRow {
            name: clean(&n.name),
            share: (total > 0).then(|| n.counters.misses.total() as f64 / total as f64),
            counters: n.counters,
            hit_ratio: known
                .hit_ratios
                .iter()
                .find(|h| h.namespace == n.name)
                .cloned(),
            cost: known.costs.iter().find(|c| c.namespace == n.name).cloned(),
        })
        .filter(|n| matches(&n.name, &state.namespace_filter))
        .collect();
    rows.sort_by(|a, b| order(state.sort, a, b));
    rows
}

fn order(sort: Sort, a: &NamespaceRow, b: &NamespaceRow) -> std::cmp::Ordering {
    let cost = |n: &NamespaceRow| n.cost.as_ref().map_or(-1.0, |c| c.per_hour);
    let by = match sort {
        Sort::Misses => b.misses().cmp(&a.misses()),
        Sort::Evictions => b.counters.evictions.cmp(&a.counters.evictions),
        Sort::Expirations => b.counters.expirations.cmp(&a.counters.expirations),
        Sort::Cost => cost(b).total_cmp(&cost(a)),
        Sort::Name => std::cmp::Ordering::Equal,
    };
    by.then_with(|| a.name.cmp(&b.name))
}

fn matches(name: &str, filter: &str) -> bool {
    filter.is_empty() || name.to_lowercase().contains(&filter.to_lowercase())
}

/// `products by misses, last 5 min; only 93.1 % of events seen`.
pub(super) fn about(cache: &CacheSnapshot, state: &State) -> String {
    let Some(known) = &cache.attribution else {
        return cache.name.to_string();
    };
    let caveat = match known.completeness {
        Some(seen) if seen < ENOUGH => format!("; only {} of events seen", percent(seen)),
        _ => String::new(),
    };
    let (sort, span) = (state.sort.as_str(), span(known.recent_span));
    format!("{} by {sort}, last {span}{caveat}", cache.name)
}

/// Why there are no namespaces.
pub(super) fn nothing(cache: &CacheSnapshot, state: &State) -> String {
    match &cache.attribution {
        None if cache
            .nodes
            .iter()
            .all(|n| n.events_status.state == EventsState::Disabled) =>
        {
            "events are switched off for this cache, so nothing is known of its keys".to_owned()
        }
        None => "nothing is known of its keys yet".to_owned(),
        Some(known) if known.recent.is_empty() || state.namespace_filter.is_empty() => format!(
            "no misses, evictions or expirations in the last {}",
            span(known.recent_span)
        ),
        Some(_) => "no namespace has this in its name".to_owned(),
    }
}

#[cfg(test)]
mod tests;
