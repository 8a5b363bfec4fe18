//! What a backtest found, for people and as JSON. Pure.
//!
//! Invariant: what rests on coarse slots, or on less than a week, says so.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::told;
use crate::alert::replay::{Firing, Quiet, Replayed, Slot, threshold_of};
use crate::config::{LimitRule, Rule, Signal};
use crate::model::incident::Unit;
use crate::model::name::CacheName;

/// Firings that are listed one by one.
const LISTED: usize = 50;
/// Slots wider than this are coarse for rules that look at some minutes.
const COARSE: Duration = Duration::from_mins(1);
/// Rows of a file may each have a width of their own: then the first ones say enough.
const MAX_WIDTHS: usize = 4;
const WEEK: Duration = Duration::from_hours(24 * 7);

/// One rule over one cache.
pub(super) struct Subject {
    pub(super) rule: Rule,
    /// Why it was not replayed.
    pub(super) refused: Option<&'static str>,
    pub(super) replayed: Replayed,
    pub(super) quiet: Quiet,
}

/// One cache.
pub(super) struct Report {
    cache: CacheName,
    span: Option<(Timestamp, Timestamp)>,
    /// How many slots of which width, the widest first.
    slots: Vec<(Duration, usize)>,
    known: Duration,
    found: Vec<Subject>,
}

impl Report {
    pub(super) fn new(cache: CacheName, slots: &[Slot], found: Vec<Subject>) -> Self {
        let mut widths: Vec<(Duration, usize)> = Vec::new();
        let mut known = Duration::ZERO;
        for slot in slots {
            known = known.saturating_add(slot.width);
            let room = widths.len() < MAX_WIDTHS;
            match widths.iter_mut().find(|(width, _)| *width == slot.width) {
                Some((_, count)) => *count += 1,
                None if room => widths.push((slot.width, 1)),
                None => {}
            }
        }
        widths.sort_by(|a, b| b.cmp(a));
        Self {
            cache,
            span: slots
                .first()
                .zip(slots.last())
                .map(|(first, last)| (first.point.at, last.end())),
            slots: widths,
            known,
            found,
        }
    }

    /// Whether there is any history.
    pub(super) fn is_known(&self) -> bool {
        self.span.is_some()
    }

    pub(super) fn text(&self) -> String {
        let Some((from, to)) = self.span else {
            return format!("{}: there is no history of this time\n", self.cache);
        };
        let slots: Vec<_> = self
            .slots
            .iter()
            .map(|(width, count)| format!("{count} of {}", told::length_of(*width)))
            .collect();
        let mut out = format!(
            "{}: {} of history, {} to {} (slots: {})\n",
            self.cache,
            told::length_of(self.known),
            told::moment(from),
            told::moment(to),
            slots.join(", ")
        );
        for remark in self.remarks() {
            out.push_str(&format!("  note: {remark}\n"));
        }
        for subject in &self.found {
            out.push_str(&subject.text());
        }
        out.push('\n');
        out
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some((widest, _)) = self.slots.first().filter(|(width, _)| *width >= COARSE) {
            remarks.push(format!(
                "slots of {} are coarse: a live rule sees every poll, and fires sooner and on shorter storms",
                told::length_of(*widest)
            ));
        }
        if self.known < WEEK {
            remarks
                .push("this is less than a week: one firing more or less changes much".to_owned());
        }
        remarks
    }

    fn json(&self) -> Value {
        let slots: Vec<_> = self
            .slots
            .iter()
            .map(|(width, count)| json!({"slot_seconds": width.as_secs_f64(), "slots": count}))
            .collect();
        json!({
            "cache": self.cache.as_str(),
            "from": self.span.map(|(from, _)| from),
            "to": self.span.map(|(_, to)| to),
            "known_seconds": self.known.as_secs_f64(),
            "slots": slots,
            "notes": self.remarks(),
            "rules": self.found.iter().map(Subject::json).collect::<Vec<_>>(),
        })
    }
}

/// All reports.
pub(super) fn json(reports: &[Report]) -> Value {
    json!({ "caches": reports.iter().map(Report::json).collect::<Vec<_>>() })
}

impl Subject {
    fn text(&self) -> String {
        let limit = threshold_of(&self.rule);
        let limit = limit.map(|limit| format!(", threshold {}", self.value(limit)));
        let limit = limit.unwrap_or_default();
        let mut out = format!(
            "  {} ({}{limit})\n",
            self.rule.name,
            self.rule.signal.name()
        );
        if let Some(why) = self.refused {
            out.push_str(&format!("    not replayed: {why}\n"));
            return out;
        }
        let firings = &self.replayed.firings;
        let often = self.replayed.per_week().unwrap_or_default();
        out.push_str(&match firings.len() {
            0 => "    would not have fired\n".to_owned(),
            n => format!(
                "    would have fired {n} time{}, {often:.1} a week, for {} in all\n",
                if n == 1 { "" } else { "s" },
                told::length_of(self.replayed.lasted())
            ),
        });
        for firing in firings.iter().take(LISTED) {
            out.push_str(&format!("      {}\n", self.line(firing)));
        }
        if let Some(more) = firings.len().checked_sub(LISTED).filter(|more| *more > 0) {
            out.push_str(&format!("      and {more} more; --json has all of them\n"));
        }
        if let Some(words) = self.quiet_words() {
            out.push_str(&format!("    {words}\n"));
        }
        out
    }

    fn line(&self, firing: &Firing) -> String {
        let lasted = told::length_of(firing.lasted);
        let length = match firing.ended {
            Some(_) => format!("for {lasted}"),
            None => format!("for {lasted} and more"),
        };
        let peak = firing
            .peak
            .map(|peak| format!(", worst {}", self.value(peak)));
        format!(
            "{} {length}{}",
            told::moment(firing.started),
            peak.unwrap_or_default()
        )
    }

    fn quiet_words(&self) -> Option<String> {
        let direction = match &self.rule.signal {
            Signal::Limit(LimitRule { above: false, .. }) => "at most",
            _ => "at least",
        };
        match self.quiet {
            Quiet::At(limit) => Some(format!(
                "fires less than once a week with a threshold of {direction} {}",
                self.value(limit)
            )),
            Quiet::None => Some("no threshold fires less than once a week".to_owned()),
            Quiet::Unknown | Quiet::Unsuited => None,
        }
    }

    /// A value in the unit of the rule.
    fn value(&self, value: f64) -> String {
        let unit = match &self.rule.signal {
            Signal::Limit(limit) => limit.measure.row().unit(&limit.currency),
            _ => Unit::Ratio,
        };
        match unit {
            Unit::Ratio => format!("{} %", (value * 1000.0).round() / 10.0),
            Unit::PerSecond => format!("{}/s", (value * 1000.0).round() / 1000.0),
            _ => format!("{value}"),
        }
    }

    fn json(&self) -> Value {
        let firings = self.replayed.firings.iter().map(|firing| {
            json!({
                "started": firing.started,
                "ended": firing.ended,
                "lasted_seconds": firing.lasted.as_secs_f64(),
                "peak": firing.peak,
            })
        });
        let quiet = match self.quiet {
            Quiet::At(limit) => Some(limit),
            Quiet::None | Quiet::Unknown | Quiet::Unsuited => None,
        };
        json!({
            "rule": self.rule.name.as_str(),
            "signal": self.rule.signal.name(),
            "threshold": threshold_of(&self.rule),
            "not_replayed": self.refused,
            "firings": firings.collect::<Vec<_>>(),
            "per_week": self.replayed.per_week(),
            "lasted_seconds": self.replayed.lasted().as_secs_f64(),
            "quiet_threshold": quiet,
        })
    }
}
