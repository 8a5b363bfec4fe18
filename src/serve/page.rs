//! The pages: the snapshot in words, for people. They work without a script; with one they are live.
//!
//! `frame` surrounds all of them; `overview` is all caches, `cache` one of them. Deliberately absent: formulas.
//! Everything shown is in the snapshot; this module chooses words and rounding.
//!
//! Invariant: text that came from elsewhere goes through [`format::text`] here and through the template's
//! escaping after that.

use askama::Template;

use crate::model::snapshot::{CacheSnapshot, Snapshot};
use crate::model::time::Now;

mod cache;
mod charts;
mod format;
mod frame;
mod incident;
mod incidents;
mod node;
mod overview;
mod own;
mod sparkline;
mod why;

use cache::CacheView;
use format::span;
use why::Lead;

pub(super) use charts::ChartsView;
pub(super) use frame::Frame;
pub(super) use incident::{
    ActPage, Around, Filled, IncidentPage, Notice, RefusedPage, Story, around,
};
pub(super) use incidents::{IncidentsPage, Shown};
pub(super) use overview::{Overview, Query};
pub(super) use own::{ConfigurationPage, HealthPage};

/// The page of one cache.
#[derive(Template)]
#[template(path = "cache_page.html")]
pub(super) struct CachePage {
    frame: Frame,
    cache: CacheView,
    view: ChartsView,
}

impl CachePage {
    pub(super) fn new(
        snapshot: &Snapshot,
        cache: &CacheSnapshot,
        view: ChartsView,
        frame: Frame,
    ) -> Self {
        Self {
            frame,
            cache: CacheView::new(cache, snapshot.at),
            view,
        }
    }
}

fn ago(now: Now, then: Now) -> String {
    format!("{} ago", span(now.since(then)))
}

#[cfg(test)]
mod tests;
