//! `cachewatch_*` about the work on each node: polls and what bounds cut.

use crate::model::poll::PollErrorKind;

use super::{Kind, Metric, NODE, Read, Unit};
use super::{redis_commands, redis_keyspace, redis_replication};

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "cachewatch_poll_interval_seconds",
        Kind::Gauge,
        Unit::Seconds,
        NODE,
        "How often the node is polled.",
        Read::Node(|v, s| s.value(&[], v.node.poll_interval.as_secs_f64())),
    )
    .from("configuration"),
    Metric::new(
        "cachewatch_poll_duration_seconds",
        Kind::Histogram,
        Unit::Seconds,
        NODE,
        "How long polls took, connecting included, failed ones too.",
        Read::Node(|v, s| s.histogram(&[], &v.node.poll_durations)),
    )
    .from("own measurement"),
    Metric::new(
        "cachewatch_poll_errors_total",
        Kind::Counter,
        Unit::None,
        &["cache", "node", "reason"],
        "Polls that failed, by reason.",
        Read::Node(|v, s| {
            for kind in PollErrorKind::ALL {
                let n = v.node.poll_errors.get(&kind).copied().unwrap_or(0);
                s.count(&[kind.as_str()], n);
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_label_values_cut",
        Kind::Gauge,
        Unit::None,
        &["cache", "node", "label"],
        "Label values of the last reading that are not exported because the node has more than the bound.",
        Read::Reading(|v, r, s| {
            s.count(&["cmd"], redis_commands::commands_cut(r));
            s.count(&["err"], redis_commands::errors_cut(r));
            s.count(&["db"], redis_keyspace::databases_cut(v.node));
            s.count(&["slave_ip"], redis_replication::replicas_cut(r));
        }),
    )
    .from("bounds of the exposition"),
];
