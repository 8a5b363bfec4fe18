//! Numbers, times and foreign text as people read them. Pure.

use jiff::Timestamp;

use crate::model::text::tame;
use crate::model::words::NBSP;
pub(super) use crate::model::words::{bytes, count, span};

/// The most characters of a text from elsewhere that are shown.
const MAX_TEXT: usize = 500;

/// Text from elsewhere: what is unsafe is made visible, and cut when it is long. HTML is escaped by the template.
pub(super) fn text(text: &str) -> String {
    tame(text, MAX_TEXT)
}

/// What may stand in an id: letters and digits as they are, all else by its number.
pub(super) fn letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else {
            out.push('-');
            out.push_str(&u32::from(c).to_string());
        }
    }
    out
}

/// `0.39` is `39.0 %`; small ones keep a second digit.
pub(super) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let digits = if percent > 0.0 && percent < 1.0 { 2 } else { 1 };
    format!("{percent:.digits$}{NBSP}%")
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
        r if r > 0.0 => format!("{r:.2}"),
        _ => "0".to_owned(),
    }
}

/// An amount in a currency, as precise as it is worth.
pub(super) fn money(amount: f64, currency: &str) -> String {
    if !amount.is_finite() {
        return "–".to_owned();
    }
    let digits = if amount > 0.0 && amount < 0.1 { 4 } else { 2 };
    format!("{amount:.digits$}{NBSP}{currency}")
}

/// `2026-11-23 12:41:08 UTC`.
pub(super) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.39), "39.0\u{a0}%");
        assert_eq!(percent(0.0004), "0.04\u{a0}%");
        assert_eq!(percent(0.0), "0.0\u{a0}%");
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(rate(0.0), "0");
        assert_eq!(rate(0.034), "0.03");
        assert_eq!(rate(60.84), "60.8");
        assert_eq!(rate(1240.2), "1\u{202f}240");
        assert_eq!(bytes(512), "512\u{a0}B");
        assert_eq!(bytes(96_468_992), "92.0\u{a0}MiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0\u{a0}MiB");
        assert_eq!(money(38.2, "USD"), "38.20\u{a0}USD");
        assert_eq!(money(0.0123, "USD"), "0.0123\u{a0}USD");
        assert_eq!(money(f64::NAN, "USD"), "–");
        assert_eq!(bytes(u64::MAX), "16777216.0\u{a0}TiB");
    }

    #[test]
    fn times_read_well() {
        let span = |s| span(Duration::from_secs(s)).replace('\u{a0}', " ");
        assert_eq!(span(2), "2 s");
        assert_eq!(span(95), "1 min 35 s");
        assert_eq!(span(120), "2 min");
        assert_eq!(span(7260), "2 h 1 min");
        assert_eq!(span(90_000), "1 d 1 h");
        assert_eq!(timestamp(Timestamp::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(text("a\u{1b}[0m\n\u{200f}"), "a\\u{1b}[0m\\u{a}\\u{200f}");
        assert_eq!(text(&"x".repeat(501)).chars().count(), MAX_TEXT);
    }
}
