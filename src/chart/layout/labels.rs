//! What is laid over the lines: the limit, shaded incidents and annotations, each with its words where there is room.

use super::super::canvas::{Anchor, Item, Point};
use super::super::input::{MAX_BANDS, MAX_MARKS, Mark};
use super::super::lines::Lines;
use super::super::scale::{Values, seconds};
use super::super::words;
use super::{Plot, Sheet, crisp};

/// Places that have words already: left, top, right, bottom.
pub(super) type Taken = Vec<(f64, f64, f64, f64)>;

/// Where values are drawn, for words to keep out of the way.
#[derive(Default)]
pub(super) struct Shape {
    points: Vec<(f64, f64)>,
}

impl Shape {
    pub(super) fn of(sheet: &Sheet<'_>, plot: Plot, values: &Values, lines: &Lines<'_>) -> Self {
        let mut points = Vec::new();
        for run in lines.lines.iter().flat_map(|l| &l.runs) {
            let mut last = None::<(f64, f64)>;
            for (at, _, high) in run {
                let to = (sheet.x(plot, *at), plot.y(values, *high));
                // Points far apart are joined by a line, which is in the way, too.
                if let Some(from) = last.filter(|from| to.0 - from.0 > 4.0) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "at most a fourth of the width"
                    )]
                    let steps = ((to.0 - from.0) / 4.0) as u32;
                    points.extend((1..=steps).map(|i| {
                        let part = f64::from(i) / f64::from(steps + 1);
                        (
                            from.0 + (to.0 - from.0) * part,
                            from.1 + (to.1 - from.1) * part,
                        )
                    }));
                }
                points.push(to);
                last = Some(to);
            }
        }
        Self { points }
    }

    /// How many points are in a box.
    fn within(&self, (left, top, right, bottom): (f64, f64, f64, f64)) -> usize {
        let inside = |(x, y): &&(f64, f64)| *x > left && *x < right && *y > top && *y < bottom;
        self.points.iter().filter(inside).count()
    }
}

/// The thickness of the bar above a shaded span.
const BAR: f64 = 3.0;
/// The widest label of a span or mark, in ems.
const WIDEST_EMS: f64 = 18.0;

impl<'a> Sheet<'a> {
    /// Shades incidents, and annotations that lasted. Drawn behind everything else; their bars and words come last.
    pub(super) fn bands(&mut self, plot: Plot) {
        for (from, to, _) in self.spans(plot) {
            let ink = self.colours.limit.faint(0.13);
            self.rect((from, plot.top), (to, plot.bottom), ink);
        }
        for mark in self.marks() {
            if let Some((from, to)) = self.reach(mark, plot) {
                let ink = self.colours.quiet.faint(0.14);
                self.rect((from, plot.top), (to, plot.bottom), ink);
            }
        }
    }

    /// The annotations within the period. The last ones win.
    fn marks(&self) -> Vec<&'a Mark> {
        let chart = self.chart;
        let within = chart.marks.iter().filter(|mark| mark.is_within(chart));
        let skip = within.clone().count().saturating_sub(MAX_MARKS);
        within.skip(skip).collect()
    }

    /// The edges of an annotation that lasted.
    fn reach(&self, mark: &Mark, plot: Plot) -> Option<(f64, f64)> {
        let end = mark.end()?;
        let x = |at| self.x(plot, seconds(self.chart.from, at));
        let (from, to) = (x(mark.at), x(end));
        // What lasts a second in a week is seen, too.
        let to = to.max(from + 2.0).min(plot.right);
        Some((from.min(to - 2.0), to))
    }

    /// Edges and labels of the spans within the period. The last ones win.
    fn spans(&self, plot: Plot) -> Vec<(f64, f64, String)> {
        let chart = self.chart;
        let within = chart
            .bands
            .iter()
            .filter(|b| b.from <= chart.to && b.to.is_none_or(|to| to >= chart.from));
        let skip = within.clone().count().saturating_sub(MAX_BANDS);
        within
            .skip(skip)
            .map(|band| {
                let from = self.x(plot, seconds(chart.from, band.from));
                let to = band.to.map_or(self.span, |to| seconds(chart.from, to));
                // What lasts a second in a week is seen, too.
                let to = self.x(plot, to).max(from + 2.0).min(plot.right);
                (from.min(to - 2.0), to, band.label.clone())
            })
            .collect()
    }

    /// The limit, and its words where they cover the fewest values.
    pub(super) fn limit(&mut self, plot: Plot, values: &Values, shape: &Shape, taken: &mut Taken) {
        let chart = self.chart;
        let Some(limit) = chart.limit.as_ref().filter(|l| l.value.is_finite()) else {
            return;
        };
        let y = plot.y(values, limit.value);
        self.items.push(Item::Line {
            points: vec![(plot.left, y), (plot.right, y)],
            width: if self.small { 1.0 } else { 1.5 },
            dashed: true,
            ink: self.colours.limit,
        });
        let room = (plot.right - plot.left) * 0.6;
        let words = format!("{} {}", limit.name, words::value(chart.unit, limit.value));
        let words = self.faces.fit(&words, self.label, false, room);
        let width = self.label_width(&words);
        let offset = self.label * 0.5 + 4.0;
        let (left, right) = (plot.left + 6.0, plot.right - width - 6.0);
        let places = [0.0, 1.0, 0.25, 0.5, 0.75].map(|part| left + (right - left) * part);
        let places = places
            .into_iter()
            .flat_map(|x| [(x, y - offset), (x, y + offset)]);
        let half = self.label * 0.7;
        let covers =
            |(x, y): (f64, f64)| shape.within((x - 4.0, y - half, x + width + 4.0, y + half));
        let half = self.label * 0.5;
        let inside = |p: &(f64, f64)| p.1 - half >= plot.top - 2.0 && p.1 + half <= plot.bottom;
        let best = places.filter(inside).min_by_key(|p| covers(*p));
        let Some((x, y)) = best.filter(|_| !words.is_empty()) else {
            return;
        };
        if covers((x, y)) > 0 {
            let (from, to) = ((x - 2.0, y - half - 1.0), (x + width + 2.0, y + half + 1.0));
            self.rect(from, to, self.colours.ground.faint(0.75));
        }
        self.words((x, y), width, words, self.colours.limit, taken);
    }

    /// The words of shaded spans, and marks with theirs.
    pub(super) fn notes(&mut self, plot: Plot, shape: &Shape, taken: &mut Taken) {
        let chart = self.chart;
        let widest = self.label * WIDEST_EMS;
        let first_row = plot.top + BAR + self.label * 0.5 + 3.0;
        for (from, to, label) in self.spans(plot) {
            self.rect((from, plot.top), (to, plot.top + BAR), self.colours.limit);
            let whole = self.faces.fit(&label, self.label, false, widest);
            let room = (to - from - 8.0).min(widest);
            let short = self.faces.fit(&label, self.label, false, room);
            let at = [(from + 4.0, first_row)];
            if !self.place(&at, whole, plot, shape, taken) && room >= self.label * 4.0 {
                self.place(&at, short, plot, shape, taken);
            }
        }
        for mark in self.marks() {
            let x = crisp(self.x(plot, seconds(chart.from, mark.at)));
            self.sign(mark, x, plot);
            let words = self.faces.fit(&mark.label, self.label, false, widest);
            let width = self.label_width(&words);
            let rows = [0.0, 1.0].map(|row| first_row + row * self.label * 1.35);
            let right = x + 6.0;
            // What lasted has its words within, at the begin or at the end, where there is room.
            let reach = self.reach(mark, plot);
            let last = reach.map_or(right, |(_, to)| (to - width - 6.0).max(right));
            let places: Vec<_> = rows
                .into_iter()
                .flat_map(|y| [(right, y), (last, y), (x - width - 6.0, y)])
                .collect();
            self.place(&places, words, plot, shape, taken);
        }
    }

    /// A line where an annotation begins, and where it ends; and a bar below it while it lasts: bars above are incidents.
    fn sign(&mut self, mark: &Mark, x: f64, plot: Plot) {
        let ink = self.colours.quiet;
        let upright = |x: f64| vec![(x, plot.top), (x, plot.bottom)];
        if mark.at >= self.chart.from {
            self.line(upright(x), 1.0, ink.faint(0.7));
            self.items.push(Item::Area {
                points: vec![
                    (x - 4.0, plot.top),
                    (x + 4.0, plot.top),
                    (x, plot.top + 6.0),
                ],
                ink,
            });
        }
        let Some((from, to)) = self.reach(mark, plot) else {
            return;
        };
        self.rect((from, plot.bottom - BAR), (to, plot.bottom), ink);
        if mark.end().is_some_and(|end| end <= self.chart.to) {
            self.line(upright(crisp(to)), 1.0, ink.faint(0.7));
        }
    }

    /// Writes words at the first of these places that is free of other words and of values.
    fn place(
        &mut self,
        places: &[(f64, f64)],
        words: String,
        plot: Plot,
        shape: &Shape,
        taken: &mut Taken,
    ) -> bool {
        let width = self.label_width(&words);
        let half = self.label * 0.55;
        let free = |(x, y): &(f64, f64)| {
            let lies_inside =
                *x >= plot.left && x + width <= plot.right + 2.0 && y + half <= plot.bottom;
            let apart = |(left, top, right, bottom): &(f64, f64, f64, f64)| {
                x + width + 6.0 <= *left
                    || *right + 6.0 <= *x
                    || y + half <= *top
                    || *bottom <= y - half
            };
            let over_values =
                shape.within((x - 2.0, y - half - 2.0, x + width + 2.0, y + half + 2.0));
            lies_inside && over_values == 0 && taken.iter().all(apart)
        };
        match places.iter().copied().find(free) {
            Some(at) if !words.is_empty() => {
                self.words(at, width, words, self.colours.text, taken);
                true
            }
            _ => false,
        }
    }

    fn words(&mut self, at: Point, width: f64, words: String, ink: super::Ink, taken: &mut Taken) {
        let half = self.label * 0.55;
        taken.push((at.0, at.1 - half, at.0 + width, at.1 + half));
        self.label(at, Anchor::Start, ink, words);
    }
}
