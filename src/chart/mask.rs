//! How much of each pixel a shape covers: what makes edges smooth.
//!
//! Invariant: a pixel is covered by 0..1 however often a shape crosses it, so a line with an opacity does not get darker
//! where it turns. Work and memory are bounded by the size of the picture; what is outside of it is left out.

/// Lines of sub-samples per pixel when an area is filled.
const SUB: i32 = 4;

/// Coverage of every pixel of a picture, empty between shapes.
pub(super) struct Mask {
    width: i32,
    height: i32,
    cover: Vec<f32>,
    /// What has been touched since the mask was emptied: left, top, right, bottom, the latter two not included.
    touched: (i32, i32, i32, i32),
}

type Point = (f32, f32);

impl Mask {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            width: width.cast_signed(),
            height: height.cast_signed(),
            cover: vec![0.0; width as usize * height as usize],
            touched: NOTHING,
        }
    }

    /// Covers a pixel at least so much.
    pub(super) fn cover(&mut self, x: i32, y: i32, coverage: f32) {
        if coverage <= 0.0 {
            return;
        }
        if let Some(pixel) = self.pixel(x, y) {
            *pixel = pixel.max(coverage.min(1.0));
        }
    }

    /// Covers a line with round ends and corners.
    pub(super) fn stroke(&mut self, points: impl Iterator<Item = Point>, width: f32) {
        let mut last = None;
        for point in points {
            if let Some(last) = last {
                self.segment(last, point, width);
            }
            last = Some(point);
        }
    }

    /// Covers a line in dashes of `on`, with gaps of `off`.
    pub(super) fn dashes(
        &mut self,
        points: impl Iterator<Item = Point>,
        width: f32,
        on: f32,
        off: f32,
    ) {
        let (mut last, mut along) = (None::<Point>, 0.0);
        for to in points {
            if let Some(from) = last {
                let length = (to.0 - from.0).hypot(to.1 - from.1);
                let at = |d: f32| {
                    let part = (d / length).clamp(0.0, 1.0);
                    (
                        from.0 + (to.0 - from.0) * part,
                        from.1 + (to.1 - from.1) * part,
                    )
                };
                let mut d = -(along % (on + off));
                while length > 0.0 && d < length {
                    if d + on > 0.0 {
                        self.segment(at(d), at(d + on), width);
                    }
                    d += (on + off).max(1.0);
                }
                along += length;
            }
            last = Some(to);
        }
    }

    /// Covers an area, even-odd, with [`SUB`] lines of sub-samples per pixel.
    pub(super) fn fill(&mut self, points: impl Iterator<Item = Point>) {
        let points: Vec<Point> = points.collect();
        let next = points.iter().cycle().skip(1);
        let edges: Vec<(Point, Point)> = points
            .iter()
            .zip(next)
            .map(|(a, b)| if a.1 <= b.1 { (*a, *b) } else { (*b, *a) })
            .filter(|(a, b)| b.1 > a.1)
            .collect();
        // For each line of sub-samples, where edges cross it.
        let lines = self.height * SUB;
        let mut crossings: Vec<Vec<f32>> = vec![Vec::new(); usize::try_from(lines).unwrap_or(0)];
        let line_y = |line: i32| (line as f32 + 0.5) / SUB as f32;
        for (a, b) in edges {
            let first = floor(a.1 * SUB as f32 - 0.5).clamp(-1, lines) + 1;
            let last = floor(b.1 * SUB as f32 - 0.5).clamp(-1, lines - 1);
            for line in first..=last {
                let x = a.0 + (line_y(line) - a.1) / (b.1 - a.1) * (b.0 - a.0);
                if let Some(crossings) = usize::try_from(line)
                    .ok()
                    .and_then(|l| crossings.get_mut(l))
                {
                    crossings.push(x);
                }
            }
        }
        for (line, mut at) in (0..lines).zip(crossings) {
            at.sort_by(f32::total_cmp);
            for pair in at.chunks_exact(2) {
                if let [from, to] = pair {
                    self.span(line / SUB, *from, *to);
                }
            }
        }
    }

    /// Adds one line of sub-samples from `from` to `to`.
    fn span(&mut self, y: i32, from: f32, to: f32) {
        let (from, to) = (from.max(0.0), to.min(self.width as f32));
        for x in floor(from)..=floor(to) {
            let part = (to.min(x as f32 + 1.0) - from.max(x as f32)).clamp(0.0, 1.0);
            if let Some(pixel) = self.pixel(x, y) {
                *pixel = (*pixel + part / SUB as f32).min(1.0);
            }
        }
    }

    /// Covers what is closer to the segment than half of `width`.
    fn segment(&mut self, a: Point, b: Point, width: f32) {
        let half = width / 2.0;
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy);
        let steep = dy.abs() > dx.abs();
        // Walks along the longer direction; across it, only as far as the line is wide there.
        let (major, minor) = if steep {
            ((a.1, b.1), (a.0, b.0))
        } else {
            ((a.0, b.0), (a.1, b.1))
        };
        let run = major.1 - major.0;
        let reach = (half + 1.0) * if run == 0.0 { 1.0 } else { length / run.abs() };
        let (limit_major, limit_minor) = if steep {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let first = floor(major.0.min(major.1) - half - 1.0).max(0);
        let last = floor(major.0.max(major.1) + half + 1.0).min(limit_major - 1);
        for m in first..=last {
            let part = if run == 0.0 {
                0.0
            } else {
                ((m as f32 + 0.5 - major.0) / run).clamp(0.0, 1.0)
            };
            let centre = minor.0 + (minor.1 - minor.0) * part;
            let from = floor(centre - reach).max(0);
            let to = floor(centre + reach).min(limit_minor - 1);
            for n in from..=to {
                let (x, y) = if steep { (n, m) } else { (m, n) };
                let (px, py) = (x as f32 + 0.5 - a.0, y as f32 + 0.5 - a.1);
                let along = if length == 0.0 {
                    0.0
                } else {
                    ((px * dx + py * dy) / (length * length)).clamp(0.0, 1.0)
                };
                let distance = (px - along * dx).hypot(py - along * dy);
                self.cover(x, y, half + 0.5 - distance);
            }
        }
    }

    /// Tells every covered pixel, and empties the mask.
    pub(super) fn drain(&mut self, mut tell: impl FnMut(i32, i32, f32)) {
        let (left, top, right, bottom) = std::mem::replace(&mut self.touched, NOTHING);
        for y in top..bottom {
            let row = usize::try_from(y * self.width + left).unwrap_or(0);
            let count = usize::try_from(right - left).unwrap_or(0);
            for (x, pixel) in (left..).zip(self.cover.iter_mut().skip(row).take(count)) {
                if *pixel > 0.0 {
                    tell(x, y, std::mem::take(pixel));
                }
            }
        }
    }

    fn pixel(&mut self, x: i32, y: i32) -> Option<&mut f32> {
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return None;
        }
        let (left, top, right, bottom) = self.touched;
        self.touched = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
        let at = usize::try_from(y * self.width + x).ok()?;
        self.cover.get_mut(at)
    }
}

const NOTHING: (i32, i32, i32, i32) = (i32::MAX, i32::MAX, 0, 0);

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and is bounded by the picture where it matters"
)]
fn floor(v: f32) -> i32 {
    v.floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(draw: impl FnOnce(&mut Mask)) -> Vec<(i32, i32, f32)> {
        let mut mask = Mask::new(20, 10);
        draw(&mut mask);
        let mut out = Vec::new();
        mask.drain(|x, y, c| out.push((x, y, (c * 100.0).round() / 100.0)));
        let mut again = 0;
        mask.drain(|_, _, _| again += 1);
        assert_eq!(again, 0, "the mask is empty after it was told");
        out
    }

    fn total(of: &[(i32, i32, f32)]) -> f32 {
        of.iter().map(|p| p.2).sum()
    }

    #[test]
    fn a_shape_covers_its_area() {
        let square = [(2.0, 2.0), (6.5, 2.0), (6.5, 4.0), (2.0, 4.0)];
        let area = covered(|m| m.fill(square.into_iter()));
        assert!((total(&area) - 9.0).abs() < 0.01, "{area:?}");
        assert_eq!(area[4], (6, 2, 0.5));
        let line = covered(|m| m.stroke([(0.0, 5.0), (20.0, 5.0)].into_iter(), 2.0));
        assert!((total(&line) - 40.0).abs() < 0.01, "{line:?}");
        let dashes = covered(|m| m.dashes([(0.0, 5.0), (20.0, 5.0)].into_iter(), 1.0, 4.0, 6.0));
        assert!(dashes.iter().any(|p| p.0 == 12) && !dashes.iter().any(|p| p.0 == 7));
    }

    #[test]
    fn crossing_itself_does_not_cover_more() {
        let there_and_back = [(2.0, 5.0), (18.0, 5.0), (2.0, 5.0)];
        let once = covered(|m| m.stroke(there_and_back[..2].iter().copied(), 2.0));
        let twice = covered(|m| m.stroke(there_and_back.into_iter(), 2.0));
        assert_eq!(once, twice);
    }

    #[test]
    fn what_is_outside_is_left_out() {
        let far = [(-1e9, -1e9), (1e9, 1e9), (f32::MAX, -5.0)];
        drop(covered(|m| m.stroke(far.into_iter(), 3.0)));
        drop(covered(|m| m.fill(far.into_iter())));
        assert!(covered(|m| m.fill(std::iter::empty())).is_empty());
    }
}
