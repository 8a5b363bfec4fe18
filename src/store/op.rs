//! Every way in which the store changes, as a value: it is applied to the disk, to memory, and again to the disk when
//! that was away.
//!
//! Invariant: applying an operation twice is the same as once, so that what may or may not have been written is simply
//! written again.

use std::sync::Arc;

use jiff::Timestamp;

use super::history::{self, Append};
use super::outbox::{self, Tried};
use super::prune::{self, Bounds};
use super::sql::{Link, Result};
use super::{Batch, incidents, notes};
use crate::model::record::{Acknowledgement, Annotation, OutboxItem};
use crate::model::silence::Silence;

/// One change.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Commit(Arc<Batch>),
    Enqueue(Arc<Vec<OutboxItem>>),
    Attempted(Arc<Tried>),
    Supersede(Arc<Vec<String>>),
    GiveUp(Arc<Vec<String>>, Timestamp),
    Acknowledge(Arc<(String, Acknowledgement)>),
    AddSilence(Arc<Silence>),
    EndSilence(Arc<str>, Timestamp),
    Annotate(Arc<Annotation>),
    Key(Arc<(String, String)>),
    History(Arc<Append>),
    Prune(Timestamp),
}

impl Op {
    /// How much it weighs in memory while it waits, in rows.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Commit(batch) => {
                1 + batch.books.len()
                    + batch.transitions.len()
                    + batch.incidents.len()
                    + batch.outbox.len()
            }
            Self::Enqueue(items) => 1 + items.len(),
            Self::Supersede(keys) | Self::GiveUp(keys, _) => 1 + keys.len(),
            Self::Attempted(tried) => 1 + tried.keys.len(),
            Self::History(append) => 1 + append.rows(),
            _ => 1,
        }
    }

    /// Whether it may be dropped first when too much waits.
    pub(super) fn is_history(&self) -> bool {
        matches!(self, Self::History(_))
    }

    /// Does it, within a transaction of the caller's; gives how many rows there were to change, where that matters.
    pub(super) async fn apply(&self, link: &mut Link, bounds: &Bounds) -> Result<u64> {
        match self {
            Self::Commit(batch) => commit(link, batch).await.map(|()| 1),
            Self::Enqueue(items) => {
                for item in items.iter() {
                    outbox::enqueue(link, item).await?;
                }
                Ok(1)
            }
            Self::Attempted(tried) => outbox::attempted(link, tried).await.map(|()| 1),
            Self::Supersede(keys) => outbox::supersede(link, keys).await,
            Self::GiveUp(keys, at) => outbox::give_up(link, keys, *at).await,
            Self::Acknowledge(ack) => incidents::acknowledge(link, &ack.0, &ack.1).await,
            Self::AddSilence(silence) => notes::add_silence(link, silence).await.map(|()| 1),
            Self::EndSilence(id, at) => notes::end_silence(link, id, *at).await,
            Self::Annotate(annotation) => notes::add_annotation(link, annotation).await.map(|()| 1),
            Self::Key(key) => notes::add_key(link, &key.0, &key.1).await.map(|()| 1),
            Self::History(append) => history::append(link, append).await.map(|()| 1),
            Self::Prune(now) => prune::prune(link, *now, bounds).await,
        }
    }
}

async fn commit(link: &mut Link, batch: &Batch) -> Result<()> {
    for book in &batch.books {
        incidents::save_book(link, book, batch.at).await?;
    }
    for incident in &batch.incidents {
        incidents::save_incident(link, incident).await?;
    }
    for step in &batch.transitions {
        incidents::save_transition(link, step).await?;
    }
    for item in &batch.outbox {
        outbox::enqueue(link, item).await?;
    }
    Ok(())
}
