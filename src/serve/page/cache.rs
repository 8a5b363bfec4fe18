//! One cache on the page.

use std::time::Duration;

use crate::model::incident::{AlertState, AlertStatus, Look, Subject};
use crate::model::snapshot::{CacheSnapshot, CacheState};
use crate::model::time::Now;
use crate::model::window::WindowStats;

use super::format::{bytes, count, percent, rate, span, text, timestamp};
use super::node::NodeView;
use super::sparkline::Sparkline;
use super::why::WhyView;

/// The window that the page shows.
const SHOWN: Duration = Duration::from_mins(5);

pub(super) struct CacheView {
    pub(super) name: String,
    /// CSS class and state in the API's words.
    pub(super) state: &'static str,
    pub(super) state_word: &'static str,
    pub(super) sentence: String,
    pub(super) notes: Vec<&'static str>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) hit_ratio: Option<String>,
    pub(super) evidence: String,
    pub(super) tiles: Vec<Tile>,
    pub(super) memory: Option<MemoryView>,
    pub(super) sparkline: Option<SparklineView>,
    pub(super) alerts: Vec<AlertView>,
    pub(super) why: WhyView,
    pub(super) nodes: Vec<NodeView>,
}

/// A number with its name.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// Memory of the node that is closest to its limit.
pub(super) struct MemoryView {
    pub(super) used: String,
    pub(super) limit: Option<String>,
    /// 0..100, for the bar.
    pub(super) percent: Option<String>,
    pub(super) of: Option<String>,
}

pub(super) struct SparklineView {
    pub(super) shape: Sparkline,
    /// How long it is, in words.
    pub(super) span: String,
    pub(super) top: String,
    pub(super) threshold: Option<String>,
}

pub(super) struct AlertView {
    /// Identifies it on the page.
    pub(super) id: String,
    pub(super) rule: String,
    /// Which part of the cache it is about; empty: all of it.
    pub(super) subject: String,
    pub(super) severity: &'static str,
    pub(super) state: &'static str,
    pub(super) state_word: &'static str,
    pub(super) since: String,
    pub(super) explanation: String,
    /// Where the page of the open incident is.
    pub(super) incident: Option<String>,
    /// Why nobody is told of it.
    pub(super) muted: Option<String>,
    /// The last evaluations, newest first.
    pub(super) looks: Vec<LookView>,
}

/// One evaluation of a rule, or several that found the same.
pub(super) struct LookView {
    pub(super) time: String,
    pub(super) verdict: String,
    pub(super) why: String,
}

impl CacheView {
    pub(super) fn new(cache: &CacheSnapshot, now: Now) -> Self {
        let window = shown(cache);
        Self {
            name: cache.name.to_string(),
            state: cache.state.as_str(),
            state_word: word(cache.state),
            sentence: sentence(cache),
            notes: notes(cache),
            labels: cache
                .labels
                .iter()
                .map(|(k, v)| (text(k), text(v)))
                .collect(),
            hit_ratio: window.and_then(WindowStats::hit_ratio).map(percent),
            evidence: evidence(window),
            tiles: tiles(window),
            memory: memory(cache),
            sparkline: SparklineView::new(cache),
            alerts: cache.alerts.iter().map(|a| alert(a, now)).collect(),
            why: WhyView::new(cache),
            nodes: cache.nodes.iter().map(|n| NodeView::new(n, now)).collect(),
        }
    }
}

impl SparklineView {
    /// The cache's misses over the last hour; `None` before there is anything to draw.
    pub(super) fn new(cache: &CacheSnapshot) -> Option<Self> {
        let threshold = crate::serve::charts::data::miss_threshold(cache);
        let shape = Sparkline::new(&cache.history.points, threshold)?;
        Some(Self {
            span: span(cache.history.span),
            top: percent(shape.top),
            threshold: threshold.map(percent),
            shape,
        })
    }
}

/// The window that the page shows.
pub(super) fn shown(cache: &CacheSnapshot) -> Option<&WindowStats> {
    let five = cache.windows.iter().find(|w| w.window == SHOWN);
    five.or(cache.windows.first())
}

/// How long something has been so.
pub(super) fn age(since: jiff::Timestamp, now: Now) -> Duration {
    Duration::try_from(now.wall.duration_since(since)).unwrap_or_default()
}

/// The state in a word or two.
pub(super) fn word(state: CacheState) -> &'static str {
    match state {
        CacheState::Down => "down",
        CacheState::Firing => "alert firing",
        CacheState::Degraded => "degraded",
        CacheState::Starting => "starting",
        CacheState::InsufficientTraffic => "not enough traffic",
        CacheState::Ok => "ok",
    }
}

pub(super) fn sentence(cache: &CacheSnapshot) -> String {
    let (up, total) = (
        cache.nodes.iter().filter(|n| n.up).count(),
        cache.nodes.len(),
    );
    match cache.state {
        CacheState::Down if total == 1 => "Its node does not answer.".to_owned(),
        CacheState::Down => format!("None of its {total} nodes answers."),
        CacheState::Firing => {
            let rules: Vec<_> = cache
                .alerts
                .iter()
                .filter(|a| a.state.is_firing())
                .map(|a| a.rule.as_str())
                .collect();
            format!("{} fires.", rules.join(", "))
        }
        CacheState::Degraded => format!("{up} of {total} nodes answer."),
        CacheState::Starting => "Waiting for the first reading.".to_owned(),
        CacheState::InsufficientTraffic => {
            "It answers, but nobody looked anything up in the last 5 minutes.".to_owned()
        }
        CacheState::Ok => String::new(),
    }
}

fn evidence(window: Option<&WindowStats>) -> String {
    let Some(window) = window else {
        return "no readings yet".to_owned();
    };
    let over = over(window);
    match (window.miss_ratio, window.lookups()) {
        (Some(miss), Some(lookups)) => {
            let lower = window.miss_ratio_lower;
            let bound = lower.map_or_else(String::new, |l| format!(", lower bound {}", percent(l)));
            format!(
                "{} of {} lookups {over} missed{bound}",
                percent(miss),
                count(lookups)
            )
        }
        _ => format!("no lookups {over}"),
    }
}

/// What a window covers: less than it is meant to be after a start.
pub(super) fn over(window: &WindowStats) -> String {
    // A window begins at a reading, so a few seconds more or less are nothing.
    let whole = window.covered.as_secs_f64() >= 0.9 * window.window.as_secs_f64();
    if whole {
        format!("in {}", span(window.window))
    } else {
        format!("in {} so far", span(window.covered))
    }
}

/// What holds besides its state.
pub(super) fn notes(cache: &CacheSnapshot) -> Vec<&'static str> {
    let any = |state| cache.alerts.iter().any(|a| a.state == state);
    let told = cache.alerts.iter();
    let told = told.filter(|a| a.state.is_firing() && a.state != AlertState::Silenced);
    let mut notes = Vec::new();
    if any(AlertState::Silenced) && told.count() == 0 {
        notes.push("silenced");
    }
    if any(AlertState::WarmingUp) {
        notes.push("warming up");
    }
    notes
}

pub(super) fn tiles(window: Option<&WindowStats>) -> Vec<Tile> {
    let value = |of: fn(&WindowStats) -> Option<f64>| {
        window.and_then(of).map_or_else(|| "–".to_owned(), rate)
    };
    vec![
        Tile {
            label: "lookups/s",
            value: value(|w| w.lookups_per_second),
        },
        Tile {
            label: "evictions/s",
            value: value(|w| w.evictions_per_second),
        },
        Tile {
            label: "expirations/s",
            value: value(|w| w.expirations_per_second),
        },
    ]
}

pub(super) fn memory(cache: &CacheSnapshot) -> Option<MemoryView> {
    let fill = |used: u64, limit: Option<u64>| limit.map_or(0.0, |l| used as f64 / l as f64);
    let (node, used, limit) = cache
        .nodes
        .iter()
        .filter(|n| n.up)
        .filter_map(|n| {
            let memory = &n.reading.as_ref()?.memory;
            Some((n, memory.used?, memory.limit))
        })
        .max_by(|a, b| {
            fill(a.1, a.2)
                .total_cmp(&fill(b.1, b.2))
                .then(a.1.cmp(&b.1))
        })?;
    Some(MemoryView {
        used: bytes(used),
        limit: limit.map(bytes),
        percent: limit.map(|_| format!("{:.1}", (fill(used, limit) * 100.0).clamp(0.0, 100.0))),
        of: (cache.nodes.len() > 1).then(|| text(node.name.as_str())),
    })
}

fn alert(alert: &AlertStatus, now: Now) -> AlertView {
    let subject = match &alert.subject {
        Some(Subject::Namespace(name)) => text(name),
        Some(Subject::Node(name)) => text(name.as_str()),
        None => String::new(),
    };
    AlertView {
        id: format!("{}-{}", alert.rule, super::format::letters(&subject)),
        rule: alert.rule.to_string(),
        subject,
        severity: alert.severity.as_str(),
        state: alert.state.as_str(),
        state_word: alert_word(alert.state),
        since: span(age(alert.since, now)),
        explanation: text(&alert.explanation),
        incident: alert.incident.as_deref().map(super::incidents::href),
        muted: alert.muted.as_deref().map(text),
        looks: alert.looks.iter().rev().map(look).collect(),
    }
}

fn look(look: &Look) -> LookView {
    let times = match look.times {
        0 | 1 => String::new(),
        n => format!(", {n} times"),
    };
    LookView {
        time: timestamp(look.at),
        verdict: format!("{}{times}", look.verdict.replace('_', " ")),
        why: text(&look.why),
    }
}

/// Where a rule stands, in words.
pub(super) fn alert_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Ok => "ok",
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Recovering => "recovering",
        AlertState::InsufficientTraffic => "not enough traffic",
        AlertState::NoData => "no data",
        AlertState::WarmingUp => "warming up",
        AlertState::Silenced => "silenced",
    }
}
