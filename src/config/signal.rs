//! The table of signals: every number that a rule can watch, with what may be said about it.
//!
//! Checking, the reference in `docs/configuration.md` and the words of messages come from here; how a value is got out
//! of a cache is `alert::measure`'s, which has one arm for each row.
//!
//! Deliberately absent: `down`, `miss_ratio` of a whole cache and `miss_ratio_baseline`, which have detectors of their
//! own ([`super::MissRatioRule`], [`super::DownRule`], [`super::BaselineRule`]).
//!
//! Invariant: each [`Measure`] has exactly one row.

use crate::model::incident::Unit;

mod gauges;

pub use gauges::GAUGES;

/// A number that can be compared with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Misses / lookups of a namespace or node.
    MissRatio,
    /// Hits / lookups.
    HitRatio,
    /// Lookups per second.
    LookupsPerSecond,
    /// Misses per second.
    MissesPerSecond,
    /// Evictions per second.
    EvictionsPerSecond,
    /// Expirations per second.
    ExpirationsPerSecond,
    /// Memory used / limit.
    MemoryUsedRatio,
    /// Misses with one cause / misses.
    CauseShare,
    /// Misses of a namespace / misses of its cache.
    MissShare,
    /// Events seen / counted by the server.
    EventsCompleteness,
    /// How old the last reading is.
    ReadingAge,
    /// Failed polls per second.
    PollErrorsPerSecond,
    /// What misses cost.
    CostPerHour,
    /// An exported gauge.
    Gauge,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// The cache as a whole.
    Cache,
    /// Each of its namespaces that a glob matches.
    Namespace,
    /// Each of its nodes.
    Node,
}

impl SubjectKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cache, Self::Namespace, Self::Node];

    /// As in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Namespace => "namespace",
            Self::Node => "node",
        }
    }
}

/// Over what a value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The rule's `window`.
    Window,
    /// That of the source: five minutes, for estimates longer.
    Source,
    /// The moment.
    Moment,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct SignalRow {
    /// Which.
    pub measure: Measure,
    /// As in the configuration.
    pub name: &'static str,
    /// For a sentence: `evictions per second`.
    pub title: &'static str,
    /// What it says, for the reference.
    pub help: &'static str,
    /// In which unit, for a currency; that of a gauge is not known.
    unit: fn(&str) -> Unit,
    /// What it can be about; the first is meant when nothing is said.
    pub subjects: &'static [SubjectKind],
    /// Over what it is taken.
    pub span: Span,
    /// Whether it is a share of lookups or misses, so that too few of them say nothing.
    pub share: bool,
    /// Whether a cache that fills anew is given time, because it is bad for a while without anything being wrong.
    pub warms_up: bool,
    /// How far from the limit it must get back to be over, as a share of the limit.
    pub clear: f64,
}

use SubjectKind::{Cache, Namespace, Node};

const fn row(
    measure: Measure,
    name: &'static str,
    title: &'static str,
    unit: fn(&str) -> Unit,
    subjects: &'static [SubjectKind],
    help: &'static str,
) -> SignalRow {
    SignalRow {
        measure,
        name,
        title,
        help,
        unit,
        subjects,
        span: Span::Window,
        share: false,
        warms_up: false,
        clear: 0.2,
    }
}

impl SignalRow {
    const fn moment(mut self) -> Self {
        self.span = Span::Moment;
        self
    }

    const fn source(mut self) -> Self {
        self.span = Span::Source;
        self
    }

    const fn share(mut self) -> Self {
        self.share = true;
        self.warms_up = true;
        self
    }

    const fn cold(mut self) -> Self {
        self.warms_up = true;
        self
    }

    const fn clears_at(mut self, share: f64) -> Self {
        self.clear = share;
        self
    }

    /// Whether it lies in 0..1.
    pub fn is_ratio(&self) -> bool {
        (self.unit)("") == Unit::Ratio
    }

    /// In which unit values are, for a rule about this currency.
    pub fn unit(&self, currency: &str) -> Unit {
        (self.unit)(currency)
    }

    /// Where it is over when only the limit is given: a fifth of it farther back, for a ratio that must not be too low a
    /// fifth of what it lacks to 1.
    pub fn clear_of(&self, limit: f64, above: bool) -> f64 {
        let back = if above || !self.is_ratio() {
            limit.abs() * self.clear
        } else {
            (1.0 - limit) * self.clear
        };
        if above { limit - back } else { limit + back }
    }
}

/// The first one.
const MISS_RATIO: SignalRow = row(
    Measure::MissRatio,
    "miss_ratio",
    "miss ratio",
    |_| Unit::Ratio,
    &[Namespace, Node],
    "misses / lookups of a namespace (where its lookups are known) or of a node",
)
.share();

/// All signals that are compared with a limit.
pub const SIGNALS: &[SignalRow] = &[
    MISS_RATIO,
    row(
        Measure::HitRatio,
        "hit_ratio",
        "hit ratio",
        |_| Unit::Ratio,
        &[Cache, Namespace, Node],
        "hits / lookups; of a namespace only where its lookups are known",
    )
    .share(),
    row(
        Measure::LookupsPerSecond,
        "lookups_per_second",
        "lookups per second",
        |_| Unit::PerSecond,
        &[Cache, Node],
        "lookups per second",
    ),
    row(
        Measure::MissesPerSecond,
        "misses_per_second",
        "misses per second",
        |_| Unit::PerSecond,
        &[Cache, Namespace, Node],
        "misses per second",
    )
    .cold(),
    row(
        Measure::EvictionsPerSecond,
        "evictions_per_second",
        "evictions per second",
        |_| Unit::PerSecond,
        &[Cache, Namespace, Node],
        "keys removed because of `maxmemory`, per second",
    ),
    row(
        Measure::ExpirationsPerSecond,
        "expirations_per_second",
        "expirations per second",
        |_| Unit::PerSecond,
        &[Cache, Namespace, Node],
        "keys removed because their time to live was over, per second",
    ),
    row(
        Measure::MemoryUsedRatio,
        "memory_used_ratio",
        "memory used",
        |_| Unit::Ratio,
        &[Cache, Node],
        "memory used / `maxmemory`; nothing without a limit",
    )
    .moment()
    .clears_at(0.05),
    row(
        Measure::CauseShare,
        "cause_share",
        "share of misses with this cause",
        |_| Unit::Ratio,
        &[Cache, Namespace],
        "misses with the `cause` / misses, from key events",
    )
    .share(),
    row(
        Measure::MissShare,
        "miss_share",
        "share of the misses of its cache",
        |_| Unit::Ratio,
        &[Namespace],
        "misses of the namespace / misses of the cache, from key events",
    )
    .share(),
    row(
        Measure::EventsCompleteness,
        "events_completeness",
        "completeness of key events",
        |_| Unit::Ratio,
        &[Cache, Node],
        "misses seen as key events / misses that the server counted, over five minutes",
    )
    .source(),
    row(
        Measure::ReadingAge,
        "reading_age",
        "age of the last reading",
        |_| Unit::Seconds,
        &[Cache, Node],
        "seconds since the last good poll; of a cache that of its oldest node",
    )
    .moment(),
    row(
        Measure::PollErrorsPerSecond,
        "poll_errors",
        "failed polls per second",
        |_| Unit::PerSecond,
        &[Cache, Node],
        "failed polls per second; a node that is polled every 5s can have 0.2",
    ),
    row(
        Measure::CostPerHour,
        "cost_per_hour",
        "cost of misses",
        |currency| Unit::PerHour(currency.to_owned()),
        &[Cache, Namespace],
        "what misses cost in an hour at the pace of the last five minutes, in `currency`, where prices are configured",
    )
    .source()
    .cold(),
    row(
        Measure::Gauge,
        "gauge",
        "value",
        |_| Unit::Count,
        &[Cache, Namespace, Node],
        "the exported gauge that `metric` names; of several the worst",
    )
    .moment(),
];

impl Measure {
    /// Its row.
    pub fn row(self) -> &'static SignalRow {
        let found = SIGNALS.iter().find(|row| row.measure == self);
        // Each measure has a row: a test says so.
        found.unwrap_or(&MISS_RATIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_has_one_row() {
        use Measure::*;
        for measure in [
            MissRatio,
            HitRatio,
            LookupsPerSecond,
            MissesPerSecond,
            EvictionsPerSecond,
            ExpirationsPerSecond,
            MemoryUsedRatio,
            CauseShare,
            MissShare,
            EventsCompleteness,
            ReadingAge,
            PollErrorsPerSecond,
            CostPerHour,
            Gauge,
        ] {
            assert_eq!(measure.row().measure, measure);
            assert_eq!(SIGNALS.iter().filter(|r| r.measure == measure).count(), 1);
        }
        assert_eq!(SIGNALS.len(), 14);
    }

    #[test]
    fn what_is_over_lies_on_the_good_side() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(Measure::MissRatio.row().clear_of(0.2, true), 0.16));
        assert!(near(Measure::HitRatio.row().clear_of(0.8, false), 0.84));
        assert!(near(
            Measure::MemoryUsedRatio.row().clear_of(0.9, true),
            0.855
        ));
        assert!(near(
            Measure::LookupsPerSecond.row().clear_of(10.0, false),
            12.0
        ));
        assert!(near(Measure::Gauge.row().clear_of(-10.0, true), -12.0));
    }

    #[test]
    fn the_reference_has_every_row() {
        let docs = include_str!("../../docs/configuration.md");
        for row in SIGNALS {
            let subjects: Vec<_> = row.subjects.iter().map(|s| s.as_str()).collect();
            let line = format!(
                "| `{}` | {} | {} |",
                row.name,
                subjects.join(", "),
                row.help
            );
            assert!(docs.contains(&line), "missing in the reference:\n{line}");
        }
    }
}
