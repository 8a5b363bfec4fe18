//! The columns of both tables: what stands in a cell, and what gives way first where it is narrow. Pure.

use super::grid::{Column, Grid, lay_out};
use super::screen::{CacheRow, NamespaceRow};
use super::words::{count, memory, money, percent, rate, state};
use crate::model::attribution::{Cause, LookupSource, NamespaceHitRatio};

const fn text<R>(title: &'static str, rank: u8, cell: fn(&R) -> Option<String>) -> Column<R> {
    Column {
        title,
        right: false,
        rank,
        cell,
        optional: false,
    }
}

const fn number<R>(title: &'static str, rank: u8, cell: fn(&R) -> Option<String>) -> Column<R> {
    Column {
        right: true,
        ..text(title, rank, cell)
    }
}

const fn if_known<R>(title: &'static str, rank: u8, cell: fn(&R) -> Option<String>) -> Column<R> {
    Column {
        optional: true,
        ..number(title, rank, cell)
    }
}

/// The table of caches.
pub(super) fn caches(rows: &[CacheRow], width: usize) -> Grid {
    let columns: [Column<CacheRow>; 9] = [
        text("CACHE", 0, |r| Some(r.name.clone())),
        text("STATE", 0, |r| Some(state(r.state).to_owned())),
        number("HIT RATIO", 1, |r| r.hit_ratio.map(percent)),
        number("AT MOST", 5, |r| r.hit_ratio_at_most.map(percent)),
        number("LOOKUPS/S", 2, |r| r.lookups.map(rate)),
        number("EVICT/S", 4, |r| r.evictions.map(rate)),
        number("EXPIRE/S", 6, |r| r.expirations.map(rate)),
        number("MEMORY", 7, |r| {
            r.memory.map(|(used, limit)| memory(used, limit))
        }),
        text("EVENTS", 3, |r| Some(r.events.clone())),
    ];
    lay_out(&columns, rows, width)
}

/// The table of namespaces: with a column for each cause where there is room, with the main cause where not.
pub(super) fn namespaces(rows: &[NamespaceRow], width: usize) -> Grid {
    let [name, misses, share] = head();
    let causes: [Column<NamespaceRow>; 6] = [
        number("EXPIRED", 2, |r| Some(caused(r, Cause::Expired))),
        number("EVICTED", 2, |r| Some(caused(r, Cause::Evicted))),
        number("DELETED", 2, |r| Some(caused(r, Cause::Deleted))),
        number("FLUSHED", 2, |r| Some(caused(r, Cause::Flushed))),
        number("NEVER SEEN", 2, |r| Some(caused(r, Cause::NeverSeen))),
        number("UNKNOWN", 2, |r| Some(caused(r, Cause::Unknown))),
    ];
    let mut columns = vec![name, misses, share];
    columns.extend(causes);
    columns.extend(tail());
    let grid = lay_out(&columns, rows, width);
    if grid.headings.iter().filter(|h| is_cause(h.title)).count() == Cause::ALL.len() {
        return grid;
    }
    let mut columns = Vec::from(head());
    columns.push(text("MAIN CAUSE", 2, main_cause));
    columns.extend(tail());
    lay_out(&columns, rows, width)
}

fn head() -> [Column<NamespaceRow>; 3] {
    [
        text("NAMESPACE", 0, |r| Some(r.name.clone())),
        number("MISSES", 0, |r| Some(count(r.misses()))),
        number("SHARE", 1, |r| r.share.map(percent)),
    ]
}

fn tail() -> [Column<NamespaceRow>; 6] {
    [
        number("EVICTIONS", 3, |r| Some(count(r.counters.evictions))),
        number("EXPIRATIONS", 4, |r| Some(count(r.counters.expirations))),
        number("REPEATS", 7, |r| Some(count(r.counters.repeats))),
        number("STAMPEDES", 8, |r| Some(count(r.counters.stampedes))),
        if_known("HIT RATIO", 6, |r| r.hit_ratio.as_ref().map(hit_ratio)),
        if_known("COST/H", 5, |r| {
            r.cost.as_ref().map(|c| money(c.per_hour, &c.currency))
        }),
    ]
}

fn is_cause(title: &str) -> bool {
    Cause::ALL
        .iter()
        .any(|c| c.words().eq_ignore_ascii_case(title))
}

/// Blank for none, so that what there is stands out.
fn caused(row: &NamespaceRow, cause: Cause) -> String {
    match row.counters.misses.get(cause) {
        0 => "·".to_owned(),
        n => count(n),
    }
}

/// `expired 93 %`.
fn main_cause(row: &NamespaceRow) -> Option<String> {
    let causes = &row.counters.misses;
    let main = Cause::ALL
        .into_iter()
        .rev()
        .max_by_key(|c| causes.get(*c))?;
    let total = causes.total();
    (total > 0).then(|| {
        let share = causes.get(main) as f64 / total as f64 * 100.0;
        format!("{} {share:.0} %", main.words())
    })
}

/// An estimate is shown as the range that it is.
fn hit_ratio(ratio: &NamespaceHitRatio) -> String {
    match ratio.source {
        LookupSource::Application => percent(ratio.ratio),
        LookupSource::Sample => format!(
            "about {:.0}..{:.0} %",
            (ratio.lower * 100.0).floor(),
            (ratio.upper * 100.0).ceil()
        ),
    }
}
