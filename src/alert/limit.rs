//! A number against its limit: what is counted becomes a rate or a share over the rule's window, and that is compared.
//!
//! Between the limit and the clear limit nothing changes. A share of too few says nothing, nor does a window that the
//! readings do not fill yet: a burst while cachewatch starts would count as evidence.
//!
//! Deliberately absent: confidence; the miss ratio of a cache has detectors of its own for that.
//!
//! Invariants: at most [`SAMPLES`] samples and [`POINTS`] points; while the last poll failed there is no verdict, except
//! for signals about just that.

use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::evidence::Scene;
use super::machine::Verdict;
use super::measure::{Taken, take};
use super::words::{add, grouped, hundredths, percent, said, span, tenths};
use crate::config::LimitRule;
use crate::config::signal::{Measure, Span};
use crate::model::incident::{Subject, Unit};
use crate::model::window::Sparkline;

/// Samples that make up a window, and one more where it begins.
const SAMPLES: usize = 32;
/// Points of the last hour, one a minute.
const POINTS: usize = 60;
const MINUTE: Duration = Duration::from_mins(1);

/// What is remembered of one signal of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Limiter {
    samples: VecDeque<Sample>,
    points: VecDeque<Option<f64>>,
    /// Which minute the last point is of.
    minute: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    part: u64,
    whole: u64,
}

/// When what there is to see was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    /// Whether the last poll went well.
    pub(super) fresh: bool,
    /// When it was read.
    pub(super) at: Duration,
    /// What was before does not count.
    pub(super) from: Option<Duration>,
}

/// What is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) value: Option<f64>,
    /// Lookups (or misses) that a share rests on.
    pub(super) lookups: Option<u64>,
    pub(super) explanation: String,
}

impl Limiter {
    /// Looks at the cache.
    pub(super) fn look(
        &mut self,
        rule: &LimitRule,
        subject: Option<&Subject>,
        scene: &Scene<'_>,
        counted: Counted,
    ) -> Found {
        let Counted { fresh, at, from } = counted;
        let about_polls = matches!(
            rule.measure,
            Measure::ReadingAge | Measure::PollErrorsPerSecond
        );
        if !fresh && !about_polls {
            return Found::nothing(
                Verdict::NoData,
                "no reading to judge by: the last poll failed, or is late".to_owned(),
            );
        }
        let at = if about_polls { scene.now.mono } else { at };
        if let Some(from) = from {
            while self.samples.front().is_some_and(|s| s.at < from) {
                self.samples.pop_front();
            }
        }
        let found = match take(rule, subject, scene) {
            Taken::Value(value, lookups) => judged(rule, value, lookups),
            Taken::Count(count) => match count {
                Some(count) => self.rate(rule, count, at),
                None => unknown(rule),
            },
            Taken::Share(share) => match share {
                Some((part, whole)) => self.share(rule, part, whole, at),
                None => unknown(rule),
            },
        };
        self.remember(found.value, scene.now.mono);
        found
    }

    fn rate(&mut self, rule: &LimitRule, count: u64, at: Duration) -> Found {
        let Some((grown, _, covered)) = self.over(rule.window, count, 0, at) else {
            return too_short(rule, self.covered());
        };
        judged(rule, Some(grown as f64 / covered.as_secs_f64()), None)
    }

    fn share(&mut self, rule: &LimitRule, part: u64, whole: u64, at: Duration) -> Found {
        let Some((part, whole, _)) = self.over(rule.window, part, whole, at) else {
            return too_short(rule, self.covered());
        };
        let share = (whole > 0).then(|| part as f64 / whole as f64);
        judged(rule, share, Some(whole))
    }

    fn covered(&self) -> Duration {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) => last.at.saturating_sub(first.at),
            _ => Duration::ZERO,
        }
    }

    /// What both counts grew by over the window, and how long that really is. `None` while it is not filled.
    fn over(
        &mut self,
        window: Duration,
        part: u64,
        whole: u64,
        at: Duration,
    ) -> Option<(u64, u64, Duration)> {
        // A namespace that was retired and came back counts from 0 again.
        let went_back = |last: &Sample| part < last.part || whole < last.whole || at < last.at;
        if self.samples.back().is_some_and(went_back) {
            self.samples.clear();
        }
        let spacing = window / (u32::try_from(SAMPLES).unwrap_or(32) - 2);
        let due = |last: &Sample| at.saturating_sub(last.at) >= spacing;
        if self.samples.back().is_none_or(due) {
            self.samples.push_back(Sample { at, part, whole });
        }
        let begin = at.saturating_sub(window);
        while self.samples.get(1).is_some_and(|second| second.at <= begin)
            || self.samples.len() > SAMPLES
        {
            self.samples.pop_front();
        }
        let first = self.samples.front()?;
        let covered = at.saturating_sub(first.at);
        // One spacing less is as good as the whole: a window begins at a sample.
        (!covered.is_zero() && covered + spacing >= window).then(|| {
            (
                part.saturating_sub(first.part),
                whole.saturating_sub(first.whole),
                covered,
            )
        })
    }

    fn remember(&mut self, value: Option<f64>, now: Duration) {
        let minute = now.as_secs() / MINUTE.as_secs();
        if self.points.is_empty() {
            self.minute = minute;
            self.points.push_back(value);
            return;
        }
        let passed = minute.saturating_sub(self.minute);
        for _ in 0..passed.min(POINTS as u64) {
            self.points.push_back(None);
        }
        self.minute = minute;
        while self.points.len() > POINTS {
            self.points.pop_front();
        }
        if let Some(last) = self.points.back_mut()
            && value.is_some()
        {
            *last = value;
        }
    }

    /// The values of the last hour.
    pub(super) fn history(&self) -> Sparkline {
        let points: Vec<_> = self.points.iter().copied().collect();
        let minutes = u64::try_from(points.len()).unwrap_or_default();
        Sparkline {
            span: Duration::from_mins(minutes),
            points,
        }
    }

    /// The median of the last hour; `None` when fewer than five minutes are known.
    pub(super) fn usual(&self) -> Option<f64> {
        let mut values: Vec<f64> = self.points.iter().copied().flatten().collect();
        if values.len() < 5 {
            return None;
        }
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

impl Found {
    fn nothing(verdict: Verdict, explanation: String) -> Self {
        Self {
            verdict,
            value: None,
            lookups: None,
            explanation,
        }
    }
}

/// The polls go well, and still it is not known: a namespace that is no longer told apart, memory without a limit. That
/// is no lack of data that passes, so that an open incident ends with it some time.
fn unknown(rule: &LimitRule) -> Found {
    let title = rule.measure.row().title;
    Found::nothing(
        Verdict::InsufficientTraffic,
        format!("{title}: nothing is known of it"),
    )
}

fn too_short(rule: &LimitRule, covered: Duration) -> Found {
    Found::nothing(
        Verdict::InsufficientTraffic,
        format!(
            "readings span {} so far; it is judged from {} on",
            span(covered),
            span(rule.window)
        ),
    )
}

fn judged(rule: &LimitRule, value: Option<f64>, lookups: Option<u64>) -> Found {
    let row = rule.measure.row();
    if row.share && lookups.unwrap_or(0) < rule.min_lookups {
        return Found {
            verdict: Verdict::InsufficientTraffic,
            value,
            lookups,
            explanation: format!(
                "it rests on {} only, fewer than the {} that a judgement needs",
                grouped(lookups.unwrap_or(0)),
                grouped(rule.min_lookups)
            ),
        };
    }
    let Some(value) = value else {
        return unknown(rule);
    };
    let unit = row.unit(&rule.currency);
    let (limit, clear) = (rule.threshold, rule.clear_threshold);
    let beyond = |limit: f64| {
        if rule.above {
            value > limit
        } else {
            value < limit
        }
    };
    let side = if rule.above { "above" } else { "below" };
    let title = rule.metric.as_deref().unwrap_or(row.title);
    let (verdict, words) = if beyond(limit) {
        (Verdict::Breach, "")
    } else if beyond(clear) {
        (Verdict::Between, "not ")
    } else {
        (Verdict::Clear, "not ")
    };
    let mut explanation = said(format_args!("{title} is {}", Shown(value, &unit)));
    if row.span == Span::Window {
        add(
            &mut explanation,
            format_args!(" over {}", span(rule.window)),
        );
    }
    add(
        &mut explanation,
        format_args!(", {words}{side} {}", Shown(limit, &unit)),
    );
    Found {
        verdict,
        value: Some(value),
        lookups,
        explanation,
    }
}

/// A value with its unit, as people read it.
struct Shown<'a>(f64, &'a Unit);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        match unit {
            Unit::Ratio => percent(value).fmt(f),
            Unit::PerSecond => write!(f, "{}/s", hundredths(value)),
            Unit::Seconds => write!(f, "{} s", hundredths(value)),
            Unit::Bytes => write!(f, "{} MiB", tenths(value / 1_048_576.0)),
            Unit::PerHour(currency) => write!(f, "{value:.2} {currency}/h"),
            Unit::Count => hundredths(value).fmt(f),
        }
    }
}
