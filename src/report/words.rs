//! Numbers, times and foreign text as people read them. Pure.
//!
//! Invariant: text from elsewhere is tamed (`model::text`). It is not escaped: HTML's template does that, and `markdown` for itself.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::text::tame;
use crate::model::words::{self, NBSP};
pub(super) use crate::model::words::{bytes, count};

/// The most characters of a name.
const MAX_NAME: usize = 80;
/// The most characters of another text.
const MAX_TEXT: usize = 300;
/// What stands where nothing is known.
pub(super) const NONE: &str = "–";

/// A name from elsewhere.
pub(super) fn name(text: &str) -> String {
    tame(text, MAX_NAME)
}

/// A text from elsewhere.
pub(super) fn text(text: &str) -> String {
    tame(text, MAX_TEXT)
}

/// `0.39` is `39.0 %`; small ones keep a second digit; only all is 100 %.
pub(super) fn percent(ratio: f64) -> String {
    if ratio < 1.0 && ratio > 0.9995 {
        return format!(">99.9{NBSP}%");
    }
    let percent = ratio * 100.0;
    let digits = if percent > 0.0 && percent < 1.0 { 2 } else { 1 };
    format!("{percent:.digits$}{NBSP}%")
}

/// A difference of ratios: `+1.4 points`.
pub(super) fn points(change: f64) -> String {
    let points = change * 100.0;
    let digits = if points.abs() < 1.0 { 2 } else { 1 };
    let number = format!("{:.digits$}", points.abs());
    let sign = match points {
        _ if number.chars().all(|c| matches!(c, '0' | '.')) => "±",
        p if p < 0.0 => "−",
        _ => "+",
    };
    let number = if sign == "±" { "0" } else { &number };
    format!("{sign}{number}{NBSP}points")
}

/// A change of counts: `+12 %`, `×3.4`, `new`.
pub(super) fn growth(now: u64, before: u64) -> String {
    if before == 0 {
        return if now == 0 { "=" } else { "new" }.to_owned();
    }
    let times = now as f64 / before as f64;
    if times >= 3.0 {
        return format!("×{times:.1}");
    }
    let percent = (times - 1.0) * 100.0;
    if percent.abs() < 0.5 {
        return format!("±0{NBSP}%");
    }
    let sign = if percent < 0.0 { "−" } else { "+" };
    format!("{sign}{:.0}{NBSP}%", percent.abs())
}

/// A number of things per second, as precise as it is worth.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 99.5 => format!("{r:.0}/s"),
        r if r >= 0.995 => format!("{r:.1}/s"),
        r => format!("{r:.2}/s"),
    }
}

/// An amount, with its currency where it is known.
pub(super) fn money(amount: f64, currency: Option<&str>) -> String {
    if !amount.is_finite() {
        return NONE.to_owned();
    }
    let digits = if amount > 0.0 && amount < 0.1 { 4 } else { 2 };
    let text = format!("{amount:.digits$}");
    let grouped = match text.split_once('.') {
        Some((whole, part)) => whole.parse().ok().map(|n| format!("{}.{part}", count(n))),
        None => None,
    };
    let text = grouped.unwrap_or(text);
    match currency {
        Some(currency) => format!("{text}{NBSP}{currency}"),
        None => text,
    }
}

/// A length of time in its two largest units: `1 h 35 min`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0);
    words::span(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// `Mon 23 Nov 2026 12:41`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%a %-d %b %Y %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::words::THIN;

    #[test]
    fn numbers_read_well() {
        let plain = |text: String| text.replace([NBSP, THIN], " ");
        assert_eq!(plain(percent(0.39)), "39.0 %");
        assert_eq!(plain(percent(0.0004)), "0.04 %");
        assert_eq!(plain(percent(0.99951)), ">99.9 %");
        assert_eq!(plain(percent(1.0)), "100.0 %");
        assert_eq!(plain(points(0.0142)), "+1.4 points");
        assert_eq!(plain(points(-0.0042)), "−0.42 points");
        assert_eq!(plain(points(-0.000_001)), "±0 points");
        assert_eq!(plain(growth(112, 100)), "+12 %");
        assert_eq!(plain(growth(40, 100)), "−60 %");
        assert_eq!(plain(growth(340, 100)), "×3.4");
        assert_eq!(growth(3, 0), "new");
        assert_eq!(plain(count(1_234_567)), "1 234 567");
        assert_eq!(plain(bytes(96_468_992)), "92.0 MiB");
        assert_eq!(plain(money(38.2, Some("USD"))), "38.20 USD");
        assert_eq!(plain(money(1_234_567.891, None)), "1 234 567.89");
        assert_eq!(plain(money(-12.5, None)), "-12.50");
        assert_eq!(plain(money(1e300, None)).len(), 304);
        assert_eq!(money(f64::NAN, None), NONE);
        assert_eq!(plain(span(90_000.4)), "1 d 1 h");
        assert_eq!(plain(span(-1.0)), "0 s");
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(text("a\u{1b}[0m\n\u{202e}"), "a\\u{1b}[0m\\u{a}\\u{202e}");
        assert_eq!(name(&"x".repeat(81)).chars().count(), MAX_NAME);
    }
}
