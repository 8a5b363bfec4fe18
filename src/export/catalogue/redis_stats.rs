//! `redis_*` from the INFO section `stats`.
//!
//! redis_exporter types some counters as gauges or leaves out `_total`. The names are kept where promtool accepts them
//! (as gauges then: to Prometheus the type makes no difference); where it does not, the name is mended and the
//! customary one noted.

use super::{Kind, Metric, Parse, Unit};

const fn counter(
    fields: &'static [&'static str],
    name: &'static str,
    help: &'static str,
) -> Metric {
    Metric::field(fields, name, Kind::Counter, Unit::None, help)
}

const fn bytes(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Counter, Unit::Bytes, help)
}

const fn gauge(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::None, help)
}

const fn millis(
    fields: &'static [&'static str],
    name: &'static str,
    kind: Kind,
    help: &'static str,
) -> Metric {
    Metric::field(fields, name, kind, Unit::Seconds, help).parsed(Parse::Number(0.001))
}

pub(super) const METRICS: &[Metric] = &[
    counter(
        &["total_connections_received"],
        "redis_connections_received_total",
        "Connections accepted.",
    ),
    counter(
        &["total_commands_processed"],
        "redis_commands_processed_total",
        "Commands processed.",
    ),
    counter(
        &["rejected_connections"],
        "redis_rejected_connections_total",
        "Connections refused because of maxclients.",
    ),
    counter(
        &["evicted_clients"],
        "redis_evicted_clients_total",
        "Clients closed because of maxmemory-clients.",
    ),
    bytes(
        &["total_net_input_bytes"],
        "redis_net_input_bytes_total",
        "Bytes received.",
    ),
    bytes(
        &["total_net_output_bytes"],
        "redis_net_output_bytes_total",
        "Bytes sent.",
    ),
    bytes(
        &["total_net_repl_input_bytes"],
        "redis_net_repl_input_bytes_total",
        "Bytes received for replication.",
    ),
    bytes(
        &["total_net_repl_output_bytes"],
        "redis_net_repl_output_bytes_total",
        "Bytes sent for replication.",
    ),
    counter(
        &["keyspace_hits"],
        "redis_keyspace_hits_total",
        "Keys found by read commands, since the server's counters began anew.",
    ),
    counter(
        &["keyspace_misses"],
        "redis_keyspace_misses_total",
        "Keys not found by read commands, since the server's counters began anew.",
    ),
    counter(
        &["evicted_keys"],
        "redis_evicted_keys_total",
        "Keys removed because of maxmemory, since the server's counters began anew.",
    ),
    counter(
        &["expired_keys"],
        "redis_expired_keys_total",
        "Keys removed because their time to live was over, since the server's counters began anew.",
    ),
    counter(
        &["expired_subkeys", "expired_fields"],
        "redis_expired_subkeys_total",
        "Hash fields removed because their time to live was over.",
    ),
    Metric::field(
        &["expired_stale_perc"],
        "redis_expired_stale_percentage",
        Kind::Gauge,
        Unit::Percent,
        "The server's estimate of how many of the keys with a time to live are expired but not yet removed, 0..100.",
    ),
    counter(
        &["expired_time_cap_reached_count"],
        "redis_expired_time_cap_reached_total",
        "How often the expire cycle stopped because its time was over.",
    ),
    millis(
        &["expire_cycle_cpu_milliseconds"],
        "redis_expire_cycle_cpu_time_seconds_total",
        Kind::Counter,
        "CPU time of the expire cycle.",
    )
    .instead_of("redis_expire_cycle_cpu_time_ms_total"),
    millis(
        &["total_eviction_exceeded_time"],
        "redis_eviction_exceeded_time_seconds_total",
        Kind::Counter,
        "Time during which the server used more memory than its limit.",
    )
    .instead_of("redis_eviction_exceeded_time_ms_total"),
    millis(
        &["current_eviction_exceeded_time"],
        "redis_current_eviction_exceeded_time_seconds",
        Kind::Gauge,
        "For how long the server has been using more memory than its limit; 0 when it does not.",
    )
    .instead_of("redis_current_eviction_exceeded_time_ms"),
    gauge(
        &["pubsub_channels"],
        "redis_pubsub_channels",
        "Channels with subscribers.",
    ),
    gauge(
        &["pubsub_patterns"],
        "redis_pubsub_patterns",
        "Patterns with subscribers.",
    ),
    gauge(
        &["dump_payload_sanitizations"],
        "redis_dump_payload_sanitizations",
        "Deep checks of DUMP payloads (a counter under its customary name).",
    ),
    Metric::field(
        &["latest_fork_usec"],
        "redis_latest_fork_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "How long the last fork took.",
    )
    .parsed(Parse::Number(1e-6)),
    gauge(
        &["active_defrag_hits"],
        "redis_defrag_hits",
        "Values moved by active defragmentation (a counter under its customary name).",
    ),
    gauge(
        &["active_defrag_misses"],
        "redis_defrag_misses",
        "Values not moved by active defragmentation (a counter under its customary name).",
    ),
    gauge(
        &["active_defrag_key_hits"],
        "redis_defrag_key_hits",
        "Keys defragmented (a counter under its customary name).",
    ),
    gauge(
        &["active_defrag_key_misses"],
        "redis_defrag_key_misses",
        "Keys skipped by active defragmentation (a counter under its customary name).",
    ),
    gauge(
        &["tracking_total_keys"],
        "redis_tracking_total_keys",
        "Keys tracked for client-side caching.",
    ),
    gauge(
        &["tracking_total_items"],
        "redis_tracking_total_items",
        "Items tracked for client-side caching.",
    ),
    gauge(
        &["tracking_total_prefixes"],
        "redis_tracking_total_prefixes",
        "Prefixes tracked for client-side caching.",
    ),
    gauge(
        &["total_error_replies"],
        "redis_total_error_replies",
        "Error replies (a counter under its customary name).",
    ),
    gauge(
        &["unexpected_error_replies"],
        "redis_unexpected_error_replies",
        "Unexpected error replies (a counter under its customary name).",
    ),
    gauge(
        &["total_reads_processed"],
        "redis_total_reads_processed",
        "Read events processed (a counter under its customary name).",
    ),
    gauge(
        &["total_writes_processed"],
        "redis_total_writes_processed",
        "Write events processed (a counter under its customary name).",
    ),
    gauge(
        &["io_threaded_reads_processed"],
        "redis_io_threaded_reads_processed",
        "Read events processed by I/O threads (a counter under its customary name).",
    ),
    gauge(
        &["io_threaded_writes_processed"],
        "redis_io_threaded_writes_processed",
        "Write events processed by I/O threads (a counter under its customary name).",
    ),
    gauge(
        &["slave_expires_tracked_keys"],
        "redis_slave_expires_tracked_keys",
        "Keys whose expiry a writable replica tracks.",
    ),
    counter(
        &["long_lock_waits"],
        "redis_long_lock_waits_total",
        "KeyDB: long waits for the global lock.",
    ),
];
