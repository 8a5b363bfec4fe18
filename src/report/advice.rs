//! What would help: more memory, a longer time to live, or something else.
//!
//! Deliberately absent: how long before a miss its key was removed, which the store does not keep. A removal counts as a
//! cause while it is remembered, so misses on keys removed long ago are among the never seen.
//!
//! Invariant: each sentence names the numbers that it rests on; without enough of them nothing is advised.

use super::gather::part;
use super::numbers::{Advice, Attribution, Cache};
use super::words::{bytes, count, name, percent};

/// Fewer lookups bear nothing out.
const ENOUGH: u64 = 1_000;
/// Fewer attributed misses bear nothing out.
const ENOUGH_MISSES: u64 = 100;
/// Below this share of the misses it hardly matters.
const HARDLY: f64 = 0.05;
/// From this share on it matters much.
const MUCH: f64 = 0.2;
/// From this share on nothing else matters as much.
const MOST: f64 = 0.5;
/// A peak below this part of the limit is far from it.
const ROOM: f64 = 0.5;

pub(super) fn advice(cache: &Cache) -> Vec<Advice> {
    let (Some(lookups), Some(misses)) = (cache.counts.lookups, cache.counts.misses) else {
        return Vec::new();
    };
    if lookups < ENOUGH || misses == 0 {
        return Vec::new();
    }
    let found = cache.attribution.as_ref();
    let Some(found) = found.filter(|found| found.misses >= ENOUGH_MISSES) else {
        let mut all = vec![unattributed(cache, misses)];
        all.extend(room(cache));
        return all;
    };
    let mut all = vec![memory(cache, found), time_to_live(cache, found)];
    all.extend(others(found));
    all.extend(lost(found));
    all
}

fn new(topic: &'static str, verdict: impl Into<String>, reason: impl Into<String>) -> Advice {
    Advice {
        topic,
        verdict: verdict.into(),
        reason: reason.into(),
    }
}

fn share(n: u64, found: &Attribution) -> f64 {
    part(n as f64, found.misses as f64).unwrap_or_default()
}

fn helps(what: &str, share: f64) -> String {
    match share {
        s if s >= MUCH => format!("{what} would help"),
        s if s >= HARDLY => format!("{what} would help a little"),
        s if s > 0.0 => format!("{what} would hardly help"),
        _ => format!("{what} would not help"),
    }
}

/// What the hit ratio would be if these misses had been hits.
fn instead(cache: &Cache, misses: u64) -> Option<String> {
    let hits = cache
        .counts
        .hits?
        .saturating_add(misses.min(cache.counts.misses?));
    let ratio = part(hits as f64, cache.counts.lookups? as f64)?;
    Some(format!(
        " Had all of them been hits, the hit ratio were {} instead of {}.",
        percent(ratio),
        percent(cache.counts.hit_ratio?)
    ))
}

/// The namespace with the most misses for one cause.
fn mostly(found: &Attribution, cause: fn(&super::numbers::Causes) -> u64) -> String {
    let all = cause(&found.causes);
    let first = found.namespaces.iter().max_by_key(|n| cause(&n.causes));
    first
        .filter(|first| cause(&first.causes) > 0)
        .and_then(|first| {
            let share = part(cause(&first.causes) as f64, all as f64)?;
            Some(format!(
                " {} of them were in {}.",
                percent(share),
                name(&first.namespace)
            ))
        })
        .unwrap_or_default()
}

fn memory(cache: &Cache, found: &Attribution) -> Advice {
    let evicted = found.causes.evicted;
    let share = share(evicted, found);
    let removed = cache.counts.evictions.unwrap_or_default();
    let limit = limit(cache);
    if evicted == 0 {
        let reason = if removed == 0 {
            format!("No key was evicted.{limit}")
        } else {
            format!(
                "{} keys were evicted, but none of the attributed misses was for one of them: what goes is not looked \
                 up again.{limit}",
                count(removed)
            )
        };
        return new("memory", helps("more memory", 0.0), reason);
    }
    let worth = if share >= HARDLY {
        instead(cache, evicted).unwrap_or_default()
    } else {
        String::new()
    };
    let reason = format!(
        "{} of the attributed misses ({} of {}) were for keys evicted not long before.{}{worth}{limit}",
        percent(share),
        count(evicted),
        count(found.misses),
        mostly(found, |causes| causes.evicted),
    );
    new("memory", helps("more memory", share), reason)
}

fn limit(cache: &Cache) -> String {
    let Some(memory) = &cache.memory else {
        return String::new();
    };
    let Some(limit) = memory.limit_bytes else {
        return format!(
            " There is no maxmemory; at most {} were used.",
            bytes(memory.used_peak_bytes)
        );
    };
    let mut said = format!(
        " At most {} of {} were used",
        bytes(memory.used_peak_bytes),
        bytes(limit)
    );
    if let Some(near) = memory.near_limit_ratio.filter(|near| *near > 0.0) {
        said.push_str(&format!(
            "; for {} of the time at least 95 % of it",
            percent(near)
        ));
    }
    if let Some(evictions) = memory.evictions_near_limit_ratio.filter(|n| *n > 0.0) {
        said.push_str(&format!(
            ", when {} of the evictions happened",
            percent(evictions)
        ));
    }
    said.push('.');
    said
}

/// Memory that is not scarce is worth a word also where no cause is known.
fn room(cache: &Cache) -> Option<Advice> {
    let memory = cache.memory.as_ref()?;
    let limit = memory.limit_bytes?;
    let far = (memory.used_peak_bytes as f64) < limit as f64 * ROOM;
    (far && cache.counts.evictions == Some(0)).then(|| {
        new(
            "memory",
            helps("more memory", 0.0),
            format!("No key was evicted.{}", self::limit(cache)),
        )
    })
}

fn time_to_live(cache: &Cache, found: &Attribution) -> Advice {
    let expired = found.causes.expired;
    let share = share(expired, found);
    if expired == 0 {
        let reason = "None of the attributed misses was for a key whose time to live was over.";
        return new("ttl", helps("a longer time to live", 0.0), reason);
    }
    let worth = if share >= HARDLY {
        instead(cache, expired).unwrap_or_default()
    } else {
        String::new()
    };
    let reason = format!(
        "{} of the attributed misses ({} of {}) were for keys whose time to live was over.{}{worth}",
        percent(share),
        count(expired),
        count(found.misses),
        mostly(found, |causes| causes.expired),
    );
    new("ttl", helps("a longer time to live", share), reason)
}

/// Causes that neither memory nor time cures.
fn others(found: &Attribution) -> Vec<Advice> {
    let causes = found.causes;
    let mut all = Vec::new();
    let never = share(causes.never_seen, found);
    if never >= MOST {
        all.push(new(
            "never_seen",
            "look at what is asked for",
            format!(
                "{} of the attributed misses were for keys of which no removal is remembered: they were never stored, \
                 or removed long ago.{} Filling the cache ahead, or storing also that there is nothing, helps there; \
                 memory and time to live do not.",
                percent(never),
                mostly(found, |causes| causes.never_seen)
            ),
        ));
    }
    let deleted = share(causes.deleted, found);
    if deleted >= MUCH {
        all.push(new(
            "deleted",
            "writing instead of deleting would help",
            format!(
                "{} of the attributed misses were for keys that had been deleted.{}",
                percent(deleted),
                mostly(found, |causes| causes.deleted)
            ),
        ));
    }
    let flushed = share(causes.flushed, found);
    if flushed >= HARDLY {
        all.push(new(
            "flushed",
            "flushing less would help",
            format!(
                "{} of the attributed misses followed a FLUSHDB, a FLUSHALL or a SWAPDB.",
                percent(flushed)
            ),
        ));
    }
    all
}

fn lost(found: &Attribution) -> Option<Advice> {
    let unknown = share(found.causes.unknown, found);
    (unknown >= MUCH).then(|| {
        new(
            "events",
            "the causes are not well known",
            format!(
                "For {} of the attributed misses nobody knows why, because events were lost around them.",
                percent(unknown)
            ),
        )
    })
}

fn unattributed(cache: &Cache, misses: u64) -> Advice {
    let attributed = cache.attribution.as_ref().map_or(0, |found| found.misses);
    new(
        "events",
        "the causes are not known",
        format!(
            "{} of {} misses were attributed. Keyspace events tell the reasons, minute by minute from the second minute \
             on: set events: true, and let cachewatch check say what is missing.",
            count(attributed),
            count(misses)
        ),
    )
}
