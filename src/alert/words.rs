//! Numbers as people read them.

use std::fmt::{self, Display, Formatter, Write as _};
use std::time::Duration;

/// What an explanation usually needs, in bytes.
const SAID: usize = 192;

/// A text out of parts, none of which is made into a text of its own: thousands of these are made at each tick.
pub(super) fn said(parts: fmt::Arguments<'_>) -> String {
    let mut text = String::with_capacity(SAID);
    add(&mut text, parts);
    text
}

/// Adds to such a text.
pub(super) fn add(text: &mut String, parts: fmt::Arguments<'_>) {
    // Writing into a text cannot fail.
    text.write_fmt(parts).ok();
}

/// `34.1 %`.
pub(super) fn percent(ratio: f64) -> impl Display {
    Decimal(ratio * 100.0, Places::One, " %")
}

/// As short as it is exact: `20 %`, `12.5 %`. For what a person has set.
pub(super) fn percent_set(ratio: f64) -> impl Display {
    Decimal(ratio * 100.0, Places::UpToTwo, " %")
}

/// With one digit after the point.
pub(super) fn tenths(value: f64) -> impl Display {
    Decimal(value, Places::One, "")
}

/// With at most two digits after the point.
pub(super) fn hundredths(value: f64) -> impl Display {
    Decimal(value, Places::UpToTwo, "")
}

/// `12 400`.
pub(super) fn grouped(n: u64) -> impl Display {
    Grouped(n)
}

/// `15m`, in whole seconds.
pub(super) fn span(span: Duration) -> impl Display {
    Span(span.as_secs())
}

/// Digits after the point.
enum Places {
    One,
    UpToTwo,
}

/// A number with its unit.
struct Decimal(f64, Places, &'static str);

impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(value, places, unit) = self;
        let mut out = Backwards::ending(unit);
        match places {
            Places::One => {
                let Some(n) = whole(value * 10.0) else {
                    return write!(f, "{value:.1}{unit}");
                };
                out.digit(n % 10);
                out.put(b'.');
                out.number(n / 10);
            }
            Places::UpToTwo => {
                let Some(n) = whole(value * 100.0) else {
                    return write!(f, "{}{unit}", (value * 100.0).round() / 100.0);
                };
                if !n.is_multiple_of(10) {
                    out.digit(n % 10);
                }
                if !n.is_multiple_of(100) {
                    out.digit(n / 10 % 10);
                    out.put(b'.');
                }
                out.number(n / 100);
            }
        }
        f.write_str(out.as_str())
    }
}

/// Rounded, where whole digits are enough for it: they are written several times as fast.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is held between 0 and 1e15"
)]
fn whole(value: f64) -> Option<u64> {
    (0.0..1e15).contains(&value).then(|| value.round() as u64)
}

struct Grouped(u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut out = Backwards::ending("");
        let mut rest = self.0;
        while rest >= 1_000 {
            for place in [1, 10, 100] {
                out.digit(rest / place % 10);
            }
            out.put(b' ');
            rest /= 1_000;
        }
        out.number(rest);
        f.write_str(out.as_str())
    }
}

struct Span(u64);

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (n, unit) = match self.0 {
            seconds @ ..60 => (seconds, "s"),
            seconds @ ..3_600 if seconds.is_multiple_of(60) => (seconds / 60, "m"),
            seconds => return humantime::format_duration(Duration::from_secs(seconds)).fmt(f),
        };
        let mut out = Backwards::ending(unit);
        out.number(n);
        f.write_str(out.as_str())
    }
}

/// A few bytes of text that are put together from the end, so that a number goes out in one piece.
struct Backwards {
    bytes: [u8; 32],
    begin: usize,
}

impl Backwards {
    fn ending(unit: &str) -> Self {
        let mut out = Self {
            bytes: [0; 32],
            begin: 32,
        };
        unit.bytes().rev().for_each(|byte| out.put(byte));
        out
    }

    fn put(&mut self, byte: u8) {
        self.begin = self.begin.saturating_sub(1);
        if let Some(slot) = self.bytes.get_mut(self.begin) {
            *slot = byte;
        }
    }

    /// One digit, 0..=9.
    fn digit(&mut self, n: u64) {
        self.put(b'0' + u8::try_from(n).unwrap_or_default());
    }

    fn number(&mut self, mut n: u64) {
        loop {
            self.digit(n % 10);
            n /= 10;
            if n == 0 {
                break;
            }
        }
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(self.begin..).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// The first so many characters.
pub(super) fn capped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(percent(0.3412).to_string(), "34.1 %");
        let set = [0.2, 0.125, 0.1234, 1.0, -0.5].map(|ratio| percent_set(ratio).to_string());
        assert_eq!(set, ["20 %", "12.5 %", "12.34 %", "100 %", "-50 %"]);
        let few = [0.0, 0.04, 9.96, 8.0, -1.25, 1e20, f64::NAN].map(|n| tenths(n).to_string());
        assert_eq!(
            few,
            [
                "0.0",
                "0.0",
                "10.0",
                "8.0",
                "-1.2",
                "100000000000000000000.0",
                "NaN"
            ]
        );
        let most = [0.0, 0.004, 2.71, 2.5, 1e20].map(|n| hundredths(n).to_string());
        assert_eq!(most, ["0", "0", "2.71", "2.5", "100000000000000000000"]);
        let cases = [
            (0, "0"),
            (999, "999"),
            (12_400, "12 400"),
            (1_234_567, "1 234 567"),
            (1_000_000_007, "1 000 000 007"),
            (u64::MAX, "18 446 744 073 709 551 615"),
        ];
        for (n, text) in cases {
            assert_eq!(grouped(n).to_string(), text);
        }
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (90, "1m 30s"),
            (900, "15m"),
            (3_600, "1h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)).to_string(), text);
        }
        assert_eq!(
            (capped("äbc", 2), capped("äb", 2)),
            ("äb…".to_owned(), "äb".to_owned())
        );
    }
}
