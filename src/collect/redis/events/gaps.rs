//! The reader's list of gaps: when it did not receive events, and what that looked like from here.
//!
//! Deliberately without judgement: INFO says more about the reason, and that is `analyze::gaps`' to put together.
//!
//! Invariant: at most [`KEPT`] gaps; numbers have no holes; at most one gap lasts, and it is the newest.

use std::collections::VecDeque;
use std::time::Duration;

use super::tally::Break;
use crate::model::gap::{Gap, GapReason};
use crate::model::time::Now;

/// So many are told: more than there can be between two polls, given the pauses between two attempts.
const KEPT: usize = 16;

#[derive(Debug, Default)]
pub(super) struct GapLog {
    begun: Option<Now>,
    gaps: VecDeque<Gap>,
    numbers: u64,
    subscribed: Option<Duration>,
}

impl GapLog {
    /// The first gap lasts from then to the first subscription; `None`: there will be none.
    pub(super) fn new(begun: Option<Now>) -> Self {
        let mut log = Self {
            begun,
            ..Self::default()
        };
        if let Some(now) = begun {
            log.push(now, None, GapReason::Start, false);
        }
        log
    }

    /// Those that are kept, the oldest first.
    pub(super) fn list(&self) -> Vec<Gap> {
        self.gaps.iter().copied().collect()
    }

    /// Since when the session is subscribed, on the monotonic clock.
    pub(super) fn subscribed_at(&self) -> Option<Duration> {
        self.subscribed
    }

    /// Events are received from now on. Returns the gap that is over.
    pub(super) fn subscribed(&mut self, now: Now) -> Option<Gap> {
        self.subscribed = Some(now.mono);
        let last = self.gaps.back_mut().filter(|gap| gap.ended.is_none())?;
        last.ended = Some(now);
        Some(*last)
    }

    /// Events are not received any more.
    pub(super) fn broken(&mut self, gap: Break, now: Now) {
        self.subscribed = None;
        self.push(before(now, gap.deaf), None, gap.reason, gap.mid_message);
    }

    /// Events were not published, until now.
    pub(super) fn not_published(&mut self, since: Option<Now>, now: Now) {
        if self.gaps.back().is_some_and(|gap| gap.ended.is_none()) {
            // The gap that lasts covers what is missing.
            return;
        }
        let began = since.or(self.begun).unwrap_or(now);
        self.push(began, Some(now), GapReason::NotPublished, false);
    }

    fn push(&mut self, began: Now, ended: Option<Now>, reason: GapReason, mid_message: bool) {
        self.numbers += 1;
        if self.gaps.len() >= KEPT {
            self.gaps.pop_front();
        }
        self.gaps.push_back(Gap {
            number: self.numbers,
            began,
            ended,
            reason,
            mid_message,
        });
    }
}

/// So long before.
fn before(now: Now, by: Duration) -> Now {
    let by = by.min(now.mono);
    let signed = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::ZERO);
    Now {
        mono: now.mono.saturating_sub(by),
        wall: now.wall.saturating_sub(signed).unwrap_or(now.wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now::ZERO.plus(Duration::from_secs(seconds))
    }

    fn broken(deaf: u64) -> Break {
        Break {
            reason: GapReason::Connection,
            mid_message: false,
            deaf: Duration::from_secs(deaf),
        }
    }

    #[test]
    fn a_gap_lasts_from_the_last_sign_of_life_to_the_next_subscription() {
        let mut log = GapLog::new(Some(at(1)));
        assert_eq!(log.list()[0].ended, None);
        assert_eq!(log.subscribed(at(2)).unwrap().reason, GapReason::Start);
        assert_eq!(log.subscribed_at(), Some(at(2).mono));
        log.broken(broken(7), at(20));
        assert_eq!(log.subscribed_at(), None);
        let gap = log.subscribed(at(25)).unwrap();
        assert_eq!(
            (gap.number, gap.began, gap.ended),
            (2, at(13), Some(at(25)))
        );
        assert_eq!(log.list().len(), 2);
    }

    #[test]
    fn what_was_not_published_is_a_gap_unless_one_lasts() {
        let mut log = GapLog::new(Some(at(1)));
        log.not_published(None, at(2));
        assert_eq!(log.list().len(), 1);
        log.subscribed(at(3));
        log.not_published(None, at(9));
        log.not_published(Some(at(9)), at(12));
        let list = log.list();
        assert_eq!((list[1].began, list[1].ended), (at(1), Some(at(9))));
        assert_eq!((list[2].began, list[2].ended), (at(9), Some(at(12))));
    }

    #[test]
    fn the_list_is_bounded_and_its_numbers_have_no_holes() {
        let mut log = GapLog::new(None);
        for n in 0..100 {
            log.broken(broken(0), at(n));
            log.subscribed(at(n));
        }
        let numbers: Vec<_> = log.list().iter().map(|gap| gap.number).collect();
        assert_eq!(numbers, (85..=100).collect::<Vec<_>>());
    }
}
