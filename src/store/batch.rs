//! What the engine commits at once, and what came of it.
//!
//! Invariant: all of a batch is stored, or nothing.

use jiff::Timestamp;

use crate::model::record::{IncidentRecord, OutboxItem, TransitionRecord};

/// What the engine commits at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// When.
    pub at: Timestamp,
    /// Saved alert books: JSON by cache name. An empty text: the cache is gone, and its book with it.
    pub books: Vec<(String, String)>,
    /// Steps of state machines.
    pub transitions: Vec<TransitionRecord>,
    /// Incidents that began, changed or ended.
    pub incidents: Vec<IncidentRecord>,
    /// Messages to be sent; one whose key is there already is ignored.
    pub outbox: Vec<OutboxItem>,
}

impl Batch {
    /// Nothing yet.
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            books: Vec::new(),
            transitions: Vec::new(),
            incidents: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.books.is_empty()
            && self.transitions.is_empty()
            && self.incidents.is_empty()
            && self.outbox.is_empty()
    }
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whether it survives the process. If not, memory holds it, and it is brought over when the disk works again.
    pub durable: bool,
}
