//! When databases were flushed, and how many keys that can explain.
//!
//! Invariant: at most [`MAX_DATABASES`] databases are remembered one by one; of more, the oldest flush is forgotten.

/// The most databases that are remembered.
const MAX_DATABASES: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Flush {
    db: Option<u32>,
    /// In ticks.
    at: u32,
    /// How many more first misses it can explain.
    left: u64,
}

/// The flushes of one node.
#[derive(Debug, Clone)]
pub(super) struct Flushes {
    list: Vec<Flush>,
}

impl Flushes {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::with_capacity(MAX_DATABASES + 1),
        }
    }

    /// A flush of one database or of all, of so many keys if that is known.
    pub(super) fn note(&mut self, db: Option<u32>, keys: Option<u64>, at: u32) {
        self.list.retain(|f| db.is_some() && f.db != db);
        if self.list.len() >= MAX_DATABASES
            && let Some(oldest) = self.list.iter().enumerate().min_by_key(|(_, f)| f.at)
        {
            let oldest = oldest.0;
            self.list.swap_remove(oldest);
        }
        let left = keys.unwrap_or(u64::MAX);
        self.list.push(Flush { db, at, left });
    }

    /// When this database was last flushed, if that can explain one more miss. Both in ticks.
    pub(super) fn last(&self, db: u32, now: u32, reach: u32) -> Option<u32> {
        self.of(db)
            .filter(|f| f.left > 0 && now.saturating_sub(f.at) <= reach)
            .map(|f| f.at)
    }

    /// The last flush of this database has explained a miss.
    pub(super) fn explained(&mut self, db: u32) {
        let last = self.of(db).map(|f| f.at);
        let found = self
            .list
            .iter_mut()
            .find(|f| Some(f.at) == last && f.db.is_none_or(|d| d == db));
        if let Some(flush) = found {
            flush.left = flush.left.saturating_sub(1);
        }
    }

    fn of(&self, db: u32) -> Option<&Flush> {
        if self.list.is_empty() {
            return None;
        }
        let same = self.list.iter().filter(|f| f.db.is_none_or(|d| d == db));
        same.max_by_key(|f| f.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_flush_counts_for_so_long_and_for_so_many_keys() {
        let mut flushes = Flushes::new();
        flushes.note(Some(1), Some(2), 100);
        assert_eq!(flushes.last(0, 100, 50), None);
        assert_eq!(flushes.last(1, 150, 50), Some(100));
        assert_eq!(flushes.last(1, 151, 50), None);
        flushes.explained(1);
        assert_eq!(flushes.last(1, 150, 50), Some(100));
        flushes.explained(1);
        assert_eq!(flushes.last(1, 150, 50), None);
        flushes.note(None, None, 120);
        assert_eq!(flushes.last(1, 150, 50), Some(120));
        assert_eq!(flushes.last(9, 150, 50), Some(120));
        flushes.note(Some(9), None, 130);
        assert_eq!(flushes.last(9, 150, 50), Some(130));
        assert_eq!(flushes.last(1, 150, 50), Some(120));
    }

    #[test]
    fn bounded() {
        let mut flushes = Flushes::new();
        for db in 0..10_000 {
            flushes.note(Some(db), None, db);
        }
        assert_eq!(flushes.list.len(), MAX_DATABASES);
        assert_eq!(flushes.last(9_999, 9_999, 10), Some(9_999));
    }
}
