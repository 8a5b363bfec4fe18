//! What an evaluation takes in besides the cache itself, and what comes out of it.
//!
//! Deliberately absent: where silences, annotations and past ratios are kept, and who reads the exported gauges; whoever
//! wires the book puts them in here.
//!
//! Invariant: an evaluation depends on nothing else but this, the snapshot, its history, the time and its own state.

use jiff::Timestamp;

use crate::config::Inhibition;
use crate::config::maintenance::Maintenance;
use crate::model::incident::{AlertStatus, Notification};
use crate::model::record::{Annotation, IncidentRecord, TransitionRecord};
use crate::model::silence::Silence;
use crate::model::snapshot::CacheSnapshot;
use crate::model::time::Now;

/// What there is around a cache.
#[derive(Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// All silences that may hold now; those that do not are passed over.
    pub silences: &'a [Silence],
    /// The maintenance windows of the configuration.
    pub maintenance: &'a [Maintenance],
    /// Which incident silences which others, beside a cache that is down.
    pub inhibitions: &'a [Inhibition],
    /// What somebody told us, of at least the last half hour.
    pub annotations: &'a [Annotation],
    /// The miss ratio of the cache at the same hour of earlier days.
    pub past: &'a [PastRatio],
    /// Reads exported gauges; `None`: rules about these have no data.
    pub gauges: Option<&'a dyn Gauges>,
}

/// The miss ratio of one earlier day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRatio {
    /// When that hour began.
    pub at: Timestamp,
    /// Misses / lookups, 0..1.
    pub ratio: f64,
    /// Lookups in it.
    pub lookups: u64,
}

/// Takes the labels and the value of a sample.
pub type EachSample<'a> = &'a mut dyn FnMut(&[(&str, &str)], f64);

/// Reads exported gauges out of a snapshot.
pub trait Gauges {
    /// Calls `each` with the labels and the value of each sample that the gauge `metric` has for this cache.
    fn each(&self, metric: &str, cache: &CacheSnapshot, now: Now, each: EachSample<'_>);
}

/// What came of an evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// How each rule stands for each of its subjects.
    pub statuses: Vec<AlertStatus>,
    /// What is to be said, now.
    pub notifications: Vec<Notification>,
    /// The steps of the state machines.
    pub transitions: Vec<TransitionRecord>,
    /// One for each incident that began or ended, also where nobody is told.
    pub incidents: Vec<Notification>,
    /// Namespaces or nodes that a rule would watch, beyond as many as it may.
    pub subjects_cut: u64,
}

impl Outcome {
    /// Whether there is something that must be stored or said.
    pub fn is_news(&self) -> bool {
        !self.transitions.is_empty() || !self.incidents.is_empty() || !self.notifications.is_empty()
    }

    /// Adds what came of another evaluation.
    pub fn add(&mut self, mut other: Self) {
        self.statuses.append(&mut other.statuses);
        self.notifications.append(&mut other.notifications);
        self.transitions.append(&mut other.transitions);
        self.incidents.append(&mut other.incidents);
        self.subjects_cut = self.subjects_cut.saturating_add(other.subjects_cut);
    }
}

/// The record of an incident as of its last transition; the headline is rendered elsewhere.
pub fn incident_record(last: &Notification, headline: String) -> IncidentRecord {
    use crate::model::incident::Transition;
    IncidentRecord {
        id: last.incident.clone(),
        cache: last.cache.clone(),
        rule: last.rule.clone(),
        subject: last
            .subject
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        severity: last.severity,
        labels: last.labels.clone(),
        started: last.started,
        resolved: (last.transition == Transition::Resolved).then_some(last.at),
        headline,
        notification: std::sync::Arc::new(last.clone()),
        acknowledged: None,
    }
}
