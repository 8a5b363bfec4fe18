//! Whether no node of a cache answers.
//!
//! Before the first reading ever it does not answer either: a cache with a wrong address must alert.
//!
//! Deliberately absent: how long that may last, which is the state machine's.

use super::machine::Verdict;
use super::words::capped;
use crate::model::incident::DownEvidence;
use crate::model::snapshot::{CacheSnapshot, NodeSnapshot};
use crate::model::time::Now;

/// Nodes named in a message; how many there are is told beside it.
const MAX_NODES: usize = 20;
/// Characters of an error in a message.
const MAX_ERROR: usize = 300;

/// What the rule finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// [`Verdict::Breach`] or [`Verdict::Clear`].
    pub verdict: Verdict,
    /// The nodes that do not answer.
    pub evidence: DownEvidence,
    /// One line.
    pub explanation: String,
}

/// Looks at the cache.
pub fn evaluate(cache: &CacheSnapshot, now: Now) -> Evaluation {
    let total = cache.nodes.len();
    let silent = || cache.nodes.iter().filter(|node| !node.up);
    let evidence = DownEvidence {
        nodes: silent()
            .take(MAX_NODES)
            .map(|node| (node.name.clone(), why(node, now)))
            .collect(),
        total,
    };
    let up = total - silent().count();
    if up > 0 {
        return Evaluation {
            verdict: Verdict::Clear,
            evidence,
            explanation: format!("{up} of {total} node(s) answer"),
        };
    }
    let reason = evidence
        .nodes
        .first()
        .map_or(String::new(), |(node, why)| format!("; {node}: {why}"));
    Evaluation {
        verdict: Verdict::Breach,
        explanation: format!("none of {total} node(s) answers{reason}"),
        evidence,
    }
}

fn why(node: &NodeSnapshot, now: Now) -> String {
    match (&node.error, node.read_at) {
        (Some(error), _) => capped(&error.message, MAX_ERROR),
        (None, Some(read_at)) => format!(
            "no answer for {} s, the poll hangs",
            now.since(read_at).as_secs()
        ),
        (None, None) => "not a single answer yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fixture::{at, config, counters, failed, good, reading};
    use crate::analyze::ledger::CacheLedger;
    use crate::model::poll::PollErrorKind;

    fn look(ledger: &CacheLedger, seconds: u64) -> Evaluation {
        evaluate(&ledger.snapshot(at(seconds)), at(seconds))
    }

    #[test]
    fn a_cache_is_down_when_no_node_answers() {
        let mut ledger = CacheLedger::new(&config());
        let never = look(&ledger, 0);
        assert_eq!(never.verdict, Verdict::Breach);
        assert!(
            never.explanation.contains("not a single answer yet"),
            "{}",
            never.explanation
        );

        ledger.observe(&failed(at(1), PollErrorKind::Refused));
        let refused = look(&ledger, 1);
        assert_eq!(refused.verdict, Verdict::Breach);
        assert_eq!(
            refused.explanation,
            "none of 1 node(s) answers; redis:6379: redis:6379: refused"
        );

        ledger.observe(&good(at(2), reading(Some("a"), 1, counters(0, 0, 0))));
        assert_eq!(look(&ledger, 2).verdict, Verdict::Clear);
        assert_eq!(look(&ledger, 2).evidence.nodes, []);

        let hung = look(&ledger, 20);
        assert_eq!(hung.verdict, Verdict::Breach);
        assert!(
            hung.explanation.contains("no answer for 18 s"),
            "{}",
            hung.explanation
        );
    }
}
