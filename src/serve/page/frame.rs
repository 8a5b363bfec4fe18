//! What surrounds every page: navigation, the time of the snapshot, and what is wrong with cachewatch itself.

use std::time::Duration;

use crate::model::snapshot::Snapshot;
use crate::model::time::Now;

use super::format::{span, text, timestamp};

/// The pages of the navigation, by address and name.
const PAGES: [(&str, &str); 4] = [
    ("/", "Caches"),
    ("/incidents", "Incidents"),
    ("/health", "Health"),
    ("/configuration", "Configuration"),
];

/// A snapshot comes every second or so; one that is older than this is worth a word.
const STALE: Duration = Duration::from_secs(15);

/// What every page's template gets.
pub(in crate::serve) struct Frame {
    pub(super) version: &'static str,
    /// Changes with the stylesheet and the script, so that a browser never shows a page with old ones.
    pub(super) assets: u64,
    pub(super) at: String,
    pub(super) at_iso: String,
    pub(super) banners: Vec<Banner>,
    here: &'static str,
    made: Now,
}

/// Something that is wrong with cachewatch itself.
pub(super) struct Banner {
    pub(super) what: &'static str,
    pub(super) details: String,
}

/// One page of the navigation.
pub(super) struct NavItem {
    pub(super) href: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

impl Frame {
    /// The frame of the page at `here`, one of the navigation's addresses, or another.
    pub(in crate::serve) fn new(snapshot: &Snapshot, here: &'static str, assets: u64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            assets,
            at: timestamp(snapshot.at.wall),
            at_iso: snapshot.at.wall.to_string(),
            banners: banners(snapshot),
            here,
            made: snapshot.at,
        }
    }

    /// With a word where the numbers are old at `now`: the main loop does not turn then.
    #[must_use]
    pub(in crate::serve) fn seen_at(mut self, now: Now) -> Self {
        let age = now.since(self.made);
        if age > STALE {
            self.banners.push(Banner {
                what: "These numbers are old: cachewatch's main loop does not turn.",
                details: format!("The last ones were made {} ago.", span(age)),
            });
        }
        self
    }

    pub(super) fn nav(&self) -> Vec<NavItem> {
        let item = |(href, label)| NavItem {
            href,
            label,
            current: href == self.here,
        };
        PAGES.into_iter().map(item).collect()
    }
}

fn banners(snapshot: &Snapshot) -> Vec<Banner> {
    let mut banners = Vec::new();
    if let Some(error) = &snapshot.own.config.reload_error {
        banners.push(Banner {
            what: "The configuration on disk was refused; the one before is in force.",
            details: text(error),
        });
    }
    banners
}
