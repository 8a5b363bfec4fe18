//! One incident: what it is about, its numbers, what happened when, who was told, and what one can do.

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::model::record::{Attempt, IncidentRecord, OutboxItem, TransitionRecord};
use crate::model::silence::Silence;
use crate::model::snapshot::{CacheSnapshot, Snapshot};
use crate::serve::charts::data::Past;
use crate::serve::charts::request::{Range, Signal};

use super::charts::ChartView;
use super::format::{span, text, timestamp};
use super::frame::Frame;
use super::incidents::state;

mod act;
mod numbers;
mod timeline;

pub(in crate::serve) use act::{ActPage, RefusedPage};
use timeline::Entry;

/// All that is known of an incident.
pub(in crate::serve) struct Story {
    pub(in crate::serve) incident: IncidentRecord,
    pub(in crate::serve) transitions: Vec<TransitionRecord>,
    pub(in crate::serve) attempts: Vec<Attempt>,
    pub(in crate::serve) messages: Vec<OutboxItem>,
    pub(in crate::serve) silences: Vec<Silence>,
    pub(in crate::serve) past: Option<Around>,
}

/// What the cache did around it.
pub(in crate::serve) struct Around(ChartView);

impl Around {
    pub(in crate::serve) fn new(
        cache: &CacheSnapshot,
        range: Range,
        until: Timestamp,
        past: &Past,
    ) -> Self {
        Self(ChartView::new(cache, Signal::HitRatio, range, until, past))
    }
}

/// The shortest range that shows the incident with some time before it, and its right edge.
pub(in crate::serve) fn around(incident: &IncidentRecord, now: Timestamp) -> (Range, Timestamp) {
    let end = incident.resolved.unwrap_or(now);
    let lasted = end.duration_since(incident.started);
    let margin = (lasted / 3).max(SignedDuration::from_mins(4));
    let until = end.saturating_add(margin).unwrap_or(end).min(now);
    let needed = until.duration_since(incident.started) + margin;
    let fits = |range: &Range| SignedDuration::try_from(range.span()).is_ok_and(|s| s >= needed);
    let range = Range::ALL.into_iter().find(fits).unwrap_or(Range::Week);
    (range, range.edge(until))
}

/// A word on what was just tried.
pub(in crate::serve) struct Notice {
    words: String,
    good: bool,
}

impl Notice {
    pub(in crate::serve) fn done(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            good: true,
        }
    }

    pub(in crate::serve) fn trouble(words: String) -> Self {
        Self { words, good: false }
    }
}

/// What a form had said when it was refused.
#[derive(Default)]
pub(in crate::serve) struct Filled {
    pub(in crate::serve) author: String,
    pub(in crate::serve) comment: String,
}

/// The page.
#[derive(Template)]
#[template(path = "incident.html")]
pub(in crate::serve) struct IncidentPage {
    frame: Frame,
    notice: Option<Notice>,
    /// The address of this page, for its forms.
    href: String,
    class: &'static str,
    state: &'static str,
    headline: String,
    cache: String,
    watched: bool,
    rule: String,
    severity: &'static str,
    facts: Vec<(&'static str, String)>,
    labels: Vec<(String, String)>,
    explanation: Option<String>,
    /// Why nobody is told.
    muted: Vec<String>,
    numbers: Vec<(String, String)>,
    summary: Vec<String>,
    chart: Option<ChartView>,
    timeline: Vec<Entry>,
    runbook: Option<String>,
    /// Whether it is open, and nobody has taken it on.
    to_acknowledge: bool,
    open: bool,
    /// Forms, where something may be changed.
    forms: Option<Filled>,
    matchers: String,
}

impl IncidentPage {
    pub(in crate::serve) fn new(
        snapshot: &Snapshot,
        story: &Story,
        now: Timestamp,
        frame: Frame,
    ) -> Self {
        let incident = &story.incident;
        let (class, state) = state(incident);
        let cache = snapshot.caches.iter().find(|c| c.name == incident.cache);
        let alert = cache.and_then(|cache| {
            let mut alerts = cache.alerts.iter();
            alerts.find(|a| a.incident.as_deref() == Some(incident.id.as_str()))
        });
        let mut muted: Vec<_> = alert
            .and_then(|a| a.muted.as_deref())
            .map(text)
            .into_iter()
            .collect();
        let holding = story.silences.iter().filter(|s| s.holds(now));
        let labels = silenced_by(incident);
        muted.extend(holding.filter(|s| s.matches(&labels)).map(|silence| {
            format!(
                "Silenced by {} until {}: {}",
                text(&silence.author),
                timestamp(silence.ends),
                text(&silence.comment)
            )
        }));
        Self {
            frame,
            notice: None,
            href: super::incidents::href(&incident.id),
            class,
            state,
            headline: text(&incident.headline),
            cache: incident.cache.to_string(),
            watched: cache.is_some(),
            rule: incident.rule.to_string(),
            severity: incident.severity.as_str(),
            facts: facts(incident, now),
            labels: incident
                .labels
                .iter()
                .map(|(k, v)| (text(k), text(v)))
                .collect(),
            explanation: alert.map(|a| text(&a.explanation)),
            muted,
            numbers: numbers::numbers(&incident.notification.evidence),
            summary: numbers::sentences(&incident.notification),
            chart: story.past.as_ref().map(|around| around.0.clone()),
            timeline: timeline::timeline(story),
            runbook: incident.notification.runbook.as_deref().and_then(link),
            to_acknowledge: incident.resolved.is_none() && incident.acknowledged.is_none(),
            open: incident.resolved.is_none(),
            forms: None,
            matchers: format!("cache={} rule={}", incident.cache, incident.rule),
        }
    }

    /// With forms, where something may be changed.
    #[must_use]
    pub(in crate::serve) fn with_forms(mut self, allowed: bool, filled: Filled) -> Self {
        self.forms = allowed.then_some(filled);
        self
    }

    #[must_use]
    pub(in crate::serve) fn with_notice(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }
}

/// Only what a browser may follow without harm.
fn link(url: &str) -> Option<String> {
    let safe = url.starts_with("https://") || url.starts_with("http://");
    safe.then(|| url.to_owned())
}

fn facts(incident: &IncidentRecord, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !incident.subject.is_empty() {
        facts.push(("about", text(&incident.subject)));
    }
    facts.push(("began", timestamp(incident.started)));
    let end = incident.resolved.unwrap_or(now);
    let lasted = end.duration_since(incident.started);
    let lasted = span(lasted.try_into().unwrap_or_default());
    match incident.resolved {
        Some(resolved) => {
            facts.push(("over", timestamp(resolved)));
            facts.push(("lasted", lasted));
        }
        None => facts.push(("open for", lasted)),
    }
    facts
}

/// The labels that a silence is compared with.
fn silenced_by(incident: &IncidentRecord) -> std::collections::BTreeMap<String, String> {
    let mut labels = incident.labels.clone();
    let own = [
        ("cache", incident.cache.to_string()),
        ("rule", incident.rule.to_string()),
        ("severity", incident.severity.as_str().to_owned()),
    ];
    labels.extend(own.map(|(name, value)| (name.to_owned(), value)));
    labels
}
