//! `redis_*` from the INFO section `memory`.

use super::{Kind, Metric, Unit};

const fn bytes(field: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(field, name, Kind::Gauge, Unit::Bytes, help)
}

const fn ratio(field: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(field, name, Kind::Gauge, Unit::Ratio, help)
}

const fn number(field: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(field, name, Kind::Gauge, Unit::None, help)
}

pub(super) const METRICS: &[Metric] = &[
    bytes(
        &["used_memory"],
        "redis_memory_used_bytes",
        "Memory that the server has allocated.",
    ),
    bytes(
        &["maxmemory"],
        "redis_memory_max_bytes",
        "Memory limit; 0 means none.",
    ),
    bytes(
        &["maxmemory"],
        "redis_config_maxmemory",
        "Memory limit, under the name that redis_exporter gives the setting; 0 means none.",
    ),
    bytes(
        &["used_memory_rss"],
        "redis_memory_used_rss_bytes",
        "Memory as the operating system sees it.",
    ),
    bytes(
        &["used_memory_peak"],
        "redis_memory_used_peak_bytes",
        "The most memory that was ever allocated.",
    ),
    bytes(
        &["used_memory_overhead"],
        "redis_memory_used_overhead_bytes",
        "Memory for everything but the data.",
    ),
    bytes(
        &["used_memory_startup"],
        "redis_memory_used_startup_bytes",
        "Memory right after the start.",
    ),
    bytes(
        &["used_memory_dataset"],
        "redis_memory_used_dataset_bytes",
        "Memory for the data.",
    ),
    bytes(
        &["used_memory_lua"],
        "redis_memory_used_lua_bytes",
        "Memory of the Lua engine.",
    ),
    bytes(
        &["used_memory_scripts"],
        "redis_memory_used_scripts_bytes",
        "Memory of cached scripts.",
    ),
    bytes(
        &["total_system_memory"],
        "redis_total_system_memory_bytes",
        "Memory of the machine.",
    ),
    ratio(
        &["mem_fragmentation_ratio"],
        "redis_mem_fragmentation_ratio",
        "Memory as the operating system sees it / memory allocated; above 1 in general.",
    ),
    bytes(
        &["mem_fragmentation_bytes"],
        "redis_mem_fragmentation_bytes",
        "Memory as the operating system sees it minus memory allocated.",
    ),
    bytes(
        &["mem_not_counted_for_evict"],
        "redis_mem_not_counted_for_eviction_bytes",
        "Memory that does not count against the limit.",
    ),
    bytes(
        &["mem_total_replication_buffers"],
        "redis_mem_total_replication_buffers_bytes",
        "Memory of all replication buffers.",
    ),
    bytes(
        &["mem_clients_slaves"],
        "redis_mem_clients_slaves",
        "Memory of the replicas' buffers.",
    ),
    bytes(
        &["mem_clients_normal"],
        "redis_mem_clients_normal",
        "Memory of the clients' buffers.",
    ),
    bytes(
        &["mem_aof_buffer"],
        "redis_mem_aof_buffer_bytes",
        "Memory of the append-only file's buffers.",
    ),
    bytes(
        &["allocator_active"],
        "redis_allocator_active_bytes",
        "Memory in the allocator's active pages.",
    ),
    bytes(
        &["allocator_allocated"],
        "redis_allocator_allocated_bytes",
        "Memory that the allocator has handed out.",
    ),
    bytes(
        &["allocator_resident"],
        "redis_allocator_resident_bytes",
        "Memory that the allocator holds resident.",
    ),
    ratio(
        &["allocator_frag_ratio"],
        "redis_allocator_frag_ratio",
        "Active / allocated; above 1 in general.",
    ),
    bytes(
        &["allocator_frag_bytes"],
        "redis_allocator_frag_bytes",
        "Active minus allocated.",
    ),
    ratio(
        &["allocator_rss_ratio"],
        "redis_allocator_rss_ratio",
        "Resident / active; above 1 in general.",
    ),
    bytes(
        &["allocator_rss_bytes"],
        "redis_allocator_rss_bytes",
        "Resident minus active.",
    ),
    number(
        &["lazyfree_pending_objects"],
        "redis_lazyfree_pending_objects",
        "Objects that wait to be freed in the background.",
    ),
    number(
        &["active_defrag_running"],
        "redis_active_defrag_running",
        "Whether active defragmentation runs; in newer servers its share of CPU in percent.",
    ),
    number(
        &["number_of_cached_scripts"],
        "redis_number_of_cached_scripts",
        "Scripts in the script cache.",
    ),
];
