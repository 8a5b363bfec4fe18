//! Which points of a series are drawn: those within the period, in runs without a gap, not more than can be seen.
//!
//! Invariant: nothing is made up. A run joins only neighbours that are there; of each pixel column its lowest and its
//! highest point stay, so that no peak is lost; whatever comes in, a column gets eight points at most.

use std::time::Duration;

use jiff::Timestamp;

use super::input::Points;
use super::scale::seconds;

/// A line is broken where neighbours are further apart than so many steps: one lost reading is forgiven, two are a gap.
const GAP_STEPS: f64 = 2.5;
/// Beyond this, values are drawn at the edge: the sum of two of them is still a number.
const HUGE: f64 = 1e300;

/// A value, or none, at a time in seconds since the left edge.
pub(super) type Sample = (f64, Option<f64>);

/// The samples of the period in order of time, one for each time.
pub(super) fn samples(points: &Points, from: Timestamp, to: Timestamp) -> Vec<Sample> {
    let mut samples: Vec<Sample> = points
        .iter()
        .filter(|(at, _)| (from..=to).contains(at))
        .map(|(at, value)| {
            let value = value.filter(|v| v.is_finite());
            (seconds(from, *at), value.map(|v| v.clamp(-HUGE, HUGE)))
        })
        .collect();
    // The later one of two at the same time is the better one.
    samples.reverse();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    samples.dedup_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    samples
}

/// How far apart samples may be and still be joined, in seconds.
pub(super) fn reach(samples: &[Sample], step: Option<Duration>) -> f64 {
    if let Some(step) = step {
        return step.as_secs_f64() * GAP_STEPS;
    }
    let mut distances: Vec<f64> = samples
        .iter()
        .zip(samples.iter().skip(1))
        .map(|(a, b)| b.0 - a.0)
        .collect();
    if distances.is_empty() {
        return 0.0;
    }
    let middle = distances.len() / 2;
    let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    *median * GAP_STEPS
}

/// The indices of the samples to draw, in runs without a gap. `span` is the length of the period in seconds, `columns`
/// the number of pixel columns.
pub(super) fn runs(samples: &[Sample], reach: f64, span: f64, columns: usize) -> Vec<Vec<usize>> {
    let mut runs = unbroken(samples, reach);
    let columns = columns.clamp(1, 1000);
    if runs.iter().map(Vec::len).sum::<usize>() <= 2 * columns {
        return runs;
    }
    let value = |i: usize| samples.get(i).and_then(|s| s.1).unwrap_or_default();
    let column = |i: usize| {
        let at = samples.get(i).map_or(0.0, |s| s.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the number of columns; the cast saturates"
        )]
        {
            (at / span * columns as f64) as usize
        }
    };
    let mut out: Vec<Vec<usize>> = Vec::new();
    // Runs that begin and end in the column at hand: however many they are, two dots tell of them.
    let mut lone: Vec<usize> = Vec::new();
    let flush = |lone: &mut Vec<usize>, out: &mut Vec<Vec<usize>>| {
        out.extend(extremes(lone, value).into_iter().map(|i| vec![i]));
        lone.clear();
    };
    for run in runs.drain(..) {
        let (Some(first), Some(last)) = (run.first().copied(), run.last().copied()) else {
            continue;
        };
        if lone.first().is_some_and(|l| column(*l) != column(first)) {
            flush(&mut lone, &mut out);
        }
        if column(first) == column(last) {
            lone.extend(run);
            continue;
        }
        flush(&mut lone, &mut out);
        let mut kept: Vec<usize> = run
            .chunk_by(|a, b| column(*a) == column(*b))
            .flat_map(|chunk| extremes(chunk, value))
            .collect();
        if kept.first() != Some(&first) {
            kept.insert(0, first);
        }
        if kept.last() != Some(&last) {
            kept.push(last);
        }
        out.push(kept);
    }
    flush(&mut lone, &mut out);
    out
}

fn unbroken(samples: &[Sample], reach: f64) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut last = None::<f64>;
    for (i, (at, value)) in samples.iter().enumerate() {
        if value.is_none() {
            last = None;
            continue;
        }
        match runs.last_mut() {
            Some(run) if last.is_some_and(|last| at - last <= reach) => run.push(i),
            _ => runs.push(vec![i]),
        }
        last = Some(*at);
    }
    runs
}

/// The lowest and the highest in order of time; one when they are the same.
fn extremes(indices: &[usize], value: impl Fn(usize) -> f64) -> Vec<usize> {
    let by_value = |a: &&usize, b: &&usize| value(**a).total_cmp(&value(**b));
    let lowest = indices.iter().min_by(by_value).copied();
    let highest = indices.iter().max_by(by_value).copied();
    let mut both: Vec<usize> = lowest.into_iter().chain(highest).collect();
    both.sort_unstable();
    both.dedup();
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(values: &[Option<f64>]) -> Vec<Sample> {
        let time = |i: usize| i as f64 * 10.0;
        values
            .iter()
            .enumerate()
            .map(|(i, v)| (time(i), *v))
            .collect()
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value_or_none_for_long() {
        let some = at(&[Some(1.0), Some(2.0), None, Some(3.0)]);
        assert_eq!(runs(&some, 25.0, 100.0, 100), [vec![0, 1], vec![3]]);
        let samples = [
            (0.0, Some(1.0)),
            (10.0, Some(1.0)),
            (30.0, Some(1.0)),
            (60.0, Some(1.0)),
        ];
        assert_eq!(runs(&samples, 25.0, 100.0, 100), [vec![0, 1, 2], vec![3]]);
        assert!((reach(&samples, None) - 50.0).abs() < 1e-9);
        assert!((reach(&samples, Some(Duration::from_secs(10))) - 25.0).abs() < 1e-9);
        assert!(runs(&[], 0.0, 0.0, 0).is_empty());
    }

    #[test]
    fn samples_are_sorted_finite_and_within_the_period() {
        let t = |s| Timestamp::from_second(s).unwrap();
        let points = vec![
            (t(30), Some(f64::NAN)),
            (t(20), Some(1.0)),
            (t(20), Some(2.0)),
            (t(9), Some(7.0)),
            (t(10), Some(f64::MAX)),
            (t(41), None),
        ];
        assert_eq!(
            samples(&points, t(10), t(40)),
            [(0.0, Some(HUGE)), (10.0, Some(2.0)), (20.0, None)]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn peaks_stay_and_nothing_is_made_up(
            values in proptest::collection::vec(proptest::option::weighted(0.9, -10.0..10.0_f64), 1..3000),
            columns in 1..300_usize,
        ) {
            let samples = at(&values);
            let span = values.len() as f64 * 10.0;
            let runs = runs(&samples, 25.0, span, columns);
            let kept: Vec<usize> = runs.iter().flatten().copied().collect();
            prop_assert!(kept.is_sorted_by(|a, b| a < b));
            prop_assert!(kept.len() <= 8 * columns + 8);
            let drawn = kept.iter().filter_map(|i| samples[*i].1);
            let all = values.iter().flatten().copied();
            prop_assert_eq!(drawn.clone().reduce(f64::max), all.clone().reduce(f64::max));
            prop_assert_eq!(drawn.reduce(f64::min), all.reduce(f64::min));
            for run in &runs {
                let (first, last) = (run[0], run[run.len() - 1]);
                prop_assert!(samples[first..=last].iter().all(|s| s.1.is_some()));
            }
        }
    }
}
