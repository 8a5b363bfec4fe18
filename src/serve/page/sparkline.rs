//! The miss ratio of the last hour as a small SVG. Pure.
//!
//! Only numbers go into it, so there is nothing to escape. Where there were no lookups there is a gap, not a zero.

/// The box, in half pixels of the largest that is shown: whole numbers are as fine as can be seen.
pub(super) const WIDTH: u16 = 600;
pub(super) const HEIGHT: u16 = 112;
/// Room for half a stroke above and below.
const MARGIN: f64 = 4.0;
/// The most points that are drawn, newest first.
const MAX_POINTS: usize = 240;

/// What the template draws.
pub(super) struct Sparkline {
    /// Path data of the line.
    pub(super) line: String,
    /// Path data of the area below it.
    pub(super) area: String,
    /// Height of the threshold line, if there is one.
    pub(super) threshold_y: Option<i32>,
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
        let y = |ratio: f64| {
            let room = f64::from(HEIGHT) - 2.0 * MARGIN;
            whole(f64::from(HEIGHT) - MARGIN - ratio / top * room)
        };
        let step = f64::from(WIDTH) / points.len().saturating_sub(1).max(1) as f64;

        let (mut line, mut area) = (String::new(), String::new());
        let mut at = 0;
        for run in points.split(Option::is_none) {
            let place = |(i, ratio): (usize, &f64)| (whole((at + i) as f64 * step), y(*ratio));
            let mut places = run.iter().flatten().enumerate().map(place);
            if let Some((x, y)) = places.next() {
                let rest = steps((x, y), places);
                // A lone point has no length; a short dash makes it visible.
                let dash = if rest.is_empty() { "h2" } else { "" };
                line.push_str(&format!("M{x} {y}{rest}{dash}"));
                area.push_str(&format!("M{x} {HEIGHT}V{y}{rest}V{HEIGHT}z"));
            }
            at += run.len() + 1;
        }
        Some(Self {
            line,
            area,
            threshold_y: threshold.map(y),
            top,
        })
    }
}

/// From each place to the next one, as path data. The differences are those of whole numbers, so that nothing adds up.
fn steps(mut last: (i32, i32), places: impl Iterator<Item = (i32, i32)>) -> String {
    let mut path = String::new();
    for (x, y) in places {
        let (right, down) = (x - last.0, y - last.1);
        let before = if path.is_empty() { "l" } else { " " };
        // A minus parts numbers as well as a space does.
        let between = if down < 0 { "" } else { " " };
        path.push_str(&format!("{before}{right}{between}{down}"));
        last = (x, y);
    }
    path
}

#[expect(clippy::cast_possible_truncation, reason = "it lies within the box")]
fn whole(value: f64) -> i32 {
    value.round() as i32
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
        assert_eq!(s.area.matches('z').count(), 2);
        assert_eq!(s.line, "M0 56l150 0M450 56l150 0");
        assert_eq!(s.area, "M0 112V56l150 0V112zM450 112V56l150 0V112z");
    }

    #[test]
    fn a_lone_point_is_a_dash() {
        let s = Sparkline::new(&[Some(0.1), None, Some(0.05), Some(0.2)], None).unwrap();
        assert!(s.line.starts_with("M0 73h2M400 "), "{}", s.line);
    }

    /// The points of a line.
    fn walk(path: &str) -> Vec<(i32, i32)> {
        let mut places = Vec::new();
        for run in path.split('M').skip(1) {
            let (start, rest) = run
                .split_once('l')
                .unwrap_or((run.trim_end_matches("h2"), ""));
            let (x, y) = start.split_once(' ').unwrap();
            let mut at = (x.parse::<i32>().unwrap(), y.parse::<i32>().unwrap());
            places.push(at);
            let numbers = rest.replace('-', " -");
            let numbers: Vec<i32> = numbers
                .split_whitespace()
                .map(|n| n.parse().unwrap())
                .collect();
            for step in numbers.chunks(2) {
                at = (at.0 + step[0], at.1 + step[1]);
                places.push(at);
            }
        }
        places
    }

    proptest! {
        #[test]
        fn every_point_is_at_its_place(history in proptest::collection::vec(proptest::option::of(0.0..1.0_f64), 2..240)) {
            if let Some(s) = Sparkline::new(&history, Some(0.2)) {
                let drawn = walk(&s.line);
                let step = f64::from(WIDTH) / (history.len() - 1) as f64;
                let known = history.iter().enumerate().filter_map(|(i, r)| Some((i, (*r)?)));
                prop_assert_eq!(drawn.len(), known.clone().count());
                for ((x, y), (i, ratio)) in drawn.into_iter().zip(known) {
                    prop_assert!((0..=i32::from(WIDTH)).contains(&x));
                    prop_assert!((0..=i32::from(HEIGHT)).contains(&y));
                    let room = f64::from(HEIGHT) - 2.0 * MARGIN;
                    let exact = f64::from(HEIGHT) - MARGIN - ratio / s.top * room;
                    prop_assert!((f64::from(x) - i as f64 * step).abs() <= 0.5);
                    prop_assert!((f64::from(y) - exact).abs() <= 0.5);
                }
            }
        }

        #[test]
        fn any_length_is_drawn(history in proptest::collection::vec(proptest::option::of(0.0..1.0_f64), 1..300)) {
            let some = history.iter().rev().take(MAX_POINTS).flatten().count();
            let drawn = Sparkline::new(&history, None).map_or(0, |s| walk(&s.line).len());
            prop_assert_eq!(drawn, some);
        }
    }
}
