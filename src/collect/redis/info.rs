//! Reads an INFO reply: text in, [`Reading`] out. Pure.
//!
//! Fields are found by name, never by position or section: sections move between versions, headings may hold spaces,
//! and every fork adds fields of its own. What is not known is kept as text for the raw export.
//!
//! Invariant: a field that is absent, negative where it counts, or no number is `None`, never 0; no text makes it panic.

use std::collections::BTreeMap;

use crate::model::reading::{
    Counters, DbStats, Flavour, Identity, InfoFields, Memory, Reading, Role,
};

/// More fields than any server has (about 200; some thousands with many commands and modules).
pub const MAX_FIELDS: usize = 20_000;
/// The longest name of a field that is kept, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// The longest value of a field that is kept, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 << 10;

/// Fields of which at least one is in the INFO of everything that can be watched.
const SIGNS_OF_A_SERVER: [&str; 8] = [
    "redis_version",
    "valkey_version",
    "dragonfly_version",
    "run_id",
    "uptime_in_seconds",
    "keyspace_hits",
    "used_memory",
    "role",
];

/// Why a text was no INFO reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// No line says what only INFO says.
    #[error("answered, but not with INFO: is this a Redis server, or something else on its port?")]
    NotInfo,
    /// More than [`MAX_FIELDS`].
    #[error("answered INFO with more than {MAX_FIELDS} fields, which no known server does")]
    TooManyFields,
}

/// Reads the text of an INFO reply; lines end in CRLF or LF. A field whose name or value is too long is left out and
/// counted in [`InfoFields::cut`].
pub fn parse(text: &str) -> Result<Reading, InfoError> {
    // What RESP3 puts before a verbatim string.
    let text = text.strip_prefix("txt:").unwrap_or(text);
    let fields = fields(text)?;
    if !SIGNS_OF_A_SERVER
        .iter()
        .any(|name| fields.get(name).is_some())
    {
        return Err(InfoError::NotInfo);
    }
    let flavour = flavour(&fields);
    Ok(Reading {
        flavour,
        version: version(&fields, flavour),
        role: role(&fields),
        identity: Identity {
            run_id: word(&fields, "run_id"),
            uptime_seconds: fields.u64("uptime_in_seconds"),
            replid: word(&fields, "master_replid").filter(|id| !is_zeros(id)),
            replid2: word(&fields, "master_replid2").filter(|id| !is_zeros(id)),
        },
        counters: Counters {
            hits: fields.u64("keyspace_hits"),
            misses: fields.u64("keyspace_misses"),
            evicted: fields.u64("evicted_keys"),
            expired: fields.u64("expired_keys"),
            commands: fields.u64("total_commands_processed"),
            connections: fields.u64("total_connections_received"),
        },
        dbs: dbs(&fields),
        memory: Memory {
            used: fields.u64("used_memory"),
            limit: fields.u64("maxmemory").filter(|limit| *limit > 0),
            policy: word(&fields, "maxmemory_policy"),
        },
        fields,
    })
}

fn fields(text: &str) -> Result<InfoFields, InfoError> {
    let mut pairs = Vec::new();
    let mut cut = 0;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            continue;
        }
        if name.len() > MAX_NAME_BYTES || value.len() > MAX_VALUE_BYTES {
            cut += 1;
            continue;
        }
        if pairs.len() == MAX_FIELDS {
            return Err(InfoError::TooManyFields);
        }
        pairs.push((name, value));
    }
    Ok(InfoFields::from_pairs(pairs).with_cut(cut))
}

/// Told by the server's own fields: all of them say `redis_version`, with the version they are compatible to.
fn flavour(fields: &InfoFields) -> Flavour {
    let has = |name| fields.get(name).is_some();
    if has("dragonfly_version") {
        Flavour::Dragonfly
    } else if has("valkey_version") || fields.get("server_name") == Some("valkey") {
        Flavour::Valkey
    } else if has("server_threads")
        || has("mvcc_depth")
        || fields.with_prefix("storage_provider").next().is_some()
    {
        Flavour::KeyDb
    } else {
        Flavour::Redis
    }
}

fn version(fields: &InfoFields, flavour: Flavour) -> Option<String> {
    let own = match flavour {
        Flavour::Valkey => word(fields, "valkey_version"),
        Flavour::Dragonfly => word(fields, "dragonfly_version"),
        Flavour::Redis | Flavour::KeyDb => None,
    };
    own.or_else(|| word(fields, "redis_version"))
}

fn role(fields: &InfoFields) -> Role {
    // Valkey renamed the field; a Sentinel has no `role`.
    if ["redis_mode", "server_mode"]
        .iter()
        .any(|mode| fields.get(mode) == Some("sentinel"))
    {
        return Role::Sentinel;
    }
    match fields.get("role") {
        Some("master") => Role::Primary,
        Some("slave" | "replica") => Role::Replica,
        Some("sentinel") => Role::Sentinel,
        _ => Role::Unknown,
    }
}

fn dbs(fields: &InfoFields) -> BTreeMap<u32, DbStats> {
    fields
        .with_prefix("db")
        // `db0_distrib_strings_sizes` begins so, too.
        .filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|(number, stats)| Some((number.parse().ok()?, db_stats(stats)?)))
        .collect()
}

/// `keys=12,expires=3,avg_ttl=5000`, in any order, with more in between.
fn db_stats(text: &str) -> Option<DbStats> {
    let get = |wanted: &str| {
        text.split(',')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| value.parse().ok())
    };
    Some(DbStats {
        keys: get("keys")?,
        expires: get("expires").unwrap_or(0),
        avg_ttl_ms: get("avg_ttl"),
    })
}

fn word(fields: &InfoFields, name: &str) -> Option<String> {
    fields
        .get(name)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn is_zeros(id: &str) -> bool {
    id.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests;
