//! One HTML file that needs nothing else: no script, no request, both themes, fit to print.
//!
//! Invariant: askama escapes every text; only the charts, which escape their own, go in as they are.

use askama::Template;

use super::numbers::Report;
use super::pictures::{Picture, pictures};
use super::view::{CacheView, View};

/// With more caches each gets one chart only, so that the file can still be sent by mail.
const MANY: usize = 8;
const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    view: View,
    style: &'static str,
    pictures: Vec<Vec<Picture>>,
    version: &'static str,
}

impl Page {
    fn caches(&self) -> impl Iterator<Item = (&CacheView, &Vec<Picture>)> {
        self.view.caches.iter().zip(&self.pictures)
    }
}

pub(super) fn render(report: &Report) -> Result<String, askama::Error> {
    let all = report.caches.len() <= MANY;
    let drawn = |cache| {
        pictures(report, cache, all).unwrap_or_else(|error| {
            tracing::error!(%error, "a chart cannot be drawn; the report goes without");
            Vec::new()
        })
    };
    let page = Page {
        view: View::of(report),
        style: STYLE,
        pictures: report.caches.iter().map(drawn).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}
