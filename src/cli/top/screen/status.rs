//! The sentences below the tables: what fires, what does not answer, and how events do, with what mends them.

use std::time::Duration;

use super::super::ADMIT_AFTER;
use super::super::words::{clean, percent, span};
use crate::model::events::EventsState;
use crate::model::incident::AlertState;
use crate::model::snapshot::{CacheSnapshot, Snapshot};
use crate::model::time::Now;

/// How loud a sentence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::top) enum Tone {
    /// Something is wrong.
    Bad,
    /// Something could be better.
    Warning,
    /// All is as it should be.
    Quiet,
    /// A command to be copied.
    Command,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::top) struct Sentence {
    pub(in crate::cli::top) tone: Tone,
    pub(in crate::cli::top) text: String,
}

fn say(tone: Tone, text: String) -> Sentence {
    Sentence { tone, text }
}

/// What needs to be known of all caches, and how the events of the chosen one do. What is wrong with the chosen one comes
/// first, what is as it should be last: what is last may have no room.
pub(in crate::cli::top) fn status(
    snapshot: &Snapshot,
    chosen: Option<&CacheSnapshot>,
) -> Vec<Sentence> {
    let is_chosen = |c: &CacheSnapshot| chosen.is_some_and(|chosen| chosen.name == c.name);
    let of = |wanted: bool| {
        let caches = snapshot.caches.iter();
        let caches = caches.filter(move |c| is_chosen(c) == wanted);
        caches.flat_map(|c| firing(c, snapshot.at))
    };
    let mut sentences: Vec<_> = of(true).collect();
    let mut quiet = Vec::new();
    if let Some(cache) = chosen {
        sentences.extend(errors(cache));
        let (calm, troubles) = events(cache)
            .into_iter()
            .partition(|s| s.tone == Tone::Quiet);
        sentences.extend::<Vec<_>>(troubles);
        quiet = calm;
        quiet.extend(unnamed(cache));
    }
    sentences.extend(of(false));
    let is_firing = |c: &CacheSnapshot| c.alerts.iter().any(|a| a.state.is_firing());
    if !snapshot.caches.iter().any(|c| is_firing(c)) {
        quiet.insert(0, say(Tone::Quiet, "no alert is firing".to_owned()));
    }
    sentences.extend(quiet);
    sentences
}

/// The alerts of a cache that fire.
fn firing(cache: &CacheSnapshot, now: Now) -> impl Iterator<Item = Sentence> {
    let firing = cache.alerts.iter().filter(|a| a.state.is_firing());
    firing.map(move |alert| {
        let word = match alert.state {
            AlertState::Recovering => "recovering",
            _ => "firing",
        };
        let since = now.wall.as_second().saturating_sub(alert.since.as_second());
        let text = format!(
            "{}: {} {word} for {}: {}",
            cache.name,
            alert.rule,
            span(Duration::from_secs(u64::try_from(since).unwrap_or(0))),
            clean(&alert.explanation)
        );
        say(Tone::Bad, text)
    })
}

/// Why nodes do not answer.
pub(in crate::cli::top) fn errors(cache: &CacheSnapshot) -> Vec<Sentence> {
    let failed = cache.nodes.iter().filter_map(|n| n.error.as_ref());
    failed
        .map(|error| {
            say(
                Tone::Bad,
                format!("{}: {}", cache.name, clean(&error.message)),
            )
        })
        .collect()
}

/// How the events of each node do, with what mends them.
pub(in crate::cli::top) fn events(cache: &CacheSnapshot) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for node in &cache.nodes {
        let status = &node.events_status;
        let tone = match status.state {
            EventsState::Working | EventsState::Disabled | EventsState::Connecting => Tone::Quiet,
            EventsState::NotificationsOff | EventsState::Forbidden | EventsState::Lost => {
                Tone::Warning
            }
        };
        let seen = match node.completeness.keymiss {
            Some(ratio) if status.state == EventsState::Working => {
                format!(" ({} of the misses that the server counts)", percent(ratio))
            }
            _ => String::new(),
        };
        let name = clean(node.name.as_str());
        let text = format!("events of {name}: {}{seen}", clean(&status.message));
        sentences.push(say(tone, text));
        if let Some(remedy) = &status.remedy {
            sentences.push(say(Tone::Command, clean(remedy)));
        }
    }
    sentences
}

/// Why everything is in `other` for a while.
pub(in crate::cli::top) fn unnamed(cache: &CacheSnapshot) -> Option<Sentence> {
    let recent = &cache.attribution.as_ref()?.recent;
    let is_unnamed = !recent.is_empty() && recent.iter().all(|n| n.name == "other");
    is_unnamed.then(|| {
        let after = span(ADMIT_AFTER);
        let text = format!(
            "a namespace is named once its keys have kept coming for {after}; until then they count as other"
        );
        say(Tone::Quiet, text)
    })
}
