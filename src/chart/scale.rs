//! The axes: which values and moments get a tick, and where the edges are.
//!
//! Invariant: edges are finite, the upper one is above the lower one, there are at most [`MAX_TICKS`] ticks, and ticks
//! are round in the unit: percent, powers of ten, powers of two for bytes, whole minutes, hours and days in UTC.

use jiff::Timestamp;

use super::input::Unit;
use super::words::{self, Measure};

/// The most ticks of an axis.
const MAX_TICKS: usize = 40;

/// The vertical axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where, and what is written there.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Values {
    /// An axis that holds all from `min` to `max` with about `wanted` ticks, and `headroom` of its height above them. It
    /// begins at 0, so that heights can be compared, unless there is something below, or all ratios are above a half:
    /// what happens between 99 % and 100 % would not be seen.
    pub(super) fn over(unit: Unit, (min, max): (f64, f64), wanted: f64, headroom: f64) -> Self {
        let zoomed = unit == Unit::Ratio && min > 0.5 && max <= 1.0;
        let mut low = if zoomed { min } else { min.min(0.0) };
        let mut high = max.max(low);
        let least = match unit {
            // Of noise within two percent no drama is made.
            Unit::Ratio => 0.02,
            Unit::Bytes => 1024.0,
            _ if high - low == 0.0 => 1.0,
            _ => 0.0,
        };
        if high - low < least {
            if zoomed {
                low = high - least;
            } else {
                high = low + least;
            }
        }
        let step = value_step(unit, (high - low) / wanted.max(1.0));
        let low = (low / step).floor() * step;
        high += (high - low) * headroom;
        if unit == Unit::Ratio && max <= 1.0 {
            high = high.min(1.0);
        }
        if high <= low {
            high = low + step;
        }

        let measure = Measure::of(unit, high.abs().max(low.abs()));
        let decimals = decimals(step / measure.per);
        let mut ticks = Vec::new();
        for i in 0..MAX_TICKS {
            let at = low + i as f64 * step;
            if at > high + step * 1e-6 {
                break;
            }
            ticks.push((at, measure.show(at, decimals)));
        }
        Self { low, high, ticks }
    }

    /// Where a value is between the lower edge, 0, and the upper edge, 1.
    pub(super) fn part(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// How many decimals tell neighbouring ticks apart.
fn decimals(step: f64) -> usize {
    (0..6)
        .find(|d| {
            let shifted = step * 10_f64.powi(*d);
            shifted >= 1.0 && (shifted - shifted.round()).abs() < 1e-6 * shifted
        })
        .map_or(6, i32::unsigned_abs) as usize
}

/// A round step that is not much smaller than `least`.
fn value_step(unit: Unit, least: f64) -> f64 {
    const CLOCK: [f64; 11] = [
        60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0, 86_400.0,
    ];
    match unit {
        Unit::Bytes => 2_f64.powf(least.max(1.0).log2().ceil().min(1000.0)),
        Unit::Seconds if least > 20.0 => CLOCK
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or_else(|| 86_400.0 * round_step(least / 86_400.0, false)),
        Unit::Count => round_step(least, false).max(1.0),
        Unit::Ratio => round_step(least, true),
        Unit::PerSecond | Unit::Seconds => round_step(least, false),
    }
}

/// 1, 2 or 5 times a power of ten, and 2.5 where `quarters` are welcome.
fn round_step(least: f64, quarters: bool) -> f64 {
    let power = 10_f64.powf(least.max(1e-12).log10().floor());
    let factors: &[f64] = if quarters {
        &[1.0, 2.0, 2.5, 5.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let factor = factors
        .iter()
        .copied()
        // A few ticks more than wanted are better than half of them.
        .find(|f| f * power >= least * 0.8)
        .unwrap_or(10.0);
    factor * power
}

/// Seconds that divide minutes, hours and days evenly.
const TIME_STEPS: [i64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800, 432_000, 864_000, 2_592_000,
];

/// A tick of the time axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeTick {
    /// Seconds since the left edge.
    pub(super) at: f64,
    pub(super) label: String,
    /// Whether a day begins here.
    pub(super) day: bool,
}

/// Ticks at round times in UTC, not more than `most`. A label is a time of day, at midnight a date.
pub(super) fn time_ticks(from: Timestamp, to: Timestamp, most: f64) -> Vec<TimeTick> {
    let (first, end) = (from.as_second(), to.as_second());
    let least = (end - first) as f64 / most.clamp(1.0, MAX_TICKS as f64);
    let step = TIME_STEPS
        .into_iter()
        .find(|step| *step as f64 >= least)
        .unwrap_or_else(|| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "all of time is 6e11 seconds"
            )]
            let days = round_step(least / 86_400.0, false) as i64;
            days.max(1) * 86_400
        });
    let mut ticks = Vec::new();
    let mut at = first.div_euclid(step) * step;
    while at <= end && ticks.len() < MAX_TICKS {
        if let Ok(moment) = Timestamp::from_second(at)
            && moment >= from
        {
            let day = at.rem_euclid(86_400) == 0;
            let format = match step {
                _ if step >= 2_592_000 => "%Y-%m-%d",
                _ if day => "%-d %b",
                60.. => "%H:%M",
                _ => "%H:%M:%S",
            };
            ticks.push(TimeTick {
                at: seconds(from, moment),
                label: moment.strftime(format).to_string(),
                day,
            });
        }
        at += step;
    }
    ticks
}

/// What the time axis is about: `23 Nov 2026 UTC`, `22 Nov 09:30 – 23 Nov 09:30 UTC`.
pub(super) fn period(from: Timestamp, to: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%-d %b %Y").to_string();
    let (mut first, last) = (day(from), day(to));
    if first == last {
        return format!("{first} UTC");
    }
    let with_times = seconds(from, to) < 3.0 * 86_400.0;
    if with_times {
        let (from, to) = (words::moment(from, true), words::moment(to, true));
        return format!("{from} – {to} UTC");
    }
    if first.get(first.len().saturating_sub(4)..) == last.get(last.len().saturating_sub(4)..) {
        first = from.strftime("%-d %b").to_string();
    }
    format!("{first} – {last} UTC")
}

/// From one moment to another, in seconds.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.as_second().saturating_sub(from.as_second()) as f64
        + f64::from(to.subsec_nanosecond() - from.subsec_nanosecond()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(unit: Unit, min: f64, max: f64) -> String {
        let ticks: Vec<_> = Values::over(unit, (min, max), 5.0, 0.08)
            .ticks
            .into_iter()
            .map(|(_, label)| label.replace('\u{a0}', " "))
            .collect();
        ticks.join(", ")
    }

    #[test]
    fn value_ticks_are_round_in_their_unit() {
        let all = [
            labels(Unit::Ratio, 0.1, 0.43),
            labels(Unit::Ratio, 0.2, 1.0),
            labels(Unit::Ratio, 0.8, 0.97),
            labels(Unit::Ratio, 0.999, 0.9995),
            labels(Unit::PerSecond, 3.0, 18_240.0),
            labels(Unit::PerSecond, 0.0, 0.0),
            labels(Unit::Bytes, 0.0, 3.0e9),
            labels(Unit::Count, 0.0, 3.0),
            labels(Unit::Seconds, 0.0, 0.008),
            labels(Unit::Seconds, 0.0, 6500.0),
        ];
        assert_eq!(
            all,
            [
                "0 %, 10 %, 20 %, 30 %, 40 %",
                "0 %, 20 %, 40 %, 60 %, 80 %, 100 %",
                "80 %, 85 %, 90 %, 95 %",
                "97.5 %, 98.0 %, 98.5 %, 99.0 %, 99.5 %, 100.0 %",
                "0 k/s, 5 k/s, 10 k/s, 15 k/s",
                "0.0/s, 0.2/s, 0.4/s, 0.6/s, 0.8/s, 1.0/s",
                "0 GiB, 1 GiB, 2 GiB, 3 GiB",
                "0, 1, 2, 3",
                "0 ms, 2 ms, 4 ms, 6 ms, 8 ms",
                "0 min, 30 min, 60 min, 90 min",
            ]
        );
    }

    #[test]
    fn time_ticks_are_round_in_utc() {
        let show = |from: &str, to: &str, most| {
            let ticks = time_ticks(from.parse().unwrap(), to.parse().unwrap(), most);
            ticks
                .into_iter()
                .map(|t| t.label)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            show("2026-11-23T08:07:30Z", "2026-11-23T14:07:30Z", 8.0),
            "09:00 10:00 11:00 12:00 13:00 14:00"
        );
        assert_eq!(
            show("2026-11-22T14:00:00Z", "2026-11-23T14:00:00Z", 6.0),
            "18:00 23 Nov 06:00 12:00"
        );
        assert_eq!(
            show("2026-11-20T14:00:00Z", "2026-11-23T14:00:00Z", 7.0),
            "21 Nov 12:00 22 Nov 12:00 23 Nov 12:00"
        );
        assert_eq!(
            show("2026-11-23T14:00:00Z", "2026-11-23T14:01:00Z", 4.0),
            "14:00:00 14:00:15 14:00:30 14:00:45 14:01:00"
        );
        assert_eq!(
            show("2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z", 4.0),
            "14:00:00"
        );
        assert!(time_ticks(Timestamp::MIN, Timestamp::MAX, 6.0).len() <= 8);
    }
}
