//! Charts on a page: addresses for each width and theme, and what is to be seen in words.
//!
//! Invariant: each address names its right edge, so that a browser shows a new picture exactly when there is one.

use jiff::Timestamp;

use crate::chart::alt_text;
use crate::model::record::Annotation;
use crate::model::snapshot::CacheSnapshot;
use crate::serve::charts::data::Past;
use crate::serve::charts::request::{Range, Signal};

/// Width and height of a picture in CSS pixels: on a narrow screen, and else.
const NARROW: (u32, u32) = (360, 230);
const HALF: (u32, u32) = (600, 220);
const FULL: (u32, u32) = (1200, 280);
/// The same on a very wide screen.
const WIDE_HALF: (u32, u32) = (880, 250);
const WIDE_FULL: (u32, u32) = (1780, 330);

/// One chart.
#[derive(Clone)]
pub(super) struct ChartView {
    pub(super) id: &'static str,
    pub(super) alt: String,
    pub(super) wide: bool,
    /// Where they are, each for a kind of screen.
    pub(super) sources: [(&'static str, String); 5],
    pub(super) light: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl ChartView {
    pub(super) fn new(
        cache: &CacheSnapshot,
        signal: Signal,
        range: Range,
        until: Timestamp,
        past: &Past,
    ) -> Self {
        let wide = signal == Signal::HitRatio;
        let (width, height) = if wide { FULL } else { HALF };
        let very_wide = if wide { WIDE_FULL } else { WIDE_HALF };
        let address = |(width, height): (u32, u32), theme: &str| {
            format!(
                "/charts/{}/{}.svg?range={}&width={width}&height={height}&theme={theme}&until={}",
                cache.name,
                signal.as_str(),
                range.as_str(),
                until.as_second()
            )
        };
        Self {
            id: signal.as_str(),
            alt: alt_text(&past.chart(cache, signal)),
            wide,
            sources: [
                (
                    "(max-width: 40rem) and (prefers-color-scheme: dark)",
                    address(NARROW, "dark"),
                ),
                ("(max-width: 40rem)", address(NARROW, "light")),
                (
                    "(min-width: 120rem) and (prefers-color-scheme: dark)",
                    address(very_wide, "dark"),
                ),
                ("(min-width: 120rem)", address(very_wide, "light")),
                (
                    "(prefers-color-scheme: dark)",
                    address((width, height), "dark"),
                ),
            ],
            light: address((width, height), "light"),
            width,
            height,
        }
    }
}

/// All charts of a cache, and the ranges one can choose.
pub(in crate::serve) struct ChartsView {
    pub(super) charts: Vec<ChartView>,
    /// Value, words, whether it is chosen.
    pub(super) ranges: Vec<(&'static str, &'static str, bool)>,
    /// Why there are none, or what there is to know.
    pub(super) words: Option<String>,
    pub(super) annotations: Vec<(String, String)>,
}

/// A moment, or from when to when.
fn when(note: &Annotation) -> String {
    let began = super::format::timestamp(note.at);
    match note.until.filter(|until| *until > note.at) {
        Some(until) => format!("{began} to {}", super::format::timestamp(until)),
        None => began,
    }
}

impl ChartsView {
    pub(in crate::serve) fn new(
        cache: &CacheSnapshot,
        range: Range,
        until: Timestamp,
        past: &Past,
    ) -> Self {
        // Five empty charts say no more than one sentence.
        let charts = Signal::ALL.into_iter();
        let charts = charts.filter(|_| !past.history.is_empty());
        let annotations = past.annotations.iter().rev().take(10).map(|note| {
            let words = format!("{}: {}", note.kind, note.text);
            (when(note), super::format::text(&words))
        });
        Self {
            charts: charts
                .map(|signal| ChartView::new(cache, signal, range, until, past))
                .collect(),
            ranges: ranges(range),
            words: past
                .history
                .is_empty()
                .then(|| "Nothing is remembered of this time yet; a first point comes after 10 to 20 seconds.".to_owned()),
            annotations: annotations.collect(),
        }
    }

    /// None, and why.
    pub(in crate::serve) fn none(range: Range, words: String) -> Self {
        Self {
            charts: Vec::new(),
            ranges: ranges(range),
            words: Some(words),
            annotations: Vec::new(),
        }
    }
}

fn ranges(chosen: Range) -> Vec<(&'static str, &'static str, bool)> {
    let all = Range::ALL.into_iter();
    all.map(|r| (r.as_str(), r.words(), r == chosen)).collect()
}
