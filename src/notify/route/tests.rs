//! Who is told, and when.

use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::config::ChannelKind;
use crate::model::name::{Name, NodeName};
use crate::model::secret::Secret;
use crate::model::weekly::Weekly;
use crate::notify::testing::notification::{down_firing, miss_firing, miss_resolved};

fn channel(name: &str) -> ChannelConfig {
    ChannelConfig {
        name: Name::new(name).unwrap(),
        kind: ChannelKind::Webhook {
            url: Secret::new("https://h.example".to_owned()),
            secret: None,
        },
        send_resolved: true,
        template: None,
        routing: Routing::default(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Nights of working days in Berlin, for what is no more than a warning.
fn nights() -> QuietHours {
    QuietHours {
        span: Weekly {
            days: vec![
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
                Weekday::Friday,
            ],
            from: "22:00".parse().unwrap(),
            to: "07:00".parse().unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        },
        severities: vec![Severity::Info, Severity::Warning],
    }
}

/// Names of the channels that get a notification.
fn told(channels: &[ChannelConfig], n: &Notification) -> Vec<String> {
    let planned = plan(
        channels.iter(),
        &Arc::new(n.clone()),
        at("2026-01-02T03:04:05Z"),
    );
    planned.iter().map(|i| i.channel.to_string()).collect()
}

#[test]
fn a_channel_gets_what_its_routing_lets_through() {
    let with = |name, change: &dyn Fn(&mut ChannelConfig)| {
        let mut channel = channel(name);
        change(&mut channel);
        channel
    };
    let matching = |text: &'static str| {
        move |c: &mut ChannelConfig| {
            c.routing.matchers = text.split(' ').map(|m| m.parse().unwrap()).collect();
        }
    };
    let channels = [
        with("all", &|_| {}),
        with("firing", &|c| c.send_resolved = false),
        with("web", &matching("team=web cache=sess*")),
        with("other", &matching("team!=web")),
        with("down", &matching("rule=CacheDown")),
        with("warnings", &|c| {
            c.routing.severities = Some(vec![Severity::Warning]);
        }),
        with("critical", &matching("severity=critical")),
        with("node", &matching("node=*6379")),
    ];
    let mut n = miss_firing();
    assert_eq!(told(&channels, &n), ["all", "firing", "web", "critical"]);
    n.severity = Severity::Warning;
    assert_eq!(told(&channels, &n), ["all", "firing", "web", "warnings"]);
    n.subject = Some(Subject::Node(NodeName::tcp("a", 6379)));
    assert!(told(&channels, &n).contains(&"node".to_owned()));
    assert_eq!(
        told(&channels, &miss_resolved()),
        ["all", "web", "critical"]
    );
    let down = ["all", "firing", "web", "down", "critical"];
    assert_eq!(told(&channels, &down_firing()), down);
}

#[test]
fn a_label_of_a_person_does_not_pass_for_one_of_ours() {
    let mut n = miss_firing();
    n.labels.insert("severity".to_owned(), "info".to_owned());
    assert_eq!(labels(&n)["severity"], "critical");
}

#[test]
fn quiet_hours_put_off_what_is_not_grave() {
    let mut c = channel("ops");
    c.routing.quiet_hours = vec![nights()];
    let mut n = miss_firing();
    // A Friday night.
    let now = at("2026-01-09T23:30:00Z");
    let due = |n: &Notification| plan([&c].into_iter(), &Arc::new(n.clone()), now)[0].due;
    assert_eq!(due(&n), now, "critical");
    n.severity = Severity::Warning;
    assert_eq!(due(&n), at("2026-01-10T06:00:00Z"));
    // The end of it is put off as well.
    n.transition = Transition::Resolved;
    assert_eq!(due(&n), at("2026-01-10T06:00:00Z"));
}

#[test]
fn quiet_hours_that_touch_are_one() {
    let mut weekend = nights();
    weekend.span.days = vec![Weekday::Saturday, Weekday::Sunday];
    weekend.span.from = "00:00".parse().unwrap();
    weekend.span.to = "00:00".parse().unwrap();
    let routing = Routing {
        quiet_hours: vec![nights(), weekend],
        ..Routing::default()
    };
    let due = due(&routing, Severity::Info, at("2026-01-09T23:30:00Z"));
    assert_eq!(due, at("2026-01-11T23:00:00Z"));
}

#[test]
fn reminders_are_counted_from_the_beginning() {
    let started = at("2026-01-02T03:00:00Z");
    let hours = |h| Duration::from_hours(h);
    let number = |text| reminder(started, hours(4), at(text));
    assert_eq!(number("2026-01-02T06:59:59Z"), None);
    assert_eq!(number("2026-01-02T07:00:00Z"), Some(1));
    assert_eq!(number("2026-01-02T15:00:01Z"), Some(3));
    assert_eq!(number("2026-01-02T02:00:00Z"), None, "a clock set back");
    let n = miss_firing();
    let name = Name::new("ops").unwrap();
    let key = reminder_key(&n, &name, 3);
    assert_eq!(key, format!("{}/firing/ops/reminder/3", n.incident));
}

proptest! {
    #[test]
    fn nothing_is_due_before_now_or_in_quiet_hours(seconds in 1_700_000_000_i64..1_900_000_000, info in any::<bool>()) {
        let routing = Routing { quiet_hours: vec![nights()], ..Routing::default() };
        let severity = if info { Severity::Info } else { Severity::Critical };
        let now = Timestamp::from_second(seconds).unwrap();
        let first = due(&routing, severity, now);
        prop_assert!(first >= now);
        prop_assert_eq!(due(&routing, severity, first), first);
        prop_assert!(info || first == now);
    }
}
