//! Collects the samples of one family.
//!
//! Invariant: each label has a name from the catalogue, each value is finite and safe to print, and no two samples
//! have the same labels, whatever a server says.

use prometheus::proto;

use crate::model::stats::{DURATION_BUCKETS, DurationHistogram};

use super::catalogue::{Kind, Metric};
use super::label;

/// The samples of one family while they are collected.
pub(super) struct Series<'a> {
    metric: &'static Metric,
    subject: Vec<&'a str>,
    samples: Vec<proto::Metric>,
}

impl<'a> Series<'a> {
    pub(super) fn new(metric: &'static Metric) -> Self {
        Self {
            metric,
            subject: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// What the next samples are about: values of the first labels.
    pub(super) fn about(&mut self, subject: &[&'a str]) {
        self.subject.clear();
        self.subject.extend_from_slice(subject);
    }

    /// A sample with the values of the remaining labels.
    pub(super) fn value(&mut self, labels: &[&str], value: f64) {
        if !value.is_finite() {
            return;
        }
        let mut sample = self.sample(labels);
        if self.metric.kind == Kind::Counter {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            sample.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            sample.set_gauge(gauge);
        }
        self.samples.push(sample);
    }

    /// A sample, if there is a value.
    pub(super) fn maybe(&mut self, labels: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.value(labels, value);
        }
    }

    /// A sample that counts something.
    pub(super) fn count(&mut self, labels: &[&str], value: u64) {
        self.value(labels, value as f64);
    }

    /// A flag.
    pub(super) fn flag(&mut self, labels: &[&str], value: bool) {
        self.value(labels, f64::from(u8::from(value)));
    }

    /// One sample for each state, 1 for the current one.
    pub(super) fn states<S: PartialEq + Copy>(
        &mut self,
        all: &[S],
        current: S,
        name: fn(S) -> &'static str,
        labels: &[&str],
    ) {
        let mut values = labels.to_vec();
        for state in all {
            values.push(name(*state));
            self.flag(&values, *state == current);
            values.pop();
        }
    }

    /// A histogram of durations.
    pub(super) fn histogram(&mut self, labels: &[&str], durations: &DurationHistogram) {
        let mut below = 0_u64;
        let buckets = DURATION_BUCKETS
            .iter()
            .zip(durations.buckets)
            .map(|(bound, n)| {
                below = below.saturating_add(n);
                let mut bucket = proto::Bucket::default();
                bucket.set_upper_bound(*bound);
                bucket.set_cumulative_count(below);
                bucket
            });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(durations.count());
        histogram.set_sample_sum(durations.sum_seconds);
        let mut sample = self.sample(labels);
        sample.set_histogram(histogram);
        self.samples.push(sample);
    }

    /// A summary: quantiles as (quantile, value), how many observations, and their sum.
    pub(super) fn summary(
        &mut self,
        labels: &[&str],
        quantiles: impl Iterator<Item = (f64, f64)>,
        count: u64,
        sum: f64,
    ) {
        let quantiles = quantiles
            .filter(|(q, v)| q.is_finite() && v.is_finite())
            .map(|(q, v)| {
                let mut quantile = proto::Quantile::default();
                quantile.set_quantile(q);
                quantile.set_value(v);
                quantile
            });
        let mut summary = proto::Summary::default();
        summary.set_quantile(quantiles.collect());
        summary.set_sample_count(count);
        summary.set_sample_sum(sum);
        let mut sample = self.sample(labels);
        sample.set_summary(summary);
        self.samples.push(sample);
    }

    /// The family, or nothing when there are no samples.
    pub(super) fn finish(mut self) -> Option<proto::MetricFamily> {
        // Servers choose label values, and capping them can make two alike: a scrape with duplicates is refused whole.
        if self.metric.labels.len() > self.subject.len() {
            self.samples
                .sort_by(|a, b| label::order(a).cmp(label::order(b)));
            self.samples
                .dedup_by(|a, b| label::order(a).eq(label::order(b)));
        }
        if self.samples.is_empty() {
            return None;
        }
        let mut family = proto::MetricFamily::default();
        family.set_name(self.metric.name.to_owned());
        family.set_help(self.metric.help.to_owned());
        family.set_field_type(match self.metric.kind {
            Kind::Counter => proto::MetricType::COUNTER,
            Kind::Gauge => proto::MetricType::GAUGE,
            Kind::Histogram => proto::MetricType::HISTOGRAM,
            Kind::Summary => proto::MetricType::SUMMARY,
        });
        family.set_metric(self.samples);
        Some(family)
    }

    fn sample(&self, labels: &[&str]) -> proto::Metric {
        debug_assert_eq!(
            self.subject.len() + labels.len(),
            self.metric.labels.len(),
            "{}",
            self.metric.name
        );
        let values = self.subject.iter().chain(labels);
        let pairs = self
            .metric
            .labels
            .iter()
            .zip(values)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| {
                let mut pair = proto::LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value(label::safe(value).into_owned());
                pair
            });
        proto::Metric::from_label(pairs.collect())
    }
}
