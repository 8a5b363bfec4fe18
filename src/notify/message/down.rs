//! The words for a cache that does not answer.

use crate::model::incident::{DownEvidence, Notification, Transition};
use crate::model::name::NodeName;
use crate::notify::format::{duration, moment};
use crate::notify::text::clean;

use super::Words;

/// How many nodes are named one by one.
const MAX_NODES: usize = 10;
/// How much of a node's error is shown.
const MAX_ERROR_CHARS: usize = 250;

pub(super) fn words(n: &Notification, e: &DownEvidence) -> Words {
    match n.transition {
        Transition::Firing => firing(n, e),
        Transition::Resolved => resolved(n, e),
    }
}

fn firing(n: &Notification, e: &DownEvidence) -> Words {
    let title = if !e.nodes.is_empty() && e.nodes.len() < e.total {
        format!(
            "{} of {} nodes of {} do not answer",
            e.nodes.len(),
            e.total,
            n.cache
        )
    } else {
        format!("{} is down", n.cache)
    };
    let headline = match e.nodes.as_slice() {
        [(node, error)] if e.total <= 1 => format!("{title}: {}", reason(node, error)),
        [] => title.clone(),
        nodes if nodes.len() < e.total => title.clone(),
        nodes => format!("{title}: none of its {} nodes answers", nodes.len()),
    };
    let mut summary: Vec<String> = if e.nodes.len() > 1 {
        e.nodes
            .iter()
            .take(MAX_NODES)
            .map(|(node, error)| reason(node, error))
            .collect()
    } else {
        Vec::new()
    };
    if let Some(more) = e.nodes.len().checked_sub(MAX_NODES).filter(|m| *m > 0) {
        summary.push(format!("… and {more} more nodes."));
    }
    summary.push(format!("No answer since {}.", moment(n.pending_since)));
    if e.nodes.len() >= e.total {
        summary.push("While it is down its miss rate cannot be watched.".to_owned());
    }
    Words {
        headline,
        title,
        chart: None,
        summary,
        advice: vec![
            "Try: see whether the server runs and what its log says, then whether this machine reaches it, with `cachewatch check`."
                .to_owned(),
        ],
        fields: vec![(
            "Nodes down",
            format!("{} of {}", e.nodes.len(), e.total.max(e.nodes.len())),
        )],
    }
}

fn resolved(n: &Notification, e: &DownEvidence) -> Words {
    let lasted = duration(n.duration);
    let mut summary = vec![format!("It lasted {lasted}.")];
    summary.extend(
        e.nodes
            .iter()
            .take(MAX_NODES)
            .map(|(node, error)| format!("Still: {}", reason(node, error))),
    );
    Words {
        headline: format!(
            "Resolved: {} answers again (was down for {lasted})",
            n.cache
        ),
        title: format!("Resolved: {} answers again", n.cache),
        chart: None,
        summary,
        advice: Vec::new(),
        fields: vec![("Duration", lasted)],
    }
}

/// The node and what is wrong with it; errors usually name their node themselves.
fn reason(node: &NodeName, error: &str) -> String {
    let error = clean(error, MAX_ERROR_CHARS);
    if error.is_empty() {
        format!("{node} does not answer")
    } else if error.contains(node.as_str()) {
        error
    } else {
        format!("{node}: {error}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::notification;

    fn down(nodes: &[(&str, &str)], total: usize) -> Words {
        let n = notification::down_firing();
        let nodes = nodes
            .iter()
            .map(|(host, error)| (NodeName::tcp(host, 6379), (*error).to_owned()))
            .collect();
        words(&n, &DownEvidence { nodes, total })
    }

    #[test]
    fn one_node_is_told_in_the_headline() {
        let w = down(&[("127.0.0.1", "127.0.0.1:6379 refuses connections")], 1);
        assert_eq!(
            w.headline,
            "sessions is down: 127.0.0.1:6379 refuses connections"
        );
        let w = down(&[("10.0.0.1", "no answer within 3 s")], 1);
        assert_eq!(
            w.headline,
            "sessions is down: 10.0.0.1:6379: no answer within 3 s"
        );
        assert_eq!(down(&[], 1).headline, "sessions is down");
    }

    #[test]
    fn many_nodes_are_counted_and_bounded() {
        let nodes: Vec<_> = (0..30).map(|_| ("10.0.0.1", "refused")).collect();
        let w = down(&nodes, 30);
        assert_eq!(w.headline, "sessions is down: none of its 30 nodes answers");
        assert!(w.summary.contains(&"… and 20 more nodes.".to_owned()));
        assert_eq!(
            down(&nodes, 40).headline,
            "30 of 40 nodes of sessions do not answer"
        );
    }

    #[test]
    fn a_resolved_one_says_how_long() {
        let n = notification::down_resolved();
        let w = words(
            &n,
            &DownEvidence {
                nodes: vec![],
                total: 1,
            },
        );
        assert_eq!(
            w.headline,
            "Resolved: sessions answers again (was down for 3 min 20 s)"
        );
    }
}
