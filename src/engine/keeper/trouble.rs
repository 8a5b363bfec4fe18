//! Reports a store that does not work, as an incident of the rule `StoreTrouble` on the cache `cachewatch`: told once when
//! it begins and once when it is over, whatever happens to the store meanwhile.
//!
//! Deliberately absent: what the store does about it, and who delivers.
//!
//! Invariant: pure; at most one such incident is open.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alert::surroundings::{Outcome, incident_record};
use crate::model::incident::{AlertState, Notification, OWN_CACHE, OwnEvidence, Transition};
use crate::model::record::{IncidentRecord, TransitionRecord};
use crate::model::store_health::StoreHealth;
use crate::model::time::Now;
use crate::notify;

/// The rule of a store that does not work.
pub(super) const STORE_TROUBLE: &str = "StoreTrouble";
/// A database that is away for less than this is not worth a message.
const FIRES_AFTER: Duration = Duration::from_secs(10);
/// It must have worked for so long before it is said to.
const CLEARS_AFTER: Duration = Duration::from_secs(10);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    open: Option<Notification>,
    /// Since when it does not work, or, while an incident is open, works.
    since: Option<Now>,
    /// The file that was set aside last, as far as that was told.
    set_aside: Option<String>,
}

impl Trouble {
    /// An incident that the last process left open goes on.
    pub(super) fn adopt(&mut self, record: &IncidentRecord) -> bool {
        let is_new = self.open.is_none();
        if is_new {
            self.open = Some((*record.notification).clone());
        }
        is_new
    }

    /// The id of the incident that is open.
    pub(super) fn incident(&self) -> Option<&str> {
        self.open.as_ref().map(|n| n.incident.as_str())
    }

    /// How the store stands now; gives what there is to be told.
    pub(super) fn look(&mut self, health: &StoreHealth, now: Now) -> Outcome {
        if !health.wanted {
            return Outcome::default();
        }
        let held = |since: &mut Option<Now>| now.since(*since.get_or_insert(now));
        let lost_file = health.set_aside != self.set_aside;
        if lost_file {
            self.set_aside.clone_from(&health.set_aside);
        }
        match (&mut self.open, health.durable) {
            (None, true) if !lost_file => {
                self.since = None;
                Outcome::default()
            }
            (None, durable) => {
                if !lost_file && held(&mut self.since) < FIRES_AFTER {
                    return Outcome::default();
                }
                self.since = None;
                let fired = firing(health, lost_file && durable, now);
                self.open.clone_from(&fired);
                fired.map_or_else(Outcome::default, |n| step(n, AlertState::Ok))
            }
            (Some(_), false) => {
                self.since = None;
                Outcome::default()
            }
            (Some(open), true) => {
                if held(&mut self.since) < CLEARS_AFTER {
                    return Outcome::default();
                }
                let over = open.ended(None, now.wall);
                self.open = None;
                self.since = None;
                step(over, AlertState::Firing)
            }
        }
    }
}

fn firing(health: &StoreHealth, lost_file: bool, now: Now) -> Option<Notification> {
    let aside = health.set_aside.as_deref().unwrap_or_default();
    let evidence = if lost_file {
        OwnEvidence {
            problem: "The file of the store is corrupt; a new one was begun".to_owned(),
            why: String::new(),
            advice: format!(
                "It was set aside as {aside}. What was in it is missing: history, and what was open before. Look at the disk."
            ),
        }
    } else {
        OwnEvidence {
            problem: format!(
                "The store ({}) does not work; alerts go on from memory",
                health.backend
            ),
            why: health.error.clone().unwrap_or_default(),
            advice: "Until it works, a restart forgets what has happened since. What memory holds is brought over by itself then."
                .to_owned(),
        }
    };
    let at = now.wall;
    let incident = format!("{OWN_CACHE}-{STORE_TROUBLE}-{}", at.as_millisecond());
    Notification::own(incident, STORE_TROUBLE, BTreeMap::new(), at, evidence).ok()
}

/// The incident as it is after this notification, with the step that led there.
pub(super) fn step(n: Notification, from: AlertState) -> Outcome {
    let to = match n.transition {
        Transition::Firing => AlertState::Firing,
        Transition::Resolved => AlertState::Ok,
    };
    let record = incident_record(&n, notify::headline(&n));
    Outcome {
        transitions: vec![TransitionRecord {
            cache: record.cache,
            rule: record.rule,
            subject: record.subject,
            incident: Some(record.id),
            at: n.at,
            from,
            to,
            why: n.note.clone().unwrap_or(record.headline),
        }],
        incidents: vec![n.clone()],
        notifications: vec![n],
        ..Outcome::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evidence::Evidence;
    use crate::model::time::{Clock as _, SystemClock};

    fn health(durable: bool) -> StoreHealth {
        StoreHealth {
            backend: "sqlite",
            wanted: true,
            durable,
            error: (!durable).then(|| "full".to_owned()),
            ..StoreHealth::default()
        }
    }

    fn said(outcome: &Outcome) -> Option<Transition> {
        outcome.notifications.first().map(|n| n.transition)
    }

    #[test]
    fn a_store_that_stays_away_is_told_once_and_its_return_once() {
        let mut now = SystemClock::start().now();
        let mut trouble = Trouble::default();
        let mut told = Vec::new();
        for (seconds, durable) in [(5, true), (9, false), (5, true), (60, false), (60, true)] {
            for _ in 0..seconds {
                let outcome = trouble.look(&health(durable), now);
                told.extend(said(&outcome).map(|t| (t, outcome.notifications[0].incident.clone())));
                now = now.plus(Duration::from_secs(1));
            }
        }
        assert_eq!(told.len(), 2);
        assert_eq!(
            (told[0].0, told[1].0),
            (Transition::Firing, Transition::Resolved)
        );
        assert_eq!(told[0].1, told[1].1);
    }

    #[test]
    fn a_disk_that_comes_and_goes_is_one_incident() {
        let mut now = SystemClock::start().now();
        let mut trouble = Trouble::default();
        let mut told = 0;
        for second in 0..200 {
            let durable = second > 20 && second % 8 < 5;
            told += usize::from(said(&trouble.look(&health(durable), now)).is_some());
            now = now.plus(Duration::from_secs(1));
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn a_file_that_was_set_aside_is_told_at_once_and_one_time() {
        let mut now = SystemClock::start().now();
        let mut trouble = Trouble::default();
        let lost = StoreHealth {
            set_aside: Some("/data/cachewatch.db.corrupt-1".to_owned()),
            ..health(true)
        };
        let outcome = trouble.look(&lost, now);
        assert_eq!(said(&outcome), Some(Transition::Firing));
        let Evidence::Own(own) = &outcome.notifications[0].evidence else {
            panic!("{outcome:?}");
        };
        assert!(own.advice.contains("corrupt-1"), "{own:?}");
        let mut told = Vec::new();
        for _ in 0..30 {
            told.extend(said(&trouble.look(&lost, now)));
            now = now.plus(Duration::from_secs(1));
        }
        assert_eq!(told, [Transition::Resolved]);
    }

    #[test]
    fn without_a_store_there_is_no_trouble_with_it() {
        let mut now = SystemClock::start().now();
        let mut trouble = Trouble::default();
        for _ in 0..30 {
            let outcome = trouble.look(&StoreHealth::default(), now);
            assert_eq!(outcome, Outcome::default());
            now = now.plus(Duration::from_secs(1));
        }
    }
}
