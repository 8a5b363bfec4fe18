//! Text from elsewhere, made fit for a picture: one line, of bounded length, in glyphs that the built-in font has.
//!
//! Deliberately not here: escaping for XML, which plotters does for what it draws and `svg` for what it adds.
//!
//! Invariant: what comes out holds no control character, nothing that turns the direction of the text around, nothing
//! that XML forbids; and what is drawn holds only characters that the font can draw.

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};

use super::ChartError;

static REGULAR: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold-subset.ttf");

/// What stands for a character that the font has no glyph for.
const UNKNOWN: char = '\u{fffd}';
/// What stands where text was cut.
const CUT: char = '…';
/// The most characters of a name that are looked at.
pub(super) const MAX_CHARS: usize = 80;

/// The built-in font in both weights.
pub(super) struct Faces {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Faces {
    pub(super) fn load() -> Result<Self, ChartError> {
        let face = |bytes| FontRef::try_from_slice(bytes).map_err(|_| ChartError::Font);
        Ok(Self {
            regular: face(REGULAR)?,
            bold: face(BOLD)?,
        })
    }

    pub(super) fn face(&self, bold: bool) -> &FontRef<'static> {
        if bold { &self.bold } else { &self.regular }
    }

    /// How wide the text is at this size in pixels per em.
    pub(super) fn width(&self, text: &str, size: f64, bold: bool) -> f64 {
        let face = self.face(bold);
        let font = face.as_scaled(px_scale(face, size));
        let (mut width, mut last) = (0.0, None::<GlyphId>);
        for c in text.chars() {
            let glyph = font.glyph_id(c);
            width += last.map_or(0.0, |last| font.kern(last, glyph)) + font.h_advance(glyph);
            last = Some(glyph);
        }
        f64::from(width)
    }

    /// What can be drawn of `text`: at most `max_width` pixels, with `…` where it was cut.
    pub(super) fn fit(&self, text: &str, size: f64, bold: bool, max_width: f64) -> String {
        let mut text = self.drawable(text);
        if self.width(&text, size, bold) <= max_width {
            return text;
        }
        while text.pop().is_some() {
            let cut = format!("{}{CUT}", text.trim_end());
            if self.width(&cut, size, bold) <= max_width {
                return cut;
            }
        }
        text
    }

    /// One clean line with [`UNKNOWN`] for what the font does not have.
    fn drawable(&self, text: &str) -> String {
        let known = |c| self.regular.glyph_id(c).0 != 0 && self.bold.glyph_id(c).0 != 0;
        clean(text, MAX_CHARS)
            .chars()
            .map(|c| if known(c) { c } else { UNKNOWN })
            .collect()
    }
}

/// The scale that makes an em `size` pixels high.
pub(super) fn px_scale(face: &FontRef<'static>, size: f64) -> PxScale {
    let per_em = face.height_unscaled() / face.units_per_em().unwrap_or(2048.0);
    #[expect(clippy::cast_possible_truncation, reason = "sizes are small numbers")]
    PxScale::from(size as f32 * per_em)
}

/// One line of at most `max` characters: white space of any kind and number is one space; control characters, what
/// steers the direction of text, and what joins or varies glyphs without being one is left out.
pub(super) fn clean(text: &str, max: usize) -> String {
    let mut out = String::new();
    let (mut space, mut count) = (false, 0);
    // What is left out counts too, so that a long text is not read to its end.
    for c in text.chars().take(max.saturating_mul(8)) {
        if c.is_whitespace() && c != '\u{a0}' {
            space = !out.is_empty();
            continue;
        }
        if invisible(c) {
            continue;
        }
        if count + usize::from(space) >= max {
            while count >= max && out.pop().is_some() {
                count -= 1;
            }
            out.truncate(out.trim_end().len());
            out.push(CUT);
            return out;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
            count += 1;
        }
        out.push(c);
        count += 1;
    }
    out
}

fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// For the text and the attributes of XML.
pub(super) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_clean_line() {
        assert_eq!(clean("  a \n\t b\u{0} ", 80), "a b");
        assert_eq!(clean("\u{202e}evil\u{2066}\u{200f}", 80), "evil");
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcde…");
        assert_eq!(clean("abcde fg", 6), "abcde…");
        assert_eq!(clean(&"x".repeat(300), 80).chars().count(), 80);
        assert_eq!(clean("", 80), "");
    }

    #[test]
    fn what_the_font_does_not_have_is_seen() {
        let faces = Faces::load().unwrap();
        let fit = |text: &str| faces.fit(text, 11.0, false, 1000.0);
        assert_eq!(fit("Größe Москва αβγ 5 → 6 ≥"), "Größe Москва αβγ 5 → 6 ≥");
        assert_eq!(fit("a 👩\u{200d}💻 b"), "a \u{fffd}\u{fffd} b");
        assert_eq!(fit("מטמון"), "\u{fffd}".repeat(5));
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        let faces = Faces::load().unwrap();
        let cut = faces.fit("a long name of a cache", 11.0, true, 60.0);
        assert!(cut.ends_with('…') && cut.len() > 6, "{cut}");
        assert!(faces.width(&cut, 11.0, true) <= 60.0);
        assert_eq!(faces.fit("name", 11.0, false, 1.0), "");
    }
}
