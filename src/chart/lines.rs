//! The series of a chart, ready to be drawn: bounded in number, thinned, and summed up where they are stacked.

use super::input::{Chart, MAX_SERIES};
use super::scale::seconds;
use super::theme;
use super::thin::{self, Sample};
use super::{Hue, Series};

/// A series in seconds since the left edge.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) hue: Hue,
    /// Told apart by dashes, because all hues are taken.
    pub(super) dashed: bool,
    /// Runs without a gap: time, lower edge (0 unless stacked), upper edge or value.
    pub(super) runs: Vec<Vec<(f64, f64, f64)>>,
    /// The last value: time, value of its own, height at which it is drawn.
    pub(super) last: Option<(f64, f64, f64)>,
    /// Whether the last value is too old to be called the value now.
    pub(super) stale: bool,
}

/// All series of a chart.
pub(super) struct Lines<'a> {
    pub(super) lines: Vec<Line<'a>>,
    /// The lowest and the highest value that is drawn.
    pub(super) extent: Option<(f64, f64)>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(chart: &'a Chart, columns: usize) -> Self {
        let shown: Vec<&Series> = chart.series.iter().take(MAX_SERIES).collect();
        let span = seconds(chart.from, chart.to);
        let mut all: Vec<Vec<Sample>> = shown
            .iter()
            .map(|s| thin::samples(&s.points, chart.from, chart.to))
            .collect();
        if chart.stacked {
            all = together(&all);
        }
        let mut floor: Vec<f64> = vec![0.0; all.first().map_or(0, Vec::len)];
        // Layers share the points that are kept, those where the whole is lowest or highest.
        let whole: Option<Vec<Sample>> = chart.stacked.then(|| totals(&all));
        let mut lines = Vec::new();
        for (i, (series, samples)) in shown.iter().zip(&all).enumerate() {
            let reach = thin::reach(samples, chart.step);
            let kept = thin::runs(whole.as_deref().unwrap_or(samples), reach, span, columns);
            let base = |i: usize| {
                let below = if chart.stacked { floor.get(i) } else { None };
                below.copied().unwrap_or_default()
            };
            let point = |i: usize| {
                let (at, value) = *samples.get(i)?;
                Some((at, base(i), base(i) + value?))
            };
            let runs: Vec<Vec<_>> = kept
                .iter()
                .map(|run| run.iter().filter_map(|i| point(*i)).collect())
                .collect();
            let last = runs.last().and_then(|run| run.last());
            let last = last.map(|(at, low, high)| (*at, high - low, *high));
            let (hue, dashed) = theme::assigned(i, series.hue);
            lines.push(Line {
                name: &series.name,
                hue,
                dashed,
                runs,
                last,
                stale: last.is_some_and(|(at, ..)| span - at > reach.max(span / 100.0)),
            });
            if chart.stacked {
                for (floor, (_, value)) in floor.iter_mut().zip(samples) {
                    *floor += value.unwrap_or_default();
                }
            }
        }
        let heights = || {
            lines
                .iter()
                .flat_map(|l| l.runs.iter().flatten())
                .map(|p| p.2)
        };
        let extent = heights().reduce(f64::min).zip(heights().reduce(f64::max));
        Self { lines, extent }
    }
}

/// The samples at the times of all of them; where one has no value, none has. What is below 0 counts as 0.
fn together(all: &[Vec<Sample>]) -> Vec<Vec<Sample>> {
    let mut times: Vec<f64> = all.iter().flatten().map(|s| s.0).collect();
    times.sort_by(f64::total_cmp);
    times.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let value = |samples: &[Sample], at: f64| {
        let i = samples.binary_search_by(|s| s.0.total_cmp(&at)).ok()?;
        samples.get(i)?.1.map(|v| v.max(0.0))
    };
    let mut out: Vec<Vec<Sample>> = vec![Vec::with_capacity(times.len()); all.len()];
    for at in times {
        let known = all.iter().all(|samples| value(samples, at).is_some());
        for (out, samples) in out.iter_mut().zip(all) {
            out.push((at, value(samples, at).filter(|_| known)));
        }
    }
    out
}

fn totals(all: &[Vec<Sample>]) -> Vec<Sample> {
    let mut whole = all.first().cloned().unwrap_or_default();
    for samples in all.iter().skip(1) {
        for (sum, (_, value)) in whole.iter_mut().zip(samples) {
            sum.1 = sum.1.zip(*value).map(|(sum, value)| sum + value);
        }
    }
    whole
}
