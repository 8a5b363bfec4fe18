//! The task beside the workers: plans reminders, and reports a channel that is broken through the others.
//!
//! A broken channel is an incident like any other, of the rule `ChannelBroken` on the cache `cachewatch`: it is stored,
//! shown, and told once when it begins and once when it is over. It survives a restart.
//! Deliberately absent: deciding that a channel is broken; its worker does.
//!
//! Invariant: what is planned twice has the same key, and so is sent once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use crate::alert::surroundings::incident_record;
use crate::model::incident::{
    AlertState, Evidence, Notification, OWN_CACHE, OwnEvidence, Transition,
};
use crate::model::name::{ChannelName, Name};
use crate::model::record::{IncidentRecord, OutboxItem, OutboxStatus, TransitionRecord};
use crate::model::stats::Broken;
use crate::notify::dispatcher::Shared;
use crate::notify::outbox::Step;
use crate::notify::route;

/// How often it looks whether a reminder is due.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The rule of a channel that is broken.
pub(crate) const CHANNEL_BROKEN: &str = "ChannelBroken";

/// What the steward is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// A channel refuses for good.
    Broken {
        /// Which.
        channel: ChannelName,
        /// Since when, and why.
        broken: Broken,
    },
    /// A channel works again, or is another one now.
    Mended {
        /// Which.
        channel: ChannelName,
        /// Why, where it is not simply that it works again.
        note: Option<&'static str>,
    },
    /// Answers when everything before it was taken in.
    Settle(oneshot::Sender<()>),
}

/// Runs until nobody tells it anything any more.
pub(crate) async fn run(shared: Arc<Shared>, mut events: mpsc::Receiver<Event>) {
    let mut open = reopen(&shared).await;
    remind(&shared).await;
    let mut look = tokio::time::interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shared.ended.cancelled() => break,
            _ = look.tick(), if !shared.hurry.is_cancelled() => remind(&shared).await,
            event = events.recv() => match event {
                Some(event) => take_in(&shared, event, &mut open).await,
                None => break,
            },
        }
    }
    // What was handed over before the end must not be lost with the queue.
    events.close();
    while let Ok(event) = events.try_recv() {
        take_in(&shared, event, &mut open).await;
    }
}

/// Incidents of our own that were open when the last process ended: their channels are still taken for broken, until one
/// of them works or is gone.
async fn reopen(shared: &Shared) -> BTreeMap<ChannelName, IncidentRecord> {
    let mut open = BTreeMap::new();
    for record in shared.outbox.open().await {
        if record.rule.as_str() != CHANNEL_BROKEN {
            continue;
        }
        let Ok(channel) = Name::new(&record.subject) else {
            continue;
        };
        if let Some(stats) = shared.stats_of(&channel) {
            let why = match &record.notification.evidence {
                Evidence::Own(own) => own.why.clone(),
                _ => String::new(),
            };
            stats.broke(Broken {
                since: record.started,
                code: 0,
                why,
            });
            open.insert(channel, record);
        } else {
            resolve(shared, &channel, record, Some("the channel was removed")).await;
        }
    }
    open
}

async fn take_in(shared: &Shared, event: Event, open: &mut BTreeMap<ChannelName, IncidentRecord>) {
    match event {
        // Who asked may have stopped waiting.
        Event::Settle(done) => drop(done.send(())),
        Event::Broken { channel, broken } => {
            if !open.contains_key(&channel)
                && let Some(record) = report(shared, &channel, &broken).await
            {
                open.insert(channel, record);
            }
        }
        Event::Mended { channel, note } => {
            if let Some(record) = open.remove(&channel) {
                resolve(shared, &channel, record, note).await;
            }
        }
    }
    shared.ring();
}

async fn report(shared: &Shared, channel: &ChannelName, broken: &Broken) -> Option<IncidentRecord> {
    let at = broken.since;
    let evidence = OwnEvidence {
        problem: format!("Channel {channel} refuses messages ({})", broken.code),
        why: broken.why.clone(),
        advice: format!(
            "Nobody is alerted through {channel} until its address or token is put right."
        ),
    };
    let millis = at.as_millisecond();
    let incident = format!("{OWN_CACHE}-{CHANNEL_BROKEN}-{channel}-{millis}");
    let labels = BTreeMap::from([("channel".to_owned(), channel.to_string())]);
    let own = Notification::own(incident, CHANNEL_BROKEN, labels, at, evidence).ok()?;
    let record = IncidentRecord {
        subject: channel.to_string(),
        ..incident_record(&own, headline(&own))
    };
    step(shared, channel, &record, AlertState::Ok, AlertState::Firing).await;
    Some(record)
}

async fn resolve(
    shared: &Shared,
    channel: &ChannelName,
    mut record: IncidentRecord,
    note: Option<&'static str>,
) {
    let now = shared.parts.clock.now().wall;
    record.resolved = Some(now);
    record.notification = Arc::new(record.notification.ended(note, now));
    step(shared, channel, &record, AlertState::Firing, AlertState::Ok).await;
}

async fn step(
    shared: &Shared,
    channel: &ChannelName,
    record: &IncidentRecord,
    from: AlertState,
    to: AlertState,
) {
    let at = record.notification.at;
    let transition = TransitionRecord {
        cache: record.cache.clone(),
        rule: record.rule.clone(),
        subject: record.subject.clone(),
        incident: Some(record.id.clone()),
        at,
        from,
        to,
        why: record.headline.clone(),
    };
    let outbox = shared.plan_around(Some(channel), &record.notification, at);
    let step = Step {
        incident: record.clone(),
        transition,
        outbox,
    };
    shared.outbox.commit(step).await;
}

fn headline(n: &Notification) -> String {
    match &n.evidence {
        Evidence::Own(own) => own.problem.clone(),
        _ => n.incident.clone(),
    }
}

/// Plans the reminders that are due: of incidents that are open, that nobody has taken on and that no silence covers. In
/// quiet hours there are none.
async fn remind(shared: &Shared) {
    let channels = shared.configs();
    if channels.iter().all(|c| c.routing.repeat_every.is_none()) {
        return;
    }
    let now = shared.parts.clock.now().wall;
    let silences = shared.outbox.silences(now).await;
    let mut items = Vec::new();
    for record in shared.outbox.open().await {
        let n = &record.notification;
        let labels = route::labels(n);
        let muted = silences.iter().any(|s| s.holds(now) && s.matches(&labels));
        if muted || record.acknowledged.is_some() || n.transition != Transition::Firing {
            continue;
        }
        let again = Arc::new(again(&record, now));
        for channel in &channels {
            let routing = &channel.routing;
            let number = routing
                .repeat_every
                .and_then(|every| route::reminder(record.started, every, now));
            let Some(number) = number else { continue };
            let quiet = route::due(routing, record.severity, now) > now;
            if quiet || !route::wants(channel, n, &labels) {
                continue;
            }
            items.push(OutboxItem {
                key: route::reminder_key(n, &channel.name, number),
                channel: channel.name.clone(),
                notification: Arc::clone(&again),
                queued: now,
                due: now,
                attempts: 0,
                status: OutboxStatus::Waiting,
            });
        }
    }
    if !items.is_empty() {
        shared.outbox.enqueue(items).await;
        shared.ring();
    }
}

/// The last notification about an incident, as of now: how long it has been firing is in it.
fn again(record: &IncidentRecord, now: Timestamp) -> Notification {
    let mut n = (*record.notification).clone();
    n.duration = Duration::try_from(now.duration_since(record.started)).unwrap_or_default();
    n
}

#[cfg(test)]
mod tests;
