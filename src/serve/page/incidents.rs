//! All incidents: what is open now, and what is past.

use askama::Template;

use crate::model::name::CacheName;
use crate::model::record::IncidentRecord;
use crate::model::snapshot::Snapshot;
use crate::store::StoreError;

use super::cache::age;
use super::format::{span, text, timestamp};
use super::frame::Frame;

/// What is looked at.
pub(in crate::serve) struct Shown {
    pub(in crate::serve) cache: Option<CacheName>,
    /// From 1.
    pub(in crate::serve) page: usize,
    pub(in crate::serve) page_size: usize,
}

/// The page.
#[derive(Template)]
#[template(path = "incidents.html")]
pub(in crate::serve) struct IncidentsPage {
    frame: Frame,
    /// Why there is nothing to show.
    trouble: Option<String>,
    summary: String,
    /// Name and whether it is chosen.
    caches: Vec<(String, bool)>,
    cache: Option<String>,
    open: Vec<Row>,
    past: Vec<Row>,
    /// Addresses of the page with newer and that with older ones.
    newer: Option<String>,
    older: Option<String>,
}

/// One incident.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) class: &'static str,
    pub(super) state: &'static str,
    pub(super) cache: String,
    pub(super) rule: String,
    pub(super) subject: String,
    pub(super) severity: &'static str,
    pub(super) started: String,
    pub(super) started_iso: String,
    pub(super) lasted: String,
    pub(super) headline: String,
    pub(super) acknowledged: Option<String>,
}

impl IncidentsPage {
    pub(in crate::serve) fn new(
        snapshot: &Snapshot,
        found: Result<(Vec<IncidentRecord>, Vec<IncidentRecord>), StoreError>,
        shown: &Shown,
        frame: Frame,
    ) -> Self {
        let (trouble, (open, mut past)) = match found {
            Ok(found) => (None, found),
            Err(error) => (Some(text(&error.to_string())), Default::default()),
        };
        let more = past.len() > shown.page_size;
        past.truncate(shown.page_size);
        let chosen = |name: &CacheName| shown.cache.as_ref() == Some(name);
        let address = |page: usize| match &shown.cache {
            Some(cache) => format!("/incidents?cache={cache}&page={page}"),
            None => format!("/incidents?page={page}"),
        };
        let row = |incident: &IncidentRecord| row(snapshot, incident);
        Self {
            frame,
            trouble,
            summary: match open.len() {
                0 => "No open incident".to_owned(),
                1 => "1 open incident".to_owned(),
                n => format!("{n} open incidents"),
            },
            caches: snapshot
                .caches
                .iter()
                .map(|c| (c.name.to_string(), chosen(&c.name)))
                .collect(),
            cache: shown.cache.as_ref().map(ToString::to_string),
            open: open.iter().map(row).collect(),
            past: past.iter().map(row).collect(),
            newer: (shown.page > 1).then(|| address(shown.page - 1)),
            older: more.then(|| address(shown.page + 1)),
        }
    }
}

/// Where the page of an incident is.
pub(super) fn href(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/incidents/{}", id.replace('+', "%20"))
}

/// In a word, and its class.
pub(super) fn state(incident: &IncidentRecord) -> (&'static str, &'static str) {
    if incident.resolved.is_some() {
        ("resolved", "resolved")
    } else if incident.acknowledged.is_some() {
        ("acknowledged", "acknowledged")
    } else {
        ("firing", "firing")
    }
}

fn row(snapshot: &Snapshot, incident: &IncidentRecord) -> Row {
    let (class, state) = state(incident);
    Row {
        href: href(&incident.id),
        class,
        state,
        cache: incident.cache.to_string(),
        rule: incident.rule.to_string(),
        subject: text(&incident.subject),
        severity: incident.severity.as_str(),
        started: timestamp(incident.started),
        started_iso: incident.started.to_string(),
        lasted: match incident.resolved {
            Some(resolved) => span(
                resolved
                    .duration_since(incident.started)
                    .try_into()
                    .unwrap_or_default(),
            ),
            None => span(age(incident.started, snapshot.at)),
        },
        headline: text(&incident.headline),
        acknowledged: incident
            .acknowledged
            .as_ref()
            .map(|ack| format!("by {}", text(&ack.author))),
    }
}
