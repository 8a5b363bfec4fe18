//! The numbers behind an incident, named and rounded.
//!
//! Invariant: what is not known is left out.

use std::time::Duration;

use crate::model::evidence::Unit;
use crate::model::incident::{
    DownEvidence, Evidence, MissAttribution, MissEvidence, Notification, SignalEvidence,
};
use crate::serve::page::format::{bytes, count, money, percent, rate, span, text, timestamp};

type Numbers = Vec<(String, String)>;

pub(super) fn numbers(evidence: &Evidence) -> Numbers {
    match evidence {
        Evidence::MissRatio(evidence) => misses(evidence),
        Evidence::Down(evidence) => down(evidence),
        Evidence::Signal(evidence) => signal(evidence),
        Evidence::Own(_) => Numbers::new(),
    }
}

fn seconds(seconds: f64) -> String {
    span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn misses(e: &MissEvidence) -> Numbers {
    let mut numbers = Numbers::new();
    let mut add = |name: String, value: Option<String>| numbers.extend(value.map(|v| (name, v)));
    add(
        format!("missed in {}", seconds(e.short_seconds)),
        e.short_ratio.map(percent),
    );
    add(
        format!("missed in {}", seconds(e.long_seconds)),
        e.long_ratio.map(percent),
    );
    add("at least".to_owned(), e.long_lower.map(percent));
    add("limit".to_owned(), Some(percent(e.threshold)));
    add("usually".to_owned(), e.normal_ratio.map(percent));
    add("worst".to_owned(), e.peak_ratio.map(percent));
    add("lookups looked at".to_owned(), Some(count(e.lookups)));
    add("lookups/s".to_owned(), e.lookups_per_second.map(rate));
    add("evictions/s".to_owned(), e.evictions_per_second.map(rate));
    add(
        "expirations/s".to_owned(),
        e.expirations_per_second.map(rate),
    );
    add("memory used".to_owned(), e.memory_used_ratio.map(percent));
    add("additional misses".to_owned(), e.extra_misses.map(count));
    numbers
}

fn down(e: &DownEvidence) -> Numbers {
    vec![(
        "nodes that do not answer".to_owned(),
        format!("{} of {}", e.nodes.len(), e.total),
    )]
}

fn signal(e: &SignalEvidence) -> Numbers {
    let shown = |value: f64| match &e.unit {
        Unit::Ratio => percent(value),
        Unit::PerSecond => format!("{}/s", rate(value)),
        Unit::Seconds => format!("{value:.3}\u{a0}s"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sizes are not negative, and the cast saturates"
        )]
        Unit::Bytes => bytes(value as u64),
        Unit::PerHour(currency) => format!("{}/h", money(value, currency)),
        Unit::Count => rate(value),
    };
    let mut numbers = Numbers::new();
    let mut add = |name: &str, value: Option<f64>| {
        numbers.extend(value.map(|v| (name.to_owned(), shown(v))));
    };
    let side = if e.above {
        "above is bad"
    } else {
        "below is bad"
    };
    add(&text(&e.title), e.value);
    add(&format!("limit ({side})"), Some(e.threshold));
    add("over again at", Some(e.clear_threshold));
    add("usually", e.normal);
    add("worst", e.peak);
    numbers
}

/// Where the misses were, what else happened, how it ended.
pub(super) fn sentences(notification: &Notification) -> Vec<String> {
    let mut sentences = Vec::new();
    let attribution = match &notification.evidence {
        Evidence::MissRatio(evidence) => evidence.attribution.as_ref(),
        Evidence::Signal(evidence) => evidence.attribution.as_ref(),
        Evidence::Own(_) => None,
        Evidence::Down(evidence) => {
            let nodes = evidence.nodes.iter().take(10);
            sentences.extend(
                nodes.map(|(node, error)| format!("{}: {}", text(node.as_str()), text(error))),
            );
            None
        }
    };
    if let Evidence::Own(own) = &notification.evidence {
        sentences.extend([&own.problem, &own.why, &own.advice].map(|words| text(words)));
    }
    sentences.extend(attribution.into_iter().flat_map(shares));
    sentences.extend(notification.note.as_deref().map(text));
    sentences
}

fn shares(found: &MissAttribution) -> Vec<String> {
    let mut sentences: Vec<_> = found
        .namespaces
        .iter()
        .map(|n| {
            let cause = crate::serve::page::why::past(n.cause);
            format!(
                "{} has {} of the misses; {} of them {cause}.",
                text(&n.name),
                percent(n.share),
                percent(n.cause_share)
            )
        })
        .collect();
    if let Some(cliff) = &found.ttl_cliff {
        sentences.push(format!(
            "{} keys expired within a minute around {}; usually it is {}.",
            count(cliff.expirations),
            timestamp(cliff.at),
            rate(cliff.usual)
        ));
    }
    for (amount, currency) in &found.cost_per_hour {
        sentences.push(format!(
            "These misses cost {} an hour.",
            money(*amount, currency)
        ));
    }
    sentences
}
