//! Which hours of the week are the worst.
//!
//! Invariant: an hour without lookups has no ratio; one with few is shown but never called the worst.

use jiff::Timestamp;
use serde::Serialize;

use super::gather::part;
use crate::model::record::HistoryPoint;

/// Fewer lookups say too little to call an hour bad.
const ENOUGH: u64 = 1_000;
/// How many of the worst are told.
const WORST: usize = 3;

/// Days in their order.
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Misses by weekday and hour of day, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Heat {
    /// The hours with lookups, Monday 0 o'clock first.
    pub cells: Vec<Cell>,
    /// The three with the highest miss ratio of those with at least 1,000 lookups, the worst first; empty when there
    /// are fewer than twelve such hours.
    pub worst: Vec<Cell>,
}

/// One hour of the week.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// `Mon` to `Sun`.
    pub weekday: &'static str,
    /// 0 to 23: from this hour to the next.
    pub hour: usize,
    /// All lookups in it.
    pub lookups: u64,
    /// Those that missed.
    pub misses: u64,
    /// misses / lookups.
    pub miss_ratio: f64,
}

pub(super) fn heat(slots: &[HistoryPoint]) -> Heat {
    let mut sums = [[(0_u64, 0_u64); 24]; 7];
    for slot in slots {
        let (Some(hits), Some(misses)) = (slot.hits, slot.misses) else {
            continue;
        };
        let (day, hour) = place(slot.at);
        if let Some((lookups, missed)) = sums.get_mut(day).and_then(|day| day.get_mut(hour)) {
            *lookups = lookups.saturating_add(hits).saturating_add(misses);
            *missed = missed.saturating_add(misses);
        }
    }
    let mut cells = Vec::new();
    for (sums, weekday) in sums.iter().zip(DAYS) {
        for (hour, (lookups, misses)) in sums.iter().enumerate() {
            cells.extend(
                part(*misses as f64, *lookups as f64).map(|miss_ratio| Cell {
                    weekday,
                    hour,
                    lookups: *lookups,
                    misses: *misses,
                    miss_ratio,
                }),
            );
        }
    }
    Heat {
        worst: worst(&cells),
        cells,
    }
}

fn worst(cells: &[Cell]) -> Vec<Cell> {
    let mut bad: Vec<_> = cells
        .iter()
        .filter(|cell| cell.lookups >= ENOUGH)
        .copied()
        .collect();
    bad.sort_by(|a, b| b.miss_ratio.total_cmp(&a.miss_ratio));
    // Among few hours, the worst three say nothing.
    if bad.len() < 4 * WORST {
        return Vec::new();
    }
    bad.truncate(WORST);
    bad
}

/// Which day, 0 is Monday, and which hour, in UTC.
fn place(at: Timestamp) -> (usize, usize) {
    let seconds = at.as_second();
    // 1970 began on a Thursday.
    let day = (seconds.div_euclid(86_400) + 3).rem_euclid(7);
    let hour = seconds.rem_euclid(86_400) / 3_600;
    let index = |n: i64| usize::try_from(n).unwrap_or_default();
    (index(day), index(hour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_right() {
        for (at, day, hour) in [
            ("2026-11-23T00:00:00Z", "Mon", 0),
            ("2026-11-22T23:59:59Z", "Sun", 23),
            ("1969-12-31T13:00:00Z", "Wed", 13),
            ("2024-02-29T12:30:00Z", "Thu", 12),
        ] {
            let (d, h) = place(at.parse().unwrap());
            assert_eq!((DAYS[d], h), (day, hour), "{at}");
        }
    }
}
