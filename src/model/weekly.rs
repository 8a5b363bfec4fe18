//! A span of time that comes again every week: "22:00 to 07:00 from Monday to Friday in Berlin".
//!
//! Deliberately absent: what happens in it; quiet hours and the like are made of it.
//!
//! Invariant: times are those of the clock on the wall of its zone, also on days on which that clock is changed: a time
//! that does not exist on a day is that much later, one that exists twice is the first; or, for who must rather have too
//! much than too little, the span is as long as it can be read. Spans that touch are one.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousTimestamp, TimeZone};

/// As many steps as spans that touch are followed: a week and a day.
const MAX_STEPS: usize = 8;

/// How a time is read that does not exist on a day, or exists twice.
type Read = fn(AmbiguousTimestamp) -> Result<Timestamp, jiff::Error>;

/// A span of time that comes again every week.
#[derive(Debug, Clone, PartialEq)]
pub struct Weekly {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// When it begins.
    pub from: Time,
    /// When it ends: on the same day where that is later than `from`, else on the next.
    pub to: Time,
    /// Whose clock.
    pub zone: TimeZone,
}

impl Weekly {
    /// The end of the span that a moment lies in; `None`: it lies in none. Does not look beyond that span.
    pub fn end(&self, at: Timestamp) -> Option<Timestamp> {
        self.end_read(
            at,
            AmbiguousTimestamp::compatible,
            AmbiguousTimestamp::compatible,
        )
    }

    /// The same of spans that begin as early, and end as late, as what was written can be read on a day on which the clock
    /// is changed.
    pub fn end_at_longest(&self, at: Timestamp) -> Option<Timestamp> {
        self.end_read(at, AmbiguousTimestamp::earlier, AmbiguousTimestamp::later)
    }

    fn end_read(&self, at: Timestamp, first: Read, last: Read) -> Option<Timestamp> {
        let today = at.to_zoned_datetime(self.zone.clone()).date();
        let yesterday = today.yesterday().ok();
        [yesterday, Some(today)]
            .into_iter()
            .flatten()
            .filter(|day| self.days.contains(&day.weekday()))
            .filter_map(|day| {
                let begins = self.moment(day, self.from, first)?;
                let ends_on = if self.to > self.from {
                    day
                } else {
                    day.checked_add(1.day()).ok()?
                };
                let ends = self.moment(ends_on, self.to, last)?;
                (begins <= at && at < ends).then_some(ends)
            })
            .max()
    }

    fn moment(&self, day: Date, time: Time, read: Read) -> Option<Timestamp> {
        let written = day.to_datetime(time);
        read(self.zone.to_ambiguous_timestamp(written)).ok()
    }
}

/// When the last of the spans that hold one after the other is over, from a moment on; `None`: none holds. Where they
/// never end, it is over after a week or so.
pub fn end_of(spans: &[&Weekly], at: Timestamp) -> Option<Timestamp> {
    let mut end = None;
    for _ in 0..MAX_STEPS {
        let from = end.unwrap_or(at);
        match spans.iter().filter_map(|span| span.end(from)).max() {
            Some(later) => end = Some(later),
            None => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKING: [Weekday; 5] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];

    fn span(days: &[Weekday], from: &str, to: &str) -> Weekly {
        Weekly {
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    fn end(span: &Weekly, at: &str) -> Option<String> {
        span.end(at.parse().unwrap()).map(|end| end.to_string())
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let nights = span(&WORKING, "22:00", "07:00");
        // A Friday in winter: Berlin is an hour ahead.
        for (at, want) in [
            ("2026-01-09T20:59:59Z", None),
            ("2026-01-09T21:00:00Z", Some("2026-01-10T06:00:00Z")),
            ("2026-01-10T05:59:59Z", Some("2026-01-10T06:00:00Z")),
            ("2026-01-10T06:00:00Z", None),
            // Saturday night is not in it, Sunday night neither.
            ("2026-01-10T22:00:00Z", None),
            ("2026-01-11T23:30:00Z", None),
            ("2026-01-12T21:30:00Z", Some("2026-01-13T06:00:00Z")),
        ] {
            assert_eq!(end(&nights, at).as_deref(), want, "{at}");
        }
    }

    #[test]
    fn days_on_which_the_clock_is_changed() {
        let nights = span(&[Weekday::Saturday], "22:00", "07:00");
        // Spring forward in the night to 2026-03-29, back in the night to 2026-10-25: 07:00 is another moment each time.
        for (at, want) in [
            ("2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
            ("2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"),
        ] {
            assert_eq!(end(&nights, at).as_deref(), Some(want), "{at}");
        }
        // 02:30 does not exist in the spring night: it is an hour later.
        let gap = span(&[Weekday::Sunday], "02:30", "04:00");
        assert_eq!(end(&gap, "2026-03-29T01:29:00Z"), None);
        assert!(end(&gap, "2026-03-29T01:31:00Z").is_some());
        // 02:30 exists twice in the autumn night: it is the first.
        let fold = span(&[Weekday::Sunday], "02:30", "04:00");
        assert!(end(&fold, "2026-10-25T00:31:00Z").is_some());
        assert!(end(&fold, "2026-10-25T01:15:00Z").is_some());
    }

    #[test]
    fn spans_that_touch_are_one() {
        let weekend = span(&[Weekday::Saturday, Weekday::Sunday], "00:00", "00:00");
        let nights = span(&WORKING, "22:00", "07:00");
        let at = "2026-01-09T21:30:00Z".parse().unwrap();
        // Friday 22:30 to Sunday midnight; the night to Monday begins on no working day.
        let end = end_of(&[&weekend, &nights], at).unwrap().to_string();
        assert_eq!(end, "2026-01-11T23:00:00Z");
    }

    #[test]
    fn what_never_ends_ends_some_day() {
        let days = [WORKING.as_slice(), &[Weekday::Saturday, Weekday::Sunday]].concat();
        let always = span(&days, "00:00", "00:00");
        let at = "2026-01-09T21:30:00Z".parse().unwrap();
        let end = end_of(&[&always], at).unwrap();
        assert!(end > at && end.duration_since(at) <= jiff::SignedDuration::from_hours(24 * 9));
    }

    proptest! {
        #[test]
        fn a_moment_after_the_end_lies_in_no_span(
            seconds in 1_700_000_000_i64..1_900_000_000,
            from in 0_i8..24,
            hours in 1_i8..24,
            days in proptest::sample::subsequence(WORKING.to_vec(), 0..5),
        ) {
            let at = Timestamp::from_second(seconds).unwrap();
            let mut span = span(&days, "00:00", "00:00");
            span.from = Time::new(from, 30, 0, 0).unwrap();
            span.to = Time::new((from + hours) % 24, 15, 0, 0).unwrap();
            if let Some(end) = end_of(&[&span], at) {
                prop_assert!(end > at);
                prop_assert_eq!(span.end(end), None);
            }
        }
    }
}
