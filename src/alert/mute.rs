//! Whether anybody is to be told of an incident: silences, maintenance windows, and graver incidents of the same cache.
//!
//! A muted incident opens, is recorded and ends like any other. What was not told when it began is told when the mute
//! ends, if it still fires then; what was told is told when it ends, muted or not.
//!
//! Deliberately absent: who makes silences, and how labels come about.
//!
//! Invariant: a function of its arguments; of several mutes the one that lasts longest is named.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::surroundings::Surroundings;
use super::words::capped;
use crate::model::name::Name;

/// Characters of a comment that are repeated.
const MAX_COMMENT: usize = 200;

/// Why nobody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Muted {
    /// Who or what: an author, a maintenance window, a rule.
    pub by: String,
    /// In words, without the time: `by ann: deploy`, `by the maintenance window sunday`, `because CacheDown fires`.
    pub why: String,
    /// Until when; `None`: as long as it takes.
    pub until: Option<Timestamp>,
}

impl Muted {
    /// `silenced until 14:30 UTC by ann: deploy`.
    pub fn explanation(&self) -> String {
        match self.until {
            Some(until) => format!("silenced until {} {}", clock(until), self.why),
            None => format!("silenced {}", self.why),
        }
    }

    /// What is said when it is over: `was silenced until 14:30 UTC by ann: deploy`.
    pub fn over(&self, at: Timestamp) -> String {
        format!("was silenced until {} {}", clock(at), self.why)
    }
}

/// An incident of the same cache that may silence this one.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its rule.
    pub rule: &'a Name,
    /// Whether that says that the cache is down.
    pub down: bool,
}

/// What mutes an incident of `rule` with these labels; `open` are the rules of the cache that have an open incident.
pub fn muted(
    rule: &Name,
    labels: &BTreeMap<String, String>,
    around: &Surroundings<'_>,
    open: &[Source<'_>],
    at: Timestamp,
) -> Option<Muted> {
    let silences = around
        .silences
        .iter()
        .filter(|silence| silence.holds(at) && silence.matches(labels))
        .map(|silence| Muted {
            by: silence.author.clone(),
            why: if silence.comment.is_empty() {
                format!("by {}", silence.author)
            } else {
                format!(
                    "by {}: {}",
                    silence.author,
                    capped(&silence.comment, MAX_COMMENT)
                )
            },
            until: Some(silence.ends),
        });
    let windows = around.maintenance.iter().filter_map(|window| {
        Some(Muted {
            by: window.name.to_string(),
            why: format!("by the maintenance window {}", window.name),
            until: Some(window.until(labels, at)?),
        })
    });
    let inhibited = open
        .iter()
        .filter(|source| source.rule != rule && inhibits(source, rule, around))
        .map(|source| Muted {
            by: source.rule.to_string(),
            why: format!("because {} fires", source.rule),
            until: None,
        });
    silences
        .chain(windows)
        .chain(inhibited)
        .max_by_key(|muted| muted.until.unwrap_or(Timestamp::MAX))
}

fn inhibits(source: &Source<'_>, rule: &Name, around: &Surroundings<'_>) -> bool {
    let said = |target: &[Name]| target.is_empty() || target.contains(rule);
    source.down
        || around
            .inhibitions
            .iter()
            .any(|i| i.source == *source.rule && said(&i.targets))
}

fn clock(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Inhibition;
    use crate::config::maintenance::{Maintenance, When};
    use crate::model::silence::Silence;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    fn silence(matcher: &str, starts: i64, ends: i64, comment: &str) -> Silence {
        Silence {
            id: "1".to_owned(),
            matchers: vec![matcher.parse().unwrap()],
            author: "ann".to_owned(),
            comment: comment.to_owned(),
            starts: at(starts),
            ends: at(ends),
            created: at(starts),
        }
    }

    fn labels() -> BTreeMap<String, String> {
        [("cache", "sessions"), ("rule", "Reads")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn of_several_mutes_the_longest_is_named() {
        let silences = [
            silence("cache=sess*", 0, 100, "deploy"),
            silence("cache=sess*", 0, 90, ""),
            silence("cache=other", 0, 900, ""),
            silence("cache=*", 500, 900, "later"),
        ];
        let maintenance = [Maintenance {
            name: name("move"),
            caches: vec![name("sessions")],
            matchers: Vec::new(),
            when: When::Once {
                starts: at(50),
                ends: at(5400),
            },
        }];
        let around = Surroundings {
            silences: &silences,
            maintenance: &maintenance,
            ..Surroundings::default()
        };
        let muted = |second| muted(&name("Reads"), &labels(), &around, &[], at(second));
        assert_eq!(
            muted(0).unwrap().explanation(),
            "silenced until 1970-01-01 00:01 UTC by ann: deploy"
        );
        let window = muted(60).unwrap();
        assert_eq!((window.by.as_str(), window.until), ("move", Some(at(5400))));
        assert_eq!(
            window.over(at(5400)),
            "was silenced until 1970-01-01 01:30 UTC by the maintenance window move"
        );
        assert_eq!(muted(5400), None);
    }

    #[test]
    fn a_cache_that_is_down_silences_its_other_rules() {
        let (down, reads, evicts) = (name("CacheDown"), name("Reads"), name("Evicts"));
        let inhibitions = [Inhibition {
            source: evicts.clone(),
            targets: vec![reads.clone()],
        }];
        let around = Surroundings {
            inhibitions: &inhibitions,
            ..Surroundings::default()
        };
        let look = |rule: &Name, source: &Name, down: bool| {
            let open = [Source { rule: source, down }];
            muted(rule, &labels(), &around, &open, at(0)).map(|m| m.explanation())
        };
        assert_eq!(
            look(&reads, &down, true).as_deref(),
            Some("silenced because CacheDown fires")
        );
        assert_eq!(look(&down, &down, true), None, "never itself");
        assert!(look(&reads, &evicts, false).is_some());
        assert_eq!(look(&down, &evicts, false), None);
    }
}
