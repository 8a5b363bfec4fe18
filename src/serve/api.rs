//! `/api/v1/caches`: the snapshot as JSON; and the list of the other routes of the API, one file each.
//!
//! The shape is a promise: fields are added, never renamed or removed under `v1`. Ratios are 0..1, times are seconds or
//! RFC 3339 in UTC, sizes are bytes. `null` says "not known" or "too few lookups to say", never 0.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{delete, get, post};
use jiff::Timestamp;
use serde::Serialize;

use super::AppState;

use crate::model::events::{EventKind, EventsState, PerKind};
use crate::model::gap::GapReason;
use crate::model::incident::AlertStatus;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::reading::{Flavour, Memory, Role};
use crate::model::snapshot::{CacheSnapshot, CacheState, NodeSnapshot, ResetReason, Snapshot};
use crate::model::time::Now;
use crate::model::window::{Sparkline, Totals, WindowStats};

mod annotations;
mod answer;
mod attribution;
mod explain;
mod fields;
mod history;
mod incidents;
mod query;
mod silences;
#[cfg(test)]
mod tests;
mod when;

use attribution::Attribution;

/// The routes about what is remembered: incidents, silences, annotations, history. What changes something asks for the
/// token; the others are as open as `/api/v1/caches`.
pub(super) fn routes() -> Router<AppState> {
    use answer::{only_delete, only_get, only_get_and_post, only_post};
    Router::new()
        .route("/api/v1/incidents", get(incidents::list).fallback(only_get))
        .route(
            "/api/v1/incidents/{id}",
            get(incidents::one).fallback(only_get),
        )
        .route(
            "/api/v1/incidents/{id}/explain",
            get(explain::explain).fallback(only_get),
        )
        .route(
            "/api/v1/incidents/{id}/acknowledge",
            post(incidents::acknowledge).fallback(only_post),
        )
        .route(
            "/api/v1/silences",
            get(silences::list)
                .post(silences::add)
                .fallback(only_get_and_post),
        )
        .route(
            "/api/v1/silences/{id}",
            delete(silences::end).fallback(only_delete),
        )
        .route(
            "/api/v1/annotations",
            get(annotations::list)
                .post(annotations::add)
                .fallback(only_get_and_post),
        )
        .route(
            "/api/v1/caches/{cache}/history",
            get(history::history).fallback(only_get),
        )
}

/// The id of something new: 128 random bits. It tells things apart; nobody is let in by knowing it.
fn random_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct CachesResponse<'a> {
    /// cachewatch's version.
    pub version: &'static str,
    /// When the snapshot was made.
    pub at: Timestamp,
    /// Grows by one at every tick.
    pub sequence: u64,
    /// All caches, by name.
    pub caches: Vec<Cache<'a>>,
}

/// One cache.
#[derive(Debug, Serialize)]
pub struct Cache<'a> {
    name: &'a str,
    labels: &'a BTreeMap<String, String>,
    state: CacheState,
    /// Since cachewatch began to watch it, sums over its nodes.
    totals: Totals,
    windows: Vec<Window<'a>>,
    /// Miss ratio over the last hour, or less while there is less: evenly spaced points, oldest first.
    miss_ratio_history: &'a Sparkline,
    alerts: &'a [AlertStatus],
    nodes: Vec<Node<'a>>,
    /// Misses, evictions and expirations by namespace and cause; `null` when events are switched off.
    attribution: Option<Attribution<'a>>,
}

/// One window of a cache.
#[derive(Debug, Serialize)]
struct Window<'a> {
    #[serde(flatten)]
    stats: &'a WindowStats,
    /// The sample size.
    lookups: Option<u64>,
    hit_ratio: Option<f64>,
}

/// One node of a cache.
#[derive(Debug, Serialize)]
struct Node<'a> {
    name: &'a str,
    up: bool,
    /// Why the last poll failed.
    error: Option<&'a PollError>,
    poll_interval_seconds: f64,
    polls: u64,
    poll_errors: &'a BTreeMap<PollErrorKind, u64>,
    counter_resets: &'a BTreeMap<ResetReason, u64>,
    totals: Totals,
    /// The last reading, also when the node is down: mind its age.
    reading: Option<LastReading<'a>>,
    events: Events<'a>,
}

/// What the last poll that succeeded said.
#[derive(Debug, Serialize)]
struct LastReading<'a> {
    at: Timestamp,
    age_seconds: f64,
    flavour: Flavour,
    version: Option<&'a str>,
    role: Role,
    keys: u64,
    memory_used_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
    memory_policy: Option<&'a str>,
}

/// How a node's keyspace events do.
#[derive(Debug, Serialize)]
struct Events<'a> {
    state: EventsState,
    message: &'a str,
    /// The command that mends it.
    remedy: Option<&'a str>,
    received: BTreeMap<&'static str, u64>,
    /// Received / counted by the server over the last five minutes.
    completeness: BTreeMap<&'static str, Option<f64>>,
    /// How often a working subscription ended.
    gaps: u64,
    /// Gaps that are over, by reason: how many, and how long in all.
    gaps_by_reason: BTreeMap<&'static str, GapTotals>,
    /// The last of them.
    last_gap: Option<LastGap>,
}

#[derive(Debug, Serialize)]
struct GapTotals {
    count: u64,
    seconds: f64,
}

/// When events were not received, and why.
#[derive(Debug, Serialize)]
struct LastGap {
    began: Timestamp,
    ended: Timestamp,
    seconds: f64,
    reason: GapReason,
    /// At least so many events were lost; `null`: not known.
    events_lost: Option<u64>,
}

/// The snapshot in the shape of the API.
pub fn caches(snapshot: &Snapshot) -> CachesResponse<'_> {
    CachesResponse {
        version: env!("CARGO_PKG_VERSION"),
        at: snapshot.at.wall,
        sequence: snapshot.sequence,
        caches: snapshot
            .caches
            .iter()
            .map(|c| cache(c, snapshot.at))
            .collect(),
    }
}

fn cache(cache: &CacheSnapshot, now: Now) -> Cache<'_> {
    Cache {
        name: cache.name.as_str(),
        labels: &cache.labels,
        state: cache.state,
        totals: cache.totals,
        windows: cache
            .windows
            .iter()
            .map(|stats| Window {
                stats,
                lookups: stats.lookups(),
                hit_ratio: stats.hit_ratio(),
            })
            .collect(),
        miss_ratio_history: &cache.history,
        alerts: &cache.alerts,
        nodes: cache.nodes.iter().map(|n| node(n, now)).collect(),
        attribution: cache.attribution.as_deref().map(Attribution::new),
    }
}

fn node(node: &NodeSnapshot, now: Now) -> Node<'_> {
    let status = &node.events_status;
    Node {
        name: node.name.as_str(),
        up: node.up,
        error: node.error.as_ref(),
        poll_interval_seconds: node.poll_interval.as_secs_f64(),
        polls: node.poll_durations.count(),
        poll_errors: &node.poll_errors,
        counter_resets: &node.resets,
        totals: node.totals,
        reading: last_reading(node, now),
        events: Events {
            state: status.state,
            message: &status.message,
            remedy: status.remedy.as_deref(),
            received: by_kind(&node.events.seen),
            completeness: by_kind(&node.completeness),
            gaps: node.events.gaps,
            gaps_by_reason: node
                .gaps
                .totals
                .iter()
                .map(|(reason, totals)| {
                    let totals = GapTotals {
                        count: totals.count,
                        seconds: totals.lasted.as_secs_f64(),
                    };
                    (reason.as_str(), totals)
                })
                .collect(),
            last_gap: node.gaps.last.map(|gap| LastGap {
                began: gap.began.wall,
                ended: gap.ended.wall,
                seconds: gap.lasted().as_secs_f64(),
                reason: gap.reason,
                events_lost: gap.lost,
            }),
        },
    }
}

fn last_reading(node: &NodeSnapshot, now: Now) -> Option<LastReading<'_>> {
    let (at, reading) = node.read_at.zip(node.reading.as_ref())?;
    let Memory {
        used,
        limit,
        policy,
    } = &reading.memory;
    Some(LastReading {
        at: at.wall,
        age_seconds: now.since(at).as_secs_f64(),
        flavour: reading.flavour,
        version: reading.version.as_deref(),
        role: reading.role,
        keys: reading.keys(),
        memory_used_bytes: *used,
        memory_limit_bytes: *limit,
        memory_policy: policy.as_deref(),
    })
}

fn by_kind<T: Copy>(values: &PerKind<T>) -> BTreeMap<&'static str, T> {
    EventKind::ALL
        .map(|kind| (kind.as_str(), values.get(kind)))
        .into()
}
