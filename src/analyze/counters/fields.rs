//! Arithmetic on all counters of a reading at once.
//!
//! Invariant: a difference is never negative, and an absent counter stays absent.

use std::time::Duration;

use crate::model::reading::Counters;

/// More than a server process can count in a second, MGET of thousands of keys included. What claims more is a lie, or
/// the counter of somebody else.
const MAX_COUNTS_PER_SECOND: u64 = 1_000_000_000;

/// More commands than a server process can do in a second.
const MAX_COMMANDS_PER_SECOND: u64 = 10_000_000;

/// A reading may be late; short intervals are judged as if they were longer by this.
const LENIENCE: Duration = Duration::from_secs(2);

/// All counters at 0.
pub(super) const ZERO: Counters = Counters {
    hits: Some(0),
    misses: Some(0),
    evicted: Some(0),
    expired: Some(0),
    commands: Some(0),
    connections: Some(0),
};

fn zip(
    a: &Counters,
    b: &Counters,
    f: impl Fn(Option<u64>, Option<u64>) -> Option<u64>,
) -> Counters {
    Counters {
        hits: f(a.hits, b.hits),
        misses: f(a.misses, b.misses),
        evicted: f(a.evicted, b.evicted),
        expired: f(a.expired, b.expired),
        commands: f(a.commands, b.commands),
        connections: f(a.connections, b.connections),
    }
}

fn values(counters: &Counters) -> [Option<u64>; 6] {
    [
        counters.hits,
        counters.misses,
        counters.evicted,
        counters.expired,
        counters.commands,
        counters.connections,
    ]
}

/// What was counted between two readings. A counter that is reported for the first time gives 0.
pub(super) fn since(new: &Counters, old: &Counters) -> Counters {
    zip(new, old, |new, old| {
        new.map(|new| old.map_or(0, |old| new.saturating_sub(old)))
    })
}

/// The first where it is reported, else the second.
pub(super) fn or(a: &Counters, b: &Counters) -> Counters {
    zip(a, b, Option::or)
}

/// Whether any counter is lower than before.
pub(super) fn any_dropped(new: &Counters, old: &Counters) -> bool {
    values(new)
        .into_iter()
        .zip(values(old))
        .any(|pair| matches!(pair, (Some(new), Some(old)) if new < old))
}

/// Whether a server can have counted this in this time.
pub(super) fn is_plausible(delta: &Counters, span: Duration) -> bool {
    let most = at_most(MAX_COUNTS_PER_SECOND, span);
    values(delta).into_iter().flatten().all(|n| n <= most)
}

/// Whether commands that are reported can all have been done in this time, as they must after a reset within it.
pub(super) fn commands_fit(counters: &Counters, span: Duration) -> bool {
    counters
        .commands
        .is_none_or(|n| n <= at_most(MAX_COMMANDS_PER_SECOND, span))
}

fn at_most(per_second: u64, span: Duration) -> u64 {
    span.saturating_add(LENIENCE)
        .as_secs()
        .saturating_add(1)
        .saturating_mul(per_second)
}
