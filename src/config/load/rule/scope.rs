//! Checks what a rule is about: the cache, some of its namespaces, or its nodes.
//!
//! Invariant: globs that pass compile; the subject is one that the signal can be about.

use crate::config::error::Errors;
use crate::config::raw::{Given, RawRule, RawSignal};
use crate::config::signal::SubjectKind;
use crate::config::{MAX_SUBJECTS, Scope};
use crate::model::pattern::{MAX_PATTERNS, Pattern};

/// How many parts of a cache a rule watches when nothing is said.
const DEFAULT_SUBJECTS: usize = 20;

/// What it is about: what was said, else what follows from the globs or the signal.
pub(super) fn subject(raw: &RawRule) -> SubjectKind {
    match (&raw.subject, &raw.signal) {
        (Given::Yes(at), _) => at.value,
        _ if raw.namespaces.is_given() => SubjectKind::Namespace,
        (_, Given::Yes(at)) => match at.value {
            RawSignal::Other(measure) => {
                let first = measure.row().subjects.first();
                first.copied().unwrap_or(SubjectKind::Cache)
            }
            _ => SubjectKind::Cache,
        },
        _ => SubjectKind::Cache,
    }
}

/// Checks it.
pub(super) fn scope(raw: &RawRule, kind: RawSignal, errors: &mut Errors) -> Scope {
    let subject = subject(raw);
    let possible = match kind {
        RawSignal::Other(measure) => measure.row().subjects,
        _ => &[SubjectKind::Cache],
    };
    if !possible.contains(&subject) {
        let names: Vec<_> = possible.iter().map(|kind| kind.as_str()).collect();
        let place = raw.subject.place().or(raw.namespaces.place());
        errors.at(
            place.unwrap_or(&raw.origin),
            format!("this signal is known of a {} only", names.join(" or a ")),
        );
    }
    let most = most(raw, subject, errors);
    let globs = globs(raw, subject, errors);
    match subject {
        SubjectKind::Cache => Scope::Cache,
        SubjectKind::Node => Scope::Nodes { most },
        SubjectKind::Namespace => Scope::Namespaces { globs, most },
    }
}

fn most(raw: &RawRule, subject: SubjectKind, errors: &mut Errors) -> usize {
    let Some(at) = raw.max_subjects.get() else {
        return DEFAULT_SUBJECTS;
    };
    if subject == SubjectKind::Cache {
        errors.at(&at.origin, "is only for rules about namespaces or nodes");
    } else if !(1..=MAX_SUBJECTS).contains(&at.value) {
        errors.at(&at.origin, format!("must be between 1 and {MAX_SUBJECTS}"));
    }
    usize::try_from(at.value).unwrap_or(DEFAULT_SUBJECTS)
}

fn globs(raw: &RawRule, subject: SubjectKind, errors: &mut Errors) -> Vec<String> {
    let Some(list) = raw.namespaces.get() else {
        return vec!["*".to_owned()];
    };
    if subject != SubjectKind::Namespace {
        errors.at(&list.origin, "is only for rules about namespaces");
    }
    if list.value.is_empty() || list.value.len() > MAX_PATTERNS {
        errors.at(
            &list.origin,
            format!("must have between 1 and {MAX_PATTERNS} globs; remove the key for all"),
        );
    }
    let mut globs = Vec::new();
    for at in &list.value {
        let checked = Pattern::new(at.value.as_bytes()).map_err(|e| e.to_string());
        if errors.check(&at.origin, checked).is_some() {
            globs.push(at.value.clone());
        }
    }
    globs
}
