//! TTL cliffs: many keys that were stored together, with the same time to live, expire together.
//!
//! A minute of the last ten stands out when it has at least five times the expirations of a usual one, also in relation
//! to lookups (Redis often finds an expired key only when it is looked up, so more lookups alone bring more
//! expirations), and at least half of what the ten minutes have too many. Expirations that stay high are no cliff but a
//! shorter time to live.
//!
//! Deliberately absent: whether the expired keys are what is missed; the caller knows.

use std::time::Duration;

use jiff::SignedDuration;

use crate::analyze::history::History;
use crate::model::incident::TtlCliff;
use crate::model::time::Now;
use crate::model::window::WindowStats;

const MINUTE: Duration = Duration::from_mins(1);
/// How far back a cliff is looked for.
const BACK: Duration = Duration::from_mins(10);
/// How far back the usual is looked for.
const USUAL: Duration = Duration::from_hours(1);
/// How finely its moment is told.
const STEP: Duration = Duration::from_secs(10);
/// How many usual minutes there must be.
const MIN_USUAL: usize = 10;
/// How many times the usual it must be.
const TIMES: f64 = 5.0;
/// How many times the usual for each lookup.
const TIMES_PER_LOOKUP: f64 = 2.5;
/// A minute with fewer is no cliff, whatever is usual.
const MIN_EXPIRATIONS: f64 = 50.0;
/// What share of the ten minutes' excess the minute must have.
const CONCENTRATION: f64 = 0.5;

/// The cliff of the last ten minutes, if there was one.
pub(super) fn find(history: &History, now: Now) -> Option<TtlCliff> {
    let usual: Vec<WindowStats> = ago(BACK, USUAL, MINUTE)
        .filter_map(|ago| minute(history, now, ago))
        .collect();
    if usual.len() < MIN_USUAL {
        return None;
    }
    let per_minute = median(usual.iter().filter_map(expirations))?;
    let per_lookup = median(usual.iter().filter_map(expirations_per_lookup)).unwrap_or(0.0);

    // Oldest first, so that of equals the first is found.
    let mut minutes: Vec<(Duration, WindowStats)> = ago(Duration::ZERO, BACK, STEP)
        .filter_map(|ago| Some((ago, minute(history, now, ago)?)))
        .collect();
    minutes.reverse();
    let most = minutes
        .iter()
        .filter_map(|(_, m)| expirations(m))
        .reduce(f64::max)?;
    let (_, peak) = minutes.iter().find(|(_, m)| expirations(m) == Some(most))?;
    let excess = most - per_minute;
    let all = expirations(&history.window(BACK, now))? - per_minute * BACK.as_secs_f64() / 60.0;
    let stands_out = most >= MIN_EXPIRATIONS
        && most >= per_minute * TIMES
        && expirations_per_lookup(peak).is_none_or(|r| r >= per_lookup * TIMES_PER_LOOKUP)
        && excess >= all * CONCENTRATION;
    if !stands_out {
        return None;
    }
    // The first minute with half of the peak ends when half of the keys had gone.
    let half = |m: &WindowStats| expirations(m).is_some_and(|e| e - per_minute >= excess / 2.0);
    let (ago, _) = minutes.iter().find(|(_, m)| half(m))?;
    let ago = SignedDuration::try_from(*ago).ok()?;
    Some(TtlCliff {
        at: now.wall.checked_sub(ago).ok()?,
        expirations: peak.delta.expirations?,
        usual: per_minute,
    })
}

fn ago(from: Duration, to: Duration, step: Duration) -> impl Iterator<Item = Duration> {
    (0..)
        .map(move |i| from + step * i)
        .take_while(move |ago| *ago < to)
}

/// The minute that ended so long ago; `None` when no readings say what happened in it and no longer.
fn minute(history: &History, now: Now, ago: Duration) -> Option<WindowStats> {
    let mono = now.mono.checked_sub(ago)?;
    let stats = history.window(MINUTE, Now { mono, ..now });
    (stats.covered >= MINUTE / 2 && stats.covered <= MINUTE * 2).then_some(stats)
}

fn expirations(window: &WindowStats) -> Option<f64> {
    window.delta.expirations.map(|n| n as f64)
}

fn expirations_per_lookup(window: &WindowStats) -> Option<f64> {
    let lookups = window.lookups().filter(|n| *n > 0)?;
    Some(expirations(window)? / lookups as f64)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fixture::at;
    use crate::model::window::Totals;

    /// A reading each 5 s for an hour; `pace(t)` says how many lookups and expirations come in the next 5 s.
    fn find_with(pace: impl Fn(u64) -> (u64, u64)) -> Option<TtlCliff> {
        let mut history = History::new(Duration::from_secs(5));
        let (mut lookups, mut expirations) = (0, 0);
        for t in (0..=3600).step_by(5) {
            history.push(
                at(t),
                Totals {
                    hits: Some(lookups),
                    misses: Some(0),
                    evictions: Some(0),
                    expirations: Some(expirations),
                },
            );
            let (l, e) = pace(t);
            lookups += l;
            expirations += e;
        }
        find(&history, at(3600))
    }

    #[test]
    fn a_cliff_is_told_with_its_moment() {
        let cliff = find_with(|t| (500, if (3300..3320).contains(&t) { 400 } else { 2 })).unwrap();
        assert_eq!(cliff.expirations, 4 * 400 + 8 * 2);
        assert!((cliff.usual - 24.0).abs() < 3.0, "{}", cliff.usual);
        let late = cliff.at.as_second() - at(3310).wall.as_second();
        assert!((-10..=10).contains(&late), "{late}");
    }

    #[test]
    fn what_is_no_cliff_is_not_called_one() {
        assert_eq!(find_with(|_| (500, 40)), None);
        // Four times the usual.
        assert_eq!(
            find_with(|t| (500, if (3300..3360).contains(&t) { 80 } else { 20 })),
            None
        );
        // More lookups find more expired keys.
        assert_eq!(
            find_with(|t| if (3300..3360).contains(&t) {
                (5_000, 400)
            } else {
                (500, 40)
            }),
            None
        );
        // A shorter time to live: it stays high.
        assert_eq!(find_with(|t| (500, if t >= 3000 { 400 } else { 20 })), None);
        // Next to nothing.
        assert_eq!(find_with(|t| (500, u64::from(t == 3300) * 30)), None);
        // Nobody knows what is usual.
        let mut history = History::new(Duration::from_secs(5));
        history.push(at(0), Totals::default());
        assert_eq!(find(&history, at(3600)), None);
    }
}
