//! A drawing as a list of simple shapes in CSS pixels, and how plotters draws it.
//!
//! Laying out and drawing are apart: what a chart looks like is decided once, in `layout`, for every backend.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color as _, FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle,
};
use plotters_backend::{DrawingBackend, DrawingErrorKind};

use super::theme::Ink;

/// The fonts, in the words of CSS. Verdana is as wide as DejaVu Sans; both descend from the same design.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// What plotters divides font sizes by.
const PLOTTERS_EM: f64 = 1.24;
/// How far below the middle of a digit plotters' vertical centre is, in ems: it takes half an `x` for it.
const CENTRE: f64 = 0.09;
/// Added to the width of a line that is to be dashed, because plotters' styles know no dashes. The backends take it away.
pub(super) const DASHED: u32 = 10_000;

pub(super) type Point = (f64, f64);

/// One shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// From the upper left to the lower right corner.
    Rect {
        from: Point,
        to: Point,
        ink: Ink,
    },
    Line {
        points: Vec<Point>,
        width: f64,
        dashed: bool,
        ink: Ink,
    },
    Area {
        points: Vec<Point>,
        ink: Ink,
    },
    Dot {
        at: Point,
        radius: f64,
        ink: Ink,
    },
    Text(Words),
}

/// Which part of a text is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    /// Where its start, middle or end is, half way up a digit.
    pub(super) at: Point,
    pub(super) anchor: Anchor,
    /// Pixels per em.
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) ink: Ink,
    pub(super) text: String,
}

/// Draws all items on a backend that has `units` units for a CSS pixel.
pub(super) fn draw<B: DrawingBackend>(
    items: &[Item],
    backend: &mut B,
    units: f64,
) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let unit = |v: f64| (v * units).round() as i32;
    let at = |p: Point| (unit(p.0), unit(p.1));
    backend.ensure_prepared()?;
    for item in items {
        match item {
            Item::Rect { from, to, ink } => {
                backend.draw_rect(at(*from), at(*to), &filled(*ink), true)?;
            }
            Item::Line {
                points,
                width,
                dashed,
                ink,
            } => {
                let dashes = if *dashed { DASHED } else { 0 };
                let style = ShapeStyle {
                    stroke_width: unit(*width).max(1).unsigned_abs() + dashes,
                    ..filled(*ink)
                };
                backend.draw_path(points.iter().map(|p| at(*p)), &style)?;
            }
            Item::Area { points, ink } => {
                backend.fill_polygon(points.iter().map(|p| at(*p)), &filled(*ink))?;
            }
            Item::Dot { at: p, radius, ink } => {
                backend.draw_circle(at(*p), unit(*radius).unsigned_abs(), &filled(*ink), true)?;
            }
            Item::Text(text) => {
                let style = if text.bold {
                    FontStyle::Bold
                } else {
                    FontStyle::Normal
                };
                let size = text.size * units * PLOTTERS_EM;
                let font = FontDesc::new(FontFamily::Name(FAMILY), size, style);
                let anchor = match text.anchor {
                    Anchor::Start => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::End => HPos::Right,
                };
                let ink = colour(text.ink);
                let style = TextStyle::from(font)
                    .color(&ink)
                    .pos(Pos::new(anchor, VPos::Center));
                let place = (text.at.0, text.at.1 + CENTRE * text.size);
                backend.draw_text(&text.text, &style, at(place))?;
            }
        }
    }
    backend.present()
}

fn colour(ink: Ink) -> RGBAColor {
    let (r, g, b) = ink.rgb;
    RGBAColor(r, g, b, ink.alpha)
}

fn filled(ink: Ink) -> ShapeStyle {
    colour(ink).filled()
}

/// Pixels per em of a plotters font size.
pub(super) fn em(size: f64) -> f64 {
    size / PLOTTERS_EM
}
