//! Charts: values over time in, SVG or PNG out. The one renderer for page, e-mail and chat.
//!
//! Pure and synchronous: the same input gives the same bytes, with no clock, no file, no network and no font of the
//! machine. Deliberately not here: where the values come from, caching, and HTTP. Drawing takes milliseconds, a large
//! PNG tens of them; call it where that does not hold up the tick.
//!
//! Invariant: whatever the names, numbers and sizes are, it returns a picture within the bounds, or an error, and never
//! panics; a gap in the values is a gap in the line. Nothing else names plotters.
//!
//! The SVG has no script, no style, no link and no id: it works in an `<img>` and inside of a page, under any
//! Content-Security-Policy.

mod alt;
mod bitmap;
mod canvas;
mod input;
mod layout;
mod lines;
mod mask;
mod scale;
mod signals;
mod svg;
mod text;
mod theme;
mod thin;
mod words;

#[cfg(test)]
mod tests;

pub use alt::alt_text;

pub use input::{
    Band, Chart, Hue, Limit, Look, MAX_BANDS, MAX_MARKS, MAX_SERIES, Mark, Points, Series, Side,
    Theme, Unit,
};
pub use signals::Period;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// plotters could not draw.
    #[error("chart: drawing failed: {0}")]
    Draw(String),
    /// The PNG encoder refused.
    #[error("chart: encoding the PNG failed")]
    Encode(#[from] png::EncodingError),
    /// The font that is built in cannot be read.
    #[error("chart: the built-in font cannot be read")]
    Font,
}

/// The chart as a stand-alone SVG document with [`alt_text`] in its `<desc>`.
pub fn render_svg(chart: &Chart, look: &Look) -> Result<String, ChartError> {
    let faces = text::Faces::load()?;
    let drawing = layout::layout(chart, &look.clamped(), &faces);
    svg::document(&drawing, &alt_text(chart))
}

/// The chart as a PNG of `look.scale` pixels per CSS pixel.
pub fn render_png(chart: &Chart, look: &Look) -> Result<Vec<u8>, ChartError> {
    let faces = text::Faces::load()?;
    let look = look.clamped();
    let drawing = layout::layout(chart, &look, &faces);
    bitmap::png(&drawing, &faces, look.scale)
}
