//! Judges gaps of the event reader by what INFO says: a restart, a failover or a cut at the output buffer limit looks
//! like a lost connection to the reader, and how many events were lost only counters tell.
//!
//! Deliberately absent: what a gap means for causes; that is `attribution`'s, as soon as events are read again.
//!
//! Invariant: each gap is judged once, with the first good reading after it; totals only grow. Only the number of lost
//! events of the newest gap is looked at once more: with one reading more, what was on its way is told from what was
//! lost.

use std::time::Duration;

use super::completeness::Completeness;
use crate::model::events::{EventKind, PerKind};
use crate::model::gap::{Gap, GapReason, Gaps, JudgedGap};
use crate::model::poll::PollReport;
use crate::model::reading::Reading;
use crate::model::snapshot::ResetReason;

/// How often the server has cut off a client that did not read. Servers before 7.0 don't tell.
const CUT_OFF: &str = "client_output_buffer_limit_disconnections";

/// The gaps of one node.
#[derive(Debug, Clone, Default)]
pub struct GapBook {
    gaps: Gaps,
    /// The number of the last gap that was judged.
    judged: u64,
    /// Events seen beyond those counted, before the gap of this number.
    before: Option<(u64, PerKind<i128>)>,
    /// What [`CUT_OFF`] said in the last reading and in the one before it.
    cut_off: [Option<u64>; 2],
    /// When the server's counters last began anew because of another process.
    other_process: Option<(Duration, GapReason)>,
}

impl GapBook {
    /// Those that are over.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Takes in a good report; `reset` and `completeness` know it already.
    pub fn observe(
        &mut self,
        report: &PollReport,
        reading: &Reading,
        reset: Option<ResetReason>,
        completeness: &Completeness,
    ) {
        let other = match reset {
            Some(ResetReason::Restart) => Some(GapReason::Restart),
            Some(ResetReason::Failover | ResetReason::NodeSwap) => Some(GapReason::Failover),
            Some(ResetReason::Resetstat) | None => None,
        };
        if let Some(reason) = other {
            self.other_process = Some((report.at.mono, reason));
        }
        let cut_off = reading.fields.u64(CUT_OFF);
        self.look_again(completeness);
        for gap in &report.events.recent_gaps {
            if gap.number <= self.judged {
                continue;
            }
            // Of what the reader's list did not hold any more, only the number is known.
            self.count(
                GapReason::Connection,
                gap.number - self.judged - 1,
                Duration::ZERO,
            );
            self.judged = gap.number - 1;
            if self.before.is_none_or(|(number, _)| number != gap.number) {
                let until = gap.ended.map_or(Duration::MAX, |ended| ended.mono);
                let lead = completeness.lead_before(gap.began.mono, until);
                // Nobody has promised anything about what was before the start.
                let lead = lead.filter(|_| gap.reason != GapReason::Start);
                self.before = lead.map(|lead| (gap.number, lead));
            }
            let Some(ended) = gap.ended else { break };
            let reason = self.reason(gap, cut_off);
            let judged = JudgedGap {
                began: gap.began,
                ended,
                reason,
                lost: self.lost(gap.number, ended.mono, completeness),
            };
            self.count(reason, 1, judged.lasted());
            self.judged = gap.number;
            self.gaps.last = Some(judged);
        }
        self.cut_off = [self.cut_off[1], cut_off];
    }

    fn count(&mut self, reason: GapReason, count: u64, lasted: Duration) {
        if count > 0 {
            let totals = self.gaps.totals.entry(reason).or_default();
            totals.count = totals.count.saturating_add(count);
            totals.lasted = totals.lasted.saturating_add(lasted);
        }
    }

    fn look_again(&mut self, completeness: &Completeness) {
        if let Some(ended) = self.gaps.last.map(|gap| gap.ended.mono)
            && let Some(lost) = self.lost(self.judged, ended, completeness)
            && let Some(last) = &mut self.gaps.last
        {
            last.lost = Some(last.lost.map_or(lost, |before| before.min(lost)));
        }
    }

    fn reason(&mut self, gap: &Gap, cut_off: Option<u64>) -> GapReason {
        match gap.reason {
            GapReason::Start | GapReason::NotPublished => return gap.reason,
            // The reader's connection held, so the former process lives, however young the new one is.
            GapReason::Failover => {
                self.other_process = None;
                return gap.reason;
            }
            _ => {}
        }
        // It explains one gap, not the next one, too.
        if let Some((at, reason)) = self.other_process.take()
            && at >= gap.began.mono
        {
            return reason;
        }
        if gap.reason != GapReason::Connection {
            return gap.reason;
        }
        // The reading before may have come between the cut and its discovery; the one before that has not.
        let earlier = self.cut_off[0].or(self.cut_off[1]);
        let is_cut = match (earlier, cut_off) {
            (Some(earlier), Some(now)) => now > earlier,
            (None, Some(now)) => now > 0 && gap.mid_message,
            // It does not tell. A server that lives, and stops in the middle of a message, has dropped its buffer.
            (_, None) => gap.mid_message,
        };
        if is_cut {
            GapReason::OutputLimit
        } else {
            GapReason::Connection
        }
    }

    /// At least so many events were lost in a gap.
    fn lost(&self, number: u64, ended: Duration, completeness: &Completeness) -> Option<u64> {
        let (_, before) = self.before.filter(|(n, _)| *n == number)?;
        let after = completeness.lead_after(ended)?;
        let lost = EventKind::ALL
            .into_iter()
            .map(|kind| before.get(kind).saturating_sub(after.get(kind)).max(0))
            .fold(0_i128, i128::saturating_add);
        Some(u64::try_from(lost).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
