//! A series as a line of text: `▁▁▂▁▅▇█`. Where a channel cannot carry an image, this is the chart.
//!
//! Invariant: at most [`MAX_POINTS`] characters; a moment without data is a gap, never the lowest bar.

/// The most characters a sparkline has.
pub(crate) const MAX_POINTS: usize = 60;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What stands where nothing is known. A space would collapse in HTML.
const GAP: char = '·';

/// How far above the threshold the scale reaches at least, so that a quiet series does not look like an alarm.
const HEADROOM: f64 = 1.25;

/// A drawn series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sparkline {
    /// The bars, oldest first.
    pub(crate) text: String,
    /// The value that the highest bar stands for; the lowest stands for 0.
    pub(crate) top: f64,
}

/// Draws a series of ratios. The scale reaches from 0 to the highest value, or to above the threshold if that is higher.
/// `None` when nothing at all is known. A series of more than [`MAX_POINTS`] is averaged in groups.
pub(crate) fn draw(series: &[Option<f64>], threshold: f64) -> Option<Sparkline> {
    let points = resample(series);
    let highest = points.iter().flatten().copied().fold(0.0_f64, f64::max);
    if points.iter().all(Option::is_none) {
        return None;
    }
    let room = if threshold.is_finite() {
        threshold * HEADROOM
    } else {
        0.0
    };
    let top = highest.max(room);
    let text = points
        .into_iter()
        .map(|point| point.map_or(GAP, |value| bar(value, top)))
        .collect();
    Some(Sparkline { text, top })
}

fn bar(value: f64, top: f64) -> char {
    let share = if top > 0.0 { value / top } else { 0.0 };
    // The bar whose eighth of the scale the value lies in.
    let bars = BARS.iter().zip(1_u32..);
    bars.filter(|(_, nth)| share > f64::from(nth - 1) / 8.0)
        .map(|(bar, _)| *bar)
        .last()
        .unwrap_or('▁')
}

fn resample(series: &[Option<f64>]) -> Vec<Option<f64>> {
    let group = series.len().div_ceil(MAX_POINTS).max(1);
    series
        .chunks(group)
        .map(|chunk| {
            let known = chunk.iter().flatten().filter(|v| v.is_finite());
            let (sum, n) = known.fold((0.0, 0_u32), |(sum, n), v| (sum + v, n + 1));
            (n > 0).then(|| sum / f64::from(n))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scale_reaches_above_the_threshold() {
        let series = [Some(0.0), Some(0.05), None, Some(0.1), Some(0.25)];
        let line = draw(&series, 0.2).unwrap();
        assert_eq!(line.text, "▁▂·▄█");
        assert!((line.top - 0.25).abs() < 1e-12);
        assert_eq!(draw(&[Some(1.0), Some(0.5)], 0.2).unwrap().text, "█▄");
    }

    #[test]
    fn nothing_known_is_nothing_drawn() {
        assert_eq!(draw(&[], 0.2), None);
        assert_eq!(draw(&[None, Some(f64::NAN)], 0.2), None);
    }

    #[test]
    fn a_long_series_is_averaged() {
        let series: Vec<_> = (0..720).map(|i| Some(f64::from(i) / 720.0)).collect();
        let line = draw(&series, 0.2).unwrap();
        assert_eq!(line.text.chars().count(), MAX_POINTS);
        assert!(line.text.starts_with('▁') && line.text.ends_with('█'));
    }

    proptest! {
        #[test]
        fn any_series_gives_a_bounded_line(
            series in proptest::collection::vec(proptest::option::of(any::<f64>()), 0..500),
            threshold in any::<f64>(),
        ) {
            if let Some(line) = draw(&series, threshold) {
                prop_assert!(line.text.chars().count() <= MAX_POINTS);
                prop_assert!(line.text.chars().all(|c| c == GAP || BARS.contains(&c)));
            }
        }
    }
}
