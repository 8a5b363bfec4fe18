//! One node on the page.

use crate::model::events::EventsState;
use crate::model::gap::{GapReason, JudgedGap};
use crate::model::reading::Role;
use crate::model::snapshot::NodeSnapshot;
use crate::model::time::Now;

use super::ago;
use super::format::{bytes, count, percent, span, text, timestamp};

pub(super) struct NodeView {
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) never_read: bool,
    /// `primary · Redis 7.0.15 · 48 112 keys · 92.0 MiB of 100.0 MiB (allkeys-lru)`.
    pub(super) facts: Vec<String>,
    /// How it stands: up or not, and how old the reading is.
    pub(super) standing: String,
    pub(super) error: Option<String>,
    pub(super) events_ok: bool,
    pub(super) events: String,
    pub(super) remedy: Option<String>,
    /// When events were not received, how long, why, and how many were lost.
    pub(super) gap: Option<String>,
}

impl NodeView {
    pub(super) fn new(node: &NodeSnapshot, now: Now) -> Self {
        let status = &node.events_status;
        Self {
            name: text(node.name.as_str()),
            up: node.up,
            never_read: node.read_at.is_none(),
            facts: facts(node),
            standing: match node.read_at {
                Some(at) if node.up => format!("up, read {}", ago(now, at)),
                Some(at) => format!("down, last read {}", ago(now, at)),
                None => "not read yet".to_owned(),
            },
            error: node.error.as_ref().map(|e| text(&e.message)),
            events_ok: !matches!(
                status.state,
                EventsState::NotificationsOff | EventsState::Forbidden | EventsState::Lost
            ),
            events: events(node),
            remedy: status.remedy.as_deref().map(text),
            gap: node.gaps.last.map(|last| gap(&last, node)),
        }
    }
}

fn facts(node: &NodeSnapshot) -> Vec<String> {
    let Some(reading) = &node.reading else {
        return Vec::new();
    };
    let mut facts = Vec::with_capacity(4);
    if reading.role != Role::Unknown {
        facts.push(reading.role.as_str().to_owned());
    }
    let version = reading.version.as_deref().map(text).unwrap_or_default();
    facts.push(
        format!("{} {version}", reading.flavour.as_str())
            .trim_end()
            .to_owned(),
    );
    facts.push(format!("{}\u{a0}keys", count(reading.keys())));
    if let Some(used) = reading.memory.used {
        let limit = reading.memory.limit.map_or_else(
            || ", no limit".to_owned(),
            |limit| format!(" of {}", bytes(limit)),
        );
        let policy = reading.memory.policy.as_deref().map(text);
        let policy = policy.map_or_else(String::new, |p| format!(", {p}"));
        facts.push(format!("{}{limit}{policy}", bytes(used)));
    }
    facts
}

/// The last gap; how many there were besides.
fn gap(gap: &JudgedGap, node: &NodeSnapshot) -> String {
    let ended = timestamp(gap.ended.wall);
    if gap.reason == GapReason::Start {
        return format!("received since {ended}, when cachewatch had started");
    }
    let lost = match gap.lost {
        Some(1) => ", at least 1 event was lost".to_owned(),
        Some(lost) if lost > 0 => format!(", at least {} events were lost", count(lost)),
        Some(_) => ", no event is known to be lost".to_owned(),
        None => String::new(),
    };
    let all: u64 = GapReason::ALL
        .into_iter()
        .filter(|reason| *reason != GapReason::Start)
        .map(|reason| node.gaps.of(reason).count)
        .sum();
    let more = match all {
        0 | 1 => String::new(),
        all => format!(" ({} gaps in all)", count(all)),
    };
    format!(
        "last gap: {} until {ended}, {}{lost}{more}",
        span(gap.lasted()),
        gap.reason.words()
    )
}

/// The verdict, and how complete the events are where that is known.
fn events(node: &NodeSnapshot) -> String {
    let message = text(&node.events_status.message);
    let c = node.completeness;
    let lowest = [c.expired, c.evicted, c.keymiss]
        .into_iter()
        .flatten()
        .reduce(f64::min);
    if node.events_status.state == EventsState::Working
        && let Some(lowest) = lowest
    {
        return format!("{message} ({} of what the server counts)", percent(lowest));
    }
    message
}
