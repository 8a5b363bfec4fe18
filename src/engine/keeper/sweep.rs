//! Closes incidents that the store has for open and that no book knows of: their state was lost, so nothing would ever
//! resolve them.
//!
//! Deliberately absent: incidents of our own channels, which the delivery takes up itself.
//!
//! Invariant: what is in a book stays open; who was told of an incident is told of its end, and nobody else.

use std::collections::BTreeSet;

use super::trouble::{STORE_TROUBLE, Trouble, step};
use crate::alert::surroundings::Outcome;
use crate::model::incident::AlertState;
use crate::model::incident::OWN_CACHE;
use crate::model::record::IncidentRecord;
use crate::model::time::Now;
use crate::notify::CHANNEL_BROKEN;
use crate::store::{Store, StoreError};

/// Why an incident was closed.
const LOST: &str =
    "cachewatch lost the state of this incident and closed it; if it goes on, it is told anew";

/// `known`: the incidents that are open in the books.
pub(super) async fn sweep(
    store: &Store,
    known: &BTreeSet<String>,
    trouble: &mut Trouble,
    now: Now,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    for record in store.open_incidents().await? {
        if known.contains(&record.id) || is_ours(&record, trouble) {
            continue;
        }
        let was_told = !store.messages(&record.id).await?.is_empty();
        tracing::warn!(incident = %record.id, was_told, "an incident whose state was lost is closed");
        let mut end = step(
            record.notification.ended(Some(LOST), now.wall),
            AlertState::Firing,
        );
        if !was_told {
            end.notifications.clear();
        }
        outcome.add(end);
    }
    Ok(outcome)
}

fn is_ours(record: &IncidentRecord, trouble: &mut Trouble) -> bool {
    if record.cache.as_str() != OWN_CACHE {
        return false;
    }
    match record.rule.as_str() {
        CHANNEL_BROKEN => true,
        STORE_TROUBLE => trouble.incident() == Some(&record.id) || trouble.adopt(record),
        _ => false,
    }
}
