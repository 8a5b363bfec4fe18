//! The drawing as a PNG: plotters' bitmap, with smooth lines and well set text.
//!
//! plotters draws lines wider than a pixel, circles and polygons with jagged edges, and sets glyphs on whole pixels
//! without the space before them. What it asks for is therefore drawn here into a mask of coverage, and blended once.

use ab_glyph::{Font, Glyph, ScaleFont, point};
use plotters::backend::BitMapBackend;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};

use super::ChartError;
use super::canvas::{self, DASHED};
use super::layout::Drawing;
use super::mask::Mask;
use super::svg::{dash_off, dash_on};
use super::text::{Faces, px_scale};

/// Half of the height of an `x`, in ems: what SVG calls `0.5ex`.
const HALF_EX: f64 = 0.273;

pub(super) fn png(drawing: &Drawing, faces: &Faces, scale: u32) -> Result<Vec<u8>, ChartError> {
    let (width, height) = (drawing.size.0 * scale, drawing.size.1 * scale);
    let mut pixels = vec![255; width as usize * height as usize * 3];
    {
        let mut smooth = Smooth {
            inner: BitMapBackend::with_buffer(&mut pixels, (width, height)),
            mask: Mask::new(width, height),
            faces,
        };
        canvas::draw(&drawing.items, &mut smooth, f64::from(scale))
            .map_err(|e| ChartError::Draw(e.to_string()))?;
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    // Plain grounds are squeezed best as they are: 36 KB where filters leave 46 KB.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(out)
}

/// plotters' bitmap with edges that are not jagged.
struct Smooth<'a, 'f> {
    inner: BitMapBackend<'a>,
    mask: Mask,
    faces: &'f Faces,
}

type Drawn<E> = Result<(), DrawingErrorKind<E>>;
type Failure = <BitMapBackend<'static> as DrawingBackend>::ErrorType;

impl Smooth<'_, '_> {
    /// Blends what the mask covers, and empties it.
    fn paint(&mut self, colour: BackendColor) -> Drawn<Failure> {
        let Self { inner, mask, .. } = self;
        let mut result = Ok(());
        mask.drain(|x, y, coverage| {
            if result.is_ok() {
                let alpha = colour.alpha * f64::from(coverage);
                result = inner.draw_pixel((x, y), BackendColor { alpha, ..colour });
            }
        });
        result
    }
}

impl DrawingBackend for Smooth<'_, '_> {
    type ErrorType = Failure;

    fn get_size(&self) -> (u32, u32) {
        self.inner.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn<Failure> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Drawn<Failure> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn<Failure> {
        self.inner.draw_pixel(point, color)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<Failure> {
        self.inner.draw_rect(upper_left, bottom_right, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn<Failure> {
        let points = path.into_iter().map(exact);
        match style.stroke_width().checked_sub(DASHED) {
            None => self.mask.stroke(points, style.stroke_width() as f32),
            Some(width) => {
                let (on, off) = (dash_on(width) as f32, dash_off(width) as f32);
                self.mask.dashes(points, width as f32, on, off);
            }
        }
        self.paint(style.color())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn<Failure> {
        let center = exact(center);
        self.mask
            .stroke([center, center].into_iter(), radius as f32 * 2.0);
        self.paint(style.color())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn<Failure> {
        self.mask.fill(vert.into_iter().map(exact));
        self.paint(style.color())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> Drawn<Failure> {
        let bold = matches!(style.style(), FontStyle::Bold);
        let em = canvas::em(style.size());
        let face = self.faces.face(bold);
        let scale = px_scale(face, em);
        let font = face.as_scaled(scale);
        let width = self.faces.width(text, em, bold);
        let start = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => width / 2.0,
            HPos::Right => width,
        };
        #[expect(clippy::cast_possible_truncation, reason = "pixels of an image")]
        let (mut x, y) = (
            (f64::from(pos.0) - start) as f32,
            (f64::from(pos.1) + HALF_EX * em).round() as f32,
        );
        let mut last = None;
        for c in text.chars() {
            let id = font.glyph_id(c);
            x += last.map_or(0.0, |last| font.kern(last, id));
            last = Some(id);
            let glyph: Glyph = id.with_scale_and_position(scale, point(x, y));
            x += font.h_advance(id);
            if let Some(outline) = face.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                #[expect(clippy::cast_possible_truncation, reason = "pixels of an image")]
                let (left, top) = (corner.x as i32, corner.y as i32);
                outline.draw(|dx, dy, coverage| {
                    self.mask
                        .cover(left + dx.cast_signed(), top + dy.cast_signed(), coverage);
                });
            }
        }
        self.paint(style.color())
    }
}

/// Coordinates name the upper left corner of a pixel, as in SVG.
fn exact((x, y): BackendCoord) -> (f32, f32) {
    (x as f32, y as f32)
}
