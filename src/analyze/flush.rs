//! Flushes, out of two readings: FLUSHALL, FLUSHDB and SWAPDB publish no event, but INFO counts them as commands.
//!
//! A flush is noticed with the first reading after it. Which database was flushed is not told; one that lost more than
//! half of its keys between the readings is taken for it, and if there is none, all are.
//! Also here: a process that starts anew with less than half of the keys has lost the others the same way.
//!
//! Deliberately absent: keys that vanished in any other way; those publish events.

use crate::model::reading::Reading;

/// One flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flush {
    /// The database; `None`: all of them.
    pub db: Option<u32>,
    /// How many keys it had at the earlier reading.
    pub keys: u64,
}

/// What was flushed between two readings of one address.
pub fn flushes(before: &Reading, now: &Reading) -> Vec<Flush> {
    let everything = Flush {
        db: None,
        keys: before.keys(),
    };
    let lost_half = |before: u64, now: u64| now < before.div_ceil(2);
    if before.identity.run_id != now.identity.run_id {
        // Another process. Whatever it flushed since its start was there before it only if it was loaded.
        let lost = lost_half(before.keys(), now.keys());
        return lost.then_some(everything).into_iter().collect();
    }
    if grown(before, now, "cmdstat_flushall") {
        return vec![everything];
    }
    if !grown(before, now, "cmdstat_flushdb") && !grown(before, now, "cmdstat_swapdb") {
        return Vec::new();
    }
    let emptied: Vec<Flush> = before
        .dbs
        .iter()
        .filter(|(db, stats)| lost_half(stats.keys, now.dbs.get(db).map_or(0, |s| s.keys)))
        .map(|(db, stats)| Flush {
            db: Some(*db),
            keys: stats.keys,
        })
        .collect();
    if emptied.is_empty() {
        return vec![everything];
    }
    emptied
}

/// Whether a command was called between two readings of one process; `field` counts its calls, such as `cmdstat_flushall`.
pub fn grown(before: &Reading, now: &Reading, field: &str) -> bool {
    let calls = |reading: &Reading| {
        let line = reading.fields.get(field)?;
        let calls = line.split(',').find_map(|p| p.strip_prefix("calls="))?;
        calls.parse::<u64>().ok()
    };
    calls(now).is_some_and(|n| n > calls(before).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analyze::fixture::{counters, reading};
    use crate::model::reading::{DbStats, InfoFields};

    fn at(run_id: &str, dbs: &[(u32, u64)], calls: &[(&str, u64)]) -> Reading {
        let fields: Vec<_> = calls
            .iter()
            .map(|(name, n)| {
                (
                    format!("cmdstat_{name}"),
                    format!("calls={n},usec=7,usec_per_call=7.00,rejected_calls=0"),
                )
            })
            .collect();
        let stats = |keys| DbStats {
            keys,
            expires: 0,
            avg_ttl_ms: None,
        };
        let mut reading = reading(Some(run_id), 1, counters(0, 0, 0));
        reading.dbs = dbs
            .iter()
            .map(|(db, keys)| (*db, stats(*keys)))
            .collect::<BTreeMap<_, _>>();
        reading.fields =
            InfoFields::from_pairs(fields.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        reading
    }

    fn flush(db: Option<u32>, keys: u64) -> Flush {
        Flush { db, keys }
    }

    #[test]
    fn commands_and_vanished_keys_tell_what_was_flushed() {
        let before = at("a", &[(0, 100), (1, 10)], &[("flushall", 3)]);
        for (dbs, calls, expected) in [
            (&[(0, 2)][..], &[("flushall", 3)][..], vec![]),
            (&[(0, 2)], &[("flushall", 4)], vec![flush(None, 110)]),
            (
                &[(0, 100)],
                &[("flushall", 3), ("flushdb", 1)],
                vec![flush(Some(1), 10)],
            ),
            (
                &[(0, 10), (1, 100)],
                &[("flushall", 3), ("swapdb", 1)],
                vec![flush(Some(0), 100)],
            ),
            (
                &[(0, 100), (1, 9)],
                &[("flushall", 3), ("flushdb", 1)],
                vec![flush(None, 110)],
            ),
            // CONFIG RESETSTAT.
            (&[(0, 2)], &[], vec![]),
        ] {
            let now = at("a", dbs, calls);
            assert_eq!(flushes(&before, &now), expected, "{dbs:?} {calls:?}");
        }
    }

    #[test]
    fn a_new_process_without_the_keys_has_lost_them() {
        let before = at("a", &[(0, 100)], &[]);
        assert_eq!(flushes(&before, &at("b", &[(0, 99)], &[])), []);
        assert_eq!(
            flushes(&before, &at("b", &[(0, 3)], &[])),
            [flush(None, 100)]
        );
        assert_eq!(
            flushes(&at("a", &[], &[]), &at("b", &[], &[("flushall", 1)])),
            []
        );
    }
}
