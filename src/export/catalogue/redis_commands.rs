//! `redis_commands_*`, `redis_errors_total` and latencies: from the INFO sections `commandstats`, `errorstats` and
//! `latencystats`.
//!
//! Invariant: at most [`MAX_COMMANDS`] commands and [`MAX_ERRORS`] errors per node; `cachewatch_label_values_cut` tells
//! how many more there were.

use crate::export::series::Series;
use crate::model::reading::Reading;

use super::{Kind, Metric, Read, Unit};

/// The most commands of a node that are exported, in order of their names.
const MAX_COMMANDS: usize = 512;
/// The most kinds of errors of a node that are exported, in order of their names.
const MAX_ERRORS: usize = 128;
/// The most percentiles of a command that are exported.
const MAX_PERCENTILES: usize = 16;

const COMMANDS: &str = "cmdstat_";
const ERRORS: &str = "errorstat_";
const CMD: &[&str] = &["cache", "node", "cmd"];

pub(super) const METRICS: &[Metric] = &[
    Metric::new(
        "redis_commands_total",
        Kind::Counter,
        Unit::None,
        CMD,
        "Calls by command.",
        Read::Reading(|_, r, s| each_command(r, s, "calls", 1.0)),
    )
    .from("INFO `cmdstat_*`, `calls`"),
    Metric::new(
        "redis_commands_duration_seconds_total",
        Kind::Counter,
        Unit::Seconds,
        CMD,
        "CPU time by command.",
        Read::Reading(|_, r, s| each_command(r, s, "usec", 1e-6)),
    )
    .from("INFO `cmdstat_*`, `usec`"),
    Metric::new(
        "redis_commands_failed_calls_total",
        Kind::Counter,
        Unit::None,
        CMD,
        "Calls that failed while they ran, by command.",
        Read::Reading(|_, r, s| each_command(r, s, "failed_calls", 1.0)),
    )
    .from("INFO `cmdstat_*`, `failed_calls`"),
    Metric::new(
        "redis_commands_rejected_calls_total",
        Kind::Counter,
        Unit::None,
        CMD,
        "Calls that were refused before they ran, by command.",
        Read::Reading(|_, r, s| each_command(r, s, "rejected_calls", 1.0)),
    )
    .from("INFO `cmdstat_*`, `rejected_calls`"),
    Metric::new(
        "redis_latency_percentiles_usec",
        Kind::Summary,
        Unit::Microseconds,
        CMD,
        "Latency percentiles by command, in microseconds; the quantile is 0..100, as is customary.",
        Read::Reading(latencies),
    )
    .from("INFO `latency_percentiles_usec_*`; sum and count from `cmdstat_*`"),
    Metric::new(
        "redis_errors_total",
        Kind::Counter,
        Unit::None,
        &["cache", "node", "err"],
        "Error replies by kind.",
        Read::Reading(|_, r, s| {
            for (err, text) in r.fields.with_prefix(ERRORS).take(MAX_ERRORS) {
                s.maybe(&[err], part(text, "count"));
            }
        }),
    )
    .from("INFO `errorstat_*`, `count`"),
];

fn each_command(reading: &Reading, series: &mut Series<'_>, key: &str, scale: f64) {
    for (cmd, text) in reading.fields.with_prefix(COMMANDS).take(MAX_COMMANDS) {
        series.maybe(&[cmd], part(text, key).map(|n| n * scale));
    }
}

fn latencies(_: &super::NodeView<'_>, reading: &Reading, series: &mut Series<'_>) {
    let lines = reading.fields.with_prefix("latency_percentiles_usec_");
    for (cmd, text) in lines.take(MAX_COMMANDS) {
        let Some(stats) = reading.fields.get(&format!("{COMMANDS}{cmd}")) else {
            continue;
        };
        let (Some(calls), Some(usec)) = (part(stats, "calls"), part(stats, "usec")) else {
            continue;
        };
        let quantiles = text.split(',').take(MAX_PERCENTILES).filter_map(|p| {
            let (quantile, value) = p.strip_prefix('p')?.split_once('=')?;
            Some((quantile.parse().ok()?, value.parse().ok()?))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`part` yields no negative number, and the cast saturates"
        )]
        series.summary(&[cmd], quantiles, calls as u64, usec);
    }
}

/// `part("calls=2,usec=3", "usec")` is 3. Absent, negative or not a number: `None`.
pub(super) fn part(text: &str, key: &str) -> Option<f64> {
    let value = text
        .split(',')
        .find_map(|p| p.split_once('=').filter(|(k, _)| *k == key))?
        .1;
    value
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite() && *v >= 0.0)
}

/// How many commands are over the bound.
pub(super) fn commands_cut(reading: &Reading) -> u64 {
    reading
        .fields
        .with_prefix(COMMANDS)
        .skip(MAX_COMMANDS)
        .count() as u64
}

/// How many kinds of errors are over the bound.
pub(super) fn errors_cut(reading: &Reading) -> u64 {
    reading.fields.with_prefix(ERRORS).skip(MAX_ERRORS).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{families, sample};

    #[test]
    fn parts_are_found_by_name() {
        assert_eq!(part("calls=2,usec=3", "usec"), Some(3.0));
        assert_eq!(part("calls=2", "usec"), None);
        assert_eq!(part("calls=x,usec", "calls"), None);
        assert_eq!(part("calls=-1", "calls"), None);
    }

    #[test]
    fn commands_and_errors_are_bounded_and_the_cut_is_told() {
        let lines: Vec<_> = (0..600)
            .map(|i| (format!("cmdstat_c{i:04}"), "calls=1,usec=1".to_owned()))
            .chain((0..200).map(|i| (format!("errorstat_E{i:04}"), "count=1".to_owned())))
            .collect();
        let snapshot = sample::one_node(&lines);
        let families = families(&snapshot);
        let samples = |name: &str| {
            let family = families.iter().find(|f| f.name() == name).unwrap();
            family.get_metric().to_vec()
        };
        assert_eq!(samples("redis_commands_total").len(), MAX_COMMANDS);
        assert_eq!(samples("redis_errors_total").len(), MAX_ERRORS);
        let cut = samples("cachewatch_label_values_cut");
        let of = |label: &str| {
            let sample = cut
                .iter()
                .find(|m| m.get_label().iter().any(|l| l.value() == label));
            sample.unwrap().get_gauge().get_value()
        };
        assert!((of("cmd") - 88.0).abs() < f64::EPSILON);
        assert!((of("err") - 72.0).abs() < f64::EPSILON);
    }

    #[test]
    fn names_that_become_alike_are_exported_once() {
        let long = "x".repeat(200);
        let lines = [
            (format!("cmdstat_{long}a"), "calls=1".to_owned()),
            (format!("cmdstat_{long}b"), "calls=2".to_owned()),
        ];
        let families = families(&sample::one_node(&lines));
        let family = families
            .iter()
            .find(|f| f.name() == "redis_commands_total")
            .unwrap();
        assert_eq!(family.get_metric().len(), 1);
    }
}
