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
    Percent(tenths(ratio * 100.0))
}

/// As short as it is exact: `20 %`, `12.5 %`. For what a person has set.
pub(super) fn percent_set(ratio: f64) -> impl Display {
    Percent(hundredths(ratio * 100.0))
}

/// With one digit after the point.
pub(super) fn tenths(value: f64) -> impl Display {
    Tenths(value)
}

/// With at most two digits after the point.
pub(super) fn hundredths(value: f64) -> impl Display {
    Hundredths(value)
}

/// `12 400`.
pub(super) fn grouped(n: u64) -> impl Display {
    Grouped(n)
}

/// `15m`, in whole seconds.
pub(super) fn span(span: Duration) -> impl Display {
    humantime::format_duration(Duration::from_secs(span.as_secs()))
}

struct Percent<T>(T);

impl<T: Display> Display for Percent<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        f.write_str(" %")
    }
}

struct Tenths(f64);

impl Display for Tenths {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match whole(self.0 * 10.0) {
            Some(n) => write!(f, "{}.{}", n / 10, n % 10),
            None => write!(f, "{:.1}", self.0),
        }
    }
}

struct Hundredths(f64);

impl Display for Hundredths {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match whole(self.0 * 100.0).map(|n| (n / 100, n % 100)) {
            Some((n, 0)) => write!(f, "{n}"),
            Some((n, part)) if part % 10 == 0 => write!(f, "{n}.{}", part / 10),
            Some((n, part)) => write!(f, "{n}.{part:02}"),
            None => write!(f, "{}", (self.0 * 100.0).round() / 100.0),
        }
    }
}

/// Rounded, where that is a number that whole digits are enough for: those are written several times as fast.
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
        if self.0 < 1_000 {
            return self.0.fmt(f);
        }
        Self(self.0 / 1_000).fmt(f)?;
        write!(f, " {:03}", self.0 % 1_000)
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
        ];
        for (n, text) in cases {
            assert_eq!(grouped(n).to_string(), text);
        }
        assert_eq!(span(Duration::from_mins(15)).to_string(), "15m");
        assert_eq!(
            (capped("äbc", 2), capped("äb", 2)),
            ("äb…".to_owned(), "äb".to_owned())
        );
    }
}
