//! The words for a miss-ratio incident, and what its numbers say about the reason.
//!
//! The reason comes from events (`attributed`) where there are some that tell it, else from rates (`rates`).

use crate::model::incident::{MissAttribution, MissEvidence, Notification, Transition};
use crate::notify::format::{
    count, duration, percent, percent_floor, percent_range, rate, rate_of, seconds,
};
use crate::notify::sparkline;

use super::{Chart, Words, known};

mod attributed;
mod rates;

pub(super) fn words(n: &Notification, e: &MissEvidence) -> Words {
    let chart = sparkline::draw(&e.history.points, e.threshold).map(|line| Chart {
        caption: format!(
            "miss rate over the last {}, scale 0 to {}, limit {}",
            duration(e.history.span),
            percent(line.top),
            percent(e.threshold)
        ),
        bars: line.text,
    });
    match n.transition {
        Transition::Firing => firing(n, e, chart),
        Transition::Resolved => resolved(n, e, chart),
    }
}

fn firing(n: &Notification, e: &MissEvidence, chart: Option<Chart>) -> Words {
    let title = match known(e.long_ratio.or(e.short_ratio)) {
        Some(ratio) => format!("Miss rate {} on {}", percent(ratio), n.cache),
        None => format!("Miss rate too high on {}", n.cache),
    };
    let normal = normal(e).map_or_else(String::new, |text| format!(", normal {text}"));
    let mut summary = Vec::new();
    if let Some(ratio) = known(e.long_ratio) {
        let bound = known(e.long_lower).map_or_else(String::new, |lower| {
            format!(
                ", at least {} with {} confidence",
                percent_floor(lower),
                percent(e.confidence)
            )
        });
        summary.push(format!(
            "{} of {} lookups in {} missed{bound}.",
            percent(ratio),
            count(e.lookups),
            seconds(e.long_seconds)
        ));
    }
    if let Some(ratio) = known(e.short_ratio) {
        summary.push(format!(
            "In the last {} it was {}.",
            seconds(e.short_seconds),
            percent(ratio)
        ));
    }
    let extra = extra_per_second(e).filter(|extra| *extra > 0.0);
    if let (Some(extra), Some(normal)) = (extra, known(e.normal_ratio)) {
        summary.push(format!(
            "The backend gets {} more than at the normal miss rate of {}.",
            rate_of(extra, " requests"),
            percent(normal)
        ));
    }
    if let Some(found) = &e.attribution {
        summary.extend(attributed::namespaces(found));
    }
    let exact = e.attribution.as_ref();
    let (reason, advice) = exact
        .and_then(|found| attributed::reason(found, known(e.memory_used_ratio)))
        .unwrap_or_else(|| rates::reason(e));
    summary.push(reason);
    if let Some(found) = &e.attribution {
        summary.extend(attributed::cost(found));
        summary.extend(attributed::caveat(found));
    }
    Words {
        headline: format!("{title} (limit {}{normal})", percent(e.threshold)),
        title,
        chart,
        summary,
        advice: vec![advice],
        fields: fields(e),
    }
}

fn resolved(n: &Notification, e: &MissEvidence, chart: Option<Chart>) -> Words {
    let lasted = duration(n.duration);
    let limit = percent(e.threshold);
    let (headline, title) = match known(e.short_ratio) {
        Some(ratio) => (
            format!(
                "Resolved: miss rate on {} is {} again (was above {limit} for {lasted})",
                n.cache,
                percent(ratio)
            ),
            format!("Resolved: miss rate {} on {}", percent(ratio), n.cache),
        ),
        None => (
            format!(
                "Resolved: {} has too few lookups to tell a miss rate (it was above {limit} for {lasted})",
                n.cache
            ),
            format!("Resolved: too few lookups on {}", n.cache),
        ),
    };
    let mut summary = vec![format!("It lasted {lasted}.")];
    if let Some(peak) = known(e.peak_ratio) {
        summary.push(format!("At its peak {} of lookups missed.", percent(peak)));
    }
    if let Some(ratio) = known(e.short_ratio) {
        summary.push(format!(
            "Now {} of lookups miss, measured over the last {}.",
            percent(ratio),
            seconds(e.short_seconds)
        ));
    }
    if let Some(extra) = e.extra_misses {
        let normal =
            known(e.normal_ratio).map_or_else(String::new, |r| format!(" of {}", percent(r)));
        summary.push(format!(
            "In all, {} more lookups missed than at the normal rate{normal}.",
            count(extra)
        ));
    }
    let mut fields_: Vec<(&'static str, String)> = vec![("Duration", lasted)];
    fields_.extend(known(e.peak_ratio).map(|r| ("Peak miss rate", percent(r))));
    fields_.extend(known(e.short_ratio).map(|r| ("Miss rate now", percent(r))));
    fields_.extend(e.extra_misses.map(|m| ("Extra misses", count(m))));
    fields_.extend(known(e.lookups_per_second).map(|r| ("Lookups", rate(r))));
    fields_.extend(known(e.evictions_per_second).map(|r| ("Evictions", rate(r))));
    fields_.extend(known(e.memory_used_ratio).map(|r| ("Memory", memory(r))));
    Words {
        headline,
        title,
        chart,
        summary,
        advice: Vec::new(),
        fields: fields_,
    }
}

/// What is normal: a range where one is known.
fn normal(e: &MissEvidence) -> Option<String> {
    let range = e.normal_range.filter(|(low, high)| {
        let good = |r: f64| known(Some(r)).is_some();
        good(*low) && good(*high) && low <= high
    });
    range
        .map(|(low, high)| percent_range(low, high))
        .or_else(|| known(e.normal_ratio).map(percent))
}

/// What events tell about misses, for messages that are not about the miss ratio itself.
pub(super) fn found(a: &MissAttribution) -> Vec<String> {
    let mut lines: Vec<String> = attributed::namespaces(a).into_iter().collect();
    lines.extend(attributed::reason(a, None).map(|(reason, _)| reason));
    lines.extend(attributed::cost(a));
    lines.extend(attributed::caveat(a));
    lines
}

fn fields(e: &MissEvidence) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    fields.extend(known(e.lookups_per_second).map(|r| ("Lookups", rate(r))));
    fields.extend(extra_per_second(e).map(|r| ("Extra misses", rate(r))));
    fields.extend(known(e.evictions_per_second).map(|r| ("Evictions", rate(r))));
    fields.extend(known(e.expirations_per_second).map(|r| ("Expirations", rate(r))));
    fields.extend(known(e.memory_used_ratio).map(|r| ("Memory", memory(r))));
    fields.push((
        "Misses",
        format!("{} of {}", count(e.misses), count(e.lookups)),
    ));
    fields
}

fn memory(ratio: f64) -> String {
    format!("{} of its limit", percent(ratio))
}

/// Misses per second beyond what is normal: (ratio - normal) x lookups/s, over the short window.
pub(super) fn extra_per_second(e: &MissEvidence) -> Option<f64> {
    let beyond = known(e.short_ratio)? - known(e.normal_ratio)?;
    Some(beyond.max(0.0) * known(e.lookups_per_second)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::attribution::Cause;
    use crate::model::incident::Evidence;
    use crate::notify::testing::notification;

    fn evidence(n: &mut Notification) -> &mut MissEvidence {
        match &mut n.evidence {
            Evidence::MissRatio(e) => e,
            Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => {
                panic!("a miss-ratio notification")
            }
        }
    }

    fn words_with(change: impl FnOnce(&mut MissEvidence)) -> Words {
        let mut n = notification::miss_firing();
        change(evidence(&mut n));
        let e = evidence(&mut n).clone();
        words(&n, &e)
    }

    #[test]
    fn the_first_line_says_everything() {
        let w = words_with(|_| ());
        assert_eq!(
            w.headline,
            "Miss rate 34.1 % on sessions (limit 20 %, normal 8-12 %)"
        );
        let w_ = words_with(|e| e.normal_range = None);
        assert!(w_.headline.ends_with("(limit 20 %, normal 8 %)"));
        assert_eq!(
            w.summary[0],
            "34.1 % of 12 400 lookups in 15 min missed, at least 33.1 % with 98 % confidence."
        );
        let w = words_with(|e| {
            e.normal_ratio = None;
            e.normal_range = None;
        });
        assert_eq!(w.headline, "Miss rate 34.1 % on sessions (limit 20 %)");
        assert!(!w.fields.iter().any(|(name, _)| *name == "Extra misses"));
    }

    #[test]
    fn a_resolved_one_closes_the_story() {
        let mut n = notification::miss_resolved();
        let e = evidence(&mut n).clone();
        let w = words(&n, &e);
        assert_eq!(
            w.headline,
            "Resolved: miss rate on sessions is 9.3 % again (was above 20 % for 14 min)"
        );
        assert!(
            w.summary
                .contains(&"At its peak 41.2 % of lookups missed.".to_owned())
        );
        assert!(w.fields.contains(&("Extra misses", "4 210".to_owned())));

        let e = MissEvidence {
            short_ratio: None,
            ..e
        };
        assert_eq!(
            words(&n, &e).headline,
            "Resolved: sessions has too few lookups to tell a miss rate (it was above 20 % for 14 min)"
        );
    }

    #[test]
    fn reasons_follow_the_numbers() {
        let reason = |change: fn(&mut MissEvidence)| {
            let w = words_with(change);
            w.summary[w.summary.len() - 1].clone()
        };
        assert_eq!(
            reason(|_| ()),
            "Likely reason: memory is full (100 % of its limit): the server evicts 12 keys/s."
        );
        assert_eq!(
            reason(|e| e.memory_used_ratio = None),
            "Likely reason: the server evicts 12 keys/s to stay within its memory limit."
        );
        assert!(
            reason(|e| {
                e.evictions_per_second = Some(0.0);
                e.expirations_per_second = Some(95.0);
            })
            .starts_with("Possible reason: 95 keys/s reach")
        );
        // A few evictions beside many misses explain nothing, even with memory at its limit.
        assert!(
            reason(|e| e.evictions_per_second = Some(0.1))
                .starts_with("The reason is not known: too few")
        );
        assert!(
            reason(|e| e.evictions_per_second = None).starts_with("The reason is not known: some")
        );
    }

    #[test]
    fn events_tell_the_reason_where_they_can() {
        let mut n = notification::miss_attributed();
        let said = |n: &mut Notification| {
            let e = evidence(n).clone();
            words(n, &e).summary.join(" ")
        };
        let exact = said(&mut n);
        assert!(
            exact.contains("Reason: 68 %") && !exact.contains("not known"),
            "{exact}"
        );
        assert!(exact.contains("rest on 97 %"), "{exact}");
        // Where they cannot, rates have to do, and there is one reason only.
        if let Some(found) = &mut evidence(&mut n).attribution {
            found.cause = Some((Cause::Unknown, 1.0));
        }
        evidence(&mut n).evictions_per_second = Some(12.0);
        let guess = said(&mut n);
        assert!(
            guess.contains("Likely reason: the server evicts"),
            "{guess}"
        );
        assert!(!guess.contains("Reason: "), "{guess}");
        // The last minutes of an incident are not its reason.
        n.transition = Transition::Resolved;
        assert!(!said(&mut n).contains("ai:answer"));
    }

    proptest! {
        #[test]
        fn no_number_makes_nonsense(
            ratios in proptest::collection::vec(proptest::option::of(any::<f64>()), 9),
            lookups in any::<u64>(),
        ) {
            let w = words_with(|e| {
                e.short_ratio = ratios[0];
                e.long_ratio = ratios[1];
                e.long_lower = ratios[2];
                e.lookups_per_second = ratios[3];
                e.evictions_per_second = ratios[4];
                e.expirations_per_second = ratios[5];
                e.memory_used_ratio = ratios[6];
                e.normal_ratio = ratios[7];
                e.threshold = ratios[8].unwrap_or(f64::NAN);
                e.lookups = lookups;
            });
            let all = format!("{} {:?} {:?}", w.headline, w.summary, w.fields);
            prop_assert!(!all.contains("NaN") && !all.contains("inf/"), "{all}");
        }
    }
}
