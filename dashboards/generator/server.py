"""The server behind a cache, from INFO under the names that redis_exporter made customary: a folded row of the dashboard
of a cache."""

from .frame import line, row
from .panels import FULL, RED, colored, query, timeseries

ALL_WELL = "there are none while all is well"
REPLICA = "only a replica has a primary, and only a primary has replicas"


def _rate(metric, by="node"):
    return f"sum by ({by}) (rate({metric}{{@node}}[$__rate_interval]))"


def server_rows():
    """A row that is folded until somebody opens it."""
    return [row(
        "Server (INFO)",
        line(7, (8, timeseries("Commands", "Commands per second, the ten most frequent.",
                               [query(f'topk(10, {_rate("redis_commands_total", "cmd")})', "{{cmd}}")], "ops",
                               stack=True)),
             (8, timeseries("Time in commands", "Seconds per second that the server spends in each command.",
                            [query(f'topk(10, {_rate("redis_commands_duration_seconds_total", "cmd")})', "{{cmd}}")],
                            "percentunit", stack=True)),
             (8, timeseries("Slowest commands, 99th percentile",
                            "The ten commands with the highest 99th percentile since the server started.",
                            [query('topk(10, max by (cmd) (redis_latency_percentiles_usec{@node,quantile="99"}))',
                                   "{{cmd}}")], "µs", no_data="The server does not report latencies (Redis 7 does)"))),
        line(7, (6, timeseries("Clients", "Connections, those that wait, and how many there may be.",
                               [query("sum(redis_connected_clients{@node})", "connected"),
                                query("sum(redis_blocked_clients{@node})", "blocked"),
                                query("sum(redis_config_maxclients{@node})", "limit")],
                               overrides=[colored("limit", RED)])),
             (6, timeseries("Refused", "Connections refused because of maxclients, and error replies by kind.",
                            [query("sum(rate(redis_rejected_connections_total{@node}[$__rate_interval]))",
                                   "connections"),
                             query(f'topk(5, {_rate("redis_errors_total", "err")})', "{{err}}", ALL_WELL)], "ops")),
             (6, timeseries("CPU", "Seconds of CPU per second.",
                            [query(_rate("redis_cpu_user_seconds_total"), "{{node}} user"),
                             query(_rate("redis_cpu_sys_seconds_total"), "{{node}} kernel")], "percentunit")),
             (6, timeseries("Network", "Bytes per second, received and sent.",
                            [query(_rate("redis_net_input_bytes_total"), "{{node}} in"),
                             query(_rate("redis_net_output_bytes_total"), "{{node}} out")], "Bps"))),
        line(7, (6, timeseries("Fragmentation", "Memory as the system sees it / memory allocated.",
                               [query("max by (node) (redis_mem_fragmentation_ratio{@node})", "{{node}}")], "none",
                               fill=0, decimals=2)),
             (6, timeseries("Memory by use", "Memory as the system sees it, the data, and all else.",
                            [query("sum(redis_memory_used_rss_bytes{@node})", "resident"),
                             query("sum(redis_memory_used_dataset_bytes{@node})", "data"),
                             query("sum(redis_memory_used_overhead_bytes{@node})", "overhead")], "bytes")),
             (6, timeseries("Over the limit", "How long the server has been unable to get below maxmemory.",
                            [query("max by (node) (redis_current_eviction_exceeded_time_seconds{@node})", "{{node}}")],
                            "s", no_data="The server does not report it (Redis 7 does)")),
             (6, timeseries("Replication", "Replicas that are connected, their lag, and whether primaries are reached.",
                            [query("sum(redis_connected_slaves{@node})", "replicas"),
                             query("max by (slave_ip, slave_port) (redis_connected_slave_lag_seconds{@node})",
                                   "lag of {{slave_ip}}:{{slave_port}}", REPLICA),
                             query("min by (node) (redis_master_link_up{@node})", "{{node}} reaches its primary",
                                   REPLICA)]))),
        line(7, (8, timeseries("Keys by database", "Keys in each database.",
                               [query("sum by (db) (redis_db_keys{@node})", "{{db}}")], stack=True)),
             (8, timeseries("Keys with a time to live", "Of all keys, those that will expire.",
                            [query("sum(redis_db_keys_expiring{@node}) / (sum(redis_db_keys{@node}) > 0)",
                                   "expiring")], "percentunit", steps=FULL, high=1, decimals=0)),
             (8, timeseries("Expired but still there",
                            "The server's estimate of keys that have expired and were not removed yet, in percent.",
                            [query("max by (node) (redis_expired_stale_percentage{@node})", "{{node}}")], "percent"))),
        collapsed=True,
    )]
