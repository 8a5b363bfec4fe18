//! A snapshot with something of everything, for tests of this room and of `serve`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::events::{EventReport, EventsState, EventsStatus, PerKind};
use crate::model::incident::{AlertState, AlertStatus, Severity, Subject};
use crate::model::name::Name;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::reading::{Flavour, InfoFields, Reading};
use crate::model::snapshot::{CacheSnapshot, CacheState, ConfigStatus, OwnSnapshot, Snapshot};
use crate::model::stats::{ChannelStats, DurationHistogram, HttpStats};
use crate::model::time::Now;
use crate::model::window::{Sparkline, Totals};

pub(crate) mod attribution;
mod lookups;
mod parts;

use parts::{reading, up, windows};

/// A primary that is up.
pub(crate) const PRIMARY: &str = "redis-1.example.org:6379";
/// What a hostile server might say.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script>\u{1b}[31m & 'more'";

pub(crate) fn now() -> Now {
    Now {
        mono: Duration::from_hours(2),
        wall: Timestamp::from_second(1_795_435_200).unwrap(),
    }
}

fn ago(seconds: u64) -> Now {
    let mono = now().mono.saturating_sub(Duration::from_secs(seconds));
    let wall = now().wall - jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    Now { mono, wall }
}

/// Everything: caches that are down, firing, healthy and starting; every field of the catalogue has a value.
pub(crate) fn rich() -> Snapshot {
    let stats = ChannelStats::default();
    stats.delivered.add(4);
    stats.failed.add(1);
    stats.retried.add(3);
    stats.pending.add(1);
    let http = HttpStats::default();
    http.ok.add(1234);
    http.client_error.add(5);
    Snapshot {
        sequence: 1440,
        at: now(),
        caches: vec![
            Arc::new(answers()),
            Arc::new(products()),
            Arc::new(sessions()),
            Arc::new(starting()),
        ],
        own: OwnSnapshot {
            started: Now {
                mono: Duration::ZERO,
                ..ago(7200)
            },
            config: ConfigStatus {
                file: Some("/etc/cachewatch/cachewatch.yaml".to_owned()),
                shown: Arc::from("{ \"listen\": \"127.0.0.1:9721\" }"),
                loaded_at: ago(3600),
                reload_error: Some("caches[1].url: line 14, column 10: no host".to_owned()),
                reloads_ok: 2,
                reloads_failed: 1,
            },
            channels: vec![
                (name("team-slack"), "slack", Arc::new(stats)),
                (name("mail"), "email", Arc::default()),
            ],
            heartbeat: Arc::default(),
            http: Arc::new(http),
            reports_dropped: 0,
            store: crate::model::store_health::StoreHealth {
                backend: "sqlite",
                wanted: true,
                durable: true,
                outages: 1,
                writes_failed: 12,
                rows_pruned: 2_400,
                ..Default::default()
            },
            tick_took: Duration::from_micros(350),
        },
    }
}

/// One cache with one node that is up and said this.
pub(crate) fn one_node(lines: &[(String, String)]) -> Snapshot {
    let mut snapshot = rich();
    let mut cache = starting();
    let mut node = up(PRIMARY);
    node.reading = Some(Arc::new(Reading {
        fields: InfoFields::from_pairs(lines.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
        ..(*reading(&[])).clone()
    }));
    cache.nodes = vec![node];
    snapshot.caches = vec![Arc::new(cache)];
    snapshot
}

/// Down: its only node does not answer, and what it said was hostile.
fn answers() -> CacheSnapshot {
    let mut node = up("unix:/run/answers/valkey.sock");
    node.up = false;
    node.read_at = Some(ago(95));
    node.error = Some(PollError {
        kind: PollErrorKind::Server,
        message: format!("unix:/run/answers/valkey.sock answered with an error: {HOSTILE}"),
    });
    node.poll_errors = BTreeMap::from([(PollErrorKind::Server, 18), (PollErrorKind::Refused, 1)]);
    node.events_status = EventsStatus {
        state: EventsState::Lost,
        message: "the connection for events was lost: connection reset by peer".to_owned(),
        remedy: None,
    };
    CacheSnapshot {
        name: name("answers"),
        labels: BTreeMap::from([("team".to_owned(), HOSTILE.to_owned())]),
        state: CacheState::Down,
        totals: node.totals,
        windows: windows(0, 0, 0, 0),
        history: std::iter::repeat_n(Some(0.08), 60).collect(),
        nodes: vec![node],
        attribution: None,
        lookups: Arc::default(),
        alerts: vec![AlertStatus {
            subject: None,
            muted: None,
            looks: Vec::new(),
            rule: name("CacheDown"),
            signal: "down",
            severity: Severity::Critical,
            state: AlertState::Firing,
            since: ago(30).wall,
            incident: Some("answers-CacheDown-1".to_owned()),
            value: None,
            threshold: None,
            explanation: "no node has answered for 1m 35s".into(),
        }],
    }
}

/// Firing: a primary and a replica, evictions, notifications off on one.
fn products() -> CacheSnapshot {
    let primary = up(PRIMARY);
    let mut replica = up("redis-2.example.org:6379");
    replica.reading = Some(reading(&[
        ("role", "slave"),
        ("master_host", "redis-1.example.org"),
        ("master_port", "6379"),
        ("master_link_status", "up"),
        ("master_last_io_seconds_ago", "1"),
        ("master_sync_in_progress", "0"),
        ("slave_repl_offset", "148013"),
        ("slave_read_only", "1"),
        // These are -1 on the primary.
        ("second_repl_offset", "12000"),
        ("rdb_last_bgsave_time_sec", "2"),
        ("rdb_current_bgsave_time_sec", "1"),
        ("aof_last_rewrite_time_sec", "3"),
        ("aof_current_rewrite_time_sec", "1"),
    ]));
    replica.events_status = EventsStatus {
        state: EventsState::NotificationsOff,
        message: "the server publishes no expired, evicted and keymiss events".to_owned(),
        remedy: Some("CONFIG SET notify-keyspace-events Eexm".to_owned()),
    };
    let history = (0..60_u32)
        .map(|i| match i {
            10..14 => None,
            i if i < 40 => Some(0.06 + f64::from(i % 5) * 0.01),
            i => Some(0.1 + f64::from(i - 40) * 0.016),
        })
        .collect();
    CacheSnapshot {
        name: name("products"),
        labels: BTreeMap::from([
            ("team".to_owned(), "shop".to_owned()),
            ("env".to_owned(), "production".to_owned()),
        ]),
        state: CacheState::Firing,
        totals: primary.totals,
        windows: windows(18_240, 7_113, 5_410, 890),
        history,
        nodes: vec![primary, replica],
        attribution: Some(Arc::new(attribution::attribution())),
        lookups: lookups::lookups(),
        alerts: vec![
            AlertStatus {
                subject: None,
                muted: None,
                looks: Vec::new(),
                rule: name("CacheMissRatioHigh"),
                signal: "miss_ratio",
                severity: Severity::Critical,
                state: AlertState::Firing,
                since: ago(400).wall,
                incident: Some("products-CacheMissRatioHigh-1".to_owned()),
                value: Some(0.39),
                threshold: Some(0.2),
                explanation: "39.0 % of 18240 lookups missed in 5m, and 31.2 % in 15m (at least 30.4 %), above 20 %"
                    .into(),
            },
            ok_alert("CacheDown", Severity::Critical, "2 of 2 nodes answer"),
            AlertStatus {
                subject: Some(Subject::Namespace("search:*".to_owned())),
                ..ok_alert(
                    "SearchMissesCostly",
                    Severity::Info,
                    "cost of misses is 5.00 USD/h, not above 20.00 USD/h",
                )
            },
        ],
    }
}

/// Healthy.
fn sessions() -> CacheSnapshot {
    let mut node = up("127.0.0.1:6379");
    let valkey = reading(&[
        ("server_name", "valkey"),
        ("valkey_version", "8.1.4"),
        ("valkey_release_stage", "ga"),
        ("availability_zone", "eu-1a"),
    ]);
    node.reading = Some(Arc::new(Reading {
        flavour: Flavour::Valkey,
        version: Some("8.1.4".to_owned()),
        ..(*valkey).clone()
    }));
    CacheSnapshot {
        name: name("sessions"),
        labels: BTreeMap::new(),
        state: CacheState::Ok,
        totals: node.totals,
        windows: windows(124_000, 6_076, 0, 2_310),
        history: (0..60_u32)
            .map(|i| Some(0.05 + f64::from(i * 7 % 11) * 0.002))
            .collect(),
        nodes: vec![node],
        attribution: None,
        lookups: Arc::default(),
        alerts: vec![
            ok_alert(
                "CacheMissRatioHigh",
                Severity::Critical,
                "4.9 % of 124000 lookups missed in 5m, not above 20 %",
            ),
            ok_alert("CacheDown", Severity::Critical, "1 of 1 nodes answers"),
        ],
    }
}

/// Nothing known yet.
fn starting() -> CacheSnapshot {
    let mut node = up("fresh.example.org:6380");
    node.up = false;
    node.read_at = None;
    node.reading = None;
    node.totals = Totals::default();
    node.db_keys.clear();
    node.resets.clear();
    node.events = EventReport::default();
    node.completeness = PerKind::default();
    node.events_status = EventsStatus {
        state: EventsState::Connecting,
        message: "not subscribed yet".to_owned(),
        remedy: None,
    };
    node.poll_durations = DurationHistogram::default();
    node.poll_errors.clear();
    CacheSnapshot {
        name: name("fresh"),
        labels: BTreeMap::new(),
        state: CacheState::Starting,
        totals: Totals::default(),
        windows: vec![],
        history: Sparkline::default(),
        nodes: vec![node],
        attribution: None,
        lookups: Arc::default(),
        alerts: vec![],
    }
}

fn ok_alert(rule: &str, severity: Severity, explanation: &str) -> AlertStatus {
    AlertStatus {
        subject: None,
        muted: None,
        looks: Vec::new(),
        rule: name(rule),
        signal: "down",
        severity,
        state: AlertState::Ok,
        since: ago(7000).wall,
        incident: None,
        value: None,
        threshold: None,
        explanation: explanation.into(),
    }
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}
