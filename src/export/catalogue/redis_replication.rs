//! `redis_*` from the INFO section `replication`, as a primary and as a replica sees it.

use crate::export::series::Series;
use crate::model::reading::Reading;

use super::redis_commands::part;
use super::{Kind, Metric, Read, Unit};

/// The most replicas of a primary that are exported.
const MAX_REPLICAS: usize = 64;

const REPLICA: &[&str] = &["cache", "node", "slave_ip", "slave_port", "slave_state"];
const PRIMARY: &[&str] = &["cache", "node", "master_host", "master_port"];

const fn number(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::None, help)
}

const fn bytes(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::Bytes, help)
}

/// What a replica says about its primary.
const fn primary(
    name: &'static str,
    unit: Unit,
    source: &'static str,
    help: &'static str,
    read: fn(&super::NodeView<'_>, &Reading, &mut Series<'_>),
) -> Metric {
    Metric::new(name, Kind::Gauge, unit, PRIMARY, help, Read::Reading(read)).from(source)
}

pub(super) const METRICS: &[Metric] = &[
    number(
        &["connected_slaves"],
        "redis_connected_slaves",
        "Replicas that are connected.",
    ),
    Metric::new(
        "redis_connected_slave_offset_bytes",
        Kind::Gauge,
        Unit::Bytes,
        REPLICA,
        "Replication offset that the replica has confirmed.",
        Read::Reading(|_, r, s| each_replica(r, s, "offset")),
    )
    .from("INFO `slaveN`, `offset`"),
    Metric::new(
        "redis_connected_slave_lag_seconds",
        Kind::Gauge,
        Unit::Seconds,
        REPLICA,
        "Time since the replica last confirmed its offset.",
        Read::Reading(|_, r, s| each_replica(r, s, "lag")),
    )
    .from("INFO `slaveN`, `lag`"),
    primary(
        "redis_master_link_up",
        Unit::None,
        "INFO `master_link_status`",
        "On a replica: whether the link to its primary is up.",
        |_, r, s| {
            let up = r
                .fields
                .get("master_link_status")
                .map(|t| f64::from(u8::from(t == "up")));
            of_primary(r, s, up);
        },
    ),
    primary(
        "redis_master_sync_in_progress",
        Unit::None,
        "INFO `master_sync_in_progress`",
        "On a replica: whether it is being synchronised.",
        |_, r, s| of_primary(r, s, r.fields.f64("master_sync_in_progress")),
    ),
    primary(
        "redis_master_last_io_seconds_ago",
        Unit::Seconds,
        "INFO `master_last_io_seconds_ago`",
        "On a replica: time since its primary last said something. Absent while the link is down.",
        |_, r, s| of_primary(r, s, r.fields.f64("master_last_io_seconds_ago")),
    ),
    primary(
        "redis_slave_repl_offset",
        Unit::Bytes,
        "INFO `slave_repl_offset`",
        "On a replica: its replication offset.",
        |_, r, s| of_primary(r, s, r.fields.f64("slave_repl_offset")),
    ),
    Metric::new(
        "redis_slave_info",
        Kind::Gauge,
        Unit::None,
        &["cache", "node", "master_host", "master_port", "read_only"],
        "On a replica: always 1; tells its primary and whether it refuses writes.",
        Read::Reading(|_, r, s| {
            let read_only = r.fields.get("slave_read_only").unwrap_or_default();
            if let Some((host, port)) = the_primary(r) {
                s.value(&[host, port, read_only], 1.0);
            }
        }),
    )
    .from("INFO `master_host`, `master_port`, `slave_read_only`"),
    number(
        &["slave_priority"],
        "redis_slave_priority",
        "On a replica: its priority for a failover.",
    ),
    bytes(
        &["master_repl_offset"],
        "redis_master_repl_offset",
        "The node's own replication offset.",
    ),
    bytes(
        &["second_repl_offset"],
        "redis_second_repl_offset",
        "Up to which offset the former replication id is accepted. Absent when there was none.",
    ),
    number(
        &["repl_backlog_active"],
        "redis_repl_backlog_is_active",
        "Whether there is a replication backlog.",
    ),
    bytes(
        &["repl_backlog_size"],
        "redis_replication_backlog_bytes",
        "Size of the replication backlog.",
    ),
    bytes(
        &["repl_backlog_first_byte_offset"],
        "redis_repl_backlog_first_byte_offset",
        "Offset of the first byte in the replication backlog.",
    ),
    bytes(
        &["repl_backlog_histlen"],
        "redis_repl_backlog_history_bytes",
        "Bytes of data in the replication backlog.",
    ),
    number(
        &["sync_full"],
        "redis_replica_resyncs_full",
        "Full synchronisations with replicas (a counter under its customary name).",
    ),
    number(
        &["sync_partial_ok"],
        "redis_replica_partial_resync_accepted",
        "Partial synchronisations accepted (a counter under its customary name).",
    ),
    number(
        &["sync_partial_err"],
        "redis_replica_partial_resync_denied",
        "Partial synchronisations refused (a counter under its customary name).",
    ),
];

/// `slave0:ip=…,port=…,state=…,offset=…,lag=…`; other fields begin with `slave_`.
fn replicas(reading: &Reading) -> impl Iterator<Item = &str> {
    let lines = reading.fields.with_prefix("slave");
    lines
        .filter(|(rest, _)| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        .map(|(_, text)| text)
}

/// How many replicas are over the bound.
pub(super) fn replicas_cut(reading: &Reading) -> u64 {
    replicas(reading).skip(MAX_REPLICAS).count() as u64
}

fn each_replica(reading: &Reading, series: &mut Series<'_>, key: &str) {
    for text in replicas(reading).take(MAX_REPLICAS) {
        let word = |key: &str| {
            let found = text
                .split(',')
                .find_map(|p| p.split_once('=').filter(|(k, _)| *k == key));
            found.map_or("", |(_, value)| value)
        };
        series.maybe(&[word("ip"), word("port"), word("state")], part(text, key));
    }
}

fn the_primary(reading: &Reading) -> Option<(&str, &str)> {
    let host = reading.fields.get("master_host")?;
    Some((host, reading.fields.get("master_port").unwrap_or_default()))
}

fn of_primary(reading: &Reading, series: &mut Series<'_>, value: Option<f64>) {
    if let Some((host, port)) = the_primary(reading) {
        series.maybe(&[host, port], value);
    }
}
