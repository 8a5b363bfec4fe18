//! The words for a miss-ratio incident, and what its numbers say about the reason.

use crate::model::incident::{MissEvidence, Notification, Transition};
use crate::notify::format::{count, duration, percent, percent_floor, rate, rate_of, seconds};
use crate::notify::sparkline;

use super::{Chart, Words, known};

/// Evictions are named as a reason when there is at least one for every ten misses too many: fewer could not explain them.
const EVICTIONS_PER_MISS: f64 = 0.1;
/// Expirations are part of every healthy cache, so they are named only when there is one for every second miss too many.
const EXPIRATIONS_PER_MISS: f64 = 0.5;
/// From this share of the limit on, memory counts as full: servers evict a little below the limit, too.
const MEMORY_FULL_RATIO: f64 = 0.95;

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
    let normal =
        known(e.normal_ratio).map_or_else(String::new, |r| format!(", normal {}", percent(r)));
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
    let reason = Reason::of(e);
    summary.push(reason.sentence());
    summary.push(reason.advice().to_owned());
    Words {
        headline: format!("{title} (limit {}{normal})", percent(e.threshold)),
        title,
        chart,
        summary,
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
        fields: fields_,
    }
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
fn extra_per_second(e: &MissEvidence) -> Option<f64> {
    let beyond = known(e.short_ratio)? - known(e.normal_ratio)?;
    Some(beyond.max(0.0) * known(e.lookups_per_second)?)
}

/// What the numbers say about why.
struct Reason {
    /// Evictions per second, when they are enough to explain the misses.
    evictions: Option<f64>,
    /// Memory in use, when that is next to its limit.
    memory_full: Option<f64>,
    /// Expirations per second, when they are enough to explain the misses.
    expirations: Option<f64>,
    /// Whether the numbers that could show a reason were there at all.
    measured: bool,
}

impl Reason {
    fn of(e: &MissEvidence) -> Self {
        let misses = known(e.short_ratio)
            .zip(known(e.lookups_per_second))
            .map(|(ratio, lookups)| ratio * lookups);
        // Against the misses that need explaining; all of them, where it is not known how many are normal.
        let to_explain = extra_per_second(e).or(misses).filter(|m| *m > 0.0);
        let enough = |per_second: Option<f64>, per_miss: f64| {
            known(per_second)
                .zip(to_explain)
                .filter(|(rate, misses)| *rate > 0.0 && *rate >= misses * per_miss)
                .map(|(rate, _)| rate)
        };
        Self {
            evictions: enough(e.evictions_per_second, EVICTIONS_PER_MISS),
            memory_full: known(e.memory_used_ratio).filter(|r| *r >= MEMORY_FULL_RATIO),
            expirations: enough(e.expirations_per_second, EXPIRATIONS_PER_MISS),
            measured: known(e.evictions_per_second).is_some()
                && known(e.expirations_per_second).is_some()
                && to_explain.is_some(),
        }
    }

    fn sentence(&self) -> String {
        let evicts = |r: f64| match self.memory_full {
            Some(used) => format!(
                "memory is full ({} of its limit): the server evicts {}",
                percent(used),
                rate_of(r, " keys")
            ),
            // Servers evict for no other reason than their memory limit.
            None => format!(
                "the server evicts {} to stay within its memory limit",
                rate_of(r, " keys")
            ),
        };
        let expires = |r: f64| {
            format!(
                "{} reach the end of their time to live",
                rate_of(r, " keys")
            )
        };
        match (self.evictions, self.expirations) {
            (Some(ev), Some(ex)) => format!("Likely reason: {}, and {}.", evicts(ev), expires(ex)),
            (Some(ev), None) => format!("Likely reason: {}.", evicts(ev)),
            (None, Some(ex)) => format!(
                "Possible reason: {}; each one misses once when it is looked up again.",
                expires(ex)
            ),
            (None, None) if self.measured => {
                "The reason is not known: too few keys are evicted or expire to explain the misses."
                    .to_owned()
            }
            (None, None) => {
                "The reason is not known: some of the numbers that could show it are missing."
                    .to_owned()
            }
        }
    }

    fn advice(&self) -> &'static str {
        match (self.evictions, self.expirations) {
            (Some(_), _) => {
                "Try: raise maxmemory, shorten the time to live of keys that are seldom read, or store smaller values."
            }
            (None, Some(_)) => {
                "Try: spread times to live by a random part, or refresh keys that are read often before they expire."
            }
            (None, None) => {
                "Try: look for a deployment that changed key names, a flush or a restart, or new traffic for keys that were never stored."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::incident::Evidence;
    use crate::notify::testing::notification;

    fn evidence(n: &mut Notification) -> &mut MissEvidence {
        match &mut n.evidence {
            Evidence::MissRatio(e) => e,
            Evidence::Down(_) => panic!("a miss-ratio notification"),
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
            "Miss rate 34.1 % on sessions (limit 20 %, normal 8 %)"
        );
        assert_eq!(
            w.summary[0],
            "34.1 % of 12 400 lookups in 15 min missed, at least 33.1 % with 98 % confidence."
        );
        let w = words_with(|e| e.normal_ratio = None);
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
            w.summary[w.summary.len() - 2].clone()
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
