//! A report in words: what HTML and Markdown both show.
//!
//! Deliberately absent: markup, and escaping of it.
//!
//! Invariant: what is not known is a dash with a reason, or is left out.

use super::numbers::{Cache, Incident, Report};
use super::words::{NONE, bytes, count, moment, name, percent, points, rate, span, text};

mod caveats;
mod heat;
mod namespaces;
mod summary;

pub(super) use heat::HeatView;

/// All of it.
pub(super) struct View {
    pub(super) period: String,
    pub(super) compared: String,
    pub(super) lead: String,
    /// With several caches only.
    pub(super) fleet: Vec<FleetRow>,
    pub(super) caches: Vec<CacheView>,
    pub(super) rests_on: String,
}

/// A cache in the summary.
pub(super) struct FleetRow {
    pub(super) name: String,
    pub(super) ratio: String,
    pub(super) bounds: String,
    pub(super) change: Change,
    pub(super) lookups: String,
    pub(super) misses: String,
    pub(super) evictions: String,
    pub(super) incidents: String,
    pub(super) covered: String,
}

/// How the hit ratio changed.
#[derive(Clone, Default)]
pub(super) struct Change {
    /// `worse`, `better`, or nothing where it may be chance.
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// One cache.
pub(super) struct CacheView {
    pub(super) name: String,
    pub(super) url: Option<String>,
    /// Nothing is known of it in the period.
    pub(super) empty: bool,
    pub(super) ratio: String,
    pub(super) basis: String,
    pub(super) change: Change,
    pub(super) before: Option<String>,
    pub(super) tiles: Vec<Tile>,
    pub(super) caveats: Vec<String>,
    pub(super) advice: Vec<AdviceView>,
    pub(super) namespaces: Vec<Row>,
    pub(super) namespaces_note: String,
    pub(super) shows: Columns,
    /// Of all namespaces, where there are several and something can be summed up.
    pub(super) together: Option<Together>,
    pub(super) incidents_lead: String,
    pub(super) incidents: Vec<IncidentRow>,
    pub(super) incidents_left_out: Option<String>,
    pub(super) hours: Option<HeatView>,
}

/// A number with its name.
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

/// A word of advice.
pub(super) struct AdviceView {
    pub(super) verdict: String,
    pub(super) reason: String,
}

/// Which columns the table of namespaces has: those in which something is known.
pub(super) struct Columns {
    pub(super) costs: bool,
    pub(super) savings: bool,
    pub(super) ratios: bool,
}

/// The sums of the table of namespaces.
pub(super) struct Together {
    pub(super) misses: String,
    pub(super) cost: String,
    pub(super) saved: String,
}

/// A namespace.
pub(super) struct Row {
    pub(super) name: String,
    /// An estimate begins with ≈.
    pub(super) ratio: String,
    pub(super) bounds: Option<String>,
    pub(super) trend: Change,
    pub(super) lookups: String,
    pub(super) saved: String,
    pub(super) saved_bounds: Option<String>,
    pub(super) misses: String,
    pub(super) share: String,
    pub(super) change: String,
    pub(super) causes: Vec<CauseView>,
    pub(super) evictions: String,
    pub(super) expirations: String,
    pub(super) cost: String,
}

/// A part of a bar.
pub(super) struct CauseView {
    /// As in the JSON; the class of its colour.
    pub(super) key: &'static str,
    pub(super) words: String,
    pub(super) percent: String,
    /// Where it begins in the bar and how long it is there, 0 to 100.
    pub(super) begin: f64,
    pub(super) length: f64,
}

/// An incident.
pub(super) struct IncidentRow {
    pub(super) started: String,
    pub(super) lasted: String,
    pub(super) open: bool,
    pub(super) severity: &'static str,
    pub(super) rule: String,
    pub(super) subject: String,
    pub(super) headline: String,
    pub(super) url: Option<String>,
    pub(super) acknowledged: Option<String>,
}

impl View {
    pub(super) fn of(report: &Report) -> Self {
        let several = report.caches.len() > 1;
        let rows = report.caches.iter().filter(|_| several);
        Self {
            period: format!("{} to {} UTC", moment(report.from), moment(report.to)),
            compared: format!(
                "{}, compared with the {} before",
                span(report.period.asked.as_secs_f64()),
                span(report.period.asked.as_secs_f64())
            ),
            lead: summary::lead(report),
            fleet: rows.map(fleet_row).collect(),
            caches: report.caches.iter().map(|c| cache(c, report)).collect(),
            rests_on: format!(
                "From history in slots of {}. Hit ratios are hits / lookups over the whole period, weighted by traffic; \
                 the bounds are Wilson's interval at 98 %. All times are UTC{}.",
                span(f64::from(report.slot_seconds)),
                match report.time_zone.as_str() {
                    "UTC" => String::new(),
                    zone => format!("; the hours of the week are those of {zone}"),
                }
            ),
        }
    }
}

fn fleet_row(cache: &Cache) -> FleetRow {
    FleetRow {
        name: cache.cache.to_string(),
        ratio: known(cache.counts.hit_ratio, percent),
        bounds: bounds(cache),
        change: change(cache.hit_ratio_change, cache.hit_ratio_change_is_clear),
        lookups: known(cache.counts.lookups, count),
        misses: known(cache.counts.misses, count),
        evictions: known(cache.counts.evictions, count),
        incidents: match (cache.incidents.count, cache.incidents.open) {
            (n, 0) => count(n),
            (n, open) => format!("{} ({} open)", count(n), count(open)),
        },
        covered: caveats::covered(cache),
    }
}

fn known<T>(value: Option<T>, words: impl Fn(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), words)
}

fn bounds(cache: &Cache) -> String {
    let both = cache
        .counts
        .hit_ratio_lower
        .zip(cache.counts.hit_ratio_upper);
    known(both, between)
}

/// From one ratio to the other.
fn between((low, high): (f64, f64)) -> String {
    let (low, high) = (percent(low), percent(high));
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

/// In words; `None` without both ratios.
fn change(change: Option<f64>, clear: Option<bool>) -> Change {
    let Some(by) = change else {
        return Change {
            class: "",
            text: NONE.to_owned(),
        };
    };
    match clear {
        Some(true) => Change {
            class: if by < 0.0 { "worse" } else { "better" },
            text: format!(
                "{}, {}",
                points(by),
                if by < 0.0 { "worse" } else { "better" }
            ),
        },
        _ => Change {
            class: "",
            text: format!("{}, may be chance", points(by)),
        },
    }
}

fn cache(cache: &Cache, report: &Report) -> CacheView {
    let found = cache.attribution.as_ref();
    let change = change(cache.hit_ratio_change, cache.hit_ratio_change_is_clear);
    let incidents = cache.incidents.list.iter().map(incident);
    let hidden = usize::try_from(cache.incidents.count)
        .unwrap_or(usize::MAX)
        .saturating_sub(cache.incidents.list.len());
    CacheView {
        name: cache.cache.to_string(),
        url: cache.url.clone(),
        empty: cache.record.slots.is_empty(),
        ratio: known(cache.counts.hit_ratio, percent),
        basis: summary::basis(cache),
        before: summary::before(cache),
        change,
        tiles: summary::tiles(cache),
        caveats: caveats::caveats(cache, report),
        advice: cache
            .advice
            .iter()
            .map(|advice| AdviceView {
                verdict: capital(&advice.verdict),
                reason: advice.reason.clone(),
            })
            .collect(),
        namespaces: found.map_or_else(Vec::new, |found| namespaces::rows(cache, found)),
        namespaces_note: caveats::namespaces(cache),
        shows: Columns {
            costs: found.is_some_and(|f| f.miss_cost.is_some()),
            savings: found.is_some_and(|f| f.saved.or(f.saved_estimated).is_some()),
            ratios: found.is_some_and(|f| f.namespaces.iter().any(|n| n.lookups.is_some())),
        },
        together: found.and_then(|found| namespaces::together(cache, found)),
        incidents_lead: summary::incidents(cache),
        incidents: incidents.collect(),
        incidents_left_out: (hidden > 0).then(|| format!("and {hidden} earlier ones")),
        hours: HeatView::of(&cache.hours, &report.time_zone),
    }
}

fn incident(incident: &Incident) -> IncidentRow {
    IncidentRow {
        started: moment(incident.started),
        lasted: span(incident.seconds),
        open: incident.resolved.is_none(),
        severity: incident.severity.as_str(),
        rule: incident.rule.to_string(),
        subject: name(&incident.subject),
        headline: text(&incident.headline),
        url: incident.url.clone(),
        acknowledged: incident.acknowledged_by.as_deref().map(name),
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A count and how many that is per second of the time that is covered.
fn rated(n: Option<u64>, seconds: f64) -> (String, String) {
    let per_second = n.and_then(|n| super::gather::part(n as f64, seconds));
    (known(n, count), per_second.map_or_else(String::new, rate))
}

fn used(n: u64) -> String {
    bytes(n)
}
