//! From values to shapes: where everything is, in CSS pixels.
//!
//! Here is decided what a chart looks like. Invariant: labels lie within the picture and do not cover each other; what
//! has no room is left out, and is still told in the alt text.

mod axes;
mod labels;
mod series;

use super::canvas::{Anchor, Item, Point, Words};
use super::input::{Chart, Look};
use super::lines::Lines;
use super::scale::{Values, seconds};
use super::text::Faces;
use super::theme::{Colours, Ink};
use labels::Shape;

/// A chart, laid out.
pub(super) struct Drawing {
    /// In CSS pixels.
    pub(super) size: (u32, u32),
    pub(super) title: String,
    /// From the back to the front.
    pub(super) items: Vec<Item>,
}

/// What all parts of the layout look at.
struct Sheet<'a> {
    chart: &'a Chart,
    faces: &'a Faces,
    colours: &'static Colours,
    width: f64,
    height: f64,
    /// Whether there is little room: smaller text, fewer ticks.
    small: bool,
    /// Pixels per em of labels.
    label: f64,
    /// Space at the edges.
    pad: f64,
    /// The length of the period in seconds, above 0.
    span: f64,
    items: Vec<Item>,
}

/// Where the lines are: edges in CSS pixels.
#[derive(Debug, Clone, Copy)]
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Lays a chart out. `look` is within its bounds.
pub(super) fn layout(chart: &Chart, look: &Look, faces: &Faces) -> Drawing {
    let (width, height) = (f64::from(look.width), f64::from(look.height));
    let small = width < 440.0 || height < 150.0;
    let colours = Colours::of(look.theme);
    let mut sheet = Sheet {
        chart,
        faces,
        colours,
        width,
        height,
        small,
        label: if small { 9.5 } else { 11.0 },
        pad: if small { 7.0 } else { 12.0 },
        span: seconds(chart.from, chart.to).max(1.0),
        items: Vec::new(),
    };
    sheet.rect((0.0, 0.0), (width, height), colours.ground);
    let title = sheet.title();
    let lines = Lines::of(chart, sheet.columns());
    let top = sheet.legend(&lines);
    let bottom = height - sheet.pad - sheet.label - if small { 5.0 } else { 7.0 };
    let wanted = ((bottom - top) / if small { 26.0 } else { 38.0 }).clamp(1.0, 6.0);

    let limit = chart
        .limit
        .as_ref()
        .map(|l| l.value)
        .filter(|v| v.is_finite());
    let limit = limit.map(|v| v.clamp(-1e300, 1e300));
    let Some((low, high)) = lines.extent else {
        let plot = sheet.plot_without_values(top, bottom);
        sheet.nothing(plot);
        return sheet.done(look, title);
    };
    let low = limit.map_or(low, |limit| limit.min(low));
    let high = limit.map_or(high, |limit| limit.max(high));
    // Room for the words of incidents and annotations above the lines.
    let headroom = if chart.bands.is_empty() && chart.marks.is_empty() {
        0.08
    } else {
        0.2
    };
    let values = Values::over(chart.unit, (low, high), wanted, headroom);

    let ends = sheet.ends(&lines);
    let plot = Plot {
        left: sheet.pad + sheet.widest_tick(&values) + 7.0,
        right: width - sheet.pad - ends.gutter,
        top,
        bottom,
    };
    sheet.bands(plot);
    sheet.axes(plot, &values);
    sheet.lines(plot, &values, &lines);
    let mut taken = Vec::new();
    let shape = Shape::of(&sheet, plot, &values, &lines);
    sheet.limit(plot, &values, &shape, &mut taken);
    sheet.end_labels(plot, &values, &lines, &ends, &mut taken);
    sheet.notes(plot, &shape, &mut taken);
    sheet.done(look, title)
}

impl Sheet<'_> {
    fn done(self, look: &Look, title: String) -> Drawing {
        Drawing {
            size: (look.width, look.height),
            title,
            items: self.items,
        }
    }

    /// About how many pixel columns the lines have.
    fn columns(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "200..2000"
        )]
        {
            self.width as usize
        }
    }

    /// The place of a time in seconds since the left edge.
    fn x(&self, plot: Plot, at: f64) -> f64 {
        plot.left + (at / self.span).clamp(0.0, 1.0) * (plot.right - plot.left)
    }

    fn rect(&mut self, from: Point, to: Point, ink: Ink) {
        self.items.push(Item::Rect { from, to, ink });
    }

    fn line(&mut self, points: Vec<Point>, width: f64, ink: Ink) {
        let dashed = false;
        self.items.push(Item::Line {
            points,
            width,
            dashed,
            ink,
        });
    }

    fn label(&mut self, at: Point, anchor: Anchor, ink: Ink, text: String) {
        let (size, bold) = (self.label, false);
        self.items.push(Item::Text(Words {
            at,
            anchor,
            size,
            bold,
            ink,
            text,
        }));
    }

    fn label_width(&self, text: &str) -> f64 {
        self.faces.width(text, self.label, false)
    }
}

/// A hairline lies in the middle of a pixel, so that it is not smeared over two.
fn crisp(v: f64) -> f64 {
    v.floor() + 0.5
}
