//! History from a CSV file. Pure, but for opening it.
//!
//! The first line names the columns, in any order: `time`, `hits`, `misses`, and if there are any `evictions`,
//! `expirations`, `memory_used_bytes`, `memory_limit_bytes`; others are passed over. A time is RFC 3339 or seconds since
//! 1970. Counts are totals that grow, as INFO shows them (a smaller one: the server was restarted), or, as deltas, those
//! since the row before. An empty field is not known.
//!
//! Deliberately absent: quotes. None of this needs them.
//!
//! Invariant: a complaint names the line. Rows farther apart than three times the usual have a gap between them.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use crate::alert::replay::Slot;
use crate::model::record::HistoryPoint;

/// The largest file, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// The most rows.
const MAX_ROWS: usize = 4_000_000;
/// Rows farther apart than so many times the usual have a gap between them.
const GAP: u32 = 3;

const COLUMNS: [&str; 7] = [
    "time",
    "hits",
    "misses",
    "evictions",
    "expirations",
    "memory_used_bytes",
    "memory_limit_bytes",
];

/// Reads a file.
pub(super) fn read(path: &Path, deltas: bool) -> anyhow::Result<Vec<Slot>> {
    let mut text = String::new();
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("--csv: cannot open {shown}"))?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("--csv: cannot read {shown}"))?;
    if text.len() as u64 > MAX_BYTES {
        bail!("--csv: {shown} is larger than {MAX_BYTES} bytes; take a part of it");
    }
    parse(&text, deltas).with_context(|| format!("--csv: {shown}"))
}

/// One row as it stands: the time, and the other columns.
type Row = (Timestamp, [Option<u64>; 6]);

fn parse(text: &str, deltas: bool) -> anyhow::Result<Vec<Slot>> {
    let mut lines = text.lines().enumerate();
    let heading = lines.next().map_or("", |(_, line)| line);
    let heading: Vec<_> = heading
        .trim_start_matches('\u{feff}')
        .split(',')
        .map(str::trim)
        .collect();
    let places = COLUMNS.map(|name| heading.iter().position(|column| *column == name));
    for (name, place) in COLUMNS.iter().zip(places).take(3) {
        if place.is_none() {
            bail!(
                "line 1: there is no column {name}; the first line must name the columns: time,hits,misses"
            );
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let row = row(line, &places).with_context(|| format!("line {number}"))?;
        if rows.last().is_some_and(|last| last.0 >= row.0) {
            bail!("line {number}: its time is not after that of the row before; sort the rows");
        }
        if rows.len() >= MAX_ROWS {
            bail!("line {number}: more than {MAX_ROWS} rows; take a part of them");
        }
        rows.push(row);
    }
    if rows.len() < 2 {
        bail!("there must be two rows at least: counts are those between rows");
    }
    Ok(slots(&rows, deltas))
}

fn row(line: &str, places: &[Option<usize>; 7]) -> anyhow::Result<Row> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    let field = |place: Option<usize>| place.and_then(|p| fields.get(p)).copied().unwrap_or("");
    let mut values = [None; 6];
    let [time, counts @ ..] = places;
    for ((value, place), name) in values.iter_mut().zip(counts).zip(COLUMNS.iter().skip(1)) {
        let text = field(*place);
        if !text.is_empty() {
            let read = text.parse().ok();
            *value =
                Some(read.with_context(|| format!("{name} must be a whole number, 0 or more"))?);
        }
    }
    let text = field(*time);
    let at = text.parse::<Timestamp>().ok().or_else(|| seconds(text));
    let at =
        at.context("time must be RFC 3339, such as 2026-03-01T12:00:00Z, or seconds since 1970")?;
    Ok((at, values))
}

fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    text.parse::<f64>().ok()?;
    Timestamp::from_second(whole.parse().ok()?).ok()
}

fn slots(rows: &[Row], deltas: bool) -> Vec<Slot> {
    let between = |pair: &[Row]| match pair {
        [(before, _), (after, _)] => {
            Duration::try_from(after.duration_since(*before)).unwrap_or_default()
        }
        _ => Duration::ZERO,
    };
    let mut widths: Vec<_> = rows.windows(2).map(between).collect();
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or_default();
    let pairs = rows.windows(2).filter(|pair| between(pair) <= usual * GAP);
    pairs
        .filter_map(|pair| match pair {
            [(begin, before), (_, after)] => {
                Some(slot(*begin, between(pair), before, after, deltas))
            }
            _ => None,
        })
        .collect()
}

fn slot(
    begin: Timestamp,
    width: Duration,
    before: &[Option<u64>; 6],
    after: &[Option<u64>; 6],
    deltas: bool,
) -> Slot {
    let counted = |before: Option<u64>, after: Option<u64>| match (deltas, before, after) {
        (true, _, after) => after,
        (false, Some(before), Some(after)) if after >= before => Some(after - before),
        // The server was restarted: what it has counted since.
        (false, Some(_), Some(after)) => Some(after),
        (false, _, _) => None,
    };
    let [hits, misses, evictions, expirations, ..] = *before;
    let [
        hits_now,
        misses_now,
        evictions_now,
        expirations_now,
        used,
        limit,
    ] = *after;
    Slot {
        width,
        point: HistoryPoint {
            at: begin,
            covered_seconds: width.as_secs_f64(),
            hits: counted(hits, hits_now),
            misses: counted(misses, misses_now),
            evictions: counted(evictions, evictions_now),
            expirations: counted(expirations, expirations_now),
            memory_used_bytes: used,
            memory_limit_bytes: limit,
            ..HistoryPoint::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(text: &str, deltas: bool) -> Vec<(i64, u64, Option<u64>, Option<u64>)> {
        let slots = parse(text, deltas).unwrap();
        let point = |slot: &Slot| {
            let HistoryPoint {
                at, hits, misses, ..
            } = slot.point;
            (at.as_second(), slot.width.as_secs(), hits, misses)
        };
        slots.iter().map(point).collect()
    }

    #[test]
    fn totals_become_what_was_counted_between_rows() {
        let text = "\u{feff}misses,time, hits\n1,0,10\n3,60,110\n\n3,1970-01-01T00:02:00Z,110\n2,180.5,5\n,240,6\n";
        assert_eq!(
            points(text, false),
            [
                (0, 60, Some(100), Some(2)),
                (60, 60, Some(0), Some(0)),
                // A restart.
                (120, 60, Some(5), Some(2)),
                (180, 60, Some(1), None),
            ]
        );
    }

    #[test]
    fn deltas_are_taken_as_they_are_and_gaps_are_left_out() {
        let text = "time,hits,misses\n0,1,1\n60,2,2\n120,3,3\n1000,4,4\n1060,5,5\n";
        assert_eq!(
            points(text, true),
            [
                (0, 60, Some(2), Some(2)),
                (60, 60, Some(3), Some(3)),
                (1000, 60, Some(5), Some(5))
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            ("", "line 1: there is no column time"),
            ("time,hits\n", "line 1: there is no column misses"),
            ("time,hits,misses\n0,1,1\n", "two rows at least"),
            (
                "time,hits,misses\nsoon,1,1\n",
                "line 2: time must be RFC 3339",
            ),
            (
                "time,hits,misses\n0,1,1\n1,-1,1\n",
                "line 3: hits must be a whole number",
            ),
            (
                "time,hits,misses\n5,1,1\n5,1,1\n",
                "line 3: its time is not after",
            ),
        ] {
            let said = format!("{:#}", parse(text, false).unwrap_err());
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(time,hits,misses\n)?([0-9a-z,.\n-]{0,80})") {
            if let Ok(slots) = parse(&text, false) {
                for pair in slots.windows(2) {
                    prop_assert!(pair[0].end() <= pair[1].point.at);
                }
            }
        }
    }
}
