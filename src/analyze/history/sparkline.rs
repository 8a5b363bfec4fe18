//! The last hour, or less of it while there is less, as a row of points. What two readings have between them is spread evenly over the time between them, so
//! that a slow poll still gives a line; a gap gives none.

use std::time::Duration;

use super::{History, difference};
use crate::model::time::Now;
use crate::model::window::Sparkline;

/// What a line may span, shortest first.
const SPANS: [Duration; 4] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
];
const LONGEST: Duration = Duration::from_hours(1);
/// More points than anyone can see.
const MAX_POINTS: usize = 1000;

pub(super) fn draw(history: &History, now: Now, points: usize) -> Sparkline {
    let points = points.min(MAX_POINTS);
    if points == 0 {
        return Sparkline::default();
    }
    let span = span(history, now, points);
    // Lookups and misses per point.
    let mut bins = vec![(0.0_f64, 0.0_f64); points];
    let width = span.as_secs_f64() / points as f64;
    // Seconds since the beginning of the line; negative for what was before.
    let place = |at: Duration| at.as_secs_f64() - now.mono.as_secs_f64() + span.as_secs_f64();

    let samples = || history.old.iter().chain(&history.recent);
    for (from, to) in samples().zip(samples().skip(1)) {
        let apart = to.at.saturating_sub(from.at);
        let delta = difference(&to.totals, &from.totals);
        let (Some(misses), Some(lookups)) = (delta.misses, delta.lookups()) else {
            continue;
        };
        let (begin, end) = (place(from.at), place(to.at));
        if lookups == 0 || apart > history.gap() || end <= 0.0 {
            continue;
        }
        for (i, bin) in bins.iter_mut().enumerate().skip(index(begin, width)) {
            let left = i as f64 * width;
            if left >= end {
                break;
            }
            let overlap = end.min(left + width) - begin.max(left);
            let part = (overlap / (end - begin)).clamp(0.0, 1.0);
            bin.0 += lookups as f64 * part;
            bin.1 += misses as f64 * part;
        }
    }
    let points = bins
        .into_iter()
        .map(|(lookups, misses)| (lookups > 1e-9).then(|| (misses / lookups).clamp(0.0, 1.0)))
        .collect();
    Sparkline { span, points }
}

/// The shortest span that holds all that is known and whose points are not closer than readings are.
fn span(history: &History, now: Now, points: usize) -> Duration {
    let first = history.old.iter().chain(&history.recent).next();
    let known = first.map_or(LONGEST, |sample| now.mono.saturating_sub(sample.at));
    let filled = history
        .poll_interval
        .saturating_mul(u32::try_from(points).unwrap_or(u32::MAX));
    SPANS
        .into_iter()
        .find(|span| *span >= known && *span >= filled)
        .unwrap_or(LONGEST)
}

/// The point that a place falls into.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the number of points before"
)]
fn index(place: f64, width: f64) -> usize {
    (place / width).clamp(0.0, MAX_POINTS as f64) as usize
}
