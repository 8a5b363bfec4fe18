//! The words for any other signal that is beyond its limit.

use crate::model::incident::{Notification, SignalEvidence, Subject, Transition, Unit};
use crate::notify::format::{count, duration, percent, rate, seconds};

use super::Words;

pub(super) fn words(n: &Notification, e: &SignalEvidence) -> Words {
    let subject = match &n.subject {
        None => n.cache.to_string(),
        Some(Subject::Namespace(name)) => format!("{name} in {}", n.cache),
        Some(Subject::Node(node)) => format!("{node} of {}", n.cache),
    };
    let now = e
        .value
        .map_or_else(|| "unknown".to_owned(), |v| show(v, &e.unit));
    let limit = show(e.threshold, &e.unit);
    let (title, headline) = match n.transition {
        Transition::Firing => {
            let title = format!("{} {now} on {subject}", e.title);
            let normal = e
                .normal
                .map_or_else(String::new, |v| format!(", normal {}", show(v, &e.unit)));
            let headline = format!("{title} (limit {limit}{normal})");
            (title, headline)
        }
        Transition::Resolved => {
            let title = format!("Resolved: {} {now} on {subject}", e.title);
            let side = if e.above { "above" } else { "below" };
            let lasted = duration(n.duration);
            let headline = format!("{title} (was {side} {limit} for {lasted})");
            (title, headline)
        }
    };
    let mut summary = Vec::new();
    if n.transition == Transition::Resolved {
        summary.push(format!("It lasted {}.", duration(n.duration)));
    } else if e.window_seconds > 0.0 {
        summary.push(format!("Measured over {}.", seconds(e.window_seconds)));
    }
    let mut fields = vec![("Now", now), ("Limit", limit)];
    fields.extend(e.peak.map(|v| ("Worst", show(v, &e.unit))));
    fields.extend(e.normal.map(|v| ("Normal", show(v, &e.unit))));
    fields.extend(e.lookups.map(|v| ("Lookups", count(v))));
    Words {
        headline,
        title,
        chart: None,
        summary,
        fields,
    }
}

fn show(value: f64, unit: &Unit) -> String {
    match unit {
        Unit::Ratio => percent(value),
        Unit::PerSecond => rate(value),
        Unit::Seconds => seconds(value),
        Unit::Bytes => format!("{:.1} MiB", value / 1_048_576.0),
        Unit::PerHour(currency) => format!("{value:.2} {currency}/h"),
        Unit::Count => format!("{value}"),
    }
}
