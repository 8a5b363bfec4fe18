//! Which channels get a notification, and when: pure.
//!
//! A channel gets what its matchers and severities let through; `resolved` only where it wants that. What falls into its
//! quiet hours is put into the outbox all the same, but becomes due only when they end; when the incident is over by
//! then and nobody was told of it, nobody is (`group` decides that, since only the outbox knows what was told).
//! Deliberately absent: silences and inhibition. What they mute never becomes a notification.
//!
//! Invariant: the same notification always leads to the same keys, so that what is planned twice is sent once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::routing::QuietHours;
use crate::config::{ChannelConfig, Routing};
use crate::model::incident::{Notification, Severity, Subject, Transition};
use crate::model::name::ChannelName;
use crate::model::record::{OutboxItem, OutboxStatus};
use crate::model::weekly;

/// What stands in the key of a reminder, before its number.
const REMINDER: &str = "/reminder/";

/// The messages that a notification leads to, one for each channel that is to get it.
pub(crate) fn plan<'a>(
    channels: impl Iterator<Item = &'a ChannelConfig>,
    n: &std::sync::Arc<Notification>,
    now: Timestamp,
) -> Vec<OutboxItem> {
    let labels = labels(n);
    channels
        .filter(|channel| wants(channel, n, &labels))
        .map(|channel| OutboxItem {
            key: n.idempotency_key(&channel.name),
            channel: channel.name.clone(),
            notification: std::sync::Arc::clone(n),
            queued: now,
            due: due(&channel.routing, n.severity, now),
            attempts: 0,
            status: OutboxStatus::Waiting,
        })
        .collect()
}

/// Whether a channel is to get a notification at all. `labels`: those of [`labels`].
pub(crate) fn wants(
    channel: &ChannelConfig,
    n: &Notification,
    labels: &BTreeMap<String, String>,
) -> bool {
    let routing = &channel.routing;
    let severity = routing.severities.as_ref();
    (n.transition == Transition::Firing || channel.send_resolved)
        && severity.is_none_or(|wanted| wanted.contains(&n.severity))
        && routing.matchers.iter().all(|m| m.matches(labels))
}

/// When a message may be sent: now, or when the quiet hours are over.
pub(crate) fn due(routing: &Routing, severity: Severity, now: Timestamp) -> Timestamp {
    let held = |quiet: &&QuietHours| quiet.severities.contains(&severity);
    let held = routing.quiet_hours.iter().filter(held);
    let spans: Vec<_> = held.map(|quiet| &quiet.span).collect();
    weekly::end_of(&spans, now).unwrap_or(now)
}

/// What matchers compare: the labels of cache and rule, and those that each incident has.
pub(crate) fn labels(n: &Notification) -> BTreeMap<String, String> {
    let mut labels = n.labels.clone();
    let mut set = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    set("cache", n.cache.as_str());
    set("rule", n.rule.as_str());
    set("severity", n.severity.as_str());
    match &n.subject {
        Some(Subject::Namespace(namespace)) => set("namespace", namespace),
        Some(Subject::Node(node)) => set("node", node.as_str()),
        None => None,
    };
    labels
}

/// Which reminder of an incident is due at a moment: the first after one interval. `None`: none yet.
pub(crate) fn reminder(started: Timestamp, every: Duration, now: Timestamp) -> Option<u64> {
    let open = Duration::try_from(now.duration_since(started)).ok()?;
    let n = open.as_secs() / every.as_secs().max(1);
    (n > 0).then_some(n)
}

/// The key of a reminder: that of the first message with its number.
pub(crate) fn reminder_key(n: &Notification, channel: &ChannelName, number: u64) -> String {
    format!("{}{REMINDER}{number}", n.idempotency_key(channel))
}

/// Whether a message is a reminder, by its key.
pub(crate) fn is_reminder(item: &OutboxItem) -> bool {
    item.key.contains(REMINDER)
}

#[cfg(test)]
mod tests;
