//! The verdict on a node's events, and the exact command that mends what is wrong.
//!
//! What CONFIG GET says counts first. Where it may not be asked, the counters tell: a server that counts misses and
//! publishes none has notifications off. Nothing is ever set here; a person is told what to set.
//!
//! Invariant: a proposed command only adds to what the server has.

use std::time::Duration;

use super::completeness::{Completeness, Published};
use crate::model::events::{
    EventKind, EventReport, EventsState, EventsStatus, PerKind, Subscription,
};
use crate::model::flags::NotifySet;
use crate::model::poll::NotifyFlags;
use crate::model::reading::Flavour;

/// So many must have been counted, and none seen, before a server is said not to publish them.
const ENOUGH: u64 = 5;

/// What a verdict rests on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What the reader says.
    pub events: &'a EventReport,
    /// What the server says.
    pub notify: &'a NotifyFlags,
    /// What the counters say.
    pub completeness: &'a Completeness,
    /// The kind of server.
    pub flavour: Flavour,
    /// The flags that this kind of server should have.
    pub wanted: NotifySet,
    /// Who we are there; `None`: the default user.
    pub username: Option<&'a str>,
    /// Whether deletions are wanted, too. That they are not published is no trouble, but worth a word.
    pub deletions: bool,
}

/// Gives the verdict.
pub fn events_status(facts: &Facts<'_>) -> EventsStatus {
    match &facts.events.subscription {
        Subscription::Disabled => status(
            EventsState::Disabled,
            "events are switched off in the configuration",
        ),
        Subscription::Connecting => status(EventsState::Connecting, "not subscribed yet"),
        Subscription::Lost(words) => status(
            EventsState::Lost,
            &format!("the connection that reads events was lost and is tried again: {words}"),
        ),
        Subscription::Refused(words) => EventsStatus {
            state: EventsState::Forbidden,
            message: format!("the server refuses the subscription: {words}"),
            remedy: Some(acl(facts)),
        },
        Subscription::Subscribed => subscribed(facts),
    }
}

fn subscribed(facts: &Facts<'_>) -> EventsStatus {
    let published = facts.completeness.published();
    let silent = kinds(|kind| {
        let Published { counted, seen } = published.get(kind);
        facts.wanted.publishes(kind) && counted >= ENOUGH && seen == 0
    });
    match facts.notify {
        NotifyFlags::Found(text) => found(facts, &NotifySet::parse(text), &silent, &published),
        NotifyFlags::Unknown => unasked(facts, &silent, &published, "not known yet"),
        NotifyFlags::Refused(words) => unasked(
            facts,
            &silent,
            &published,
            &format!("not known, CONFIG GET is refused: {words}"),
        ),
    }
}

/// The server has told its flags.
fn found(
    facts: &Facts<'_>,
    flags: &NotifySet,
    silent: &[EventKind],
    published: &PerKind<Published>,
) -> EventsStatus {
    let lacking = kinds(|kind| facts.wanted.publishes(kind) && !flags.publishes(kind));
    if lacking.is_empty() {
        let all = kinds(|kind| facts.wanted.publishes(kind));
        let mut message = format!("subscribed to {}", list(&all));
        if !silent.is_empty() {
            let odd = counted_in_vain(facts, silent, published);
            message = format!("{message}, and notify-keyspace-events is right, but {odd}");
        }
        if facts.deletions && facts.flavour != Flavour::Dragonfly && !flags.has('g') {
            let with = facts.wanted.with(&NotifySet::parse("g"));
            let command = flags.remedy(&with, facts.flavour).unwrap_or_default();
            message = format!(
                "{message}; deletions are not published, so that a key that was deleted counts as never seen: for those, \
                 {command}"
            );
        }
        return status(EventsState::Working, &message);
    }
    let mut message = if flags.is_empty() {
        "notify-keyspace-events is empty".to_owned()
    } else {
        format!("notify-keyspace-events is {flags}")
    };
    message = format!(
        "{message}, so the server does not publish {}",
        list(&lacking)
    );
    if flags.may_hide_new() {
        message
            .push_str("; it may hide an n (new keys) beside its A: add that letter if it is used");
    }
    EventsStatus {
        state: EventsState::NotificationsOff,
        message,
        remedy: flags.remedy(&facts.wanted, facts.flavour),
    }
}

/// The server does not tell its flags; its counters must.
fn unasked(
    facts: &Facts<'_>,
    silent: &[EventKind],
    published: &PerKind<Published>,
    why: &str,
) -> EventsStatus {
    if silent.is_empty() {
        return status(
            EventsState::Working,
            &format!(
                "subscribed, and no counter contradicts; notify-keyspace-events should hold {} ({why})",
                facts.wanted
            ),
        );
    }
    EventsStatus {
        state: EventsState::NotificationsOff,
        message: format!(
            "{}; set notify-keyspace-events to include {} (a managed service has a setting for it; on ElastiCache it \
             is in the parameter group). What is set now is {why}",
            counted_in_vain(facts, silent, published),
            facts.wanted
        ),
        // CONFIG SET replaces all flags: without knowing them no exact command is safe but on an unset server.
        remedy: NotifySet::default()
            .remedy(&facts.wanted, facts.flavour)
            .map(|command| format!("{command} (and the flags that are set already)")),
    }
}

/// `the server counted 120 misses in 5m but published no keymiss event`
fn counted_in_vain(
    facts: &Facts<'_>,
    silent: &[EventKind],
    published: &PerKind<Published>,
) -> String {
    let seconds = facts.completeness.covered().as_secs();
    let span = humantime::format_duration(Duration::from_secs(seconds));
    let counted: Vec<String> = silent
        .iter()
        .map(|kind| {
            let noun = match kind {
                EventKind::Expired => "expirations",
                EventKind::Evicted => "evictions",
                EventKind::Keymiss => "misses",
            };
            format!("{} {noun}", published.get(*kind).counted)
        })
        .collect();
    format!(
        "the server counted {} in {span} but published no {} event",
        counted.join(" and "),
        list(silent)
    )
}

fn kinds(keep: impl Fn(EventKind) -> bool) -> Vec<EventKind> {
    EventKind::ALL.into_iter().filter(|k| keep(*k)).collect()
}

fn list(kinds: &[EventKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|k| k.as_str()).collect();
    names.join(", ")
}

fn acl(facts: &Facts<'_>) -> String {
    let channels: Vec<String> = kinds(|kind| facts.wanted.publishes(kind))
        .iter()
        .map(|kind| format!("&__keyevent@*__:{}", kind.as_str()))
        .collect();
    format!(
        "ACL SETUSER {} {} +subscribe +unsubscribe +ping",
        facts.username.unwrap_or("default"),
        channels.join(" ")
    )
}

fn status(state: EventsState, message: &str) -> EventsStatus {
    EventsStatus {
        state,
        message: message.to_owned(),
        remedy: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fixture::at;
    use crate::model::window::Totals;

    fn verdict(
        subscription: Subscription,
        notify: &NotifyFlags,
        misses: u64,
        keymiss: u64,
    ) -> EventsStatus {
        let mut events = EventReport {
            subscription: Subscription::Subscribed,
            ..EventReport::default()
        };
        let mut completeness = Completeness::default();
        for i in 0..=60 {
            events.seen.keymiss = keymiss * i / 60;
            let totals = Totals {
                misses: Some(misses * i / 60),
                ..Totals::default()
            };
            completeness.observe(at(i * 5), &events, &totals, false);
        }
        events.subscription = subscription;
        events_status(&Facts {
            events: &events,
            notify,
            completeness: &completeness,
            flavour: Flavour::Redis,
            wanted: NotifySet::parse("Exem"),
            username: Some("cachewatch"),
            deletions: false,
        })
    }

    fn found(flags: &str) -> NotifyFlags {
        NotifyFlags::Found(flags.to_owned())
    }

    #[test]
    fn missing_flags_are_added_to_what_is_there() {
        for (flags, state, remedy) in [
            ("Exem", EventsState::Working, None),
            ("AKEm", EventsState::Working, None),
            ("", EventsState::NotificationsOff, Some("Exem")),
            ("AKE", EventsState::NotificationsOff, Some("AKEm")),
            ("KExem", EventsState::Working, None),
            ("g$xKe", EventsState::NotificationsOff, Some("'g$xKeEm'")),
        ] {
            let got = verdict(Subscription::Subscribed, &found(flags), 0, 0);
            let remedy = remedy.map(|f| format!("CONFIG SET notify-keyspace-events {f}"));
            assert_eq!((got.state, &got.remedy), (state, &remedy), "{flags}");
        }
        let got = verdict(Subscription::Subscribed, &found("AKE"), 0, 0);
        assert!(
            got.message.contains("does not publish keymiss"),
            "{}",
            got.message
        );
        assert!(got.message.contains("add that letter"), "{}", got.message);
    }

    #[test]
    fn where_config_is_refused_the_counters_tell() {
        let refused = NotifyFlags::Refused("NOPERM".to_owned());
        let off = verdict(Subscription::Subscribed, &refused, 120, 0);
        assert_eq!(off.state, EventsState::NotificationsOff);
        let words = "the server counted 120 misses in 5m but published no keymiss event";
        assert!(off.message.starts_with(words), "{}", off.message);
        assert!(off.message.contains("Exem") && off.message.contains("parameter group"));
        for (misses, keymiss) in [(120, 120), (120, 1), (0, 0), (4, 0)] {
            let got = verdict(Subscription::Subscribed, &refused, misses, keymiss);
            assert_eq!(got.state, EventsState::Working, "{misses} {keymiss}");
        }
    }

    #[test]
    fn a_contradiction_is_told_but_the_flags_are_believed() {
        let got = verdict(Subscription::Subscribed, &found("Exem"), 120, 0);
        assert_eq!(got.state, EventsState::Working);
        assert!(
            got.message.contains("counted 120 misses"),
            "{}",
            got.message
        );
    }

    #[test]
    fn a_refusal_names_the_acl_rule() {
        let refused = Subscription::Refused("NOPERM no channel".to_owned());
        let got = verdict(refused, &found("Exem"), 0, 0);
        assert_eq!(got.state, EventsState::Forbidden);
        assert!(got.message.contains("NOPERM no channel"));
        assert_eq!(
            got.remedy.unwrap(),
            "ACL SETUSER cachewatch &__keyevent@*__:expired &__keyevent@*__:evicted &__keyevent@*__:keymiss \
             +subscribe +unsubscribe +ping"
        );
    }

    #[test]
    fn other_states_are_passed_on() {
        for (subscription, state) in [
            (Subscription::Disabled, EventsState::Disabled),
            (Subscription::Connecting, EventsState::Connecting),
            (
                Subscription::Lost("reset by peer".to_owned()),
                EventsState::Lost,
            ),
        ] {
            let got = verdict(subscription, &found(""), 120, 0);
            assert_eq!((got.state, got.remedy), (state, None));
        }
    }
}
