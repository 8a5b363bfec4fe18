//! Reminders, in an outbox in memory.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::config::{ChannelConfig, ChannelKind, Routing};
use crate::model::record::Acknowledgement;
use crate::model::secret::Secret;
use crate::model::silence::Silence;
use crate::model::time::{Clock, Now};
use crate::notify::Dispatcher;
use crate::notify::testing::notification;
use crate::notify::testing::outbox::MemoryOutbox;

/// So long after the incident of [`notification::miss_firing`] began.
struct After(Duration);

impl Clock for After {
    fn now(&self) -> Now {
        let started = notification::miss_firing().started;
        let start = Now {
            mono: Duration::ZERO,
            wall: started,
        };
        start.plus(self.0)
    }
}

/// The keys that are planned so many hours after an incident began.
async fn planned(
    hours: u64,
    change: impl Fn(&mut IncidentRecord, &mut ChannelConfig),
    silenced: bool,
) -> Vec<String> {
    let outbox: Arc<MemoryOutbox> = Arc::default();
    let mut record = notification::record(&notification::miss_firing());
    let mut channel = ChannelConfig {
        name: Name::new("ops").unwrap(),
        // Nobody answers there.
        kind: ChannelKind::Webhook {
            url: Secret::new("http://127.0.0.1:9/".to_owned()),
            secret: None,
        },
        send_resolved: true,
        template: None,
        routing: Routing {
            repeat_every: Some(Duration::from_hours(4)),
            ..Routing::default()
        },
    };
    change(&mut record, &mut channel);
    outbox.state().incidents.insert(record.id.clone(), record);
    if silenced {
        outbox.state().silences.push(Silence {
            id: "s".to_owned(),
            matchers: vec!["cache=sessions".parse().unwrap()],
            author: String::new(),
            comment: String::new(),
            starts: Timestamp::UNIX_EPOCH,
            ends: Timestamp::MAX,
            created: Timestamp::UNIX_EPOCH,
        });
    }
    let dispatcher = Dispatcher::with_outbox(
        &[channel],
        &crate::notify::Links::default(),
        &TaskTracker::new(),
        &CancellationToken::new(),
        Arc::new(After(Duration::from_hours(hours))),
        Arc::clone(&outbox) as _,
    )
    .unwrap();
    dispatcher.drain(Duration::from_secs(5)).await;
    let state = outbox.state();
    state
        .items
        .keys()
        .map(|key| key.rsplit_once("/ops").unwrap().1.to_owned())
        .collect()
}

#[tokio::test]
async fn an_open_incident_is_told_again() {
    assert!(planned(3, |_, _| {}, false).await.is_empty());
    assert_eq!(planned(4, |_, _| {}, false).await, ["/reminder/1"]);
    // Of those that were missed only the last one.
    assert_eq!(planned(25, |_, _| {}, false).await, ["/reminder/6"]);
}

#[tokio::test]
async fn nobody_is_reminded_of_what_is_over_taken_on_silenced_or_not_theirs() {
    let taken = |record: &mut IncidentRecord, _: &mut ChannelConfig| {
        record.acknowledged = Some(Acknowledgement {
            author: "ann".to_owned(),
            comment: String::new(),
            at: record.started,
        });
    };
    assert!(planned(5, taken, false).await.is_empty());
    let over = |record: &mut IncidentRecord, _: &mut ChannelConfig| {
        record.resolved = Some(record.started);
    };
    assert!(planned(5, over, false).await.is_empty());
    assert!(planned(5, |_, _| {}, true).await.is_empty());
    let other = |_: &mut IncidentRecord, channel: &mut ChannelConfig| {
        channel.routing.matchers = vec!["team!=web".parse().unwrap()];
    };
    assert!(planned(5, other, false).await.is_empty());
    let never = |_: &mut IncidentRecord, channel: &mut ChannelConfig| {
        channel.routing.repeat_every = None;
    };
    assert!(planned(5, never, false).await.is_empty());
}
