//! All caches, one row each, the worst first.
//!
//! Search, filter and order come by the query, so that they work without a script and can be bookmarked.

use std::cmp::Ordering;

use askama::Template;

use crate::model::attribution::CacheAttribution;
use crate::model::incident::AlertState;
use crate::model::snapshot::{CacheSnapshot, CacheState, Snapshot};
use crate::model::time::Now;
use crate::model::window::WindowStats;

use super::cache::{MemoryView, SparklineView, Tile, word};
use super::format::{count, percent, span, text};
use super::frame::Frame;
use super::{cache, sparkline, why};

/// The longest search text that is looked at, in characters.
const MAX_SEARCH: usize = 100;
/// What rests on fewer of the events says so.
const COMPLETE: f64 = 0.99;

/// What is asked for. Anything that is not known is as if it had not been said.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(in crate::serve) struct Query {
    q: String,
    state: String,
    sort: String,
}

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub(in crate::serve) struct Overview {
    frame: Frame,
    summary: String,
    total: usize,
    query: Query,
    /// Value, label, whether it is chosen.
    states: Vec<(&'static str, &'static str, bool)>,
    sorts: Vec<(&'static str, &'static str, bool)>,
    sorted_by: &'static str,
    filtered: bool,
    rows: Vec<Row>,
}

/// One cache.
struct Row {
    name: String,
    state: &'static str,
    state_word: &'static str,
    notes: Vec<&'static str>,
    labels: Vec<(String, String)>,
    /// What the script searches in.
    words: String,
    hit_ratio: Option<String>,
    evidence: String,
    sparkline: Option<SparklineView>,
    tiles: Vec<Tile>,
    memory: Option<MemoryView>,
    events: String,
    events_warn: bool,
    lines: Vec<Line>,
}

/// What is wrong, in a line, and more of it where somebody asks.
struct Line {
    words: String,
    more: Option<(String, String)>,
    incident: Option<String>,
}

/// How rows are ordered.
type Order = fn(&CacheSnapshot, &CacheSnapshot) -> Ordering;

/// The orders, by the value in the query; the first is what one gets without a word.
const SORTS: [(&str, &str, Order); 6] = [
    ("", "worst first", by_state),
    ("name", "name", |a, b| a.name.cmp(&b.name)),
    ("misses", "miss ratio", |a, b| most(a, b, miss_ratio)),
    ("lookups", "lookups per second", |a, b| {
        most(a, b, |c| shown(c)?.lookups_per_second)
    }),
    ("evictions", "evictions per second", |a, b| {
        most(a, b, |c| shown(c)?.evictions_per_second)
    }),
    ("memory", "memory", |a, b| most(a, b, memory_used)),
];

impl Overview {
    pub(in crate::serve) fn new(snapshot: &Snapshot, mut query: Query, frame: Frame) -> Self {
        query.q = query.q.trim().chars().take(MAX_SEARCH).collect();
        let wanted = CacheState::ALL
            .into_iter()
            .find(|s| s.as_str() == query.state);
        let sort = SORTS.iter().find(|(value, ..)| *value == query.sort);
        let (chosen, sorted_by, order) = *sort.unwrap_or(&SORTS[0]);
        let search = query.q.to_lowercase();
        let mut caches: Vec<_> = snapshot
            .caches
            .iter()
            .filter(|cache| wanted.is_none_or(|state| cache.state == state))
            .filter(|cache| found(cache, &search))
            .collect();
        caches.sort_by(|a, b| order(a, b).then_with(|| a.name.cmp(&b.name)));
        let any = ("", "any", wanted.is_none());
        let state = |s: CacheState| (s.as_str(), word(s), wanted == Some(s));
        Self {
            frame,
            summary: summary(snapshot),
            total: snapshot.caches.len(),
            filtered: wanted.is_some() || !query.q.is_empty(),
            states: std::iter::once(any)
                .chain(CacheState::ALL.into_iter().map(state))
                .collect(),
            sorts: SORTS
                .iter()
                .map(|(value, label, _)| (*value, *label, *value == chosen))
                .collect(),
            sorted_by,
            rows: caches.into_iter().map(|c| row(c, snapshot.at)).collect(),
            query,
        }
    }
}

/// Whether the text is in the cache's name, its labels or its nodes.
fn found(cache: &CacheSnapshot, search: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(search);
    search.is_empty()
        || holds(cache.name.as_str())
        || cache.labels.iter().any(|(k, v)| holds(k) || holds(v))
        || cache.nodes.iter().any(|node| holds(node.name.as_str()))
}

fn row(cache: &CacheSnapshot, now: Now) -> Row {
    let window = shown(cache);
    let completeness = completeness(cache);
    Row {
        name: cache.name.to_string(),
        state: cache.state.as_str(),
        state_word: word(cache.state),
        notes: cache::notes(cache),
        words: words(cache),
        labels: cache
            .labels
            .iter()
            .map(|(k, v)| (text(k), text(v)))
            .collect(),
        hit_ratio: window.and_then(WindowStats::hit_ratio).map(percent),
        evidence: match window.and_then(|w| Some((w.miss_ratio_lower?, w.lookups()?))) {
            // The bound says at least how many miss; of hits there are at most the rest.
            Some((lower, lookups)) => {
                format!(
                    "of {} lookups{}, at most {}",
                    count(lookups),
                    window.map_or_else(String::new, so_far),
                    percent(1.0 - lower)
                )
            }
            None => match window.filter(|w| !w.covered.is_zero()) {
                Some(window) => format!("no lookups {}", cache::over(window)),
                None => "no readings yet".to_owned(),
            },
        },
        sparkline: SparklineView::new(cache),
        tiles: cache::tiles(window),
        memory: cache::memory(cache),
        events: completeness.map_or_else(|| "–".to_owned(), percent),
        events_warn: completeness.is_some_and(|c| c < COMPLETE),
        lines: lines(cache, now),
    }
}

/// What is wrong, and the main reason of misses: only where something is wrong.
fn lines(cache: &CacheSnapshot, now: Now) -> Vec<Line> {
    let plain = |words: String| Line {
        words,
        more: None,
        incident: None,
    };
    let mut lines = Vec::new();
    let sentence = cache::sentence(cache);
    // What fires says more by itself.
    if !sentence.is_empty() && cache.state != CacheState::Firing {
        lines.push(plain(sentence));
    }
    if matches!(cache.state, CacheState::Firing | CacheState::Down) {
        let firing = cache.alerts.iter().filter(|a| a.state.is_firing());
        lines.extend(firing.map(|a| {
            let since = span(cache::age(a.since, now));
            let silenced = match a.state {
                AlertState::Silenced => ", silenced",
                AlertState::Recovering => ", recovering",
                _ => "",
            };
            let id = format!("{}-{}", cache.name, a.rule);
            Line {
                words: format!("{} for {since}{silenced}", a.rule),
                more: Some((id, text(&a.explanation))),
                incident: a.incident.as_deref().map(super::incidents::href),
            }
        }));
        let reason = cache.attribution.as_deref().and_then(main_reason);
        lines.extend(reason.map(plain));
    }
    if let Some(error) = cache.nodes.iter().find_map(|n| n.error.as_ref()) {
        lines.push(plain(text(&error.message)));
    }
    lines
}

/// How much of the five minutes is known, where that is not all.
fn so_far(window: &WindowStats) -> String {
    let over = cache::over(window);
    if over.ends_with("so far") {
        format!(" {over}")
    } else {
        String::new()
    }
}

/// All that a search looks at, in small letters.
fn words(cache: &CacheSnapshot) -> String {
    let labels = cache.labels.iter().map(|(k, v)| format!("{k} {v}"));
    let nodes = cache.nodes.iter().map(|n| n.name.to_string());
    let all: Vec<_> = std::iter::once(cache.name.to_string())
        .chain(labels)
        .chain(nodes)
        .collect();
    text(&all.join(" ").to_lowercase())
}

fn main_reason(found: &CacheAttribution) -> Option<String> {
    let all: u64 = found.recent.iter().map(|n| n.counters.misses.total()).sum();
    let first = found.recent.first().filter(|_| all > 0)?;
    let words = why::lead_words(first, all);
    Some(format!("{} {words}", why::name(&first.name)))
}

fn completeness(cache: &CacheSnapshot) -> Option<f64> {
    let nodes = cache.nodes.iter().map(|node| node.completeness);
    nodes
        .flat_map(|c| [c.expired, c.evicted, c.keymiss])
        .flatten()
        .reduce(f64::min)
}

fn by_state(a: &CacheSnapshot, b: &CacheSnapshot) -> Ordering {
    // States are ordered by how much they need a look; among equals the one that misses most.
    a.state.cmp(&b.state).then_with(|| most(a, b, miss_ratio))
}

/// The largest first, what is not known last.
fn most(a: &CacheSnapshot, b: &CacheSnapshot, of: fn(&CacheSnapshot) -> Option<f64>) -> Ordering {
    match (of(a), of(b)) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn shown(cache: &CacheSnapshot) -> Option<&WindowStats> {
    cache::shown(cache)
}

fn miss_ratio(cache: &CacheSnapshot) -> Option<f64> {
    shown(cache)?.miss_ratio
}

fn memory_used(cache: &CacheSnapshot) -> Option<f64> {
    let used = cache
        .nodes
        .iter()
        .filter_map(|n| n.reading.as_ref()?.memory.used);
    used.reduce(u64::saturating_add).map(|used| used as f64)
}

/// `4 caches: 1 down, 1 alert firing, 2 ok`.
fn summary(snapshot: &Snapshot) -> String {
    let total = snapshot.caches.len();
    let parts: Vec<_> = CacheState::ALL
        .into_iter()
        .filter_map(|state| {
            let n = snapshot.caches.iter().filter(|c| c.state == state).count();
            (n > 0).then(|| format!("{n} {}", word(state)))
        })
        .collect();
    if total == 0 {
        return "No caches".to_owned();
    }
    let noun = if total == 1 { "cache" } else { "caches" };
    format!("{total} {noun}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests;
