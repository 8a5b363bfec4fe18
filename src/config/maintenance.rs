//! Maintenance windows: times at which nobody is to be told, known beforehand.
//!
//! A weekly window begins and ends by the wall clock of its time zone. Where that clock is put forward or back within it,
//! the window is rather longer than shorter than what was written: a time that does not exist or exists twice is taken as
//! early as possible for its beginning, and as late as possible for its end.
//!
//! Deliberately absent: what a mute leads to, which is `alert`'s.
//!
//! Invariant: a window that exists names a cache or a matcher, and ends.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::name::{CacheName, Name};
use crate::model::silence::Matcher;
use crate::model::weekly::Weekly;

/// One window.
#[derive(Debug, Clone, PartialEq)]
pub struct Maintenance {
    /// Its name, unique.
    pub name: Name,
    /// The caches that it is about; empty: all.
    pub caches: Vec<CacheName>,
    /// All of them must match, too.
    pub matchers: Vec<Matcher>,
    /// When.
    pub when: When,
}

/// When a window is.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// On some days of each week.
    Weekly(Weekly),
    /// Once.
    Once {
        /// From then on.
        starts: Timestamp,
        /// Until then.
        ends: Timestamp,
    },
}

impl Maintenance {
    /// Until when it lasts, if it is about these labels and is on at this moment.
    pub fn until(&self, labels: &BTreeMap<String, String>, at: Timestamp) -> Option<Timestamp> {
        let cache = labels.get("cache").map_or("", String::as_str);
        let named = self.caches.is_empty() || self.caches.iter().any(|c| c.as_str() == cache);
        if !named || !self.matchers.iter().all(|m| m.matches(labels)) {
            return None;
        }
        self.when.until(at)
    }
}

impl When {
    /// Until when it lasts, if it is on.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once { starts, ends } => (*starts <= at && at < *ends).then_some(*ends),
            Self::Weekly(weekly) => weekly.end_at_longest(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, Weekday, time};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn weekly(days: &[Weekday], from: Time, to: Time) -> When {
        When::Weekly(Weekly {
            days: days.to_vec(),
            from,
            to,
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        })
    }

    fn on(when: &When, at: &str) -> Option<String> {
        let at: Timestamp = at.parse().unwrap();
        when.until(at).map(|until| until.to_string())
    }

    #[test]
    fn a_window_follows_the_clock_of_its_zone() {
        let when = weekly(&[Weekday::Sunday], time(2, 0, 0, 0), time(4, 0, 0, 0));
        // Sundays in winter (UTC+1) and in summer (UTC+2).
        assert_eq!(on(&when, "2026-01-11T00:59:59Z"), None);
        assert_eq!(
            on(&when, "2026-01-11T01:00:00Z").unwrap(),
            "2026-01-11T03:00:00Z"
        );
        assert_eq!(on(&when, "2026-01-11T03:00:00Z"), None);
        assert_eq!(
            on(&when, "2026-07-12T00:00:00Z").unwrap(),
            "2026-07-12T02:00:00Z"
        );
        assert_eq!(on(&when, "2026-07-13T00:00:00Z"), None, "a Monday");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let when = weekly(&[Weekday::Saturday], time(23, 0, 0, 0), time(1, 0, 0, 0));
        assert!(on(&when, "2026-01-10T22:30:00Z").is_some());
        assert_eq!(
            on(&when, "2026-01-10T23:30:00Z").unwrap(),
            "2026-01-11T00:00:00Z"
        );
        assert_eq!(on(&when, "2026-01-09T23:30:00Z"), None, "Friday night");
        let all_day = weekly(&[Weekday::Saturday], Time::midnight(), Time::midnight());
        assert!(on(&all_day, "2026-01-10T12:00:00Z").is_some());
        assert_eq!(on(&all_day, "2026-01-10T23:30:00Z"), None);
    }

    #[test]
    fn where_the_clock_is_changed_the_window_is_longer() {
        // 2026-03-29 02:00 CET becomes 03:00 CEST; 2026-10-25 03:00 CEST becomes 02:00 CET.
        let when = weekly(&[Weekday::Sunday], time(2, 30, 0, 0), time(2, 45, 0, 0));
        assert_eq!(
            on(&when, "2026-03-29T00:35:00Z").unwrap(),
            "2026-03-29T01:45:00Z"
        );
        assert_eq!(
            on(&when, "2026-10-25T00:30:00Z").unwrap(),
            "2026-10-25T01:45:00Z"
        );
    }

    proptest! {
        /// Against a walk from minute to minute over the wall clock.
        #[test]
        fn a_window_agrees_with_the_wall_clock(minute in 0_i64..60 * 24 * 400, from in 0_i8..24, to in 0_i8..24, day in 0_usize..7) {
            let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday];
            let (from, to) = (time(from, 0, 0, 0), time(to, 0, 0, 0));
            let when = weekly(&[days[day]], from, to);
            let at = Timestamp::from_second(1_767_225_600 + minute * 60).unwrap();
            let there = at.to_zoned_datetime(TimeZone::get("Europe/Berlin").unwrap());
            let (today, clock) = (there.date().weekday(), there.time());
            let begun_today = today == days[day] && clock >= from && (to <= from || clock < to);
            let begun_before = today.previous() == days[day] && to <= from && clock < to;
            let expected = begun_today || begun_before;
            let got = when.until(at);
            // On the days of a change it may be longer, never shorter.
            let changes = [(2026, 3, 29), (2026, 10, 25)];
            let date = there.date();
            if changes.contains(&(date.year(), date.month(), date.day())) {
                prop_assert!(got.is_some() || !expected);
            } else {
                prop_assert_eq!(got.is_some(), expected);
            }
            if let Some(until) = got {
                prop_assert!(until > at);
            }
        }
    }
}
