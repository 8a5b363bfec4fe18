//! OpenMetrics 1.0.0 over the same families as text 0.0.4.
//!
//! Differences: a counter's family is named without `_total`, units have a line, bounds are canonical floats
//! (`1.0`, not `1`), and the end is marked. Deliberately absent: `_created` (Datadog would take it for the counter's
//! value), exemplars, timestamps.
//!
//! A summary whose quantiles are not 0..1 (a customary name has percentiles) is no summary in OpenMetrics; it becomes
//! `unknown`, with the same quantile samples and without sum and count.

use std::fmt::{self, Write};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

/// Writes one family.
pub(super) fn family(out: &mut String, family: &MetricFamily) -> fmt::Result {
    let kind = family.get_field_type();
    let sample = family.name();
    let name = match kind {
        MetricType::COUNTER => sample.strip_suffix("_total").unwrap_or(sample),
        _ => sample,
    };
    let percentiles = kind == MetricType::SUMMARY
        && family.get_metric().iter().any(|m| {
            let quantiles = m.get_summary().get_quantile();
            quantiles
                .iter()
                .any(|q| !(0.0..=1.0).contains(&q.quantile()))
        });
    let word = match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY if !percentiles => "summary",
        MetricType::SUMMARY | MetricType::UNTYPED => "unknown",
    };
    writeln!(out, "# TYPE {name} {word}")?;
    for unit in UNITS {
        if name
            .strip_suffix(unit)
            .is_some_and(|rest| rest.ends_with('_'))
        {
            writeln!(out, "# UNIT {name} {unit}")?;
        }
    }
    writeln!(out, "# HELP {name} {}", Escaped(family.help()))?;
    for metric in family.get_metric() {
        let labels = metric.get_label();
        match kind {
            MetricType::COUNTER => {
                line(
                    out,
                    (name, "_total"),
                    labels,
                    None,
                    metric.get_counter().get_value(),
                )?;
            }
            MetricType::HISTOGRAM => histogram(out, name, metric)?,
            MetricType::SUMMARY => {
                let summary = metric.get_summary();
                let bound = if percentiles {
                    Bound::Plain
                } else {
                    Bound::Canonical
                };
                for q in summary.get_quantile() {
                    let quantile = Some(("quantile", bound(q.quantile())));
                    line(out, (name, ""), labels, quantile, q.value())?;
                }
                if !percentiles {
                    line(out, (name, "_sum"), labels, None, summary.sample_sum())?;
                    line(
                        out,
                        (name, "_count"),
                        labels,
                        None,
                        summary.sample_count() as f64,
                    )?;
                }
            }
            MetricType::GAUGE | MetricType::UNTYPED => {
                line(
                    out,
                    (name, ""),
                    labels,
                    None,
                    metric.get_gauge().get_value(),
                )?;
            }
        }
    }
    Ok(())
}

/// What comes after the last family.
pub(super) fn end(out: &mut String) {
    out.push_str("# EOF\n");
}

fn histogram(out: &mut String, name: &str, metric: &Metric) -> fmt::Result {
    let (labels, h) = (metric.get_label(), metric.get_histogram());
    for bucket in h.get_bucket() {
        let le = Some(("le", Bound::Canonical(bucket.upper_bound())));
        line(
            out,
            (name, "_bucket"),
            labels,
            le,
            bucket.cumulative_count() as f64,
        )?;
    }
    let count = h.get_sample_count() as f64;
    line(
        out,
        (name, "_bucket"),
        labels,
        Some(("le", Bound::Canonical(f64::INFINITY))),
        count,
    )?;
    line(out, (name, "_count"), labels, None, count)?;
    line(out, (name, "_sum"), labels, None, h.get_sample_sum())
}

fn line(
    out: &mut String,
    (name, suffix): (&str, &str),
    labels: &[LabelPair],
    bound: Option<(&str, Bound)>,
    value: f64,
) -> fmt::Result {
    write!(out, "{name}{suffix}")?;
    let mut separator = '{';
    for label in labels {
        write!(
            out,
            "{separator}{}=\"{}\"",
            label.name(),
            Escaped(label.value())
        )?;
        separator = ',';
    }
    if let Some((name, bound)) = bound {
        write!(out, "{separator}{name}=\"{bound}\"")?;
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
    writeln!(out, " {value}")
}

/// Backslash, quote and line feed escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The value of `le` or `quantile`.
#[derive(Clone, Copy)]
enum Bound {
    /// As OpenMetrics wants it: always with a fraction.
    Canonical(f64),
    /// As in text 0.0.4, so that a customary name has the same labels in both.
    Plain(f64),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canonical(v) if v.is_infinite() => f.write_str("+Inf"),
            // Debug prints `1.0` where Display prints `1`.
            Self::Canonical(v) => write!(f, "{v:?}"),
            Self::Plain(v) => write!(f, "{v}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::export::families;
    use crate::export::sample;

    #[test]
    fn no_family_has_a_name_that_another_one_s_samples_have() {
        let mut names = BTreeSet::new();
        for family in families(&sample::rich()) {
            let name = family.name();
            let taken: Vec<String> = match family.get_field_type() {
                MetricType::COUNTER => {
                    let base = name.strip_suffix("_total").unwrap();
                    ["", "_total", "_created"]
                        .map(|s| format!("{base}{s}"))
                        .into()
                }
                MetricType::HISTOGRAM => ["", "_bucket", "_count", "_sum", "_created"]
                    .map(|s| format!("{name}{s}"))
                    .into(),
                _ => vec![name.to_owned()],
            };
            for name in taken {
                assert!(names.insert(name.clone()), "{name}");
            }
        }
    }

    #[test]
    fn bounds_are_canonical() {
        assert_eq!(Bound::Canonical(1.0).to_string(), "1.0");
        assert_eq!(Bound::Canonical(0.0005).to_string(), "0.0005");
        assert_eq!(Bound::Canonical(f64::INFINITY).to_string(), "+Inf");
        assert_eq!(Bound::Plain(99.0).to_string(), "99");
    }
}
