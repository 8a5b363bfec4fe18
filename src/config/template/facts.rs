//! What a template may name: plain values, documented in docs/configuration.md, and samples of them.
//!
//! Deliberately not the model's types: those may change, and what people have written into their templates must go on
//! working.
//!
//! Invariant: every name is there in every message; what is not known is `none`.

use std::collections::BTreeMap;

/// All values of a message. Ratios are 0..1, times are seconds.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[expect(
    missing_docs,
    reason = "each is described in docs/configuration.md, for those who use them"
)]
pub struct Facts {
    pub status: &'static str,
    pub severity: &'static str,
    pub rule: String,
    pub cache: String,
    pub namespace: Option<String>,
    pub node: Option<String>,
    pub incident: String,
    pub labels: BTreeMap<String, String>,
    pub started: String,
    pub at: String,
    pub duration: String,
    pub duration_seconds: f64,
    pub headline: String,
    pub title: String,
    pub summary: Vec<String>,
    pub sparkline: Option<String>,
    pub fields: Vec<Field>,
    pub links: Vec<Linked>,
    pub runbook: Option<String>,
    pub note: Option<String>,
    pub signal: String,
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    pub normal: Option<f64>,
    pub normal_low: Option<f64>,
    pub normal_high: Option<f64>,
    pub peak: Option<f64>,
    pub lower_bound: Option<f64>,
    pub lookups: Option<u64>,
    pub misses: Option<u64>,
    pub extra_misses: Option<u64>,
    pub extra_per_second: Option<f64>,
    pub cost_per_hour: Option<String>,
    pub cause: Option<&'static str>,
    pub namespaces: Vec<NamespaceFacts>,
    pub coincidences: Vec<Coincided>,
    pub late_seconds: Option<u64>,
    pub reminder: bool,
    pub test: bool,
}

/// A number with its name, ready to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[expect(missing_docs, reason = "described in docs/configuration.md")]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// A link with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[expect(missing_docs, reason = "described in docs/configuration.md")]
pub struct Linked {
    pub label: String,
    pub url: String,
}

/// A namespace's part in the misses.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[expect(missing_docs, reason = "described in docs/configuration.md")]
pub struct NamespaceFacts {
    pub name: String,
    pub share: f64,
    pub misses: u64,
    pub cause: &'static str,
    pub cause_share: f64,
}

/// Something that happened at about the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[expect(missing_docs, reason = "described in docs/configuration.md")]
pub struct Coincided {
    pub at: String,
    pub text: String,
}

/// One of each kind of message, with what it is.
pub(super) fn samples<'a>(
    labels: impl IntoIterator<Item = &'a String>,
) -> [(&'static str, Facts); 3] {
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .map(|name| (name.clone(), "sample".to_owned()))
        .collect();
    let firing = Facts {
        status: "firing",
        severity: "warning",
        rule: "CacheMissRatioHigh".to_owned(),
        cache: "sessions".to_owned(),
        incident: "sessions-CacheMissRatioHigh-1767323045000".to_owned(),
        labels,
        started: "2026-01-02 03:04:05 UTC".to_owned(),
        at: "2026-01-02 03:04:05 UTC".to_owned(),
        duration: "less than 1 s".to_owned(),
        headline: "Miss rate 34.1 % on sessions (limit 20 %, normal 8-12 %)".to_owned(),
        title: "Miss rate 34.1 % on sessions".to_owned(),
        summary: vec!["34.1 % of 12 400 lookups in 15 min missed.".to_owned()],
        sparkline: Some("▁▁▂▅▇█".to_owned()),
        fields: vec![Field {
            name: "Lookups".to_owned(),
            value: "14/s".to_owned(),
        }],
        links: vec![Linked {
            label: "Open in cachewatch".to_owned(),
            url: "https://cachewatch.example.org/caches/sessions".to_owned(),
        }],
        signal: "miss_ratio".to_owned(),
        value: Some(0.341),
        threshold: Some(0.2),
        normal: Some(0.1),
        normal_low: Some(0.08),
        normal_high: Some(0.12),
        peak: Some(0.352),
        lower_bound: Some(0.331),
        lookups: Some(12_400),
        misses: Some(4228),
        extra_per_second: Some(3.3),
        cost_per_hour: Some("38 USD".to_owned()),
        cause: Some("expired"),
        namespaces: vec![NamespaceFacts {
            name: "session:*".to_owned(),
            share: 0.71,
            misses: 1000,
            cause: "expired",
            cause_share: 0.93,
        }],
        coincidences: vec![Coincided {
            at: "03:02 UTC".to_owned(),
            text: "deploy of shop 2.14".to_owned(),
        }],
        ..Facts::default()
    };
    let resolved = Facts {
        status: "resolved",
        at: "2026-01-02 03:18:05 UTC".to_owned(),
        duration: "14 min".to_owned(),
        duration_seconds: 840.0,
        extra_misses: Some(4210),
        ..firing.clone()
    };
    // Hardly a number is known of it.
    let down = Facts {
        rule: "CacheDown".to_owned(),
        headline: "sessions is down".to_owned(),
        title: "sessions is down".to_owned(),
        summary: vec!["No answer since 2026-01-02 03:03:05 UTC.".to_owned()],
        signal: "down".to_owned(),
        incident: "sessions-CacheDown-1767323045000".to_owned(),
        labels: firing.labels.clone(),
        started: firing.started.clone(),
        at: firing.at.clone(),
        duration: firing.duration.clone(),
        status: "firing",
        severity: "critical",
        cache: firing.cache.clone(),
        ..Facts::default()
    };
    [
        ("a firing message", firing),
        ("a resolved message", resolved),
        ("a message about a cache that is down", down),
    ]
}
