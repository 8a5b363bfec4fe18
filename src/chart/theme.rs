//! The colours of both themes.
//!
//! The hues are Okabe and Ito's (<https://jfly.uni-koeln.de/color/>), shifted until each stands out from the background. Invariant, tested: text has a contrast of at least 4.5 to its background, lines of at least 3
//! (WCAG 2.2, 1.4.3 and 1.4.11), and hues stay apart for people who see no red or no green.

use super::input::{Hue, Theme};

/// A colour with an opacity, 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink {
    pub(super) rgb: (u8, u8, u8),
    pub(super) alpha: f64,
}

/// What the parts of a chart are drawn in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colours {
    pub(super) ground: Ink,
    pub(super) text: Ink,
    pub(super) quiet: Ink,
    pub(super) grid: Ink,
    pub(super) axis: Ink,
    pub(super) limit: Ink,
    hues: [Ink; 6],
}

const fn ink(rgb: u32) -> Ink {
    let [_, r, g, b] = rgb.to_be_bytes();
    Ink {
        rgb: (r, g, b),
        alpha: 1.0,
    }
}

impl Ink {
    pub(super) fn faint(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
}

/// The order in which series without a hue get theirs.
const ORDER: [Hue; 6] = [
    Hue::Blue,
    Hue::Orange,
    Hue::Green,
    Hue::Purple,
    Hue::Sky,
    Hue::Grey,
];

const LIGHT: Colours = Colours {
    ground: ink(0xff_ffff),
    text: ink(0x1d_2423),
    quiet: ink(0x5d_6966),
    grid: ink(0xe4_e8e6),
    axis: ink(0x8a_9390),
    limit: ink(0xb3_261e),
    hues: [
        ink(0x01_489b),
        ink(0xb8_7400),
        ink(0x00_a95f),
        ink(0x86_4b7e),
        ink(0x35_93cc),
        ink(0x8f_9592),
    ],
};

const DARK: Colours = Colours {
    ground: ink(0x1a_201f),
    text: ink(0xe4_e9e7),
    quiet: ink(0x97_a5a1),
    grid: ink(0x2c_3533),
    axis: ink(0x66_7370),
    limit: ink(0xff_8a80),
    hues: [
        ink(0x3d_95e7),
        ink(0xe6_9f00),
        ink(0x1e_b973),
        ink(0xf7_7eb7),
        ink(0x83_e4ff),
        ink(0x66_6c69),
    ],
};

impl Colours {
    pub(super) fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }

    pub(super) fn hue(&self, hue: Hue) -> Ink {
        let at = match hue {
            Hue::Blue => 0,
            Hue::Orange => 1,
            Hue::Green => 2,
            Hue::Purple => 3,
            Hue::Sky => 4,
            Hue::Grey => 5,
        };
        self.hues.get(at).copied().unwrap_or(self.text)
    }
}

/// The hue of the `i`th series, and whether its line is dashed because all hues are taken.
pub(super) fn assigned(i: usize, wish: Option<Hue>) -> (Hue, bool) {
    match wish {
        Some(hue) => (hue, false),
        None => (
            ORDER.get(i % ORDER.len()).copied().unwrap_or(Hue::Grey),
            i >= ORDER.len(),
        ),
    }
}

#[cfg(test)]
#[expect(
    clippy::many_single_char_names,
    reason = "the names that the formulas have"
)]
mod tests {
    use super::*;

    fn linear(ink: Ink) -> [f64; 3] {
        let (r, g, b) = ink.rgb;
        [r, g, b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// WCAG's relative luminance.
    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Ink, b: Ink) -> f64 {
        let (a, b) = (luminance(linear(a)), luminance(linear(b)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// CIE L*a*b* (D65).
    fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let f = |t: f64| {
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// As seen without red (first) or green receptors: Viénot, Brettel and Mollon 1999, in linear RGB.
    fn seen_as([r, g, b]: [f64; 3]) -> [[f64; 3]; 3] {
        let [p, d] = [(0.11238, 0.88762, 0.00401), (0.29275, 0.70725, -0.02234)];
        let simulate = |(m, n, k): (f64, f64, f64)| {
            let rg = m * r + n * g;
            [rg, rg, (k * r - k * g + b).max(0.0)]
        };
        [[r, g, b], simulate(p), simulate(d)]
    }

    #[test]
    fn everything_stands_out_from_the_background() {
        for colours in [LIGHT, DARK] {
            for ink in [colours.text, colours.quiet, colours.limit] {
                assert!(contrast(ink, colours.ground) >= 4.5, "{ink:?}");
            }
            for ink in colours.hues {
                let is = contrast(ink, colours.ground);
                assert!(is >= 3.0, "{ink:x?}: {is:.2}");
            }
            assert!(contrast(colours.axis, colours.ground) >= 3.0);
        }
    }

    #[test]
    fn hues_stay_apart_for_everyone() {
        for colours in [LIGHT, DARK] {
            for (i, a) in colours.hues.iter().enumerate() {
                for b in colours.hues.iter().skip(i + 1) {
                    for (a_seen, b_seen) in seen_as(linear(*a)).into_iter().zip(seen_as(linear(*b)))
                    {
                        let (p, q) = (lab(a_seen), lab(b_seen));
                        let apart = (0..3).map(|k| (p[k] - q[k]).powi(2)).sum::<f64>().sqrt();
                        assert!(apart >= 24.0, "{a:x?} {b:x?}: {apart:.1}");
                    }
                }
            }
        }
    }
}
