//! Readings for tests: what they do not say is absent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{CacheConfig, Transport};
use crate::model::events::EventReport;
use crate::model::name::Name;
use crate::model::poll::{NotifyFlags, PollError, PollErrorKind, PollReport};
use crate::model::reading::{
    Counters, DbStats, Flavour, Identity, InfoFields, Memory, Reading, Role,
};
use crate::model::time::Now;

/// Seconds after the beginning of time.
pub(crate) fn at(seconds: u64) -> Now {
    Now::ZERO.plus(Duration::from_secs(seconds))
}

/// A reading of a Redis primary.
pub(crate) fn reading(run_id: Option<&str>, uptime: u64, counters: Counters) -> Reading {
    Reading {
        flavour: Flavour::Redis,
        version: Some("7.2.4".to_owned()),
        role: Role::Primary,
        identity: Identity {
            run_id: run_id.map(str::to_owned),
            uptime_seconds: Some(uptime),
            replid: None,
            replid2: None,
        },
        counters,
        dbs: BTreeMap::from([(
            0,
            DbStats {
                keys: 10,
                expires: 1,
                avg_ttl_ms: None,
            },
        )]),
        memory: Memory::default(),
        fields: InfoFields::default(),
    }
}

/// All counters of a server.
pub(crate) fn counters(hits: u64, misses: u64, commands: u64) -> Counters {
    Counters {
        hits: Some(hits),
        misses: Some(misses),
        evicted: Some(0),
        expired: Some(0),
        commands: Some(commands),
        connections: Some(1),
    }
}

/// A cache at `redis:6379`, polled every 5 s.
pub(crate) fn config() -> CacheConfig {
    CacheConfig {
        name: Name::new("sessions").unwrap(),
        transport: Transport::Tcp {
            host: "redis".to_owned(),
            port: 6379,
            tls: None,
        },
        username: None,
        password: None,
        poll_interval: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(1),
        events: true,
        attribution: crate::config::AttributionConfig::default(),
        sampling: None,
        labels: BTreeMap::new(),
    }
}

/// A poll that went well.
pub(crate) fn good(now: Now, reading: Reading) -> PollReport {
    report(now, Ok(Arc::new(reading)))
}

/// A poll that failed.
pub(crate) fn failed(now: Now, kind: PollErrorKind) -> PollReport {
    let message = format!("redis:6379: {}", kind.as_str());
    report(now, Err(PollError { kind, message }))
}

fn report(at: Now, outcome: Result<Arc<Reading>, PollError>) -> PollReport {
    PollReport {
        cache: config().name,
        node: config().node(),
        at,
        took: Duration::from_millis(1),
        outcome,
        events: EventReport::default(),
        attribution: None,
        notify: NotifyFlags::Unknown,
    }
}
