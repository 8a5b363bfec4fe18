//! Brings back what the last process saved, where the store answered only after the first evaluations.
//!
//! Deliberately absent: windows and `for` clocks. By then they have begun anew.
//!
//! Invariant: an incident of the last process is continued, or it is resolved; what has happened since is not undone.

use std::collections::BTreeMap;

use super::{Core, Keeper};
use crate::alert::book::AlertBook;
use crate::alert::saved::SavedState;
use crate::model::name::CacheName;
use crate::model::time::Now;

impl Core {
    /// To be called at each beat.
    pub(super) fn restore_late(&mut self, now: Now) {
        let Some(mut saved) = self.keeper.found() else {
            return;
        };
        tracing::info!(
            caches = saved.len(),
            "the database answers at last; what the last process left open goes on"
        );
        for (name, watched) in &mut self.watched {
            if let Some(book) = saved.remove(name) {
                self.keeper
                    .take(name, watched.book.restore_late(&book, now));
            }
        }
        orphans(&mut self.keeper, saved, now);
        self.keeper.save_all(self.watched.keys());
    }
}

/// What was firing for a cache that is configured no more is over.
pub(super) fn orphans(keeper: &mut Keeper, saved: BTreeMap<CacheName, SavedState>, now: Now) {
    for (name, book) in saved {
        let mut orphan = AlertBook::new(&name, &BTreeMap::new(), &[], now);
        keeper.take(&name, orphan.restore(&book, now));
        keeper.forget(&name);
    }
}
