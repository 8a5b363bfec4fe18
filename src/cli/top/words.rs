//! Numbers, times and states as they fit into a column, and foreign text made safe for a terminal. Pure.
//!
//! Invariant: what [`clean`] returns holds no control character, and what is not known is [`UNKNOWN`], never 0.

use std::time::Duration;

use crate::model::events::EventsState;
use crate::model::snapshot::CacheState;
use crate::model::words;
use crate::notify::text;

/// Stands for what is not known.
pub(super) const UNKNOWN: &str = "–";
/// The most characters of a text from elsewhere that are shown.
const MAX_TEXT: usize = 400;

/// One line without control characters, and not endless.
pub(super) fn clean(foreign: &str) -> String {
    text::clean(foreign, MAX_TEXT)
}

/// `0.39` is `39.0 %`. What is not all never reads 100, and what is not nothing never reads 0.
pub(super) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent {
        p if p > 0.0 && p < 0.01 => "<0.01 %".to_owned(),
        p if p > 99.99 && p < 100.0 => ">99.99 %".to_owned(),
        p if (p > 0.0 && p < 1.0) || (p > 98.0 && p < 100.0) => format!("{p:.2} %"),
        p => format!("{p:.1} %"),
    }
}

/// `18240` as it is, `1234567` as `1.23M`: at most six characters up to 10^15.
pub(super) fn count(n: u64) -> String {
    if n < 100_000 {
        return n.to_string();
    }
    let mut value = n as f64;
    let mut unit = "";
    for next in ["k", "M", "G", "T"] {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{unit}")
}

/// A number of things per second, as precise as it is worth.
pub(super) fn rate(per_second: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are not negative, and the cast saturates"
    )]
    match per_second {
        r if r >= 99.95 => count(r.round() as u64),
        r if r >= 0.995 => format!("{r:.1}"),
        r if r >= 0.005 => format!("{r:.2}"),
        r if r > 0.0 => "<0.01".to_owned(),
        _ => "0".to_owned(),
    }
}

/// `96468992` is `92.0M`, in powers of 1024.
pub(super) fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["K", "M", "G", "T"] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" {
        format!("{n}B")
    } else {
        format!("{value:.1}{unit}")
    }
}

/// Memory in use, and of how much where there is a limit: `92.0M of 100.0M`.
pub(super) fn memory(used: u64, limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("{} of {}", bytes(used), bytes(limit)),
        None => bytes(used),
    }
}

/// An amount of money: `38.40 USD`. Small ones keep two digits that count.
pub(super) fn money(amount: f64, currency: &str) -> String {
    let amount = match amount {
        a if a >= 99_999.5 => format!("{a:.0}"),
        a if a >= 0.995 || a <= 0.0 => format!("{a:.2}"),
        a if a >= 0.000_1 => format!("{a:.4}"),
        _ => "<0.0001".to_owned(),
    };
    format!("{amount} {}", text::clean(currency, 8))
}

/// A length of time in its two largest units: `1 h 35 min`.
pub(super) fn span(duration: Duration) -> String {
    words::span(duration).replace(words::NBSP, " ")
}

/// `1 cache`, `4 caches`.
pub(super) fn number_of(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// A cache's state in a word or two.
pub(super) fn state(state: CacheState) -> &'static str {
    match state {
        CacheState::Down => "down",
        CacheState::Firing => "alert firing",
        CacheState::Degraded => "degraded",
        CacheState::Starting => "starting",
        CacheState::InsufficientTraffic => "no lookups",
        CacheState::Ok => "ok",
    }
}

/// How events do, in a word or two.
pub(super) fn events(state: EventsState) -> &'static str {
    match state {
        EventsState::Disabled => "off",
        EventsState::Connecting => "connecting",
        EventsState::Working => "working",
        EventsState::NotificationsOff => "incomplete",
        EventsState::Forbidden => "forbidden",
        EventsState::Lost => "lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_do_not_round_to_a_lie() {
        for (ratio, expected) in [
            (0.0, "0.0 %"),
            (0.000_01, "<0.01 %"),
            (0.0004, "0.04 %"),
            (0.39, "39.0 %"),
            (0.9899, "98.99 %"),
            (0.9991, "99.91 %"),
            (0.999_96, ">99.99 %"),
            (1.0, "100.0 %"),
        ] {
            assert_eq!(percent(ratio), expected, "{ratio}");
        }
    }

    #[test]
    fn numbers_fit_into_columns() {
        for (n, expected) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (1_234_567, "1.23M"),
            (98_765_432, "98.8M"),
            (999_999_999_999, "1.00T"),
        ] {
            assert_eq!(count(n), expected);
        }
        assert_eq!(
            [0.0, 0.001, 0.034, 60.84, 1240.2, 5e6].map(rate),
            ["0", "<0.01", "0.03", "60.8", "1240", "5.00M"]
        );
        assert_eq!(
            [512, 96_468_992, u64::MAX].map(bytes),
            ["512B", "92.0M", "16777216.0T"]
        );
        assert_eq!(money(38.4, "USD"), "38.40 USD");
        assert_eq!(money(0.0125, "EUR"), "0.0125 EUR");
        assert_eq!(money(0.000_001, "EUR"), "<0.0001 EUR");
        assert_eq!(
            [0, 95, 7260, 90_000].map(|s| span(Duration::from_secs(s))),
            ["0 s", "1 min 35 s", "2 h 1 min", "1 d 1 h"]
        );
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n\u{9b}c"), "a\\u{1b}[2Jb \\u{9b}c");
        assert_eq!(clean(&"x".repeat(9999)).chars().count(), MAX_TEXT);
    }
}
