//! `redis_*` from the INFO section `persistence`.

use super::{Kind, Metric, Parse, Unit};

const fn number(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::None, help)
}

const fn ok(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    number(fields, name, help).parsed(Parse::Word("ok"))
}

const fn bytes(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::Bytes, help)
}

const fn seconds(
    fields: &'static [&'static str],
    name: &'static str,
    help: &'static str,
) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::Seconds, help)
}

pub(super) const METRICS: &[Metric] = &[
    number(
        &["loading"],
        "redis_loading_dump_file",
        "Whether the data set is being loaded.",
    ),
    number(
        &["async_loading"],
        "redis_async_loading",
        "Whether a replica loads a data set while it serves the old one.",
    ),
    number(
        &["rdb_changes_since_last_save"],
        "redis_rdb_changes_since_last_save",
        "Changes since the last dump.",
    ),
    number(
        &["rdb_bgsave_in_progress"],
        "redis_rdb_bgsave_in_progress",
        "Whether a dump is being written.",
    ),
    seconds(
        &["rdb_last_save_time"],
        "redis_rdb_last_save_timestamp_seconds",
        "When the last dump succeeded, in seconds since 1970.",
    ),
    ok(
        &["rdb_last_bgsave_status"],
        "redis_rdb_last_bgsave_status",
        "1 when the last dump succeeded, else 0.",
    ),
    seconds(
        &["rdb_last_bgsave_time_sec"],
        "redis_rdb_last_bgsave_duration_seconds",
        "How long the last dump took.",
    )
    .instead_of("redis_rdb_last_bgsave_duration_sec"),
    seconds(
        &["rdb_current_bgsave_time_sec"],
        "redis_rdb_current_bgsave_duration_seconds",
        "How long the current dump has been running.",
    )
    .instead_of("redis_rdb_current_bgsave_duration_sec"),
    Metric::field(
        &["rdb_saves"],
        "redis_rdb_saves_total",
        Kind::Counter,
        Unit::None,
        "Dumps since the server started.",
    ),
    bytes(
        &["rdb_last_cow_size"],
        "redis_rdb_last_cow_size_bytes",
        "Memory copied on write during the last dump.",
    ),
    number(
        &["aof_enabled"],
        "redis_aof_enabled",
        "Whether the append-only file is on.",
    ),
    number(
        &["aof_rewrite_in_progress"],
        "redis_aof_rewrite_in_progress",
        "Whether the append-only file is being rewritten.",
    ),
    number(
        &["aof_rewrite_scheduled"],
        "redis_aof_rewrite_scheduled",
        "Whether a rewrite of the append-only file waits for a dump to end.",
    ),
    seconds(
        &["aof_last_rewrite_time_sec"],
        "redis_aof_last_rewrite_duration_seconds",
        "How long the last rewrite of the append-only file took.",
    )
    .instead_of("redis_aof_last_rewrite_duration_sec"),
    seconds(
        &["aof_current_rewrite_time_sec"],
        "redis_aof_current_rewrite_duration_seconds",
        "How long the current rewrite of the append-only file has been running.",
    )
    .instead_of("redis_aof_current_rewrite_duration_sec"),
    ok(
        &["aof_last_bgrewrite_status"],
        "redis_aof_last_bgrewrite_status",
        "1 when the last rewrite of the append-only file succeeded, else 0.",
    ),
    ok(
        &["aof_last_write_status"],
        "redis_aof_last_write_status",
        "1 when the last write to the append-only file succeeded, else 0.",
    ),
    bytes(
        &["aof_last_cow_size"],
        "redis_aof_last_cow_size_bytes",
        "Memory copied on write during the last rewrite of the append-only file.",
    ),
    bytes(
        &["aof_current_size"],
        "redis_aof_current_size_bytes",
        "Size of the append-only file.",
    ),
    bytes(
        &["aof_base_size"],
        "redis_aof_base_size_bytes",
        "Size of the append-only file after the last rewrite.",
    ),
    number(
        &["aof_pending_rewrite"],
        "redis_aof_pending_rewrite",
        "Whether a rewrite of the append-only file waits.",
    ),
    bytes(
        &["aof_buffer_length"],
        "redis_aof_buffer_length",
        "Size of the append-only file's buffer.",
    ),
    number(
        &["aof_pending_bio_fsync"],
        "redis_aof_pending_bio_fsync",
        "Fsync jobs that wait.",
    ),
    number(
        &["aof_delayed_fsync"],
        "redis_aof_delayed_fsync",
        "Fsyncs that were delayed (a counter under its customary name).",
    ),
    number(
        &["module_fork_in_progress"],
        "redis_module_fork_in_progress",
        "Whether a module's fork is running.",
    ),
    bytes(
        &["module_fork_last_cow_size"],
        "redis_module_fork_last_cow_size",
        "Memory copied on write during the last fork of a module.",
    ),
];
