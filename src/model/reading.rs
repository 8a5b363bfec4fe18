//! What one poll of one node said, parsed.

use std::collections::BTreeMap;

/// Which server it is, told by the server's own fields, never by `redis_version` (Valkey and others report a
/// compatible Redis version there).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// Redis itself, or something that gives no other sign.
    Redis,
    /// Valkey: `server_name:valkey` or `valkey_version`.
    Valkey,
    /// KeyDB: `server_threads`, `mvcc_depth` or `storage_provider`.
    KeyDb,
    /// Dragonfly: `dragonfly_version`.
    Dragonfly,
}

impl Flavour {
    /// As a person writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
            Self::KeyDb => "KeyDB",
            Self::Dragonfly => "Dragonfly",
        }
    }
}

/// What part a node plays in replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Accepts writes (`role:master`).
    Primary,
    /// Follows a primary (`role:slave` or `role:replica`).
    Replica,
    /// A Sentinel; it holds no keys.
    Sentinel,
    /// The server did not say.
    Unknown,
}

impl Role {
    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Sentinel => "sentinel",
            Self::Unknown => "unknown",
        }
    }
}

/// Counters of a server process since it started or since its last CONFIG RESETSTAT. Absent ones are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// `keyspace_hits`: keys found by read commands.
    pub hits: Option<u64>,
    /// `keyspace_misses`: keys not found by read commands.
    pub misses: Option<u64>,
    /// `evicted_keys`: keys removed because of `maxmemory`.
    pub evicted: Option<u64>,
    /// `expired_keys`: keys removed because their time to live was over.
    pub expired: Option<u64>,
    /// `total_commands_processed`. Only used to notice resets.
    pub commands: Option<u64>,
    /// `total_connections_received`. Only used to notice resets.
    pub connections: Option<u64>,
}

/// Who counted: the process behind an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `run_id`: random per process start. Dragonfly has none.
    pub run_id: Option<String>,
    /// `uptime_in_seconds`.
    pub uptime_seconds: Option<u64>,
    /// `master_replid`: shared by a primary and its replicas.
    pub replid: Option<String>,
    /// `master_replid2`: after a promotion, the replid of the former primary. All zeros reads as `None`.
    pub replid2: Option<String>,
}

/// One database of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DbStats {
    /// `keys`.
    pub keys: u64,
    /// `expires`: keys that have a time to live.
    pub expires: u64,
    /// `avg_ttl`, in milliseconds, as the server estimates it.
    pub avg_ttl_ms: Option<u64>,
}

/// Memory as the server reports it, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// `used_memory`.
    pub used: Option<u64>,
    /// `maxmemory`; `None` when there is no limit (0) or it is not reported.
    pub limit: Option<u64>,
    /// `maxmemory_policy`.
    pub policy: Option<String>,
}

/// All fields of an INFO reply, by name. Values are kept as text; a field that is no number is no error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InfoFields {
    fields: BTreeMap<Box<str>, Box<str>>,
    cut: usize,
}

impl InfoFields {
    /// Takes the fields. For a name that comes twice the last value counts.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            fields: pairs
                .into_iter()
                .map(|(k, v)| (Box::from(k), Box::from(v)))
                .collect(),
            cut: 0,
        }
    }

    /// The same fields, with the number of those that were left out because a name or a value was too long.
    #[must_use]
    pub fn with_cut(self, cut: usize) -> Self {
        Self { cut, ..self }
    }

    /// How many fields of the reply were left out because a name or a value was too long.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// The text of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(AsRef::as_ref)
    }

    /// A field as a count. Absent, negative (`-1` says "not supported" on Dragonfly) or not a number: `None`.
    pub fn u64(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// A field as a finite number. A value of exactly `-1`, the customary "not known", is `None`.
    pub fn f64(&self, name: &str) -> Option<f64> {
        let text = self.get(name)?;
        if text == "-1" {
            return None;
        }
        text.parse().ok().filter(|v: &f64| v.is_finite())
    }

    /// All fields in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// All fields whose name begins so, with the rest of the name: `with_prefix("cmdstat_")` gives `("get", "calls=…")`.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields
            .range::<str, _>((
                std::ops::Bound::Included(prefix),
                std::ops::Bound::Unbounded,
            ))
            .map_while(move |(k, v)| k.strip_prefix(prefix).map(|rest| (rest, v.as_ref())))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// What one poll of one node said.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which server.
    pub flavour: Flavour,
    /// Its own version: `valkey_version`, `dragonfly_version`, else `redis_version`.
    pub version: Option<String>,
    /// Primary or replica.
    pub role: Role,
    /// Whose counters these are.
    pub identity: Identity,
    /// The counters.
    pub counters: Counters,
    /// Databases that hold keys, by number. A database without keys has no line in INFO.
    pub dbs: BTreeMap<u32, DbStats>,
    /// Memory.
    pub memory: Memory,
    /// Every field, for the raw `redis_*` export.
    pub fields: InfoFields,
}

impl Reading {
    /// Keys in all databases.
    pub fn keys(&self) -> u64 {
        self.dbs
            .values()
            .map(|db| db.keys)
            .fold(0, u64::saturating_add)
    }
}
