//! The words for any other signal that is beyond its limit.
//!
//! Invariant: the advice is about the signal that is named, and there is none for a signal that is not known here.

use crate::model::incident::{Notification, SignalEvidence, Subject, Transition, Unit};
use crate::notify::format::{bytes, count, duration, money, number, percent, rate, seconds};
use crate::notify::sparkline;
use crate::notify::text::clean;

use super::{Chart, Words, miss};

/// The longest name of a namespace or of a signal that is shown, in characters.
const MAX_NAME_CHARS: usize = 80;

pub(super) fn words(n: &Notification, e: &SignalEvidence) -> Words {
    let on = match &n.subject {
        None => n.cache.to_string(),
        Some(Subject::Namespace(name)) => {
            format!("`{}` in {}", clean(name, MAX_NAME_CHARS), n.cache)
        }
        Some(Subject::Node(node)) => {
            format!("{} of {}", clean(node.as_str(), MAX_NAME_CHARS), n.cache)
        }
    };
    let what = capital(&clean(&e.title, MAX_NAME_CHARS));
    let now = show(e.value, &e.unit);
    let limit = show(Some(e.threshold), &e.unit);
    let chart = sparkline::draw(&e.history.points, e.threshold).map(|line| Chart {
        caption: format!(
            "{what} over the last {}, scale 0 to {}, limit {limit}",
            duration(e.history.span),
            show(Some(line.top), &e.unit)
        ),
        bars: line.text,
    });
    let shown = Shown {
        on,
        what,
        now,
        limit,
    };
    let words = match n.transition {
        Transition::Firing => firing(e, &shown),
        Transition::Resolved => resolved(n, e, &shown),
    };
    Words { chart, ..words }
}

/// The parts of all sentences, ready to be shown.
struct Shown {
    on: String,
    what: String,
    now: String,
    limit: String,
}

fn firing(e: &SignalEvidence, shown: &Shown) -> Words {
    let Shown {
        on,
        what,
        now,
        limit,
    } = shown;
    let title = format!("{what} {now} on {on}");
    let normal = e
        .normal
        .filter(|v| v.is_finite())
        .map_or_else(String::new, |v| {
            format!(", normal {}", show(Some(v), &e.unit))
        });
    let side = if e.above { "more" } else { "less" };
    let mut summary = Vec::new();
    let sample = e.lookups.map_or_else(String::new, |lookups| {
        format!(", from {} lookups", count(lookups))
    });
    if e.window_seconds > 0.0 {
        summary.push(format!(
            "{what} was {now} over {}{sample}; {side} than {limit} is too {}.",
            seconds(e.window_seconds),
            if e.above { "much" } else { "little" }
        ));
    }
    if let Some(found) = &e.attribution {
        summary.extend(miss::found(found));
    }
    let mut fields = vec![("Now", now.to_owned()), ("Limit", limit.to_owned())];
    fields.extend(e.peak.map(|v| ("Worst", show(Some(v), &e.unit))));
    fields.extend(e.normal.map(|v| ("Normal", show(Some(v), &e.unit))));
    fields.extend(e.lookups.map(|v| ("Lookups", count(v))));
    Words {
        headline: format!("{title} (limit {limit}{normal})"),
        title,
        chart: None,
        summary,
        advice: advice(&e.name).map(str::to_owned).into_iter().collect(),
        fields,
    }
}

fn resolved(n: &Notification, e: &SignalEvidence, shown: &Shown) -> Words {
    let Shown {
        on,
        what,
        now,
        limit,
    } = shown;
    let lasted = duration(n.duration);
    let title = format!("Resolved: {} {now} on {on}", small(what));
    let side = if e.above { "above" } else { "below" };
    let mut summary = vec![format!("It lasted {lasted}.")];
    summary.extend(
        e.peak
            .map(|v| format!("At its worst it was {}.", show(Some(v), &e.unit))),
    );
    let mut fields = vec![("Duration", lasted.clone()), ("Now", now.to_owned())];
    fields.extend(e.peak.map(|v| ("Worst", show(Some(v), &e.unit))));
    fields.extend(e.normal.map(|v| ("Normal", show(Some(v), &e.unit))));
    fields.push(("Limit", limit.to_owned()));
    Words {
        headline: format!("{title} (was {side} {limit} for {lasted})"),
        title,
        chart: None,
        summary,
        advice: Vec::new(),
        fields,
    }
}

/// What to try, by the name of the signal as in the configuration.
fn advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "evictions_per_second" | "evictions" => {
            "Try: raise maxmemory, shorten the time to live of keys that are seldom read, or store smaller values."
        }
        "expirations_per_second" | "expirations" => {
            "Try: add a random part (jitter) to times to live, so that keys stored together do not expire together."
        }
        "memory_used_ratio" => {
            "Try: raise maxmemory before the server begins to evict, or look for the family of keys that grew."
        }
        "hit_ratio" | "namespace_hit_ratio" => {
            "Try: look for a deployment that changed these keys' names, and for values that are asked for but never stored."
        }
        "cause_share" => {
            "Try: look at what removes keys: times to live, maxmemory, or a job that deletes."
        }
        "events_completeness" | "event_completeness" => {
            "Causes and namespaces are less certain while it lasts. Try: check notify-keyspace-events and the client-output-buffer-limit for pubsub."
        }
        "reading_age" | "reading_age_seconds" | "poll_errors" | "poll_errors_per_second" => {
            "Numbers of this cache are old while it lasts. Try: look at the load of the server and at the network between it and cachewatch."
        }
        "cost_per_hour" => {
            "Try: keep dear answers for longer, and remember that there is no answer (negative caching) for what is asked for again and again."
        }
        _ => return None,
    })
}

fn show(value: Option<f64>, unit: &Unit) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else {
        return "unknown".to_owned();
    };
    match unit {
        Unit::Ratio => percent(value),
        Unit::PerSecond => rate(value),
        Unit::Seconds => seconds(value),
        Unit::Bytes => bytes(value),
        Unit::PerHour(currency) => format!("{}/h", money(value, &clean(currency, 12))),
        Unit::Count => number(value),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn small(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::incident::Evidence;
    use crate::notify::testing::notification;

    fn evidence(n: &Notification) -> SignalEvidence {
        match &n.evidence {
            Evidence::Signal(e) => e.clone(),
            Evidence::MissRatio(_) | Evidence::Down(_) | Evidence::Own(_) => panic!("a signal"),
        }
    }

    #[test]
    fn the_first_line_says_everything() {
        let n = notification::signal_firing();
        let w = words(&n, &evidence(&n));
        assert_eq!(
            w.headline,
            "Evictions per second 120/s on sessions (limit 50/s, normal 0.4/s)"
        );
        assert_eq!(
            w.summary[0],
            "Evictions per second was 120/s over 5 min; more than 50/s is too much."
        );
        assert!(w.advice[0].contains("maxmemory") && w.chart.is_some());
    }

    #[test]
    fn a_resolved_one_closes_the_story() {
        let n = notification::signal_resolved();
        let w = words(&n, &evidence(&n));
        assert_eq!(
            w.headline,
            "Resolved: evictions per second 0.2/s on sessions (was above 50/s for 14 min)"
        );
        assert_eq!(w.summary[1], "At its worst it was 180/s.");
    }

    #[test]
    fn the_part_that_is_watched_is_named() {
        let mut n = notification::signal_firing();
        n.subject = Some(Subject::Namespace("a\nb:*".to_owned()));
        let w = words(&n, &evidence(&n));
        assert!(w.title.ends_with("on `a b:*` in sessions"), "{}", w.title);
    }

    proptest! {
        #[test]
        fn no_number_makes_nonsense(
            numbers in proptest::collection::vec(proptest::option::of(any::<f64>()), 6),
            unit in 0..6_usize,
        ) {
            let mut n = notification::signal_firing();
            let e = SignalEvidence {
                value: numbers[0],
                peak: numbers[1],
                normal: numbers[2],
                threshold: numbers[3].unwrap_or(f64::NAN),
                window_seconds: numbers[4].unwrap_or(0.0),
                unit: [Unit::Ratio, Unit::PerSecond, Unit::Seconds, Unit::Bytes, Unit::PerHour("USD".to_owned()), Unit::Count][unit].clone(),
                ..evidence(&n)
            };
            for transition in [Transition::Firing, Transition::Resolved] {
                n.transition = transition;
                let w = words(&n, &e);
                let all = format!("{} {:?} {:?}", w.headline, w.summary, w.fields);
                prop_assert!(!all.contains("NaN") && !all.contains("inf"), "{all}");
            }
        }
    }
}
