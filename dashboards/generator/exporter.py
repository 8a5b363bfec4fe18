"""cachewatch itself: whether it does its work in time, reaches its caches, and gets its messages out."""

from .frame import INSTANCE, choice, dashboard, line, row
from .panels import (
    FEW_ARE_GOOD, FULL, GREEN, GREY, NONE_IS_GOOD, ONE_IS_GOOD, ORANGE, RED,
    SKY, colored, now, painted, query, stat, state_timeline, table, timeseries, values,
)

NO_CHANNELS = "No channel is configured"
ALL_WELL = "there are none while all is well"
UNSAMPLED = "sampling is off unless somebody configures it"
STORELESS = "without a data folder or a database nothing is kept"
SENDS_NOTHING = "without a channel nothing is sent"
BROKEN = values((0, "no", GREEN), (1, "broken", RED))
YES_NO = values((0, "no", RED), (1, "yes", GREEN))


def rate(metric, by, scope="self"):
    return f"sum by ({by}) (rate({metric}{{@{scope}}}[$__rate_interval]))"


def at_a_glance():
    return line(
        4,
        (3, stat("Version", "Which version runs, and how many of it.",
                 [now("count by (version) (cachewatch_build_info{@self})", "{{version}}")], text="value_and_name",
                 graph="none")),
        (3, stat("Up since", "When the process started.",
                 [now("min(process_start_time_seconds{@self}) * 1000")], "dateTimeFromNow", graph="none")),
        (3, stat("Caches", "Caches that it watches.", [now("count(max by (cache) (cache_nodes{@self}))")],
                 graph="none")),
        (3, stat("Configuration in force", "Whether the file on disk is what it works with.",
                 [now("min(cachewatch_config_last_reload_successful{@self})")], steps=ONE_IS_GOOD, mappings=YES_NO,
                 graph="none")),
        (3, stat("State is saved", "Whether incidents, messages and history would survive a restart.",
                 [now("min(cachewatch_store_up{@self})", may_be_empty=STORELESS)], steps=ONE_IS_GOOD, mappings=YES_NO,
                 graph="none", no_data="Neither data_dir nor store")),
        (3, stat("Messages given up", "Notifications that were refused or given up, in the time range.",
                 [now('sum(increase(cachewatch_notifications_total{@self,outcome="failed"}[$__range]))',
                      may_be_empty=SENDS_NOTHING)], steps=NONE_IS_GOOD, graph="none", decimals=0,
                 no_data=NO_CHANNELS)),
        (3, stat("Messages waiting", "Notifications that wait or are under way, those held back in quiet hours included.",
                 [now("sum(cachewatch_notifications_pending{@self})",
                      may_be_empty=SENDS_NOTHING)], steps=FEW_ARE_GOOD, graph="none",
                 no_data=NO_CHANNELS)),
        (3, stat("Nodes down", "Nodes that do not answer.", [now("count(cache_up{@node}) - sum(cache_up{@node})")],
                 steps=NONE_IS_GOOD, graph="none")),
    )


def polls():
    duration = "cachewatch_poll_duration_seconds"
    quantile = ("histogram_quantile({0}, sum by (le) (rate(" + duration + "_bucket{{@node}}[$__rate_interval])))")
    mean = (f"sum by (node) (rate({duration}_sum{{@node}}[$__rate_interval]))"
            f" / (sum by (node) (rate({duration}_count{{@node}}[$__rate_interval])) > 0)")
    return (
        line(8, (8, timeseries("How long polls take", "From the first byte of connecting to the last of INFO.",
                               [query(quantile.format("0.99"), "99 of 100 within"),
                                query(quantile.format("0.5"), "half within")], "s",
                               overrides=[colored("99 of 100 within", ORANGE)])),
             (8, timeseries("By node", "Mean time of a poll.", [query(mean, "{{node}}")], "s")),
             (8, timeseries("Polls that failed", "Failed polls per second by reason.",
                            [query(rate("cachewatch_poll_errors_total", "reason", "node"), "{{reason}}")], "ops",
                            stack=True))),
        line(8, (8, timeseries("Age of readings / poll interval",
                               "Above 2, a node counts as down. Between the two polls it grows to 1.",
                               [query("max by (node) (cache_reading_age_seconds{@node}"
                                      " / on (instance, cache, node) cachewatch_poll_interval_seconds{@node})",
                                      "{{node}}")], "none", steps=[(None, "transparent"), (2, RED)], line_at=True,
                               fill=0, decimals=1)),
             (8, timeseries("Readings that were not used",
                            "Readings that cannot be true, results of polls that came too late for a tick, and label "
                            "values beyond the bounds of the exposition.",
                            [query("sum(increase(cache_readings_discarded_total{@node}[$__rate_interval]))",
                                   "readings discarded"),
                             query("sum(increase(cachewatch_polls_dropped_total{@self}[$__rate_interval]))",
                                   "polls dropped"),
                             query("sum by (label) (cachewatch_label_values_cut{@node}) > 0", "label values cut: {{label}}",
                                   ALL_WELL)], decimals=0)),
             (8, timeseries("Samples of lookups", "MONITOR samples per second by outcome, their bytes, and intervals that "
                            "no estimate rests on.",
                            [query(rate("cachewatch_samples_total", "outcome", "node"), "{{outcome}}", UNSAMPLED),
                             query(rate("cachewatch_sample_intervals_left_out_total", "cache", "node"),
                                   "left out: {{cache}}", UNSAMPLED),
                             query(rate("cachewatch_sample_bytes_total", "cache", "node"), "bytes: {{cache}}",
                                   UNSAMPLED)], "ops", no_data="Sampling is off"))),
    )


def work():
    return (
        line(7, (8, timeseries("Ticks", "Turns of the main loop per second. At 0 all numbers stand still.",
                               [query(rate("cachewatch_ticks_total", "instance"), "{{instance}}")], "ops")),
             (8, timeseries("How long a tick takes", "Time of the last tick.",
                            [query("max by (instance) (cachewatch_tick_duration_seconds{@self})", "{{instance}}")], "s")),
             (8, timeseries("Memory of attribution", "Memory reserved to remember keys, by cache.",
                            [query("sum by (cache) (cache_attribution_memory_bytes{@cache})", "{{cache}}")], "bytes",
                            stack=True, no_data="No cache has keyspace events"))),
        line(7, (6, timeseries("CPU", "Seconds of CPU per second.",
                               [query(rate("process_cpu_seconds_total", "instance"), "{{instance}}")], "percentunit",
                               decimals=2)),
             (6, timeseries("Memory", "Resident and virtual memory of the process.",
                            [query("sum by (instance) (process_resident_memory_bytes{@self})", "{{instance}} resident"),
                             query("sum by (instance) (process_virtual_memory_bytes{@self})", "{{instance}} virtual")],
                            "bytes")),
             (6, timeseries("Files and sockets", "Open file descriptors of those allowed.",
                            [query("max by (instance) (process_open_fds{@self} / process_max_fds{@self})",
                                   "{{instance}}")], "percentunit", steps=FULL, line_at=True, decimals=1)),
             (6, timeseries("Threads", "Threads of the process.",
                            [query("max by (instance) (process_threads{@self})", "{{instance}}")]))),
    )


def can_it_tell():
    """The second line of what is seen first: whether anybody would be told."""
    return line(
        4,
        (6, stat("Channels broken", "Channels that refuse messages for good (401, 403, 404, 410): nobody is told by them.",
                 [now("sum(cachewatch_channel_broken{@self})", may_be_empty=SENDS_NOTHING)], steps=NONE_IS_GOOD,
                 graph="none", no_data=NO_CHANNELS)),
        (6, stat("Messages that nobody got", "Notifications in the store that were refused or given up. They are kept for "
                 "30 days.", [now("sum(cachewatch_notifications_dead{@self})", may_be_empty=SENDS_NOTHING)],
                 steps=FEW_ARE_GOOD, graph="none", no_data=NO_CHANNELS)),
        (6, stat("Oldest message waiting", "How long. Ten minutes and more are right in quiet hours only.",
                 [now("max(cachewatch_notification_oldest_waiting_seconds{@self})", may_be_empty=SENDS_NOTHING)], "s",
                 [(None, GREEN), (600, ORANGE)], graph="none", no_data=NO_CHANNELS)),
        (6, stat("Heartbeats that stayed away",
                 "Calls of the heartbeat that failed, or were withheld because something was wrong with cachewatch itself, "
                 "in the time range.",
                 [now('sum(increase(cachewatch_heartbeats_total{@self,outcome=~"failed|withheld"}[$__range]))')],
                 steps=NONE_IS_GOOD, graph="none", decimals=0)),
    )


def messages():
    outcomes = [colored("delivered", GREEN), colored("failed", RED), colored("superseded", SKY), colored("dropped", GREY)]
    beats = [colored("sent", GREEN), colored("failed", RED), colored("withheld", ORANGE)]

    def of_channel(metric, how="sum"):
        return f"{how} by (channel, type) ({metric}{{@channel}})"

    def in_range(metric, more=""):
        return f"sum by (channel, type) (increase({metric}{{@channel{more}}}[$__range]))"

    whole = {"decimals": 0}
    columns = [
        ("channel", "Channel", {}), ("type", "Type", {}),
        (now(of_channel("cachewatch_channel_broken", "max"), may_be_empty=SENDS_NOTHING), "Broken",
         painted("short", NONE_IS_GOOD, mappings=BROKEN)),
        *((now(in_range("cachewatch_notifications_total", f',outcome="{outcome}"'), may_be_empty=SENDS_NOTHING),
           outcome.capitalize(), whole) for outcome in ("delivered", "failed", "superseded")),
        (now(of_channel("cachewatch_notifications_pending"), may_be_empty=SENDS_NOTHING), "Waiting", whole),
        (now(of_channel("cachewatch_notification_oldest_waiting_seconds", "max"), may_be_empty=SENDS_NOTHING), "Oldest",
         {"unit": "s", "decimals": 0}),
        (now(of_channel("cachewatch_notifications_dead"), may_be_empty=SENDS_NOTHING), "Nobody got",
         painted("short", FEW_ARE_GOOD, decimals=0)),
    ]
    return (
        line(8, (24, table("Channels", "Whether each channel works, what became of its messages in the time range, and what "
                           "waits now.", columns, no_data=NO_CHANNELS))),
        line(8, (8, timeseries("Notifications by outcome",
                               "Messages in the interval: delivered, failed (refused or given up), superseded (needless "
                               "before they could be sent).",
                               [query("sum by (outcome) (increase(cachewatch_notifications_total{@channel}"
                                      "[$__rate_interval]))", "{{outcome}}", SENDS_NOTHING)],
                               stack=True, overrides=outcomes, decimals=0, no_data=NO_CHANNELS)),
             (8, timeseries("Attempts that failed", "Attempts that were followed by another one, in the interval.",
                            [query("sum by (channel) (increase(cachewatch_notification_retries_total{@channel}"
                                   "[$__rate_interval]))", "{{channel}}", SENDS_NOTHING)],
                            stack=True, decimals=0, no_data=NO_CHANNELS)),
             (8, timeseries("How long messages wait", "Age of the oldest one that waits, by channel.",
                            [query("max by (channel) (cachewatch_notification_oldest_waiting_seconds{@channel})",
                                   "{{channel}}", SENDS_NOTHING)], "s", no_data=NO_CHANNELS))),
        line(7, (12, timeseries("Notifications in the message of another",
                                "Those that went along because several came at once, in the interval.",
                                [query("sum by (channel) (increase(cachewatch_notifications_coalesced_total{@channel}"
                                       "[$__rate_interval]))", "{{channel}}", SENDS_NOTHING)],
                                stack=True, decimals=0, no_data=NO_CHANNELS)),
             (12, timeseries("Heartbeat", "Calls of the dead man's switch in the interval. None at all: no heartbeat is "
                             "configured.",
                             [query("sum by (outcome) (increase(cachewatch_heartbeats_total{@self}[$__rate_interval]))",
                                    "{{outcome}}")], stack=True, overrides=beats))),
    )


def store():
    def in_interval(metric):
        return f"sum(increase({metric}{{@self}}[$__rate_interval]))"

    return (
        line(7, (8, state_timeline("What is stored survives a restart", "Whether the database works. While it does not, "
                                   "alerts go on from memory.",
                                   [query("min by (instance) (cachewatch_store_up{@self})", "{{instance}}", STORELESS)],
                                   YES_NO, no_data="Neither data_dir nor store")),
             (8, timeseries("Writes that wait for the database", "Memory holds them until the database works again.",
                            [query("max by (instance) (cachewatch_store_waiting{@self})", "{{instance}}")], decimals=0)),
             (8, timeseries("Trouble with the database", "Outages, writes that failed, and rows that were lost because they "
                            "were malformed or too many to wait, in the interval.",
                            [query(in_interval("cachewatch_store_outages_total"), "outages"),
                             query(in_interval("cachewatch_store_writes_failed_total"), "writes failed"),
                             query(in_interval("cachewatch_store_rows_cut_total"), "rows lost")], decimals=0,
                            overrides=[colored("outages", ORANGE), colored("writes failed", SKY),
                                       colored("rows lost", RED)]))),
        line(5, (24, timeseries("Rows removed because they were old", "In the interval; a sign that old rows do go.",
                                [query(in_interval("cachewatch_store_rows_pruned_total"), "rows")], decimals=0))),
    )


def http():
    return (
        line(7, (8, timeseries("HTTP requests", "Requests answered per second, by class.",
                               [query(rate("cachewatch_http_requests_total", "class"), "{{class}}")], "reqps",
                               stack=True)),
             (8, timeseries("HTTP connections", "Open connections, and those refused or given up in the interval.",
                            [query("sum(cachewatch_http_connections{@self})", "open"),
                             query("sum(increase(cachewatch_http_connections_refused_total{@self}[$__rate_interval]))",
                                   "refused"),
                             query("sum(increase(cachewatch_http_connections_timed_out_total{@self}[$__rate_interval]))",
                                   "timed out")], decimals=0)),
             (8, timeseries("Reloads of the configuration", "Reloads in the interval by outcome.",
                            [query("sum by (outcome) (increase(cachewatch_config_reloads_total{@self}"
                                   "[$__rate_interval]))", "{{outcome}}")], decimals=0,
                            overrides=[colored("accepted", GREEN), colored("refused", RED)]))),
        line(4, (8, stat("Configuration loaded", "When the configuration in force was loaded.",
                         [now("max(cachewatch_config_last_reload_success_timestamp_seconds{@self}) * 1000")],
                         "dateTimeFromNow", graph="none")),
             (8, stat("Last reading", "When the last reading of any node came.",
                      [now("max(cache_reading_timestamp_seconds{@node}) * 1000")], "dateTimeFromNow", graph="none")),
             (8, stat("Poll interval", "How often nodes are polled, the least often polled one.",
                      [now("max(cachewatch_poll_interval_seconds{@node})")], "s", graph="none"))),
    )


def build():
    mine = 'instance=~"$instance"'
    return dashboard(
        "cachewatch-exporter",
        "cachewatch / Exporter",
        "cachewatch itself: polls, messages, store, ticks, HTTP, memory.",
        [
            INSTANCE,
            choice("cache", "Cache", "Which caches, where a panel is about polls.", f"cache_nodes{{{mine}}}"),
            choice("node", "Node", "Which nodes, where a panel is about polls.",
                   f'cache_up{{{mine},cache=~"$cache"}}'),
            choice("channel", "Channel", "Which channels of notifications.",
                   f"cachewatch_notifications_pending{{{mine}}}"),
        ],
        [
            row("Now", at_a_glance(), can_it_tell()),
            row("Polls", *polls()),
            row("Notifications", *messages()),
            row("Store", *store()),
            row("Work", *work()),
            row("HTTP and configuration", *http()),
        ],
        incidents='max by (cache, rule, severity) (cache_alert_firing{@cache,severity="critical"}) == 1',
    )
