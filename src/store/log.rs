//! What the disk has still to be told, in order, while it is away.
//!
//! Invariant: bounded. History gives way first, the oldest first; saved books are kept once per cache, the newest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Batch;
use super::op::Op;

/// The most rows that wait.
const MAX_ROWS: usize = 200_000;

/// Operations that wait.
#[derive(Debug, Default)]
pub(super) struct Log {
    ops: VecDeque<Op>,
    books: BTreeMap<String, (String, Timestamp)>,
    rows: usize,
}

impl Log {
    /// Adds one; gives how many rows had to go for it.
    pub(super) fn push(&mut self, op: Op) -> u64 {
        let op = match op {
            Op::Prune(_) => return 0,
            Op::Commit(batch) if !batch.books.is_empty() => {
                for (cache, saved) in &batch.books {
                    self.books.insert(cache.clone(), (saved.clone(), batch.at));
                }
                Op::Commit(Arc::new(Batch {
                    books: Vec::new(),
                    ..(*batch).clone()
                }))
            }
            op => op,
        };
        if matches!(&op, Op::Commit(batch) if batch.is_empty()) {
            return 0;
        }
        self.rows += op.weight();
        self.ops.push_back(op);
        let mut cut = 0;
        while self.rows > MAX_ROWS {
            let history = self.ops.iter().position(Op::is_history);
            let Some(gone) = self.ops.remove(history.unwrap_or_default()) else {
                break;
            };
            self.rows = self.rows.saturating_sub(gone.weight());
            cut += gone.weight();
        }
        u64::try_from(cut).unwrap_or(u64::MAX)
    }

    /// The next ones, of at most about this many rows; the books come last. Empty: nothing waits.
    pub(super) fn next(&self, rows: usize) -> Vec<Op> {
        let mut weight = 0;
        let fits = |op: &&Op| {
            let first = weight == 0;
            weight += op.weight();
            first || weight <= rows
        };
        let ops: Vec<Op> = self.ops.iter().take_while(fits).cloned().collect();
        if !ops.is_empty() || self.books.is_empty() {
            return ops;
        }
        // Each with its own time would be more operations; the time of a book is for people only.
        let at = self.books.values().map(|(_, at)| *at).max();
        let books = self.books.iter();
        vec![Op::Commit(Arc::new(Batch {
            books: books
                .map(|(cache, (saved, _))| (cache.clone(), saved.clone()))
                .collect(),
            ..Batch::new(at.unwrap_or_default())
        }))]
    }

    /// They were written: forgets as many as [`Self::next`] gave.
    pub(super) fn done(&mut self, ops: usize) {
        if self.ops.is_empty() {
            self.books.clear();
        }
        for op in self.ops.drain(..ops.min(self.ops.len())) {
            self.rows = self.rows.saturating_sub(op.weight());
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> u64 {
        let books = usize::from(!self.books.is_empty());
        u64::try_from(self.ops.len() + books).unwrap_or(u64::MAX)
    }
}
