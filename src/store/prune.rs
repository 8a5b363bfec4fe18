//! What is too old, or too much, goes.
//!
//! Invariant: nothing that is open or waits is ever removed: open incidents, their messages, waiting messages, silences
//! that hold.

use jiff::Timestamp;

use super::sql::{Link, Query, Result, micros, q};
use crate::model::record::RESOLUTIONS;

const DAY: i64 = 86_400;

/// How long, and how much of it, is kept. Times are seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Past incidents, transitions, attempts, annotations.
    past: i64,
    /// Of each of them.
    past_rows: i64,
    /// Messages that were delivered or superseded.
    delivered: i64,
    /// Messages that were given up.
    dead: i64,
    /// Silences that are over.
    silences: i64,
    /// Slots of each width.
    slots: [(u32, i64); 3],
    /// Slots of namespaces, each width.
    namespace_rows: i64,
}

impl Bounds {
    /// On disk.
    pub(super) const DISK: Self = Self {
        past: 400 * DAY,
        past_rows: 200_000,
        delivered: 8 * DAY,
        dead: 30 * DAY,
        silences: 400 * DAY,
        slots: [
            (RESOLUTIONS[0].0, RESOLUTIONS[0].1.cast_signed()),
            (RESOLUTIONS[1].0, RESOLUTIONS[1].1.cast_signed()),
            (RESOLUTIONS[2].0, RESOLUTIONS[2].1.cast_signed()),
        ],
        namespace_rows: 2_000_000,
    };
    /// In memory: enough to go on with, and for the page of the last day.
    pub(super) const MEMORY: Self = Self {
        past: 8 * DAY,
        past_rows: 10_000,
        delivered: DAY,
        dead: 8 * DAY,
        silences: DAY,
        slots: [
            (RESOLUTIONS[0].0, RESOLUTIONS[0].1.cast_signed()),
            (RESOLUTIONS[1].0, DAY),
            (RESOLUTIONS[2].0, 8 * DAY),
        ],
        namespace_rows: 100_000,
    };
}

/// Removes rows; gives how many.
pub(super) async fn prune(link: &mut Link, now: Timestamp, bounds: &Bounds) -> Result<u64> {
    let before = |seconds: i64| micros(now).saturating_sub(seconds.saturating_mul(1_000_000));
    let aged = [
        (q("delete from incidents where resolved < $1"), bounds.past),
        (q("delete from transitions where at < $1"), bounds.past),
        (q("delete from attempts where at < $1"), bounds.past),
        (
            q("delete from annotations where coalesce(ends, at) < $1"),
            bounds.past,
        ),
        (
            q(
                "delete from outbox where status in ('delivered', 'superseded') and queued < $1
                 and incident not in (select id from incidents where resolved is null)",
            ),
            bounds.delivered,
        ),
        (
            q("delete from outbox where status = 'dead' and queued < $1
                 and incident not in (select id from incidents where resolved is null)"),
            bounds.dead,
        ),
        (q("delete from silences where ends < $1"), bounds.silences),
    ];
    let mut removed = 0;
    for (query, age) in aged {
        removed += run(link, query.bind(before(age))).await?;
    }
    for (width, age) in bounds.slots {
        for query in [
            q("delete from history where width = $1 and at < $2"),
            q("delete from namespace_history where width = $1 and at < $2"),
        ] {
            removed += run(link, query.bind(i64::from(width)).bind(before(age))).await?;
        }
        let many = q(
            "delete from namespace_history where width = $1 and at <=
            (select at from namespace_history where width = $1 order by at desc limit 1 offset $2)",
        );
        let many = many.bind(i64::from(width)).bind(bounds.namespace_rows);
        removed += run(link, many).await?;
    }
    for query in [
        q("delete from incidents where resolved <=
            (select resolved from incidents where resolved is not null order by resolved desc limit 1 offset $1)"),
        q("delete from transitions where at <= (select at from transitions order by at desc limit 1 offset $1)"),
        q("delete from attempts where at <= (select at from attempts order by at desc limit 1 offset $1)"),
        q("delete from annotations where at <= (select at from annotations order by at desc limit 1 offset $1)"),
        q("delete from outbox where status = 'dead' and queued <=
            (select queued from outbox where status = 'dead' order by queued desc limit 1 offset $1)"),
        q("delete from outbox where status = 'delivered' and queued <=
            (select queued from outbox where status = 'delivered' order by queued desc limit 1 offset $1)
             and incident not in (select id from incidents where resolved is null)"),
    ] {
        removed += run(link, query.bind(bounds.past_rows)).await?;
    }
    Ok(removed)
}

async fn run(link: &mut Link, query: Query) -> Result<u64> {
    Ok(query.execute(link).await?.rows_affected())
}
