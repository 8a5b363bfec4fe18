//! How late a message is, and why.
//!
//! Invariant: the receiver is only blamed for what it did not take.

use std::time::Duration;

use jiff::Timestamp;

use super::relation::Relation;
use super::{Target, Worker};
use crate::model::record::OutboxItem;
use crate::notify::letter::{Delay, Late};
use crate::notify::route;

/// From how much on a delay is told.
pub(crate) const LATE_AFTER: Duration = Duration::from_mins(1);

impl Worker {
    /// How long a message has waited.
    pub(super) fn waited(&self, item: &OutboxItem) -> Duration {
        span(item.queued, self.clock.now().wall)
    }

    /// How late a message is, and why, if that is worth saying.
    pub(super) fn late(
        &self,
        target: &Target,
        relation: &Relation,
        item: &OutboxItem,
    ) -> Option<Late> {
        let by = self.waited(item);
        let first = first_due(target, item);
        let held = span(item.queued, first);
        let tried = item.attempts > 0 || relation.was_out();
        let because = if tried && by.saturating_sub(held) >= held.max(LATE_AFTER) {
            Delay::ChannelOut
        } else if held >= LATE_AFTER {
            Delay::QuietHours
        } else {
            Delay::Other
        };
        (by >= LATE_AFTER).then_some(Late { by, because })
    }
}

/// When a message could be sent first: after the quiet hours it fell into.
pub(super) fn first_due(target: &Target, item: &OutboxItem) -> Timestamp {
    let severity = item.notification.severity;
    route::due(&target.config.routing, severity, item.queued)
}

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
