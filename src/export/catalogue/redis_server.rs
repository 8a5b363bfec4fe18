//! `redis_*` from the INFO sections `server`, `clients`, `cpu`, `cluster` and `sentinel`.

use super::{Kind, Metric, NODE, Parse, Read, Unit};

const fn number(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::None, help)
}

const fn cpu(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Counter, Unit::Seconds, help)
}

const fn bytes(fields: &'static [&'static str], name: &'static str, help: &'static str) -> Metric {
    Metric::field(fields, name, Kind::Gauge, Unit::Bytes, help)
}

const fn counter(
    fields: &'static [&'static str],
    name: &'static str,
    help: &'static str,
) -> Metric {
    Metric::field(fields, name, Kind::Counter, Unit::None, help)
}

/// Labels of `redis_instance_info`; each is also the name of its INFO field.
const INFO_LABELS: &[&str] = &[
    "cache",
    "node",
    "role",
    "redis_version",
    "redis_build_id",
    "redis_mode",
    "os",
    "maxmemory_policy",
    "tcp_port",
    "run_id",
    "process_id",
    "master_replid",
    "valkey_version",
    "valkey_release_stage",
    "availability_zone",
];

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "redis_up",
        Kind::Gauge,
        Unit::None,
        NODE,
        "1 when the node answers, else 0; the same as cache_up.",
        Read::Node(|v, s| s.flag(&[], v.node.up)),
    )
    .from("polls"),
    Metric::new(
        "redis_instance_info",
        Kind::Gauge,
        Unit::None,
        INFO_LABELS,
        "Always 1; tells what the server says about itself. Valkey reports a compatible Redis version in redis_version.",
        Read::Reading(|_, r, s| {
            let mut values = Vec::with_capacity(INFO_LABELS.len());
            for field in INFO_LABELS.iter().skip(NODE.len()) {
                let value = r.fields.get(field);
                // Valkey names the mode after itself.
                let other = (*field == "redis_mode").then_some("server_mode");
                let value = value.or_else(|| r.fields.get(other?));
                values.push(value.unwrap_or_default());
            }
            s.value(&values, 1.0);
        }),
    )
    .from("the INFO fields of the labels' names"),
    Metric::field(
        &["uptime_in_seconds"],
        "redis_uptime_in_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "How long the server process has been running.",
    ),
    Metric::new(
        "redis_start_time_seconds",
        Kind::Gauge,
        Unit::Seconds,
        NODE,
        "When the server process started, in whole seconds since 1970.",
        Read::Reading(|v, r, s| {
            let started = v.node.read_at.zip(r.identity.uptime_seconds).map(|(at, uptime)| {
                at.wall.as_second() as f64 - uptime as f64
            });
            s.maybe(&[], started);
        }),
    )
    .from("time of the reading minus INFO `uptime_in_seconds`"),
    number(&["process_id"], "redis_process_id", "Process id of the server."),
    number(&["io_threads_active"], "redis_io_threads_active", "Whether I/O threads are active; in newer servers how many."),
    number(&["connected_clients"], "redis_connected_clients", "Client connections, without replicas."),
    number(&["blocked_clients"], "redis_blocked_clients", "Clients that wait in a blocking command."),
    number(&["tracking_clients"], "redis_tracking_clients", "Clients that use client-side caching."),
    number(&["pubsub_clients"], "redis_pubsub_clients", "Clients in pub/sub mode."),
    number(&["watching_clients"], "redis_watching_clients", "Clients that WATCH keys."),
    number(&["clients_in_timeout_table"], "redis_clients_in_timeout_table", "Clients in the time-out table."),
    number(&["cluster_connections"], "redis_cluster_connections", "Connections of the cluster bus."),
    number(&["maxclients"], "redis_max_clients", "Limit of client connections."),
    number(&["maxclients"], "redis_config_maxclients", "Limit of client connections, under the name that redis_exporter gives the setting."),
    bytes(&["client_recent_max_input_buffer"], "redis_client_recent_max_input_buffer_bytes", "Largest input buffer among the clients of late."),
    bytes(&["client_recent_max_output_buffer"], "redis_client_recent_max_output_buffer_bytes", "Largest output buffer among the clients of late."),
    cpu(&["used_cpu_sys"], "redis_cpu_sys_seconds_total", "CPU time of the server in the kernel."),
    cpu(&["used_cpu_user"], "redis_cpu_user_seconds_total", "CPU time of the server in user mode."),
    cpu(&["used_cpu_sys_children"], "redis_cpu_sys_children_seconds_total", "CPU time of background processes in the kernel."),
    cpu(&["used_cpu_user_children"], "redis_cpu_user_children_seconds_total", "CPU time of background processes in user mode."),
    cpu(&["used_cpu_sys_main_thread"], "redis_cpu_sys_main_thread_seconds_total", "CPU time of the main thread in the kernel."),
    cpu(&["used_cpu_user_main_thread"], "redis_cpu_user_main_thread_seconds_total", "CPU time of the main thread in user mode."),
    number(&["cluster_enabled"], "redis_cluster_enabled", "Whether cluster mode is on."),
    number(&["cluster_state"], "redis_cluster_state", "1 when the cluster is ok, as this node sees it.")
        .parsed(Parse::Word("ok")),
    number(&["cluster_slots_assigned"], "redis_cluster_slots_assigned", "Hash slots that are assigned to a node."),
    number(&["cluster_slots_ok"], "redis_cluster_slots_ok", "Hash slots on nodes that are well."),
    number(&["cluster_slots_pfail"], "redis_cluster_slots_pfail", "Hash slots on nodes that may have failed."),
    number(&["cluster_slots_fail"], "redis_cluster_slots_fail", "Hash slots on nodes that have failed."),
    number(&["cluster_known_nodes"], "redis_cluster_known_nodes", "Nodes in the cluster, as this node knows."),
    number(&["cluster_size"], "redis_cluster_size", "Primaries that serve at least one hash slot."),
    counter(&["cluster_stats_messages_sent"], "redis_cluster_messages_sent_total", "Messages sent on the cluster bus."),
    counter(&["cluster_stats_messages_received"], "redis_cluster_messages_received_total", "Messages received on the cluster bus."),
    number(&["sentinel_masters"], "redis_sentinel_masters", "Primaries that the Sentinel watches."),
    number(&["sentinel_tilt"], "redis_sentinel_tilt", "Whether the Sentinel is in TILT mode."),
];
