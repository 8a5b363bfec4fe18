//! The values themselves: areas, lines, dots, and the last values at the right.

use super::super::canvas::{Anchor, Item, Point, Words};
use super::super::lines::Lines;
use super::super::scale::Values;
use super::super::words;
use super::labels::Taken;
use super::{Plot, Sheet};

/// The last values, as they are written at the right.
pub(super) struct Ends {
    /// How much room they need at the right.
    pub(super) gutter: f64,
    texts: Vec<Option<String>>,
}

impl Sheet<'_> {
    pub(super) fn ends(&self, lines: &Lines<'_>) -> Ends {
        let texts: Vec<Option<String>> = lines
            .lines
            .iter()
            .map(|line| {
                line.last
                    .map(|(_, own, _)| words::value(self.chart.unit, own))
            })
            .collect();
        let single = texts.len() == 1;
        let widths = texts
            .iter()
            .flatten()
            .map(|t| self.faces.width(t, self.label, single));
        let widest = widths.fold(0.0, f64::max);
        // The dot at the end of a line reaches over the edge.
        let space = if single { 9.0 } else { 15.0 };
        let gutter = (widest + space).min(self.width * 0.4);
        Ends { gutter, texts }
    }

    pub(super) fn lines(&mut self, plot: Plot, values: &Values, lines: &Lines<'_>) {
        let zero = plot.y(values, 0.0_f64.max(values.low));
        let filled = self.chart.stacked || (lines.lines.len() == 1 && values.low <= 0.0);
        for line in lines.lines.iter().rev() {
            // More points than pixels make a wide line a blot.
            let points: usize = line.runs.iter().map(Vec::len).sum();
            let width = if points as f64 > plot.right - plot.left {
                1.25
            } else if self.small {
                1.5
            } else {
                2.0
            };
            let ink = self.colours.hue(line.hue);
            for run in &line.runs {
                let top: Vec<Point> = run
                    .iter()
                    .map(|(at, _, high)| (self.x(plot, *at), plot.y(values, *high)))
                    .collect();
                if let [(at, low, _)] = run.as_slice() {
                    self.lone(plot, values, (*at, *low), &top, ink);
                    continue;
                }
                if filled {
                    let base = run.iter().rev().map(|(at, low, _)| {
                        let y = if self.chart.stacked {
                            plot.y(values, *low)
                        } else {
                            zero
                        };
                        (self.x(plot, *at), y)
                    });
                    let points = top.iter().copied().chain(base).collect();
                    let ink = ink.faint(if self.chart.stacked { 0.8 } else { 0.12 });
                    self.items.push(Item::Area { points, ink });
                }
                self.items.push(Item::Line {
                    points: top,
                    width: if self.chart.stacked { 1.0 } else { width },
                    dashed: line.dashed,
                    ink,
                });
            }
        }
        if self.chart.stacked {
            return;
        }
        for line in &lines.lines {
            if let Some((at, _, height)) = line.last {
                let at = (self.x(plot, at), plot.y(values, height));
                let radius = if self.small { 2.5 } else { 3.0 };
                self.dot(at, radius + 1.5, self.colours.ground);
                self.dot(at, radius, self.colours.hue(line.hue));
            }
        }
    }

    /// A time in seconds since the left edge, as it is read.
    fn moment(&self, at: f64) -> String {
        let at = jiff::SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        let at = self.chart.from.saturating_add(at);
        words::moment(at.unwrap_or(self.chart.to), self.span > 86_400.0)
    }

    /// A value without neighbours.
    fn lone(
        &mut self,
        plot: Plot,
        values: &Values,
        (at, low): (f64, f64),
        top: &[Point],
        ink: super::Ink,
    ) {
        let Some(top) = top.first().copied() else {
            return;
        };
        if self.chart.stacked {
            let bottom = (self.x(plot, at) + 1.0, plot.y(values, low));
            self.rect((top.0 - 1.0, top.1), bottom, ink);
        } else {
            self.dot(top, 1.75, ink);
        }
    }

    fn dot(&mut self, at: Point, radius: f64, ink: super::Ink) {
        self.items.push(Item::Dot { at, radius, ink });
    }

    /// The last values: beside the end of the line, spread so that they can be read.
    pub(super) fn end_labels(
        &mut self,
        plot: Plot,
        values: &Values,
        lines: &Lines<'_>,
        ends: &Ends,
        taken: &mut Taken,
    ) {
        if let ([line], [Some(text)]) = (lines.lines.as_slice(), ends.texts.as_slice())
            && let Some((at, _, height)) = line.last
        {
            let mut text = text.clone();
            if line.stale {
                text.extend([" at ", &self.moment(at)]);
            }
            let at = (self.x(plot, at) + 8.0, plot.y(values, height));
            let text = self.faces.fit(&text, self.label, true, self.width - at.0);
            let width = self.faces.width(&text, self.label, true);
            taken.push((at.0, at.1 - self.label, at.0 + width, at.1 + self.label));
            self.items.push(Item::Text(Words {
                at,
                anchor: Anchor::Start,
                size: self.label,
                bold: true,
                ink: if line.stale {
                    self.colours.quiet
                } else {
                    self.colours.text
                },
                text,
            }));
            return;
        }
        let mut places: Vec<(f64, f64, usize)> = lines
            .lines
            .iter()
            .enumerate()
            .filter_map(|(i, line)| {
                let (_, own, height) = line.last?;
                // A layer's value belongs to its middle.
                let middle = if self.chart.stacked {
                    height - own / 2.0
                } else {
                    height
                };
                Some((plot.y(values, middle), own, i))
            })
            .collect();
        let apart = self.label * 1.25;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few lines of text"
        )]
        let most = ((plot.bottom - plot.top) / apart) as usize + 1;
        places.sort_by(|a, b| b.1.total_cmp(&a.1));
        places.truncate(most);
        places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        spread(&mut places, plot, apart);
        for (y, _, i) in places {
            let Some((line, Some(text))) = lines.lines.get(i).zip(ends.texts.get(i)) else {
                continue;
            };
            let x = plot.right + 7.0;
            self.rect((x, y - 4.0), (x + 3.0, y + 4.0), self.colours.hue(line.hue));
            let ink = if line.stale {
                self.colours.quiet
            } else {
                self.colours.text
            };
            let text = self.faces.fit(text, self.label, false, ends.gutter - 14.0);
            self.label((x + 7.0, y), Anchor::Start, ink, text);
        }
    }
}

/// Moves labels apart, down first and then up from the lower edge.
fn spread(places: &mut [(f64, f64, usize)], plot: Plot, apart: f64) {
    let mut least = f64::NEG_INFINITY;
    for place in places.iter_mut() {
        place.0 = place.0.max(least);
        least = place.0 + apart;
    }
    let mut most = plot.bottom;
    for place in places.iter_mut().rev() {
        place.0 = place.0.min(most);
        most = place.0 - apart;
    }
}
