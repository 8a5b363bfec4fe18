//! What surrounds the lines: title, period, legend, grid and ticks.

use super::super::canvas::{Anchor, Item, Words};
use super::super::lines::Lines;
use super::super::scale::{self, Values};
use super::super::words::Measure;
use super::labels::Shape;
use super::{Plot, Sheet, crisp};

/// The widest name in a legend, in labels' ems.
const NAME_EMS: f64 = 14.0;

impl Sheet<'_> {
    /// Title and period in one row; the title goes first where there is no room for both. Returns it as it is drawn.
    pub(super) fn title(&mut self) -> String {
        let size = self.title_size();
        let room = self.width - 2.0 * self.pad;
        let middle = self.pad + size * 0.5;
        let title = self.faces.fit(&self.chart.title, size, true, room);
        let left = room - self.faces.width(&title, size, true) - self.pad * 1.5;
        let period = scale::period(self.chart.from, self.chart.to);
        let period = [period, "UTC".to_owned()]
            .into_iter()
            .find(|text| self.label_width(text) <= left);
        if let Some(text) = period {
            let at = (self.width - self.pad, middle);
            self.label(at, Anchor::End, self.colours.quiet, text);
        }
        self.items.push(Item::Text(Words {
            at: (self.pad, middle),
            anchor: Anchor::Start,
            size,
            bold: true,
            ink: self.colours.text,
            text: title.clone(),
        }));
        title
    }

    fn title_size(&self) -> f64 {
        if self.small { 11.0 } else { 13.0 }
    }

    /// The names of several series, in at most two rows. Returns where the plot begins.
    pub(super) fn legend(&mut self, lines: &Lines<'_>) -> f64 {
        let top = self.pad + self.title_size() + if self.small { 9.0 } else { 13.0 };
        if lines.lines.len() < 2 {
            return top;
        }
        let (row_height, most_rows) = if self.small { (14.0, 1) } else { (17.0, 2) };
        let (swatch, gap) = (12.0, if self.small { 10.0 } else { 16.0 });
        let edge = self.width - self.pad;
        let (mut x, mut row) = (self.pad, 0);
        let y = |row: i32| top - 2.0 + (f64::from(row) + 0.5) * row_height;
        for (i, line) in lines.lines.iter().enumerate() {
            let name = self
                .faces
                .fit(line.name, self.label, false, self.label * NAME_EMS);
            let name = if name.is_empty() {
                "–".to_owned()
            } else {
                name
            };
            let width = swatch + 5.0 + self.label_width(&name);
            let others = lines.lines.len() - i;
            // The last row keeps room for telling how many did not fit.
            let reserve = if row + 1 == most_rows && others > 1 {
                self.label_width("+12 more") + gap
            } else {
                0.0
            };
            if x + width + reserve > edge && x > self.pad {
                if row + 1 == most_rows {
                    let more = format!("+{others} more");
                    self.label((x, y(row)), Anchor::Start, self.colours.quiet, more);
                    break;
                }
                (x, row) = (self.pad, row + 1);
            }
            let ink = self.colours.hue(line.hue);
            let middle = y(row);
            if self.chart.stacked {
                self.rect((x, middle - 5.0), (x + swatch - 2.0, middle + 5.0), ink);
            } else {
                self.items.push(Item::Line {
                    points: vec![(x, middle), (x + swatch, middle)],
                    width: 2.5,
                    dashed: false,
                    ink,
                });
                if line.dashed {
                    let hole = (x + swatch / 2.0 - 1.5, middle - 2.0);
                    self.rect(hole, (hole.0 + 3.0, middle + 2.0), self.colours.ground);
                }
            }
            self.label(
                (x + swatch + 5.0, middle),
                Anchor::Start,
                self.colours.text,
                name,
            );
            x += width + gap;
        }
        top + f64::from(row + 1) * row_height + if self.small { 5.0 } else { 8.0 }
    }

    pub(super) fn widest_tick(&self, values: &Values) -> f64 {
        let widths = values
            .ticks
            .iter()
            .map(|(_, label)| self.label_width(label));
        widths.fold(0.0, f64::max)
    }

    /// Grid, ticks and their labels.
    pub(super) fn axes(&mut self, plot: Plot, values: &Values) {
        let mut above = f64::INFINITY;
        for (value, label) in &values.ticks {
            let y = crisp(plot.y(values, *value));
            self.line(
                vec![(plot.left, y), (plot.right, y)],
                1.0,
                self.colours.grid,
            );
            if above - y >= self.label * 1.3 {
                let at = (plot.left - 7.0, y);
                self.label(at, Anchor::End, self.colours.quiet, label.clone());
                above = y;
            }
        }
        self.time_axis(plot);
    }

    fn time_axis(&mut self, plot: Plot) {
        let room = self.label_width("23 Nov") + if self.small { 16.0 } else { 34.0 };
        let most = (plot.right - plot.left) / room;
        let ticks = scale::time_ticks(self.chart.from, self.chart.to, most);
        let bottom = crisp(plot.bottom);
        let middle = self.height - self.pad - self.label * 0.5 + 1.0;
        let mut taken = self.pad - 8.0;
        for tick in ticks {
            let x = crisp(self.x(plot, tick.at));
            if tick.day && self.span > 86_400.0 {
                self.line(vec![(x, plot.top), (x, bottom)], 1.0, self.colours.grid);
            }
            self.line(vec![(x, bottom), (x, bottom + 4.0)], 1.0, self.colours.axis);
            let width = self.label_width(&tick.label);
            let centre = x.min(self.width - self.pad - width / 2.0);
            if centre - width / 2.0 >= taken + 8.0 {
                taken = centre + width / 2.0;
                self.label(
                    (centre, middle),
                    Anchor::Middle,
                    self.colours.quiet,
                    tick.label,
                );
            }
        }
        self.line(
            vec![(plot.left, bottom), (plot.right, bottom)],
            1.0,
            self.colours.axis,
        );
    }

    /// Where lines would be if there were any.
    pub(super) fn plot_without_values(&self, top: f64, bottom: f64) -> Plot {
        let unit = Measure::of(self.chart.unit, 0.0).show(0.0, 0);
        Plot {
            left: self.pad + self.label_width(&unit) + 7.0,
            right: self.width - self.pad,
            top,
            bottom,
        }
    }

    /// A chart without a single value: the axis of time, and the reason why there is nothing else.
    pub(super) fn nothing(&mut self, plot: Plot) {
        self.bands(plot);
        self.time_axis(plot);
        let mut taken = Vec::new();
        self.notes(plot, &Shape::default(), &mut taken);
        let at = (
            f64::midpoint(plot.left, plot.right),
            f64::midpoint(plot.top, plot.bottom),
        );
        let text = "no data in this range".to_owned();
        self.items.push(Item::Text(Words {
            at,
            anchor: Anchor::Middle,
            size: self.title_size(),
            bold: false,
            ink: self.colours.quiet,
            text,
        }));
    }
}

impl Plot {
    /// The place of a value.
    pub(super) fn y(self, values: &Values, value: f64) -> f64 {
        self.bottom - values.part(value) * (self.bottom - self.top)
    }
}
