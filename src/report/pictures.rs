//! The charts of a cache, in both themes.
//!
//! Deliberately absent: raw slots. Points are sums over as many slots as make about 340 points, so that quiet minutes do
//! not look wild.

use std::time::Duration;

use jiff::Timestamp;

use super::numbers::{Cache, Report};
use super::words;
use crate::chart::{Band, Chart, ChartError, Look, Mark, Period, Points, Theme, render_svg};
use crate::model::record::HistoryPoint;

/// About so many points fit a chart.
const POINTS: u32 = 340;

/// One chart.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) light: String,
    pub(super) dark: String,
    /// Whether it takes the whole width.
    pub(super) wide: bool,
}

/// The hit ratio, and with `all` what else there is to see.
pub(super) fn pictures(
    report: &Report,
    cache: &Cache,
    all: bool,
) -> Result<Vec<Picture>, ChartError> {
    let period = Period {
        from: report.from,
        to: report.to,
    };
    let name = cache.cache.as_str();
    let sums = sums(&cache.record.slots, report);
    let step = Duration::from_secs(u64::from(width(report)));
    let points = |value: fn(&HistoryPoint) -> Option<f64>| -> Points {
        sums.iter().map(|sum| (sum.at, value(sum))).collect()
    };
    let mut charts = Vec::new();
    let ratio = points(|s| ratio(s.hits, s.misses));
    if ratio.iter().any(|(_, v)| v.is_some()) {
        charts.push(Chart::hit_ratio(
            name,
            period,
            ratio,
            cache.miss_ratio_threshold,
        ));
    }
    if all {
        charts.push(Chart::lookups(
            name,
            period,
            points(|s| per_second(s, s.hits?.checked_add(s.misses?))),
        ));
        if cache.counts.evictions.is_some_and(|n| n > 0) {
            charts.push(Chart::evictions(
                name,
                period,
                points(|s| per_second(s, s.evictions)),
            ));
        }
        if cache.counts.expirations.is_some_and(|n| n > 0) {
            charts.push(Chart::expirations(
                name,
                period,
                points(|s| per_second(s, s.expirations)),
            ));
        }
        let limit = cache.memory.and_then(|memory| memory.limit_bytes);
        charts.push(Chart::memory(
            name,
            period,
            points(|s| s.memory_used_bytes.map(|n| n as f64)),
            limit.map(|n| n as f64),
        ));
        charts.retain(|chart| {
            let mut values = chart.series.iter().flat_map(|series| &series.points);
            values.any(|(_, value)| value.is_some())
        });
    }
    let charts = charts.into_iter().enumerate();
    charts
        .map(|(i, chart)| draw(chart.with_step(step), i == 0, cache))
        .collect()
}

fn draw(chart: Chart, wide: bool, cache: &Cache) -> Result<Picture, ChartError> {
    let chart = if wide {
        chart.with_bands(bands(cache)).with_marks(marks(cache))
    } else {
        chart
    };
    let look = if wide {
        Look::new(1080, 280)
    } else {
        Look::new(530, 200)
    };
    let svg = |theme| {
        // In HTML the name of the language goes without saying, and a report shall name no address that it is not about.
        render_svg(&chart, &look.themed(theme))
            .map(|svg| svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1))
    };
    Ok(Picture {
        light: svg(Theme::Light)?,
        dark: svg(Theme::Dark)?,
        wide,
    })
}

fn bands(cache: &Cache) -> Vec<Band> {
    let records = cache.record.incidents.iter().rev();
    records
        .map(|incident| Band {
            from: incident.started,
            to: incident.resolved,
            label: match incident.subject.as_str() {
                "" => incident.rule.to_string(),
                subject => format!("{} of {}", incident.rule, words::name(subject)),
            },
        })
        .collect()
}

fn marks(cache: &Cache) -> Vec<Mark> {
    let told = cache.record.annotations.iter();
    told.map(|annotation| Mark {
        at: annotation.at,
        until: annotation.until,
        label: words::text(&annotation.text),
    })
    .collect()
}

fn ratio(hits: Option<u64>, misses: Option<u64>) -> Option<f64> {
    let (hits, misses) = (hits? as f64, misses? as f64);
    super::gather::part(hits, hits + misses)
}

fn per_second(slot: &HistoryPoint, n: Option<u64>) -> Option<f64> {
    super::gather::part(n? as f64, slot.covered_seconds)
}

/// The width of a point, in seconds.
fn width(report: &Report) -> u32 {
    let slot = report.slot_seconds.max(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a period is at most 400 days"
    )]
    let slots = report.seconds as u32 / slot + 1;
    slots.div_ceil(POINTS) * slot
}

/// Slots summed up to points.
fn sums(slots: &[HistoryPoint], report: &Report) -> Vec<HistoryPoint> {
    let width = i64::from(width(report));
    let begin = |at: Timestamp| {
        let since = at.as_second().saturating_sub(report.from.as_second());
        let at = report.from.as_second() + since.div_euclid(width) * width;
        Timestamp::from_second(at).unwrap_or(report.from)
    };
    let both = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (known, None) | (None, known) => known,
    };
    let mut sums: Vec<HistoryPoint> = Vec::new();
    for slot in slots.iter().filter(|slot| slot.covered_seconds > 0.0) {
        let at = begin(slot.at);
        match sums.last_mut().filter(|last| last.at == at) {
            Some(last) => {
                last.covered_seconds += slot.covered_seconds;
                last.hits = both(last.hits, slot.hits);
                last.misses = both(last.misses, slot.misses);
                last.evictions = both(last.evictions, slot.evictions);
                last.expirations = both(last.expirations, slot.expirations);
                last.memory_used_bytes = slot.memory_used_bytes.or(last.memory_used_bytes);
            }
            None => sums.push(HistoryPoint { at, ..*slot }),
        }
    }
    sums
}
