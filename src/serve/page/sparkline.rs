//! The miss ratio of the last hour as a small SVG. Pure.
//!
//! Only numbers go into it, so there is nothing to escape. Where there were no lookups there is a gap, not a zero.

use std::fmt::Write as _;

pub(super) const WIDTH: f64 = 300.0;
pub(super) const HEIGHT: f64 = 56.0;
/// Room for half a stroke above and below.
const MARGIN: f64 = 2.0;
/// The most points that are drawn, newest first.
const MAX_POINTS: usize = 240;

/// What the template draws.
pub(super) struct Sparkline {
    /// Path data of the line.
    pub(super) line: String,
    /// Path data of the area below it.
    pub(super) area: String,
    /// Height of the threshold line, if there is one.
    pub(super) threshold_y: Option<String>,
    /// Miss ratio at the upper edge.
    pub(super) top: f64,
}

impl Sparkline {
    /// `None` when there is nothing to draw.
    pub(super) fn new(history: &[Option<f64>], threshold: Option<f64>) -> Option<Self> {
        let skip = history.len().saturating_sub(MAX_POINTS);
        let points: Vec<_> = history
            .iter()
            .skip(skip)
            .map(|ratio| ratio.filter(|r| r.is_finite()).map(|r| r.clamp(0.0, 1.0)))
            .collect();
        let highest = points.iter().flatten().copied().reduce(f64::max)?;
        let top = scale(highest.max(threshold.unwrap_or(0.0)));
        let y = |ratio: f64| HEIGHT - MARGIN - ratio / top * (HEIGHT - 2.0 * MARGIN);
        let step = WIDTH / points.len().saturating_sub(1).max(1) as f64;

        let (mut line, mut area) = (String::new(), String::new());
        let mut at = 0;
        for run in points.split(Option::is_none) {
            let from = at as f64 * step;
            for (i, ratio) in run.iter().flatten().enumerate() {
                let x = (at + i) as f64 * step;
                let command = if i == 0 { 'M' } else { 'L' };
                push(&mut line, command, x, y(*ratio));
                if i == 0 {
                    push(&mut area, 'M', x, HEIGHT);
                }
                push(&mut area, 'L', x, y(*ratio));
            }
            if let [one] = run {
                // A lone point has no length; a short dash makes it visible.
                push(&mut line, 'L', from + 1.0, y(one.unwrap_or_default()));
            }
            if !run.is_empty() {
                push(&mut area, 'L', (at + run.len() - 1) as f64 * step, HEIGHT);
                area.push('Z');
            }
            at += run.len() + 1;
        }
        Some(Self {
            line,
            area,
            threshold_y: threshold.map(|t| format!("{:.1}", y(t))),
            top,
        })
    }
}

fn push(path: &mut String, command: char, x: f64, y: f64) {
    // Writing to a String cannot fail.
    if write!(path, "{command}{x:.1} {y:.1}").is_err() {
        path.clear();
    }
}

/// The smallest round ratio above `highest`, so that the scale does not jump about.
fn scale(highest: f64) -> f64 {
    let steps = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
    let above = steps.into_iter().find(|s| highest * 1.05 <= *s);
    above.unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_to_draw() {
        assert!(Sparkline::new(&[], Some(0.2)).is_none());
        assert!(Sparkline::new(&[None, None], None).is_none());
    }

    #[test]
    fn gaps_stay_gaps() {
        let s = Sparkline::new(&[Some(0.1), Some(0.1), None, Some(0.1), Some(0.1)], None).unwrap();
        assert_eq!(s.line.matches('M').count(), 2);
        assert_eq!(s.area.matches('Z').count(), 2);
        assert!(
            s.line
                .ends_with(&format!("L{WIDTH:.1} {:.1}", HEIGHT / 2.0 + 0.0)),
            "{}",
            s.line
        );
    }

    proptest! {
        #[test]
        fn stays_in_its_box(history in proptest::collection::vec(proptest::option::of(0.0..1.0_f64), 1..300)) {
            if let Some(s) = Sparkline::new(&history, Some(0.2)) {
                for point in s.line.split(['M', 'L']).filter(|p| !p.is_empty()) {
                    let (x, y) = point.split_once(' ').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    prop_assert!((0.0..=WIDTH + 1.0).contains(&x), "{point}");
                    prop_assert!((0.0..=HEIGHT).contains(&y), "{point}");
                }
            }
        }
    }
}
