//! Values and moments as people read them, in the unit of a chart.
//!
//! Invariant: any number gives a short text; a ratio that is not 1 is never called 100 %.

use jiff::Timestamp;

use super::input::Unit;

/// Between a number and its unit: no line break.
const NBSP: char = '\u{a0}';

/// What numbers are divided by, and what is written behind them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measure {
    pub(super) per: f64,
    suffix: &'static str,
}

const BYTES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const COUNT: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
const RATE: [&str; 7] = ["/s", "k/s", "M/s", "G/s", "T/s", "P/s", "E/s"];

impl Measure {
    /// The one that suits numbers of this size.
    pub(super) fn of(unit: Unit, size: f64) -> Self {
        let size = size.abs();
        let stepped = |base: f64, names: [&'static str; 7]| {
            let mut at = Self {
                per: 1.0,
                suffix: names[0],
            };
            for name in names.into_iter().skip(1) {
                // What would be shown as 1000 of the smaller is 1 of the larger.
                if size < at.per * base * 0.9995 {
                    break;
                }
                at = Self {
                    per: at.per * base,
                    suffix: name,
                };
            }
            at
        };
        let fixed = |per, suffix| Self { per, suffix };
        match unit {
            Unit::Ratio => fixed(0.01, "%"),
            Unit::Bytes => stepped(1024.0, BYTES),
            Unit::Count => stepped(1000.0, COUNT),
            Unit::PerSecond => stepped(1000.0, RATE),
            Unit::Seconds => match size {
                s if s >= 172_800.0 => fixed(86_400.0, "d"),
                s if s > 7200.0 => fixed(3600.0, "h"),
                s if s >= 120.0 => fixed(60.0, "min"),
                s if s >= 0.9995 || s == 0.0 => fixed(1.0, "s"),
                s if s >= 0.000_999_5 => fixed(0.001, "ms"),
                _ => fixed(0.000_001, "µs"),
            },
        }
    }

    /// The value with so many decimals.
    pub(super) fn show(self, value: f64, decimals: usize) -> String {
        let scaled = value / self.per;
        let mut number = if scaled != 0.0 && !(1e-6..1e7).contains(&scaled.abs()) {
            format!("{scaled:.0e}")
        } else {
            format!("{scaled:.decimals$}")
        };
        if number
            .strip_prefix('-')
            .is_some_and(|rest| rest.chars().all(|c| matches!(c, '0' | '.')))
        {
            number.remove(0);
        }
        let number = number.replace('-', "−");
        if self.suffix.is_empty() || self.suffix == "/s" {
            format!("{number}{}", self.suffix)
        } else {
            format!("{number}{NBSP}{}", self.suffix)
        }
    }
}

/// A value with the digits that it is worth: three of them, for ratios one decimal, and two close to 0 % and 100 %.
pub(super) fn value(unit: Unit, value: f64) -> String {
    let measure = Measure::of(unit, value);
    let scaled = (value / measure.per).abs();
    let decimals = if unit == Unit::Ratio {
        let edge = scaled.min((100.0 - scaled).abs());
        if edge > 0.0 && edge < 1.0 { 2 } else { 1 }
    } else {
        match scaled {
            s if s >= 99.95 => 0,
            s if s >= 9.995 => 1,
            s if s >= 0.0995 || s == 0.0 => 2,
            s if s >= 0.00995 => 3,
            s if s >= 0.000_995 => 4,
            _ => 6,
        }
    };
    if unit == Unit::Ratio && value < 1.0 && value > 0.9999 {
        return format!(">{}", measure.show(0.9999, 2));
    }
    trim(&measure.show(value, decimals))
}

/// Without zeros at the end of the decimals: `34.0 %` is `34 %`.
fn trim(text: &str) -> String {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '−'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    if number.contains('.') {
        let number = number.trim_end_matches('0').trim_end_matches('.');
        return format!("{number}{suffix}");
    }
    text.to_owned()
}

/// `14:02`, with the day when the chart is longer than one: `23 Nov 14:02`.
pub(super) fn moment(at: Timestamp, with_day: bool) -> String {
    let format = if with_day { "%-d %b %H:%M" } else { "%H:%M" };
    at.strftime(format).to_string()
}

/// How long something is, in words: `6 h`, `90 min`, `7 d`.
pub(super) fn length(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 120.0 => (s, "s"),
        s if s < 7200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "d"),
    };
    trim(&format!("{number:.1} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        let is = |unit, v, text: &str| assert_eq!(value(unit, v).replace(NBSP, " "), text);
        is(Unit::Ratio, 0.34, "34 %");
        is(Unit::Ratio, 0.3456, "34.6 %");
        is(Unit::Ratio, 0.9973, "99.73 %");
        is(Unit::Ratio, 0.999_999, ">99.99 %");
        is(Unit::Ratio, 1.0, "100 %");
        is(Unit::Ratio, 0.0, "0 %");
        is(Unit::Ratio, 0.0004, "0.04 %");
        is(Unit::PerSecond, 18_240.0, "18.2 k/s");
        is(Unit::PerSecond, 999.96, "1 k/s");
        is(Unit::PerSecond, 0.034, "0.034/s");
        is(Unit::PerSecond, 0.0, "0/s");
        is(Unit::PerSecond, -3.0, "−3/s");
        is(Unit::Bytes, 96_468_992.0, "92 MiB");
        is(Unit::Bytes, 1.5 * 1024.0 * 1024.0 * 1024.0, "1.5 GiB");
        is(Unit::Bytes, 512.0, "512 B");
        is(Unit::Seconds, 0.0025, "2.5 ms");
        is(Unit::Seconds, 0.000_25, "250 µs");
        is(Unit::Seconds, 90.0, "90 s");
        is(Unit::Seconds, 5400.0, "90 min");
        is(Unit::Count, 1_234_567.0, "1.23 M");
        is(Unit::Count, 1e300, "1e282 E");
        is(Unit::Ratio, -1e-9, "−1e−7 %");
    }

    #[test]
    fn times_read_well() {
        let at: Timestamp = "2026-11-03T14:02:59Z".parse().unwrap();
        assert_eq!(moment(at, false), "14:02");
        assert_eq!(moment(at, true), "3 Nov 14:02");
        assert_eq!(length(21_600.0), "6 h");
        assert_eq!(length(900.0), "15 min");
        assert_eq!(length(604_800.0), "7 d");
        assert_eq!(length(5400.0), "90 min");
    }
}
