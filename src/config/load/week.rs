//! Days of the week and time zones, as quiet hours and maintenance windows write them.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::config::error::Errors;
use crate::config::raw::{At, Given};

/// Every day.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The days that were named; all of them without a word.
pub(super) fn days(given: &Given<Vec<At<String>>>, errors: &mut Errors) -> Vec<Weekday> {
    let Some(list) = given.get() else {
        return DAYS.map(|(_, day)| day).to_vec();
    };
    if list.value.is_empty() {
        errors.at(
            &list.origin,
            "must name a day; remove the key for every day",
        );
    }
    let mut days = Vec::new();
    for at in &list.value {
        let text = at.value.trim().to_ascii_lowercase();
        let known = DAYS.iter().find(|(name, _)| *name == text);
        let known = known.ok_or("must be one of mon, tue, wed, thu, fri, sat, sun");
        days.extend(errors.check(&at.origin, known).map(|(_, day)| *day));
    }
    days
}

/// The time zone that was named; UTC without a word.
pub(super) fn zone(given: &Given<String>, errors: &mut Errors) -> Option<TimeZone> {
    match given {
        Given::No => Some(TimeZone::UTC),
        Given::Bad => None,
        Given::Yes(at) => {
            let zone = TimeZone::get(at.value.trim());
            let zone =
                zone.map_err(|_| "must be the name of a time zone, such as Europe/Berlin or UTC");
            errors.check(&at.origin, zone)
        }
    }
}
