//! Numbers as people read them: `34.1 %`, `12 400`, `1.2/s`, `3 min 20 s`.
//!
//! Plain spaces and ASCII throughout: subjects stay readable in every mail client and can be searched for.
//!
//! Invariant: a number that is no number (NaN, infinite) is said to be unknown, never shown as one.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::words;

/// What stands for a number that is not one.
const UNKNOWN: &str = "unknown";

/// A ratio, 0..1, in percent with at most one decimal. Never says 0 % or 100 % when it is only nearly so.
pub(crate) fn percent(ratio: f64) -> String {
    let tenths = (ratio * 1000.0).round();
    if !tenths.is_finite() {
        return UNKNOWN.to_owned();
    }
    if ratio > 0.0 && tenths < 1.0 {
        "<0.1 %".to_owned()
    } else if ratio < 1.0 && tenths >= 1000.0 {
        ">99.9 %".to_owned()
    } else {
        format!("{} %", trimmed(tenths / 10.0, 1))
    }
}

/// The same, rounded down: for what is claimed to be at least so much.
pub(crate) fn percent_floor(ratio: f64) -> String {
    percent((ratio * 1000.0 + 1e-9).floor() / 1000.0)
}

/// Two ratios as a range: `8-12 %`; one where both look the same.
pub(crate) fn percent_range(low: f64, high: f64) -> String {
    let (from, to) = (percent(low), percent(high));
    match from.strip_suffix(" %") {
        // Not a range of which one end is only "less than".
        Some(number) if from != to && low < high && !from.starts_with(['<', '>']) => {
            format!("{number}-{to}")
        }
        _ => to,
    }
}

/// A count in groups of three digits: `12 400`.
pub(crate) fn count(n: u64) -> String {
    words::count(n).replace(words::THIN, " ")
}

/// A rate in the unit that makes it readable, from what is given per second: `120/s`, `1.2/s`, `3/min`, `0.5/h`.
pub(crate) fn rate(per_second: f64) -> String {
    rate_of(per_second, "")
}

/// The same with what is counted: `120 keys/s`, when `things` is `" keys"`.
pub(crate) fn rate_of(per_second: f64, things: &str) -> String {
    if !per_second.is_finite() {
        return format!("{UNKNOWN}{things}");
    }
    if per_second <= 0.0 {
        return format!("0{things}/s");
    }
    let (value, unit) = if per_second >= 0.1 {
        (per_second, "s")
    } else if per_second * 60.0 >= 0.1 {
        (per_second * 60.0, "min")
    } else {
        (per_second * 3600.0, "h")
    };
    if value >= 9.95 {
        format!("{}{things}/{unit}", count(whole(value)))
    } else if value < 0.05 {
        format!("<0.1{things}/{unit}")
    } else {
        format!("{}{things}/{unit}", trimmed(value, 1))
    }
}

/// A duration in its two largest units, without those that are zero: `3 min 20 s`, `14 min`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn duration(d: Duration) -> String {
    let seconds = d.as_secs();
    if seconds == 0 {
        return "less than 1 s".to_owned();
    }
    let (large, large_unit, small, small_unit) = match seconds {
        0..60 => (0, "min", seconds, "s"),
        // Nobody needs the seconds of a quarter of an hour.
        60..600 => (seconds / 60, "min", seconds % 60, "s"),
        600..3600 => (seconds / 60, "min", 0, "s"),
        3600..86_400 => (seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => (seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    };
    match (large, small) {
        (0, small) => format!("{small} {small_unit}"),
        (large, 0) => format!("{large} {large_unit}"),
        (large, small) => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

/// A duration that is given in seconds; not a number or negative: unknown.
pub(crate) fn seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| UNKNOWN.to_owned(), duration)
}

/// A moment, in UTC, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time of day, in UTC, to the minute: `14:02 UTC`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// An amount in a currency, as precise as an estimate is worth: `38 USD`, `1.2 USD`, `0.04 USD`.
pub(crate) fn money(amount: f64, currency: &str) -> String {
    if !amount.is_finite() || amount < 0.0 {
        return format!("{UNKNOWN} {currency}");
    }
    if amount > 0.0 && amount < 0.005 {
        return format!("<0.01 {currency}");
    }
    let amount = if amount >= 9.95 {
        count(whole(amount))
    } else if amount >= 0.995 {
        trimmed(amount, 1)
    } else {
        trimmed(amount, 2)
    };
    format!("{amount} {currency}")
}

/// A size: `512 B`, `1.5 GiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    if !bytes.is_finite() || bytes < 0.0 {
        return UNKNOWN.to_owned();
    }
    let mut value = bytes;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", number(value))
}

/// A plain number with at most two decimals: `12 400`, `-3`, `0.25`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    if size >= 99.5 {
        format!("{sign}{}", count(whole(size)))
    } else {
        let text = format!("{size:.2}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        format!("{sign}{text}")
    }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and the callers pass finite values above zero"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios() {
        for (ratio, text) in [
            (0.341, "34.1 %"),
            (0.2, "20 %"),
            (0.0, "0 %"),
            (0.0004, "<0.1 %"),
            (0.9996, ">99.9 %"),
            (1.0, "100 %"),
            (1.27, "127 %"),
            (f64::NAN, "unknown"),
            (f64::MAX, "unknown"),
        ] {
            assert_eq!(percent(ratio), text, "{ratio}");
        }
        assert_eq!(percent_range(0.08, 0.12), "8-12 %");
        assert_eq!(percent_range(0.08, 0.080_01), "8 %");
        assert_eq!(percent_range(0.000_1, 0.12), "12 %");
        assert_eq!(percent_range(f64::NAN, 0.12), "12 %");
        assert_eq!(percent_floor(0.33199), "33.1 %");
        assert_eq!(percent_floor(0.331), "33.1 %");
        assert_eq!(percent_floor(1.0), "100 %");
    }

    #[test]
    fn counts() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (12_400, "12 400"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn rates() {
        for (rate_, text) in [
            (0.0, "0/s"),
            (-1.0, "0/s"),
            (1.23, "1.2/s"),
            (13.78, "14/s"),
            (9.96, "10/s"),
            (12_400.0, "12 400/s"),
            (0.05, "3/min"),
            (0.001, "3.6/h"),
            (0.000_001, "<0.1/h"),
            (f64::INFINITY, "unknown"),
        ] {
            assert_eq!(rate(rate_), text, "{rate_}");
        }
    }

    #[test]
    fn durations() {
        for (s, text) in [
            (0, "less than 1 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (14 * 60 + 7, "14 min"),
            (3600, "1 h"),
            (7500, "2 h 5 min"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(s)), text);
        }
        assert_eq!(seconds(-1.0), "unknown");
        assert_eq!(seconds(f64::NAN), "unknown");
        assert_eq!(seconds(900.0), "15 min");
    }

    #[test]
    fn sizes_and_numbers() {
        for (value, text) in [
            (0.0, "0 B"),
            (1023.0, "1 023 B"),
            (1536.0, "1.5 KiB"),
            (3.0 * 1024.0 * 1024.0 * 1024.0, "3 GiB"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(bytes(value), text);
        }
        for (value, text) in [
            (0.25, "0.25"),
            (-3.0, "-3"),
            (12_400.4, "12 400"),
            (7.0, "7"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn moments() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(moment(at), "2026-01-02 03:04:05 UTC");
        assert_eq!(time_of_day(at), "03:04 UTC");
    }

    #[test]
    fn amounts() {
        for (amount, text) in [
            (0.0, "0.00 USD"),
            (0.001, "<0.01 USD"),
            (0.04, "0.04 USD"),
            (1.24, "1.2 USD"),
            (2.0, "2 USD"),
            (38.4, "38 USD"),
            (12_400.0, "12 400 USD"),
            (f64::NAN, "unknown USD"),
            (-1.0, "unknown USD"),
        ] {
            assert_eq!(money(amount, "USD"), text, "{amount}");
        }
    }
}
