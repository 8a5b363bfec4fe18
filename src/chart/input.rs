//! What a chart is made from: plain data, the same for SVG and PNG.
//!
//! Deliberately without colours, pixels of its own or a clock: a chart is a function of these values alone. Nothing here
//! is trusted: names may hold markup, numbers may be anything, lists may be of any length; drawing bounds them all.

use std::time::Duration;

use jiff::Timestamp;

/// The most series that are drawn.
pub const MAX_SERIES: usize = 12;
/// The most incidents that are shaded.
pub const MAX_BANDS: usize = 50;
/// The most annotations that are drawn.
pub const MAX_MARKS: usize = 50;

/// Values over time, oldest first; `None` where there is none. In the chart's unit.
pub type Points = Vec<(Timestamp, Option<f64>)>;

/// One picture to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What is to be seen: `Hit ratio of sessions`.
    pub title: String,
    /// The unit of all values.
    pub unit: Unit,
    /// The left edge.
    pub from: Timestamp,
    /// The right edge.
    pub to: Timestamp,
    /// How far apart points usually are: a line is broken where they are more than 2.5 times as far apart. `None`: the
    /// median of the distances.
    pub step: Option<Duration>,
    /// The lines, or with `stacked` the layers from the bottom up. The first [`MAX_SERIES`] are drawn.
    pub series: Vec<Series>,
    /// A line that the values should stay above or below.
    pub limit: Option<Limit>,
    /// Incidents, shaded. The last [`MAX_BANDS`] are drawn.
    pub bands: Vec<Band>,
    /// Annotations. The last [`MAX_MARKS`] are drawn.
    pub marks: Vec<Mark>,
    /// Whether the series are parts of a whole. They share their times then; where one of them has no value, the whole
    /// is not known, and nothing is drawn.
    pub stacked: bool,
}

/// One line or layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name; not shown when it is the only one.
    pub name: String,
    /// Its values.
    pub points: Points,
    /// Its colour; `None` takes the next free one.
    pub hue: Option<Hue>,
}

/// The unit of the values: it decides on ticks and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A part of a whole, 0..1, shown in percent.
    Ratio,
    /// A number of things per second.
    PerSecond,
    /// A size in bytes, shown in KiB, MiB, ...
    Bytes,
    /// A number of things.
    Count,
    /// A time.
    Seconds,
}

/// A line that the values should stay above or below.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What it is called: `limit`, `maxmemory`.
    pub name: String,
    /// Where it is, in the chart's unit.
    pub value: f64,
    /// On which side of it all is well. Decides whether the lowest or the highest value is told in the alt text.
    pub side: Side,
}

/// On which side of a limit all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At it or above.
    Above,
    /// At it or below.
    Below,
}

/// A span that is shaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// When it began.
    pub from: Timestamp,
    /// When it was over; `None` while it lasts.
    pub to: Option<Timestamp>,
    /// What it was; shown where there is room, always told in the alt text.
    pub label: String,
}

/// A moment or a span that is marked.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When; when it began.
    pub at: Timestamp,
    /// When it was over; `None`, or not after `at`: it was a moment.
    pub until: Option<Timestamp>,
    /// What happened; shown where there is room, always told in the alt text.
    pub label: String,
}

/// Colours that people can tell apart, also with a colour vision deficiency. Each theme has its own shades of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hue {
    /// Dark blue.
    Blue,
    /// Orange.
    Orange,
    /// Bluish green.
    Green,
    /// Reddish purple.
    Purple,
    /// Light blue.
    Sky,
    /// Grey: for what is not known.
    Grey,
}

/// How large and in which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Width in CSS pixels; drawn as at least 200 and at most 2000.
    pub width: u32,
    /// Height in CSS pixels; drawn as at least 80 and at most 1200.
    pub height: u32,
    /// Light or dark.
    pub theme: Theme,
    /// Pixels of a PNG per CSS pixel, 1 or 2; 2 for mail, because many screens have them. Without meaning for SVG.
    pub scale: u32,
}

/// The colours. A page that follows the reader's choice offers both in a `<picture>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

impl Mark {
    /// When it was over, where it was no moment.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.until.filter(|until| *until > self.at)
    }

    /// Whether any of it is within the period of a chart.
    pub(super) fn is_within(&self, chart: &Chart) -> bool {
        self.at <= chart.to && self.end().unwrap_or(self.at) >= chart.from
    }
}

impl Look {
    /// The light theme at single scale.
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            theme: Theme::Light,
            scale: 1,
        }
    }

    /// For messages: 640x240, light, at double scale.
    pub fn for_message() -> Self {
        Self {
            scale: 2,
            ..Self::new(640, 240)
        }
    }

    /// With this theme.
    #[must_use]
    pub fn themed(self, theme: Theme) -> Self {
        Self { theme, ..self }
    }

    /// Within the bounds.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            width: self.width.clamp(200, 2000),
            height: self.height.clamp(80, 1200),
            theme: self.theme,
            scale: self.scale.clamp(1, 2),
        }
    }
}

impl Series {
    /// A series in the next free colour.
    pub fn new(name: impl Into<String>, points: Points) -> Self {
        Self {
            name: name.into(),
            points,
            hue: None,
        }
    }
}
