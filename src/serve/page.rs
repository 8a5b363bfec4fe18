//! The status page: the snapshot in words, for people. Works without JavaScript.
//!
//! Deliberately absent: formulas. Everything shown is in the snapshot; this module chooses words and rounding.
//!
//! Invariant: text that came from elsewhere goes through [`format::text`] here and through the template's
//! escaping after that.

use askama::Template;

use crate::model::snapshot::{CacheState, Snapshot};
use crate::model::time::Now;

mod cache;
mod format;
mod node;
mod sparkline;
mod why;

use cache::CacheView;
use format::{count, span, text, timestamp};
use why::Lead;

/// The page.
#[derive(Template)]
#[template(path = "index.html")]
pub(super) struct Page {
    version: &'static str,
    style_version: u64,
    summary: String,
    at: String,
    uptime: String,
    config_file: Option<String>,
    config_loaded: String,
    reload_error: Option<String>,
    channels: Vec<ChannelView>,
    caches: Vec<CacheView>,
}

/// A channel and how its messages fare.
struct ChannelView {
    name: String,
    kind: &'static str,
    delivered: String,
    failed: String,
    lost: bool,
    dropped: String,
    pending: String,
}

impl Page {
    pub(super) fn new(snapshot: &Snapshot, style_version: u64) -> Self {
        let own = &snapshot.own;
        // Troubles first: the states are ordered by how much they need a look.
        let mut caches: Vec<_> = snapshot.caches.iter().collect();
        caches.sort_by_key(|cache| cache.state);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            style_version,
            summary: summary(snapshot),
            at: timestamp(snapshot.at.wall),
            uptime: span(snapshot.at.since(own.started)),
            config_file: own.config.file.as_deref().map(text),
            config_loaded: ago(snapshot.at, own.config.loaded_at),
            reload_error: own.config.reload_error.as_deref().map(text),
            channels: own
                .channels
                .iter()
                .map(|(name, kind, stats)| ChannelView {
                    name: name.to_string(),
                    kind,
                    delivered: count(stats.delivered.get()),
                    failed: count(stats.failed.get()),
                    dropped: count(stats.dropped.get()),
                    lost: stats.failed.get() + stats.dropped.get() > 0,
                    pending: count(stats.pending.get()),
                })
                .collect(),
            caches: caches
                .into_iter()
                .map(|c| CacheView::new(c, snapshot.at))
                .collect(),
        }
    }
}

fn ago(now: Now, then: Now) -> String {
    format!("{} ago", span(now.since(then)))
}

/// `4 caches: 1 down, 1 alert firing, 2 ok`.
fn summary(snapshot: &Snapshot) -> String {
    let total = snapshot.caches.len();
    let parts: Vec<_> = CacheState::ALL
        .into_iter()
        .filter_map(|state| {
            let n = snapshot.caches.iter().filter(|c| c.state == state).count();
            (n > 0).then(|| format!("{n} {}", cache::word(state)))
        })
        .collect();
    let noun = if total == 1 { "cache" } else { "caches" };
    format!("{total} {noun}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn the_page_says_what_the_snapshot_says() {
        let html = Page::new(&sample::rich(), 1).render().unwrap();
        for expected in [
            "4 caches: 1 down, 1 alert firing, 1 starting, 1 ok",
            "CONFIG SET notify-keyspace-events Eexm",
            "39.0\u{a0}%",
            "line 14, column 10: no host",
            "team-slack",
            "Valkey 8.1.4",
            "has 58.8\u{a0}% of the misses; 92.6\u{a0}% of them had been evicted.",
            "Would more memory help?",
        ] {
            assert!(html.contains(expected), "{expected}");
        }
        let down = html.find("id=\"answers\"").unwrap();
        assert!(
            down < html.find("id=\"sessions\"").unwrap(),
            "troubles come first"
        );
    }

    #[test]
    fn what_a_server_says_is_only_text() {
        let html = Page::new(&sample::rich(), 1).render().unwrap();
        assert!(!html.contains("<script"));
        assert!(!html.contains('\u{1b}'));
        assert!(html.contains("&#60;script&#62;"));
    }
}
