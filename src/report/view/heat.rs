//! The hours of the week as a table, each with its number and a shade.
//!
//! Invariant: the number is always there; the shade only helps to find it.

use super::super::heat::{Cell, DAYS, Heat};
use super::super::words::{count, percent};

/// The shades, light to dark.
const SHADES: usize = 6;
/// Ratios that differ by less share a shade.
const LEAST: f64 = 0.002;

/// The whole table.
pub(in super::super) struct HeatView {
    pub(in super::super) rows: Vec<(&'static str, Vec<Hour>)>,
    /// The shades and from which to which ratio each goes.
    pub(in super::super) legend: Vec<(usize, String)>,
    pub(in super::super) worst: Vec<String>,
    /// Whose hours they are.
    pub(in super::super) zone: String,
}

/// One hour.
pub(in super::super) struct Hour {
    /// 0 to 5; `None`: no lookups.
    pub(in super::super) shade: Option<usize>,
    /// The miss ratio in percent, without the sign.
    pub(in super::super) text: String,
    pub(in super::super) title: String,
}

impl HeatView {
    pub(super) fn of(heat: &Heat, zone: &str) -> Option<Self> {
        let ratios = || heat.cells.iter().map(|cell| cell.miss_ratio);
        let low = ratios().reduce(f64::min)?;
        let high = ratios().reduce(f64::max)?;
        let step = (high - low).max(LEAST) / SHADES as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a ratio is not below the lowest, and the cast saturates"
        )]
        let shade = |ratio: f64| (((ratio - low) / step) as usize).min(SHADES - 1);
        let rows = DAYS.iter().filter_map(|day| {
            let of_day: Vec<_> = heat.cells.iter().filter(|c| c.weekday == *day).collect();
            let hour = |hour| {
                let cell = of_day.iter().find(|cell| cell.hour == hour);
                cell.map_or_else(none, |cell| self::hour(cell, shade(cell.miss_ratio)))
            };
            (!of_day.is_empty()).then(|| (*day, (0..24).map(hour).collect()))
        });
        let flat = high - low < LEAST;
        let bound = |i: usize| low + step * i as f64;
        let legend = (0..SHADES).filter(|i| !flat || *i == 0).map(|i| {
            let end = if flat { high } else { bound(i + 1) };
            (i, format!("{} to {}", percent(bound(i)), percent(end)))
        });
        let worst = heat.worst.iter().map(|cell| {
            format!(
                "{} {} ({} of {} lookups missed)",
                cell.weekday,
                hours(cell.hour),
                percent(cell.miss_ratio),
                count(cell.lookups)
            )
        });
        Some(Self {
            rows: rows.collect(),
            legend: legend.collect(),
            worst: worst.collect(),
            zone: zone.to_owned(),
        })
    }
}

fn hours(hour: usize) -> String {
    format!("{hour:02}–{:02} h", hour + 1)
}

fn none() -> Hour {
    Hour {
        shade: None,
        text: String::new(),
        title: "no lookups".to_owned(),
    }
}

fn hour(cell: &Cell, shade: usize) -> Hour {
    let percents = cell.miss_ratio * 100.0;
    let digits = usize::from(percents < 9.95);
    Hour {
        shade: Some(shade),
        text: format!("{percents:.digits$}"),
        title: format!(
            "{} {}: {} of {} lookups missed",
            cell.weekday,
            hours(cell.hour),
            percent(cell.miss_ratio),
            count(cell.lookups)
        ),
    }
}
