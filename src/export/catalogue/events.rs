//! `cache_events_*`: keyspace events and how complete they are.

use crate::model::events::{EventKind, EventsState};
use crate::model::gap::GapReason;

use super::{Kind, Metric, NODE, Read, Unit};

const REASON: &[&str] = &["cache", "node", "reason"];
const EVENT: &[&str] = &["cache", "node", "event"];

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "cache_events_total",
        Kind::Counter,
        Unit::None,
        EVENT,
        "Keyspace events received, by kind; `del` holds rename_from and move_from, too.",
        Read::Node(|v, s| {
            for kind in EventKind::ALL {
                s.count(&[kind.as_str()], v.node.events.seen.get(kind));
            }
            s.count(&["del"], v.node.events.deleted);
        }),
    )
    .from("the subscription to `expired`, `evicted`, `keymiss` and, where wanted, deletions"),
    Metric::new(
        "cache_events_completeness_ratio",
        Kind::Gauge,
        Unit::Ratio,
        EVENT,
        "Events received / events that the server counted, over the last five minutes. Absent when it counted none or nobody was subscribed.",
        Read::Node(|v, s| {
            for kind in EventKind::ALL {
                s.maybe(&[kind.as_str()], v.node.completeness.get(kind));
            }
        }),
    )
    .from("events against INFO `expired_keys`, `evicted_keys` and `keyspace_misses`"),
    Metric::new(
        "cache_events_state",
        Kind::Gauge,
        Unit::None,
        &["cache", "node", "state"],
        "How the subscription to keyspace events does: 1 for the current state, 0 for the others.",
        Read::Node(|v, s| {
            let state = v.node.events_status.state;
            s.states(&EventsState::ALL, state, EventsState::as_str, &[]);
        }),
    )
    .from("the subscription and CONFIG GET `notify-keyspace-events`"),
    Metric::new(
        "cache_events_gaps_total",
        Kind::Counter,
        Unit::None,
        REASON,
        "Gaps in the reception of events that are over, by reason; the start of cachewatch is one.",
        Read::Node(|v, s| {
            for reason in GapReason::ALL {
                s.count(&[reason.as_str()], v.node.gaps.of(reason).count);
            }
        }),
    )
    .from("the subscription; a restart, a failover and a cut at the output buffer limit are told apart by INFO"),
    Metric::new(
        "cache_events_gap_seconds_total",
        Kind::Counter,
        Unit::Seconds,
        REASON,
        "How long they lasted, from the last sign of life of the server to the next subscription.",
        Read::Node(|v, s| {
            for reason in GapReason::ALL {
                s.value(&[reason.as_str()], v.node.gaps.of(reason).lasted.as_secs_f64());
            }
        }),
    )
    .from("the subscription"),
    Metric::new(
        "cache_events_keys_cut_total",
        Kind::Counter,
        Unit::None,
        NODE,
        "Events whose key was longer than 64 KiB. They were counted, but only the beginning of the key was looked at.",
        Read::Node(|v, s| s.count(&[], v.node.events.keys_cut)),
    )
    .from("own counter"),
    Metric::new(
        "cache_events_bytes_total",
        Kind::Counter,
        Unit::Bytes,
        NODE,
        "Bytes read from the connection for events.",
        Read::Node(|v, s| s.count(&[], v.node.events.bytes)),
    )
    .from("the subscription"),
];
