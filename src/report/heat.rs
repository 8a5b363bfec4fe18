//! Which hours of the week are the worst, by the clock of a time zone.
//!
//! A slot belongs to the hour in which it begins: slots of 15 min or less never lie in two hours of any zone of today. On
//! the days on which clocks are changed, an hour that exists twice gets both, and one that does not exist gets nothing.
//!
//! Invariant: an hour without lookups has no ratio; one with few is shown but never called the worst.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::gather::part;
use crate::model::record::HistoryPoint;

/// Fewer lookups say too little to call an hour bad.
const ENOUGH: u64 = 1_000;
/// How many of the worst are told.
const WORST: usize = 3;

/// Days in their order.
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Misses by weekday and hour of day.
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

pub(super) fn heat(slots: &[HistoryPoint], zone: &TimeZone) -> Heat {
    let mut sums = [[(0_u64, 0_u64); 24]; 7];
    for slot in slots {
        let (Some(hits), Some(misses)) = (slot.hits, slot.misses) else {
            continue;
        };
        let (day, hour) = place(slot.at, zone);
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

/// Which day, 0 is Monday, and which hour.
fn place(at: Timestamp, zone: &TimeZone) -> (usize, usize) {
    let there = zone.to_datetime(at);
    let index = |n: i8| usize::try_from(n).unwrap_or_default();
    let day = there.date().weekday().to_monday_zero_offset();
    (index(day), index(there.hour()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_right() {
        for (at, zone, day, hour) in [
            ("2026-11-23T00:00:00Z", "UTC", "Mon", 0),
            ("2026-11-22T23:59:59Z", "UTC", "Sun", 23),
            ("1969-12-31T13:00:00Z", "UTC", "Wed", 13),
            ("2024-02-29T12:30:00Z", "UTC", "Thu", 12),
            ("2026-11-22T23:15:00Z", "Europe/Berlin", "Mon", 0),
            ("2026-07-05T22:15:00Z", "Europe/Berlin", "Mon", 0),
            ("2026-11-23T04:45:00Z", "America/New_York", "Sun", 23),
            ("2026-11-23T00:15:00Z", "Asia/Kathmandu", "Mon", 6),
            // 3 o'clock becomes 2 o'clock: that hour is there twice.
            ("2026-10-25T00:30:00Z", "Europe/Berlin", "Sun", 2),
            ("2026-10-25T01:30:00Z", "Europe/Berlin", "Sun", 2),
            // 2 o'clock becomes 3 o'clock.
            ("2026-03-29T01:00:00Z", "Europe/Berlin", "Sun", 3),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let (d, h) = place(at.parse().unwrap(), &zone);
            assert_eq!((DAYS[d], h), (day, hour), "{at}");
        }
    }

    #[test]
    fn another_zone_moves_hours_and_loses_nothing() {
        let slot = |n: i64| HistoryPoint {
            at: Timestamp::from_second(n * 900).unwrap(),
            hits: Some(90),
            misses: Some(10),
            ..HistoryPoint::default()
        };
        let slots: Vec<_> = (0..4 * 24 * 7).map(slot).collect();
        for zone in ["UTC", "Asia/Kathmandu", "Pacific/Chatham"] {
            let heat = heat(&slots, &TimeZone::get(zone).unwrap());
            assert_eq!(heat.cells.len(), 168, "{zone}");
            assert!(heat.cells.iter().all(|cell| cell.lookups == 400), "{zone}");
        }
    }
}
