//! What must outlive a restart of cachewatch, and how it comes back.
//!
//! Saved is what is under way (open incidents, and conditions that hold but not yet for long enough) and what was learned
//! (firings of the last hour, warm-ups, the memory of detectors). Times are wall time or ages, since the monotonic clock
//! begins anew; the time of being away counts as time in which nothing was known, except for the age of an incident,
//! which was open all the while.
//!
//! Deliberately absent: the file.
//!
//! Invariant: a saved incident is either continued under its id or resolved, with a notification if it had been told.
//! Nothing that a file holds can panic; a part that makes no sense counts as nothing, and the rest is used.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::book::{AlertBook, Ruled};
use super::surroundings::Outcome;
use super::warm_up;
use crate::model::name::Name;
use crate::model::time::Now;

mod rule;

pub use rule::SavedRule;

/// The form that this program writes. The first one had no version, and no subjects.
pub const VERSION: u32 = 2;

const REMOVED: &str = "the rule was removed";
const ANOTHER: &str = "the store came back late; another incident of the rule goes on in its place";

/// The state of one cache's rules.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedState {
    /// In which form.
    #[serde(default = "first_version")]
    pub version: u32,
    /// Whose rules.
    pub cache: String,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// Those that have something under way, one for each subject.
    #[serde(default, deserialize_with = "what_makes_sense")]
    pub rules: Vec<SavedRule>,
    /// Caches that fill anew, by rule.
    #[serde(default, deserialize_with = "what_makes_sense")]
    warm_ups: Vec<SavedWarmUp>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct SavedWarmUp {
    rule: String,
    #[serde(flatten)]
    kept: warm_up::Kept,
}

fn first_version() -> u32 {
    1
}

/// A list without the entries that cannot be read: of another version, or damaged.
fn what_makes_sense<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let all = Vec::<serde_json::Value>::deserialize(deserializer)?;
    let sound = all
        .into_iter()
        .filter_map(|v| serde_json::from_value(v).ok());
    Ok(sound.collect())
}

impl AlertBook {
    /// What must outlive a restart now.
    pub fn save(&self, now: Now) -> SavedState {
        let mut rules = Vec::new();
        let mut warm_ups = Vec::new();
        for ruled in &self.rules {
            let watches = ruled.watches.iter();
            rules.extend(watches.filter_map(|watch| SavedRule::of(&ruled.rule, watch, now)));
            warm_ups.extend(ruled.warm_up.kept(now).map(|kept| SavedWarmUp {
                rule: ruled.rule.name.to_string(),
                kept,
            }));
        }
        SavedState {
            version: VERSION,
            cache: self.owner.cache.to_string(),
            saved_at: now.wall,
            rules,
            warm_ups,
        }
    }

    /// Brings back what was saved; to be called before the first evaluation. An incident whose rule is gone is resolved,
    /// which gives a notification if it had been told.
    pub fn restore(&mut self, saved: &SavedState, now: Now) -> Outcome {
        let away = elapsed(saved.saved_at, now);
        let mut gone = Outcome::default();
        for warm_up in &saved.warm_ups {
            if let Some(ruled) = self.of_name(&warm_up.rule).filter(|r| r.rule.warms_up()) {
                let length = ruled.rule.warm_up;
                ruled.warm_up = warm_up::WarmUp::restored(warm_up.kept, away, length, now);
            }
        }
        for rule in &saved.rules {
            match self
                .of_name(rule.name())
                .filter(|ruled| rule.fits(&ruled.rule))
            {
                Some(ruled) => rule.apply(ruled, away, now),
                None => rule.retire(&self.owner, REMOVED, away, now, &mut gone),
            }
        }
        gone
    }

    /// Brings back the incidents of a state that was found only after evaluations had begun. One is continued unless the
    /// rule has another by now; then, or when its rule is gone, it is resolved. All else that was saved is out of date.
    pub fn restore_late(&mut self, saved: &SavedState, now: Now) -> Outcome {
        let away = elapsed(saved.saved_at, now);
        let mut gone = Outcome::default();
        for rule in saved.rules.iter().filter(|rule| rule.has_incident()) {
            let ruled = self
                .of_name(rule.name())
                .filter(|ruled| rule.fits(&ruled.rule));
            match ruled {
                Some(ruled) if !ruled.has_incident_about(rule.subject()) => {
                    rule.apply(ruled, away, now);
                }
                Some(_) => rule.retire(&self.owner, ANOTHER, away, now, &mut gone),
                None => rule.retire(&self.owner, REMOVED, away, now, &mut gone),
            }
        }
        gone
    }

    fn of_name(&mut self, name: &str) -> Option<&mut Ruled> {
        let name = Name::new(name).ok()?;
        self.rules.iter_mut().find(|ruled| ruled.rule.name == name)
    }
}

/// Wall time since `then`; zero when the clock went back.
fn elapsed(then: Timestamp, now: Now) -> Duration {
    Duration::try_from(now.wall.duration_since(then)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
