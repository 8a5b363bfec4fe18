//! The sentences and numbers that stand first.

use super::namespaces::about;
use super::{Tile, bounds, known, rated, used};
use crate::report::numbers::{Cache, Report};
use crate::report::words::{count, money, percent, points, span};

/// About all caches.
pub(super) fn lead(report: &Report) -> String {
    let fleet = &report.fleet;
    let ratio = fleet.counts.hit_ratio.zip(fleet.counts.lookups);
    let caches = plural(fleet.caches, "cache");
    let Some((ratio, lookups)) = ratio else {
        return format!("{caches}; no lookups in this time.");
    };
    let incidents = match (fleet.incidents, fleet.incidents_open) {
        (0, _) => "no incident".to_owned(),
        (n, 0) => plural(usize::try_from(n).unwrap_or(usize::MAX), "incident"),
        (n, open) => {
            let all = plural(usize::try_from(n).unwrap_or(usize::MAX), "incident");
            format!("{all}, {open} of them open")
        }
    };
    let before = fleet.previous.and_then(|before| before.hit_ratio);
    let trend = before.map_or_else(String::new, |before| {
        format!(" ({} against the time before)", points(ratio - before))
    });
    format!(
        "{} of {} lookups were hits{trend}; {caches}, {incidents}.",
        percent(ratio),
        count(lookups)
    )
}

pub(super) fn plural(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// What the ratio rests on.
pub(super) fn basis(cache: &Cache) -> String {
    match cache.counts.lookups {
        Some(0) => "no lookups".to_owned(),
        Some(n) => format!(
            "of {} lookups; {} at 98 % confidence",
            count(n),
            bounds(cache)
        ),
        None => "hits and misses are not known".to_owned(),
    }
}

/// The period before.
pub(super) fn before(cache: &Cache) -> Option<String> {
    let before = cache.previous.as_ref()?;
    let (ratio, lookups) = before.hit_ratio.zip(before.lookups)?;
    let partly = if before.covered_ratio < 0.9 {
        format!(
            "; known for {} of that time only",
            percent(before.covered_ratio)
        )
    } else {
        String::new()
    };
    Some(format!(
        "before: {} of {} lookups{partly}",
        percent(ratio),
        count(lookups)
    ))
}

pub(super) fn tiles(cache: &Cache) -> Vec<Tile> {
    let counts = &cache.counts;
    let seconds = counts.covered_seconds;
    let tile = |name, (value, note)| Tile { name, value, note };
    let mut tiles = vec![
        tile("Lookups", rated(counts.lookups, seconds)),
        tile("Misses", rated(counts.misses, seconds)),
        tile("Evictions", rated(counts.evictions, seconds)),
        tile("Expirations", rated(counts.expirations, seconds)),
    ];
    if let Some(memory) = &cache.memory {
        let note = memory.limit_bytes.map_or_else(
            || "no maxmemory".to_owned(),
            |limit| format!("of {}", used(limit)),
        );
        tiles.push(tile(
            "Memory, most used",
            (used(memory.used_peak_bytes), note),
        ));
    }
    if let Some(cost) = counts.miss_cost {
        let before = cache.previous.and_then(|before| before.miss_cost);
        let currency = cache.currency.as_deref();
        let note = known(before, |before| {
            format!("before: {}", money(before, currency))
        });
        tiles.push(tile("What misses cost", (money(cost, currency), note)));
    }
    tiles.extend(saved(cache));
    tiles
}

/// What hits saved: as far as the application told of them, and what samples let one think beyond that.
fn saved(cache: &Cache) -> Option<Tile> {
    let currency = cache.currency.as_deref();
    let estimated = cache.attribution.as_ref().and_then(|a| a.saved_estimated);
    let before = cache.previous.and_then(|before| before.saved);
    let name = "What hits saved";
    if let Some(saved) = cache.counts.saved {
        let before = before.map(|before| format!("before: {}", money(before, currency)));
        let more = estimated.map(|more| format!("and ≈ {} by samples", money(more, currency)));
        let note = [before, more].into_iter().flatten();
        return Some(Tile {
            name,
            value: money(saved, currency),
            note: note.collect::<Vec<_>>().join("; "),
        });
    }
    Some(Tile {
        name,
        value: about(true, money(estimated?, currency)),
        note: "by samples".to_owned(),
    })
}

pub(super) fn incidents(cache: &Cache) -> String {
    let all = &cache.incidents;
    if all.count == 0 {
        return "No incident was open in this time.".to_owned();
    }
    let n = usize::try_from(all.count).unwrap_or(usize::MAX);
    let open = match all.open {
        0 => String::new(),
        open => format!(", {open} of them open"),
    };
    let longest = all.longest_seconds.map_or_else(String::new, |seconds| {
        format!("; the longest lasted {}", span(seconds))
    });
    format!(
        "{}{open}: for {} of this time at least one was open{longest}.",
        plural(n, "incident"),
        span(all.seconds)
    )
}
