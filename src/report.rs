//! A report about a stretch of time: what the store kept, as numbers, and these as HTML, Markdown or JSON.
//!
//! Pure: records in, text out. Deliberately absent: reading the store and writing the file, which are `cli::report`'s
//! affair, and what the store does not keep: times since a removal.
//!
//! Invariant: what is not known is absent and said to be so, never 0; what is estimated is marked as an estimate. Text from elsewhere is tamed,
//! cut, and escaped for where it goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::{Config, Signal};
use crate::model::name::CacheName;
use crate::model::record::{Annotation, HistoryPoint, IncidentRecord, NamespacePoint};

mod advice;
mod fleet;
mod gather;
mod heat;
mod html;
mod lookups;
mod markdown;
pub mod numbers;
mod period;
mod pictures;
mod spells;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use lookups::{Lookups, Samples, Saved};
pub use numbers::Report;
pub use period::{LONGEST, Period, SHORTEST};

/// What the store kept of one cache. Slots are of the period's width, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Which.
    pub cache: CacheName,
    /// When its oldest slot of all begins.
    pub first: Option<Timestamp>,
    /// Of the period.
    pub slots: Vec<HistoryPoint>,
    /// Of the period before.
    pub slots_before: Vec<HistoryPoint>,
    /// Sums over the period, by namespace.
    pub namespaces: Vec<NamespacePoint>,
    /// Sums over the period before.
    pub namespaces_before: Vec<NamespacePoint>,
    /// Those that were open in the period, the newest first.
    pub incidents: Vec<IncidentRecord>,
    /// What people told, in order.
    pub annotations: Vec<Annotation>,
}

/// What the configuration says that the store does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How people reach the page, without a slash at the end.
    pub external_url: Option<String>,
    /// The miss ratio above which a rule fires, 0..1, by cache.
    pub thresholds: BTreeMap<CacheName, f64>,
    /// The currency of prices by cache, where there is just one.
    pub currencies: BTreeMap<CacheName, String>,
    /// Whose hours and weekdays the heat map has.
    pub time_zone: TimeZone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            external_url: None,
            thresholds: BTreeMap::new(),
            currencies: BTreeMap::new(),
            time_zone: TimeZone::UTC,
        }
    }
}

impl Settings {
    /// `Europe/Berlin`.
    fn zone_name(&self) -> String {
        self.time_zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// What a configuration says.
    pub fn of(config: &Config) -> Self {
        let mut settings = Self {
            external_url: config.external_url.clone(),
            ..Self::default()
        };
        for cache in &config.caches {
            let thresholds = config.rules.iter().filter(|rule| rule.watches(&cache.name));
            let thresholds = thresholds.filter_map(|rule| match &rule.signal {
                Signal::MissRatio(miss) => Some(miss.threshold),
                _ => None,
            });
            if let Some(lowest) = thresholds.reduce(f64::min) {
                settings.thresholds.insert(cache.name.clone(), lowest);
            }
            let prices = cache.attribution.namespaces.iter();
            let mut currencies: Vec<_> = prices
                .filter_map(|n| n.price.as_ref().map(|price| price.currency().to_owned()))
                .collect();
            currencies.sort();
            currencies.dedup();
            if let [one] = currencies.as_slice() {
                settings.currencies.insert(cache.name.clone(), one.clone());
            }
        }
        settings
    }
}

/// The numbers of a period, the worst cache first.
pub fn build(period: &Period, records: &[Record], settings: &Settings) -> Report {
    gather::report(period, records, settings)
}

/// As one HTML file that needs nothing else.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    html::render(report)
}

/// As Markdown with tables.
pub fn markdown(report: &Report) -> String {
    markdown::render(report)
}

/// As JSON, indented. The fields are told in docs/report.md.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}
