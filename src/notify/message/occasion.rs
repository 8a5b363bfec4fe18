//! What is special about the occasion: a test, a late message, a reminder, an incident that came and went.
//!
//! Invariant: who reads only the first line of a message takes neither old news nor a test for news.

use crate::model::incident::{Notification, Transition};
use crate::notify::format;
use crate::notify::letter::{Angle, Delay};
use crate::notify::text::clean;
use crate::notify::wording::Occasion;

use super::MAX_HEADLINE_CHARS;

/// What must be known before the rest is read; `n`: where the message is about one incident.
pub(super) fn preface(occasion: Occasion, n: Option<&Notification>) -> Vec<String> {
    let mut lines = Vec::new();
    if occasion.test {
        lines.push(
            "This is a test of the channel, with made-up numbers: nothing is wrong.".to_owned(),
        );
    }
    if let Some(late) = occasion.late {
        let by = format::duration(late.by);
        lines.push(match late.because {
            Delay::ChannelOut => format!("This was sent {by} late, the channel was out."),
            Delay::QuietHours => format!("This was sent {by} late, because of quiet hours."),
            Delay::Other => format!("This was sent {by} late."),
        });
    }
    if let Some(n) = n {
        lines.extend(course(n, occasion));
    }
    lines
}

/// How things went with the incident, where that does not go without saying.
fn course(n: &Notification, occasion: Occasion) -> Option<String> {
    let (began, at) = (format::moment(n.started), format::moment(n.at));
    let numbers = format!("The numbers are those of {at}.");
    match (n.transition, occasion.angle) {
        (Transition::Firing, Angle::Reminder) => Some(format!(
            "This is a reminder: it has been firing for {}, since {began}, and nobody has acknowledged it. {numbers}",
            format::duration(n.duration)
        )),
        (Transition::Firing, Angle::Gone) => {
            Some(format!("It fired at {began} and is over by now. {numbers}"))
        }
        (Transition::Firing, _) => {
            let told = format!("It has been firing since {began}, and still is. {numbers}");
            occasion.late.map(|_| told)
        }
        (Transition::Resolved, Angle::CameAndWent) => {
            Some(format!("It fired at {began} and recovered at {at}."))
        }
        (Transition::Resolved, _) => occasion.late.map(|_| format!("It recovered at {at}.")),
    }
}

/// A reminder must not look like news.
pub(crate) fn still(words: &str, n: &Notification) -> String {
    let after = format::duration(n.duration);
    clean(
        &format!("Still firing after {after}: {words}"),
        MAX_HEADLINE_CHARS,
    )
}

/// The words of an end that was not expected.
pub(super) fn fired_and_recovered(words: &str) -> String {
    let rest = words.strip_prefix("Resolved: ").unwrap_or(words);
    format!("Fired and recovered: {rest}")
}

/// A phone shows little else than the headline: neither old news nor a test must look like news there.
pub(crate) fn dated(headline: &str, occasion: Occasion) -> String {
    let test = if occasion.test { "Test: " } else { "" };
    let late = occasion.late.map_or_else(String::new, |late| {
        format!("{} late: ", format::duration(late.by))
    });
    clean(&format!("{test}{late}{headline}"), MAX_HEADLINE_CHARS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::notify::letter::Late;
    use crate::notify::message::{Message, render};
    use crate::notify::testing::notification;
    use crate::notify::wording::{Links, Wording};

    fn plainly(n: &Notification) -> Message {
        render(n, &Links::default(), Occasion::default())
    }

    fn late(minutes: u64, because: Delay, angle: Angle) -> Occasion {
        Occasion {
            late: Some(Late {
                by: Duration::from_mins(minutes),
                because,
            }),
            test: false,
            angle,
        }
    }

    fn said(n: &Notification, occasion: Occasion) -> (String, Vec<String>) {
        let message = render(n, &Links::default(), occasion);
        (dated(&message.headline, occasion), message.summary)
    }

    #[test]
    fn a_late_firing_says_since_when_it_fires() {
        let n = notification::miss_firing();
        let on_time = plainly(&n);
        let (headline, summary) = said(&n, late(12, Delay::ChannelOut, Angle::News));
        assert_eq!(headline, format!("12 min late: {}", on_time.headline));
        assert_eq!(
            summary[..2],
            [
                "This was sent 12 min late, the channel was out.",
                "It has been firing since 2026-01-02 03:04:05 UTC, and still is. \
                 The numbers are those of 2026-01-02 03:04:05 UTC.",
            ]
        );
        assert_eq!(summary[2..], on_time.summary);
        let (_, summary) = said(&n, late(480, Delay::QuietHours, Angle::Gone));
        assert_eq!(
            summary[..2],
            [
                "This was sent 8 h late, because of quiet hours.",
                "It fired at 2026-01-02 03:04:05 UTC and is over by now. \
                 The numbers are those of 2026-01-02 03:04:05 UTC.",
            ]
        );
    }

    #[test]
    fn a_late_end_whose_beginning_was_told_says_when_it_recovered() {
        let n = notification::miss_resolved();
        let (headline, summary) = said(&n, late(130, Delay::ChannelOut, Angle::News));
        assert_eq!(
            headline,
            format!("2 h 10 min late: {}", plainly(&n).headline)
        );
        assert_eq!(
            summary[..2],
            [
                "This was sent 2 h 10 min late, the channel was out.",
                "It recovered at 2026-01-02 03:18:05 UTC.",
            ]
        );
        let all = summary.concat();
        assert!(!all.contains("fired at"), "{all}");
    }

    #[test]
    fn a_reminder_says_so_first() {
        let n = notification::reminder();
        let occasion = Occasion {
            angle: Angle::Reminder,
            ..Occasion::default()
        };
        let message = Wording::default().one(&n, occasion);
        assert_eq!(
            message.headline,
            "Still firing after 4 h: Miss rate 34.1 % on sessions (limit 20 %, normal 8-12 %)"
        );
        assert_eq!(
            message.title,
            "Still firing after 4 h: Miss rate 34.1 % on sessions"
        );
        assert_eq!(
            message.summary[0],
            "This is a reminder: it has been firing for 4 h, since 2026-01-02 03:04:05 UTC, and nobody has acknowledged \
             it. The numbers are those of 2026-01-02 03:04:05 UTC."
        );
    }

    #[test]
    fn a_test_says_so_first() {
        let occasion = Occasion {
            test: true,
            ..Occasion::default()
        };
        let test = render(&notification::miss_firing(), &Links::default(), occasion);
        assert!(test.summary[0].starts_with("This is a test"));
        assert!(dated(&test.headline, occasion).starts_with("Test: Miss rate"));
    }

    #[test]
    fn what_came_and_went_is_told_as_such() {
        let occasion = late(20, Delay::Other, Angle::CameAndWent);
        let message = render(&notification::miss_resolved(), &Links::default(), occasion);
        assert_eq!(
            dated(&message.headline, occasion),
            "20 min late: Fired and recovered: miss rate on sessions is 9.3 % again (was above 20 % for 14 min)"
        );
        assert_eq!(
            message.summary[1],
            "It fired at 2026-01-02 03:04:05 UTC and recovered at 2026-01-02 03:18:05 UTC."
        );
    }
}
