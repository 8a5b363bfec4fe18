//! What happened when: steps of the rule, messages and each attempt to deliver them, what people did, what coincided.
//!
//! Invariant: in order of time; every attempt is there with what the receiver said.

use std::time::Duration;

use jiff::Timestamp;

use super::{Story, text, timestamp};
use crate::model::record::{Attempt, OutboxItem, OutboxStatus, TransitionRecord};
use crate::serve::page::cache::alert_word;
use crate::serve::page::format::span;

/// The most entries that are shown, the newest.
const MAX_ENTRIES: usize = 300;

/// Something that happened.
pub(super) struct Entry {
    at: Timestamp,
    pub(super) time: String,
    pub(super) iso: String,
    /// `step`, `message`, `delivered`, `trouble`, `person`, `besides`.
    pub(super) kind: &'static str,
    pub(super) what: String,
    pub(super) details: Vec<String>,
}

impl Entry {
    fn new(at: Timestamp, kind: &'static str, what: String, details: Vec<String>) -> Self {
        Self {
            at,
            time: timestamp(at),
            iso: at.to_string(),
            kind,
            what,
            details,
        }
    }
}

pub(super) fn timeline(story: &Story) -> Vec<Entry> {
    let incident = &story.incident;
    let mut entries: Vec<_> = story.transitions.iter().map(step).collect();
    entries.extend(story.messages.iter().filter_map(message));
    entries.extend(story.attempts.iter().map(attempt));
    let coincidences = incident.notification.coincidences.iter();
    entries.extend(coincidences.map(|c| {
        let what = format!("Besides: {}", text(&c.text));
        Entry::new(c.at, "besides", what, Vec::new())
    }));
    entries.extend(incident.acknowledged.iter().map(|ack| {
        let what = format!("{} acknowledged it", text(&ack.author));
        let comment = Some(text(&ack.comment)).filter(|c| !c.is_empty());
        Entry::new(ack.at, "person", what, comment.into_iter().collect())
    }));
    let labels = super::silenced_by(incident);
    let silences = story.silences.iter().filter(|s| s.matches(&labels));
    entries.extend(silences.map(|silence| {
        let until = timestamp(silence.ends);
        let what = format!("{} silenced it until {until}", text(&silence.author));
        let comment = Some(text(&silence.comment)).filter(|c| !c.is_empty());
        Entry::new(
            silence.starts,
            "person",
            what,
            comment.into_iter().collect(),
        )
    }));
    entries.sort_by_key(|entry| entry.at);
    let skip = entries.len().saturating_sub(MAX_ENTRIES);
    entries.drain(..skip);
    entries
}

fn step(step: &TransitionRecord) -> Entry {
    let what = format!("{} → {}", alert_word(step.from), alert_word(step.to));
    Entry::new(step.at, "step", what, vec![text(&step.why)])
}

/// Messages without an attempt: those with one tell of it themselves.
fn message(item: &OutboxItem) -> Option<Entry> {
    let way = item.notification.transition.as_str();
    let words = match item.status {
        OutboxStatus::Waiting if item.attempts == 0 => "waits to be sent",
        OutboxStatus::Superseded => "was not needed: it was over before anything could be sent",
        OutboxStatus::Dead => "was given up",
        OutboxStatus::Waiting | OutboxStatus::Delivered => return None,
    };
    let kind = match item.status {
        OutboxStatus::Dead => "trouble",
        _ => "message",
    };
    let what = format!("Message “{way}” to {} {words}", item.channel);
    Some(Entry::new(item.queued, kind, what, Vec::new()))
}

fn attempt(attempt: &Attempt) -> Entry {
    let way = attempt.transition.as_str();
    let (kind, words) = match attempt.outcome.as_str() {
        "delivered" => ("delivered", "delivered"),
        "retry" => ("trouble", "not delivered, to be tried again"),
        "refused" => ("trouble", "refused for good"),
        "gave_up" => ("trouble", "given up"),
        _ => ("trouble", "not delivered"),
    };
    let what = format!("Message “{way}” to {}: {words}", attempt.channel);
    let took = Duration::try_from_secs_f64(attempt.took_seconds).unwrap_or_default();
    let mut answer = match attempt.code {
        Some(code) => format!("answered {code}"),
        None => "no answer".to_owned(),
    };
    answer = format!("{answer} after {}", precise(took));
    let mut details = vec![answer];
    details.extend(attempt.why.as_deref().map(text));
    details.extend(
        attempt
            .next
            .map(|next| format!("tried again at {}", timestamp(next))),
    );
    Entry::new(attempt.at, kind, what, details)
}

fn precise(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{:.0}\u{a0}ms", took.as_secs_f64() * 1000.0)
    } else {
        span(took)
    }
}
