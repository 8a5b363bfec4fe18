//! The drawing as an SVG document.
//!
//! plotters knows whole units only, so it draws on a grid of quarter pixels and the view box scales it down. Its opening
//! tag is replaced by one with a role, a title and a description.

use plotters::backend::SVGBackend;

use super::ChartError;
use super::canvas::{self, DASHED};
use super::layout::Drawing;
use super::text::escape_xml;

/// Units per CSS pixel.
const UNITS: u32 = 4;

pub(super) fn document(drawing: &Drawing, description: &str) -> Result<String, ChartError> {
    let (width, height) = drawing.size;
    let mut body = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut body, (width * UNITS, height * UNITS));
        canvas::draw(&drawing.items, &mut backend, f64::from(UNITS))
            .map_err(|e| ChartError::Draw(e.to_string()))?;
    }
    let Some((_, shapes)) = body.split_once(">\n") else {
        return Err(ChartError::Draw("plotters began no SVG".to_owned()));
    };
    let title = escape_xml(&drawing.title);
    let description = escape_xml(description);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" stroke-linejoin=\"round\" stroke-linecap=\"butt\">\n<title>{title}</title>\n\
         <desc>{description}</desc>\n",
        width * UNITS,
        height * UNITS,
    );
    for line in shapes.lines() {
        push_shape(&mut out, line);
    }
    Ok(out)
}

/// A line of plotters' output, without what only makes it longer, and with dashes where they were asked for. Neither
/// text nor an attribute can hold what is looked for here: plotters escapes quotes.
fn push_shape(out: &mut String, line: &str) {
    let line = line.replace(" opacity=\"1\"", "").replace(" \"/>", "\"/>");
    let dashed = line
        .split_once("stroke-width=\"")
        .and_then(|(before, rest)| {
            let (width, after) = rest.split_once('"')?;
            let width = width.parse::<u32>().ok()?.checked_sub(DASHED)?;
            let (on, off) = (dash_on(width), dash_off(width));
            Some(format!(
                "{before}stroke-width=\"{width}\" stroke-dasharray=\"{on} {off}\"{after}"
            ))
        });
    out.push_str(dashed.as_deref().unwrap_or(&line));
    // plotters puts text on a line of its own; white space around it would be part of it for some readers.
    if !line.starts_with("<text") {
        out.push('\n');
    }
}

/// How long a dash is in a line of this width.
pub(super) fn dash_on(width: u32) -> u32 {
    width * 4
}

/// How long the gap behind a dash is.
pub(super) fn dash_off(width: u32) -> u32 {
    width * 3
}
