//! The table of every metric: name, type, unit, labels, help, source, and how to read its value from a snapshot.
//!
//! A new metric is one more row in one of the tables below this module; exposition, reference and tests follow.
//!
//! Invariant: nothing is exported that has no row here, and every row is exported when its source is there.

use crate::model::reading::Reading;
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot, Snapshot};
use crate::model::time::Now;

use super::series::Series;

mod attribution;
mod cache;
mod events;
mod lookups;
mod own;
mod polls;
mod process;
mod redis_commands;
mod redis_keyspace;
mod redis_memory;
mod redis_persistence;
mod redis_replication;
mod redis_server;
mod redis_stats;

/// Labels of what is known of one node.
pub(super) const NODE: &[&str] = &["cache", "node"];
/// Labels of what is known of a cache as a whole.
pub(super) const CACHE: &[&str] = &["cache"];

/// The type of a metric, as in `# TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, except when the process that counts starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
    /// Quantiles that the source computed.
    Summary,
}

impl Kind {
    /// As in `# TYPE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain number: a count, a state, a flag.
    None,
    /// Seconds; with a timestamp: since 1970 in UTC.
    Seconds,
    /// Bytes.
    Bytes,
    /// 0..1, unless the help says otherwise.
    Ratio,
    /// Microseconds, only under customary names.
    Microseconds,
    /// 0..100, only under customary names.
    Percent,
}

impl Unit {
    /// As in the reference.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Microseconds => "microseconds",
            Self::Percent => "percent",
        }
    }
}

/// Whose metric it is; the prefix of its name says so too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// `cache_*`: what cachewatch makes of its readings.
    Cache,
    /// `cachewatch_*` and `process_*`: what cachewatch says about itself.
    Own,
    /// `redis_*`: raw values under the names that redis_exporter made customary.
    Redis,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name; a counter's ends in `_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it is counted in.
    pub unit: Unit,
    /// Its labels, in the order in which they are written. Labels without a value are left out.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence or two.
    pub help: &'static str,
    /// redis_exporter's name, where promtool would complain about it and it was mended here.
    pub customary: Option<&'static str>,
    source: &'static str,
    pub(super) read: Read,
}

/// How the value gets out of a snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    /// Once for all.
    Own(fn(&Snapshot, &mut Series<'_>)),
    /// For each cache.
    Cache(fn(&CacheSnapshot, &mut Series<'_>)),
    /// For each node, whether it is up or not.
    Node(fn(&NodeView<'_>, &mut Series<'_>)),
    /// For each node that is up, from its last reading.
    Reading(fn(&NodeView<'_>, &Reading, &mut Series<'_>)),
    /// For each node that is up, from the first of these INFO fields that is there.
    Field(&'static [&'static str], Parse),
    /// From `/proc`; the renderer adds it.
    Process,
}

/// A node and when it is looked at.
pub(super) struct NodeView<'a> {
    pub(super) at: Now,
    pub(super) node: &'a NodeSnapshot,
}

/// How the text of an INFO field becomes a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Parse {
    /// A number times this.
    Number(f64),
    /// 1 for this word, 0 for every other one.
    Word(&'static str),
}

impl Metric {
    const fn new(
        name: &'static str,
        kind: Kind,
        unit: Unit,
        labels: &'static [&'static str],
        help: &'static str,
        read: Read,
    ) -> Self {
        Self {
            name,
            kind,
            unit,
            labels,
            help,
            customary: None,
            source: "",
            read,
        }
    }

    /// A row for one INFO field.
    const fn field(
        fields: &'static [&'static str],
        name: &'static str,
        kind: Kind,
        unit: Unit,
        help: &'static str,
    ) -> Self {
        let read = Read::Field(fields, Parse::Number(1.0));
        Self::new(name, kind, unit, NODE, help, read)
    }

    const fn from(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    const fn parsed(mut self, parse: Parse) -> Self {
        if let Read::Field(fields, _) = self.read {
            self.read = Read::Field(fields, parse);
        }
        self
    }

    const fn instead_of(mut self, customary: &'static str) -> Self {
        self.customary = Some(customary);
        self
    }

    /// Where the number comes from, in words.
    pub fn source(&self) -> String {
        match self.read {
            Read::Field(fields, _) => {
                let names: Vec<_> = fields.iter().map(|f| format!("`{f}`")).collect();
                format!("INFO {}", names.join(" or "))
            }
            _ => self.source.to_owned(),
        }
    }

    /// Whose it is.
    pub fn group(&self) -> Group {
        if self.name.starts_with("redis_") {
            Group::Redis
        } else if self.name.starts_with("cache_") {
            Group::Cache
        } else {
            Group::Own
        }
    }
}

/// Seconds since 1970, with milliseconds.
fn unix_seconds(at: jiff::Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// All metrics, in the order of the exposition.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    [
        cache::METRICS,
        events::METRICS,
        attribution::METRICS,
        lookups::METRICS,
        redis_server::METRICS,
        redis_memory::METRICS,
        redis_stats::METRICS,
        redis_keyspace::METRICS,
        redis_commands::METRICS,
        redis_replication::METRICS,
        redis_persistence::METRICS,
        own::METRICS,
        polls::METRICS,
        process::METRICS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut seen = BTreeSet::new();
        for m in all() {
            assert!(seen.insert(m.name), "{} is there twice", m.name);
            assert!(
                m.name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                m.name
            );
            assert_eq!(
                m.kind == Kind::Counter,
                m.name.ends_with("_total"),
                "{}",
                m.name
            );
            assert!(m.help.ends_with('.'), "{}: a help is a sentence", m.name);
            assert!(!m.help.contains('\n'), "{}", m.name);
            assert!(
                !m.source().is_empty(),
                "{} does not say where it comes from",
                m.name
            );
            assert!(m.labels.iter().all(|l| !["le", "quantile"].contains(l)));
        }
    }

    #[test]
    fn cache_and_node_come_first() {
        for m in all().filter(|m| m.labels.contains(&"cache")) {
            assert_eq!(m.labels.first(), Some(&"cache"), "{}", m.name);
            if m.labels.contains(&"node") {
                assert_eq!(m.labels.get(1), Some(&"node"), "{}", m.name);
            }
        }
    }

    #[test]
    fn what_is_ours_has_its_unit_in_its_name() {
        for m in all().filter(|m| m.group() != Group::Redis) {
            let base = m.name.trim_end_matches("_total");
            for unit in [Unit::Seconds, Unit::Bytes] {
                assert_eq!(
                    m.unit == unit,
                    base.ends_with(&format!("_{}", unit.as_str())),
                    "{}",
                    m.name
                );
            }
        }
    }
}
