//! From records to numbers.
//!
//! Invariant: a sum of what is not known is not known; a ratio without lookups is none.

use std::collections::BTreeMap;

use super::numbers::{
    Attribution, Cache, Causes, Counts, FORMAT, Incident, Incidents, MAX_INCIDENTS, MAX_NAMESPACES,
    Memory, Namespace, Report,
};
use super::period::Period;
use super::{Record, Settings, advice, fleet, heat, lookups, spells};
use crate::analyze::wilson::{Z_98, interval};
use crate::model::lookups::SampleSums;
use crate::model::record::{HistoryPoint, IncidentRecord, NamespacePoint};

/// From this part of its limit on, memory is taken as used up: Redis evicts a little before it is full.
const NEAR_LIMIT: f64 = 0.95;

pub(super) fn report(period: &Period, records: &[Record], settings: &Settings) -> Report {
    let mut caches: Vec<_> = records
        .iter()
        .map(|record| cache(period, record, settings))
        .collect();
    fleet::worst_first(&mut caches);
    Report {
        format: FORMAT,
        previous_from: period.before,
        from: period.from,
        to: period.to,
        seconds: period.seconds(),
        slot_seconds: period.slot_seconds,
        time_zone: settings.zone_name(),
        fleet: fleet::sum(period, &caches),
        caches,
        period: *period,
    }
}

fn cache(period: &Period, record: &Record, settings: &Settings) -> Cache {
    let counts = counts(&record.slots, period.seconds());
    let previous = counts_before(period, record);
    let (change, clear) = change(&counts, previous.as_ref());
    let url = settings.external_url.as_deref();
    let mut cache = Cache {
        cache: record.cache.clone(),
        url: url.map(|url| format!("{url}/caches/{}", record.cache)),
        counts,
        previous,
        hit_ratio_change: change,
        hit_ratio_change_is_clear: clear,
        miss_ratio_threshold: settings.thresholds.get(&record.cache).copied(),
        history_begins: record.first.filter(|first| *first > period.from),
        gaps: spells::gaps(period, &record.slots),
        memory: memory(&record.slots),
        attribution: attribution(record, counts.misses),
        currency: settings.currencies.get(&record.cache).cloned(),
        incidents: incidents(period, &record.incidents, url),
        hours: heat::heat(&record.slots, &settings.time_zone),
        advice: Vec::new(),
        record: record.clone(),
    };
    cache.advice = advice::advice(&cache);
    cache
}

fn counts_before(period: &Period, record: &Record) -> Option<Counts> {
    let before = counts(&record.slots_before, period.seconds_before());
    (before.covered_seconds > 0.0).then_some(before)
}

pub(super) fn total(values: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    values.flatten().reduce(u64::saturating_add)
}

fn counts(slots: &[HistoryPoint], seconds: f64) -> Counts {
    // The sum of nothing is -0.
    let covered = slots.iter().map(|slot| slot.covered_seconds.max(0.0));
    let covered = covered.fold(0.0, |a, b| a + b);
    let costs = slots.iter().filter_map(|slot| slot.miss_cost);
    let saved = slots.iter().filter_map(|slot| slot.saved);
    rated(Counts {
        covered_ratio: part(covered, seconds).unwrap_or(0.0).min(1.0),
        covered_seconds: covered.min(seconds),
        hits: total(slots.iter().map(|slot| slot.hits)),
        misses: total(slots.iter().map(|slot| slot.misses)),
        evictions: total(slots.iter().map(|slot| slot.evictions)),
        expirations: total(slots.iter().map(|slot| slot.expirations)),
        miss_cost: costs.reduce(|a, b| a + b),
        saved: saved.reduce(|a, b| a + b),
        ..Counts::default()
    })
}

/// With what follows from hits and misses.
pub(super) fn rated(counts: Counts) -> Counts {
    let lookups = counts
        .hits
        .zip(counts.misses)
        .map(|(hits, misses)| hits.saturating_add(misses));
    let hits = counts.hits.unwrap_or_default();
    let bounds = lookups.and_then(|lookups| interval(hits, lookups, Z_98));
    Counts {
        lookups,
        hit_ratio: lookups.and_then(|lookups| part(hits as f64, lookups as f64)),
        hit_ratio_lower: bounds.map(|(lower, _)| lower),
        hit_ratio_upper: bounds.map(|(_, upper)| upper),
        ..counts
    }
}

/// How the hit ratio changed, and whether that is more than chance.
pub(super) fn change(now: &Counts, before: Option<&Counts>) -> (Option<f64>, Option<bool>) {
    let both = |of: fn(&Counts) -> Option<f64>| of(now).zip(before.and_then(of));
    let change = both(|c| c.hit_ratio).map(|(now, before)| now - before);
    let lower = both(|c| c.hit_ratio_lower);
    let upper = both(|c| c.hit_ratio_upper);
    let clear = lower
        .zip(upper)
        .map(|((low, low_before), (high, high_before))| low > high_before || high < low_before);
    (change, clear)
}

pub(super) fn part(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn memory(slots: &[HistoryPoint]) -> Option<Memory> {
    let used = || slots.iter().filter_map(|slot| slot.memory_used_bytes);
    let known: Vec<(bool, u64)> = slots
        .iter()
        .filter_map(|slot| {
            let near =
                slot.memory_used_bytes? as f64 >= slot.memory_limit_bytes? as f64 * NEAR_LIMIT;
            Some((near, slot.evictions.unwrap_or_default()))
        })
        .collect();
    let near = known.iter().filter(|(near, _)| *near);
    let evicted = |slots: &mut dyn Iterator<Item = &(bool, u64)>| -> u64 {
        slots.map(|(_, n)| *n).fold(0, u64::saturating_add)
    };
    let evictions = total(slots.iter().map(|slot| slot.evictions)).unwrap_or_default();
    Some(Memory {
        used_peak_bytes: used().max()?,
        used_last_bytes: used().next_back()?,
        limit_bytes: slots.iter().rev().find_map(|slot| slot.memory_limit_bytes),
        near_limit_ratio: part(near.clone().count() as f64, known.len() as f64),
        evictions_near_limit_ratio: part(evicted(&mut near.into_iter()) as f64, evictions as f64)
            .filter(|_| !known.is_empty()),
    })
}

fn attribution(record: &Record, misses: Option<u64>) -> Option<Attribution> {
    let mut causes = Causes::default();
    for point in &record.namespaces {
        causes.add(&Causes::of(&point.causes));
    }
    let all = record.namespaces.iter().map(|point| point.misses);
    let all = all.fold(0, u64::saturating_add);
    let now = lookups::sampled(&record.slots);
    let named = Namespaces {
        all,
        now,
        before: lookups::sampled(&record.slots_before),
        points: record
            .namespaces_before
            .iter()
            .map(|point| (point.namespace.as_str(), point))
            .collect(),
    };
    let mut sorted: Vec<Namespace> = record.namespaces.iter().map(|p| named.one(p)).collect();
    if all == 0 && sorted.iter().all(|namespace| namespace.lookups.is_none()) {
        return None;
    }
    let looked = |namespace: &Namespace| namespace.lookups.map_or(0, |found| found.lookups);
    sorted.sort_by(|a, b| {
        let most = b.misses.cmp(&a.misses).then(looked(b).cmp(&looked(a)));
        most.then_with(|| a.namespace.cmp(&b.namespace))
    });
    let amounts = |of: &dyn Fn(&Namespace) -> Option<f64>| {
        let amounts = sorted.iter().filter_map(of);
        amounts.reduce(|a, b| a + b)
    };
    let saved = |estimated| {
        amounts(&|n| {
            let saved = n.saved.filter(|saved| saved.estimated == estimated)?;
            Some(saved.amount)
        })
    };
    let (miss_cost, told, estimated) = (amounts(&|n| n.miss_cost), saved(false), saved(true));
    let left_out = sorted.split_off(sorted.len().min(MAX_NAMESPACES));
    Some(Attribution {
        misses: all,
        of_misses_ratio: misses
            .and_then(|misses| part(all as f64, misses as f64).map(|p| p.min(1.0))),
        causes,
        namespaces: sorted,
        namespaces_left_out: left_out.len(),
        misses_left_out: left_out.iter().map(|namespace| namespace.misses).sum(),
        miss_cost,
        saved: told,
        saved_estimated: estimated,
        samples: lookups::samples(&now),
    })
}

/// What a namespace is seen beside.
struct Namespaces<'a> {
    /// The attributed misses of all.
    all: u64,
    /// The samples of the period, and of the one before.
    now: SampleSums,
    before: SampleSums,
    /// The period before.
    points: BTreeMap<&'a str, &'a NamespacePoint>,
}

impl Namespaces<'_> {
    fn one(&self, point: &NamespacePoint) -> Namespace {
        let before = self.points.get(point.namespace.as_str()).copied();
        let attributed = self.points.values().any(|point| point.misses > 0);
        let lookups = lookups::lookups(point, &self.now);
        let previous = lookups
            .zip(before)
            .and_then(|(now, before)| lookups::lookups_before(&now, before, &self.before));
        let change = lookups
            .zip(previous)
            .map(|(now, before)| lookups::change(&now, &before));
        Namespace {
            namespace: point.namespace.clone(),
            misses: point.misses,
            misses_ratio: part(point.misses as f64, self.all as f64).unwrap_or_default(),
            // Where others were counted, one that is missing had none that was kept.
            previous_misses: attributed.then(|| before.map_or(0, |before| before.misses)),
            causes: Causes::of(&point.causes),
            evictions: point.evictions,
            expirations: point.expirations,
            miss_cost: point.cost,
            saved: lookups.and_then(|found| lookups::saved(point, &found, &self.now)),
            lookups,
            previous_lookups: previous,
            hit_ratio_change: change.map(|(by, _)| by),
            hit_ratio_change_is_clear: change.map(|(_, clear)| clear),
        }
    }
}

fn incidents(period: &Period, records: &[IncidentRecord], url: Option<&str>) -> Incidents {
    let length = |record: &IncidentRecord| {
        let until = record.resolved.unwrap_or(period.to);
        until.duration_since(record.started).as_secs_f64().max(0.0)
    };
    let told = |record: &IncidentRecord| Incident {
        id: record.id.clone(),
        url: url.map(|url| format!("{url}/incidents/{}", record.id)),
        rule: record.rule.clone(),
        subject: record.subject.clone(),
        severity: record.severity,
        started: record.started,
        resolved: record.resolved,
        seconds: length(record),
        headline: record.headline.clone(),
        acknowledged_by: record.acknowledged.as_ref().map(|ack| ack.author.clone()),
    };
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Incidents {
        count: count(records.len()),
        open: count(records.iter().filter(|r| r.resolved.is_none()).count()),
        seconds: spells::together(period, records),
        longest_seconds: records.iter().map(length).reduce(f64::max),
        list: records.iter().take(MAX_INCIDENTS).map(told).collect(),
    }
}
