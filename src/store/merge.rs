//! Puts together what the disk had before it stopped working and what memory got since.
//!
//! Invariant: each record once; where both have one, memory's, which is newer.

use std::collections::BTreeMap;

use super::incidents::{IncidentFilter, MAX_INCIDENTS};
use crate::model::record::{
    Annotation, Attempt, HistoryPoint, IncidentRecord, NamespacePoint, OutboxItem, TransitionRecord,
};

/// The disk's answer, and memory's where the disk does not work.
pub(super) type Found<T> = (Vec<T>, Option<Vec<T>>);

fn merged<T, K: Ord>((old, new): Found<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let Some(new) = new else {
        return old;
    };
    let records = old.into_iter().chain(new);
    let by_key: BTreeMap<K, T> = records.map(|record| (key(&record), record)).collect();
    by_key.into_values().collect()
}

pub(super) fn incidents(
    found: Found<IncidentRecord>,
    filter: &IncidentFilter,
) -> Vec<IncidentRecord> {
    if found.1.is_none() {
        return found.0;
    }
    let mut all = merged(found, |incident| (incident.started, incident.id.clone()));
    all.reverse();
    // The disk may think that one is open that memory knows to be over.
    all.retain(|incident| {
        filter
            .open
            .is_none_or(|open| incident.resolved.is_none() == open)
    });
    all.truncate(match filter.limit {
        0 => MAX_INCIDENTS,
        limit => limit.min(MAX_INCIDENTS),
    });
    all
}

pub(super) fn transitions(found: Found<TransitionRecord>) -> Vec<TransitionRecord> {
    merged(found, |step| {
        let rule = (step.cache.clone(), step.rule.clone(), step.subject.clone());
        (step.at, rule, step.from, step.to)
    })
}

pub(super) fn attempts(found: Found<Attempt>) -> Vec<Attempt> {
    merged(found, |attempt| (attempt.at, attempt.key.clone()))
}

pub(super) fn messages(found: Found<OutboxItem>) -> Vec<OutboxItem> {
    let mut all = merged(found, |item| item.key.clone());
    all.sort_by(|a, b| (a.queued, &a.key).cmp(&(b.queued, &b.key)));
    all
}

pub(super) fn annotations(found: Found<Annotation>) -> Vec<Annotation> {
    merged(found, |annotation| (annotation.at, annotation.id.clone()))
}

pub(super) fn history(found: Found<HistoryPoint>) -> Vec<HistoryPoint> {
    merged(found, |point| point.at)
}

pub(super) fn namespaces(found: Found<NamespacePoint>) -> Vec<NamespacePoint> {
    merged(found, |point| (point.at, point.namespace.clone()))
}
