//! The words for something that is wrong with cachewatch itself.

use crate::model::incident::{Notification, OwnEvidence, Transition};
use crate::notify::format::duration;

use super::Words;

pub(super) fn words(n: &Notification, e: &OwnEvidence) -> Words {
    let (title, summary) = match n.transition {
        Transition::Firing => {
            let why = (!e.why.is_empty()).then(|| format!("It was told: {}", e.why));
            let advice = (!e.advice.is_empty()).then(|| e.advice.clone());
            (e.problem.clone(), why.into_iter().chain(advice).collect())
        }
        Transition::Resolved => {
            let lasted = format!("It lasted {}.", duration(n.duration));
            (format!("Resolved: {}", e.problem), vec![lasted])
        }
    };
    Words {
        headline: format!("{title} (cachewatch itself)"),
        title,
        chart: None,
        summary,
        advice: Vec::new(),
        fields: Vec::new(),
    }
}
