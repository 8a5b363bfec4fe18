//! Says in the log what changed from one snapshot to the next, where the tasks that know it do not: the state of key
//! events, and alerts. One line a change, with the remedy where there is one.

use crate::model::events::EventsState;
use crate::model::incident::{AlertState, AlertStatus};
use crate::model::name::CacheName;
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot};

/// Compares two snapshots of one cache. Without an earlier one, everything that is not as it should be is news.
pub(super) fn tell(before: Option<&CacheSnapshot>, now: &CacheSnapshot) {
    for node in &now.nodes {
        let earlier = before.and_then(|b| b.nodes.iter().find(|n| n.name == node.name));
        events(&now.name, earlier.map(|n| n.events_status.state), node);
    }
    for alert in &now.alerts {
        let same = |a: &&AlertStatus| a.rule == alert.rule && a.subject == alert.subject;
        let earlier = before.and_then(|b| b.alerts.iter().find(same));
        alerts(&now.name, earlier.map(|a| a.state), alert);
    }
}

fn events(cache: &CacheName, before: Option<EventsState>, node: &NodeSnapshot) {
    let status = &node.events_status;
    // The reader itself tells of connections that come and go; here is what only the comparison with the flags knows.
    let known_here = matches!(
        status.state,
        EventsState::NotificationsOff | EventsState::Forbidden
    );
    if before == Some(status.state) {
        return;
    }
    if known_here {
        let remedy = status.remedy.as_deref().unwrap_or_default();
        tracing::warn!(%cache, node = %node.name, "key events are incomplete: {}; to mend it: {remedy}", status.message);
    } else if before == Some(EventsState::NotificationsOff) && status.state == EventsState::Working
    {
        tracing::info!(%cache, node = %node.name, "the server publishes all wanted key events now");
    }
}

fn alerts(cache: &CacheName, before: Option<AlertState>, alert: &AlertStatus) {
    let was_firing = before.is_some_and(AlertState::is_firing);
    match (was_firing, alert.state.is_firing()) {
        (false, true) => {
            tracing::warn!(%cache, rule = %alert.rule, incident = alert.incident.as_deref(), "firing: {}", alert.explanation);
        }
        (true, false) => {
            tracing::info!(%cache, rule = %alert.rule, "resolved: {}", alert.explanation);
        }
        _ => {}
    }
}
