//! `cachewatch_*` about cachewatch as a whole: build, ticks, configuration, notifications, HTTP.

use super::{Kind, Metric, Read, Unit};

const CHANNEL: &[&str] = &["channel", "type"];

/// Something with no labels at all.
const fn one(name: &'static str, kind: Kind, unit: Unit, help: &'static str, read: Read) -> Metric {
    Metric::new(name, kind, unit, &[], help, read)
}

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "cachewatch_build_info",
        Kind::Gauge,
        Unit::None,
        &["version"],
        "Always 1; tells the version.",
        Read::Own(|_, s| s.value(&[env!("CARGO_PKG_VERSION")], 1.0)),
    )
    .from("build"),
    one(
        "cachewatch_ticks_total",
        Kind::Counter,
        Unit::None,
        "Ticks of the main loop. When it stands still, so do all numbers.",
        Read::Own(|v, s| s.count(&[], v.sequence)),
    )
    .from("own counter"),
    one(
        "cachewatch_tick_duration_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "How long the last tick took.",
        Read::Own(|v, s| s.value(&[], v.own.tick_took.as_secs_f64())),
    )
    .from("own measurement"),
    one(
        "cachewatch_polls_dropped_total",
        Kind::Counter,
        Unit::None,
        "Results of polls that were lost because the main loop did not keep up.",
        Read::Own(|v, s| s.count(&[], v.own.reports_dropped)),
    )
    .from("own counter"),
    one(
        "cachewatch_store_up",
        Kind::Gauge,
        Unit::None,
        "1 when what is stored survives a restart, 0 when the database does not work and alerts go on from memory. Absent without data_dir or store.",
        Read::Own(|v, s| {
            if v.own.store.wanted {
                s.flag(&[], v.own.store.durable);
            }
        }),
    )
    .from("own state"),
    one(
        "cachewatch_store_waiting",
        Kind::Gauge,
        Unit::None,
        "Writes that memory holds until the database works again.",
        Read::Own(|v, s| s.count(&[], v.own.store.waiting)),
    )
    .from("own state"),
    one(
        "cachewatch_store_outages_total",
        Kind::Counter,
        Unit::None,
        "Times that the database stopped working.",
        Read::Own(|v, s| s.count(&[], v.own.store.outages)),
    )
    .from("own counter"),
    one(
        "cachewatch_store_writes_failed_total",
        Kind::Counter,
        Unit::None,
        "Writes that the database did not take; memory holds them until it works again.",
        Read::Own(|v, s| s.count(&[], v.own.store.writes_failed)),
    )
    .from("own counter"),
    one(
        "cachewatch_store_rows_pruned_total",
        Kind::Counter,
        Unit::None,
        "Rows that were removed from the database because they were too old or too many.",
        Read::Own(|v, s| s.count(&[], v.own.store.rows_pruned)),
    )
    .from("own counter"),
    one(
        "cachewatch_store_rows_cut_total",
        Kind::Counter,
        Unit::None,
        "Rows that could not be stored: malformed, or beyond what may wait in memory.",
        Read::Own(|v, s| s.count(&[], v.own.store.rows_cut)),
    )
    .from("own counter"),
    one(
        "cachewatch_config_last_reload_successful",
        Kind::Gauge,
        Unit::None,
        "1 when the configuration on disk is in force, 0 when the last reload was refused and the one before is.",
        Read::Own(|v, s| s.flag(&[], v.own.config.reload_error.is_none())),
    )
    .from("configuration"),
    one(
        "cachewatch_config_last_reload_success_timestamp_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "When the configuration in force was loaded, in seconds since 1970.",
        Read::Own(|v, s| s.value(&[], super::unix_seconds(v.own.config.loaded_at.wall))),
    )
    .from("configuration"),
    Metric::new(
        "cachewatch_config_reloads_total",
        Kind::Counter,
        Unit::None,
        &["outcome"],
        "Reloads of the configuration, by outcome.",
        Read::Own(|v, s| {
            s.count(&["accepted"], v.own.config.reloads_ok);
            s.count(&["refused"], v.own.config.reloads_failed);
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_notifications_total",
        Kind::Counter,
        Unit::None,
        &["channel", "type", "outcome"],
        "Notifications by outcome: delivered, failed (refused or given up), superseded (needless before it could be sent) or dropped (its channel was removed).",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind, "delivered"], stats.delivered.get());
                s.count(&[name.as_str(), kind, "failed"], stats.failed.get());
                s.count(&[name.as_str(), kind, "superseded"], stats.superseded.get());
                s.count(&[name.as_str(), kind, "dropped"], stats.dropped.get());
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_notification_retries_total",
        Kind::Counter,
        Unit::None,
        CHANNEL,
        "Attempts to deliver that failed and were followed by another one.",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind], stats.retried.get());
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_notifications_coalesced_total",
        Kind::Counter,
        Unit::None,
        CHANNEL,
        "Notifications that went along in the message of another one.",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind], stats.coalesced.get());
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_notifications_dead",
        Kind::Gauge,
        Unit::None,
        CHANNEL,
        "Notifications in the store that were refused or given up.",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind], stats.dead.get());
            }
        }),
    )
    .from("store"),
    Metric::new(
        "cachewatch_notification_oldest_waiting_seconds",
        Kind::Gauge,
        Unit::Seconds,
        CHANNEL,
        "How long the oldest notification has been waiting; 0: none waits.",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                let waiting = stats.oldest_waiting(v.at.wall).unwrap_or_default();
                s.value(&[name.as_str(), kind], waiting.as_secs_f64());
            }
        }),
    )
    .from("store"),
    Metric::new(
        "cachewatch_channel_broken",
        Kind::Gauge,
        Unit::None,
        CHANNEL,
        "1 while the channel refuses messages for good: not allowed, or no longer there (401, 403, 404, 410).",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind], u64::from(stats.broken().is_some()));
            }
        }),
    )
    .from("own state"),
    Metric::new(
        "cachewatch_heartbeats_total",
        Kind::Counter,
        Unit::None,
        &["outcome"],
        "Calls of the heartbeat: sent, failed, or withheld because something was wrong with cachewatch itself.",
        Read::Own(|v, s| {
            s.count(&["sent"], v.own.heartbeat.sent.get());
            s.count(&["failed"], v.own.heartbeat.failed.get());
            s.count(&["withheld"], v.own.heartbeat.withheld.get());
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_notifications_pending",
        Kind::Gauge,
        Unit::None,
        CHANNEL,
        "Notifications that wait or are under way.",
        Read::Own(|v, s| {
            for (name, kind, stats) in &v.own.channels {
                s.count(&[name.as_str(), kind], stats.pending.get());
            }
        }),
    )
    .from("own counter"),
    Metric::new(
        "cachewatch_http_requests_total",
        Kind::Counter,
        Unit::None,
        &["class"],
        "HTTP requests answered: success (2xx, 3xx), client_error (4xx) or server_error (5xx).",
        Read::Own(|v, s| {
            s.count(&["success"], v.own.http.ok.get());
            s.count(&["client_error"], v.own.http.client_error.get());
            s.count(&["server_error"], v.own.http.server_error.get());
        }),
    )
    .from("own counter"),
    one(
        "cachewatch_http_connections",
        Kind::Gauge,
        Unit::None,
        "HTTP connections that are open.",
        Read::Own(|v, s| s.count(&[], v.own.http.open_connections.get())),
    )
    .from("own counter"),
    one(
        "cachewatch_http_connections_refused_total",
        Kind::Counter,
        Unit::None,
        "HTTP connections that were closed at once because too many were open.",
        Read::Own(|v, s| s.count(&[], v.own.http.refused_connections.get())),
    )
    .from("own counter"),
    one(
        "cachewatch_http_connections_timed_out_total",
        Kind::Counter,
        Unit::None,
        "HTTP connections that were closed because the other side was too slow or idle for too long.",
        Read::Own(|v, s| s.count(&[], v.own.http.timed_out_connections.get())),
    )
    .from("own counter"),
];
