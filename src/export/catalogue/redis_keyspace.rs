//! `redis_db_*`: from the INFO section `keyspace`.

use crate::model::snapshot::NodeSnapshot;

use super::{Kind, Metric, Read, Unit};

/// The most databases of a node that are exported, lowest numbers first.
const MAX_DATABASES: usize = 128;

const DB: &[&str] = &["cache", "node", "db"];

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "redis_db_keys",
        Kind::Gauge,
        Unit::None,
        DB,
        "Keys by database; 0 for a database that had keys earlier.",
        Read::Reading(|v, _, s| {
            for db in databases(v.node) {
                let keys = v.node.db_keys.get(&db).copied().unwrap_or(0);
                s.count(&[&format!("db{db}")], keys);
            }
        }),
    )
    .from("INFO `dbN`, `keys`"),
    Metric::new(
        "redis_db_keys_expiring",
        Kind::Gauge,
        Unit::None,
        DB,
        "Keys that have a time to live, by database.",
        Read::Reading(|v, r, s| {
            for db in databases(v.node) {
                let expires = r.dbs.get(&db).map_or(0, |d| d.expires);
                s.count(&[&format!("db{db}")], expires);
            }
        }),
    )
    .from("INFO `dbN`, `expires`"),
    Metric::new(
        "redis_db_avg_ttl_seconds",
        Kind::Gauge,
        Unit::Seconds,
        DB,
        "Average time to live, by database, as the server estimates it; 0 when it has no estimate yet.",
        Read::Reading(|v, r, s| {
            for db in databases(v.node) {
                let ttl = r.dbs.get(&db).and_then(|d| d.avg_ttl_ms);
                s.maybe(&[&format!("db{db}")], ttl.map(|ms| ms as f64 / 1000.0));
            }
        }),
    )
    .from("INFO `dbN`, `avg_ttl`"),
];

fn databases(node: &NodeSnapshot) -> impl Iterator<Item = u32> {
    node.db_keys.keys().copied().take(MAX_DATABASES)
}

/// How many databases are over the bound.
pub(super) fn databases_cut(node: &NodeSnapshot) -> u64 {
    node.db_keys.len().saturating_sub(MAX_DATABASES) as u64
}
