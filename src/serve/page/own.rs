//! The pages about cachewatch itself: its health, and the configuration in force.

use askama::Template;

use crate::model::name::ChannelName;
use crate::model::snapshot::Snapshot;
use crate::model::stats::ChannelStats;
use crate::model::store_health::StoreHealth;

use super::ago;
use super::format::{count, span, text};
use super::frame::Frame;

/// How it fares.
#[derive(Template)]
#[template(path = "health.html")]
pub(in crate::serve) struct HealthPage {
    frame: Frame,
    troubles: Vec<String>,
    facts: Vec<(&'static str, String)>,
    channels: Vec<ChannelView>,
}

/// A channel and how its messages fare.
struct ChannelView {
    name: String,
    kind: &'static str,
    /// Delivered, retried, failed, dropped, pending.
    counts: [String; 5],
    lost: bool,
}

impl HealthPage {
    pub(in crate::serve) fn new(snapshot: &Snapshot, frame: Frame) -> Self {
        let mut facts = facts(snapshot);
        facts.extend(store_facts(&snapshot.own.store));
        Self {
            frame,
            troubles: troubles(snapshot),
            facts,
            channels: snapshot
                .own
                .channels
                .iter()
                .map(|(name, kind, stats)| channel(name, kind, stats))
                .collect(),
        }
    }
}

fn channel(name: &ChannelName, kind: &'static str, stats: &ChannelStats) -> ChannelView {
    let counters = [
        &stats.delivered,
        &stats.retried,
        &stats.failed,
        &stats.dropped,
        &stats.pending,
    ];
    ChannelView {
        name: name.to_string(),
        kind,
        counts: counters.map(|counter| count(counter.get())),
        lost: stats.failed.get() + stats.dropped.get() > 0,
    }
}

fn troubles(snapshot: &Snapshot) -> Vec<String> {
    let own = &snapshot.own;
    let mut troubles = Vec::new();
    let store = &own.store;
    if let Some(error) = &store.error {
        troubles.push(format!(
            "The store does not work; memory goes on in its place: {}",
            text(error)
        ));
    } else if !store.wanted {
        troubles.push(
            "State is kept in memory only: a restart forgets open incidents. Give a folder with --data-dir.".to_owned(),
        );
    }
    if let Some(path) = &store.set_aside {
        troubles.push(format!(
            "A file that could not be used was set aside as {}.",
            text(path)
        ));
    }
    if own.config.reload_error.is_some() {
        troubles
            .push("The configuration on disk was refused; the one before is in force.".to_owned());
    }
    if own.reports_dropped > 0 {
        troubles.push(format!(
            "{} poll reports were dropped because the engine was too slow.",
            count(own.reports_dropped)
        ));
    }
    let lost: u64 = own
        .channels
        .iter()
        .map(|(_, _, stats)| stats.failed.get() + stats.dropped.get())
        .sum();
    if lost > 0 {
        troubles.push(format!("{} messages reached nobody.", count(lost)));
    }
    troubles
}

fn facts(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let own = &snapshot.own;
    let http = &own.http;
    vec![
        ("running for", span(snapshot.at.since(own.started))),
        ("caches", count(snapshot.caches.len() as u64)),
        (
            "last tick took",
            format!("{:.1}\u{a0}ms", own.tick_took.as_secs_f64() * 1000.0),
        ),
        (
            "requests answered",
            format!(
                "{}, {} refused, {} failed",
                count(http.ok.get()),
                count(http.client_error.get()),
                count(http.server_error.get())
            ),
        ),
        ("connections open", count(http.open_connections.get())),
        (
            "connections cut",
            count(http.refused_connections.get() + http.timed_out_connections.get()),
        ),
    ]
}

fn store_facts(store: &StoreHealth) -> Vec<(&'static str, String)> {
    let kept = if store.durable {
        "survives a restart"
    } else {
        "goes with the process"
    };
    let mut facts = vec![("store", format!("{}, {kept}", store.backend))];
    let counted = [
        ("waiting to be written", store.waiting),
        ("writes that failed", store.writes_failed),
        ("times without a store", store.outages),
        ("rows cut by limits", store.rows_cut),
    ];
    let counted = counted.into_iter().filter(|(_, n)| *n > 0);
    facts.extend(counted.map(|(name, n)| (name, count(n))));
    facts
}

/// The configuration in force.
#[derive(Template)]
#[template(path = "configuration.html")]
pub(in crate::serve) struct ConfigurationPage {
    frame: Frame,
    file: Option<String>,
    loaded: String,
    reloads: u64,
    refused: u64,
    shown: std::sync::Arc<str>,
}

impl ConfigurationPage {
    pub(in crate::serve) fn new(snapshot: &Snapshot, frame: Frame) -> Self {
        let config = &snapshot.own.config;
        Self {
            frame,
            file: config.file.as_deref().map(text),
            loaded: ago(snapshot.at, config.loaded_at),
            reloads: config.reloads_ok,
            refused: config.reloads_failed,
            shown: std::sync::Arc::clone(&config.shown),
        }
    }
}
