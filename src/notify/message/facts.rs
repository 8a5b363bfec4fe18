//! What a template may name, filled in from a notification and the built-in message.
//!
//! Invariant: texts from elsewhere are clean; numbers that are none are left out.

use crate::config::template::{Coincided, Facts, Field, Linked, NamespaceFacts};
use crate::model::incident::{
    Evidence, MissAttribution, MissEvidence, Notification, SignalEvidence, Subject, Transition,
};
use crate::notify::format;
use crate::notify::letter::Angle;
use crate::notify::text::clean;
use crate::notify::wording::Occasion;

use super::miss::extra_per_second;
use super::{MAX_LINE_CHARS, Message, known};

/// The values of a notification, whose built-in message is given.
pub(crate) fn of(n: &Notification, occasion: Occasion, message: &Message) -> Facts {
    let (namespace, node) = match &n.subject {
        None => (None, None),
        Some(Subject::Namespace(name)) => (Some(line(name)), None),
        Some(Subject::Node(node)) => (None, Some(line(node.as_str()))),
    };
    let mut facts = Facts {
        status: n.transition.as_str(),
        severity: n.severity.as_str(),
        rule: n.rule.to_string(),
        cache: n.cache.to_string(),
        namespace,
        node,
        incident: line(&n.incident),
        labels: n
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), line(value)))
            .collect(),
        started: format::moment(n.started),
        at: format::moment(n.at),
        duration: format::duration(n.duration),
        duration_seconds: n.duration.as_secs_f64(),
        headline: message.headline.clone(),
        title: message.title.clone(),
        summary: message.summary.clone(),
        sparkline: message.chart.as_ref().map(|chart| chart.bars.clone()),
        fields: message
            .fields
            .iter()
            .map(|(name, value)| Field {
                name: (*name).to_owned(),
                value: value.clone(),
            })
            .collect(),
        links: message
            .links
            .iter()
            .map(|link| Linked {
                label: link.label.to_owned(),
                url: link.url.clone(),
            })
            .collect(),
        runbook: n.runbook.as_deref().map(line),
        note: n.note.as_deref().map(line),
        coincidences: n
            .coincidences
            .iter()
            .map(|c| Coincided {
                at: format::time_of_day(c.at),
                text: line(&c.text),
            })
            .collect(),
        late_seconds: occasion.late.map(|late| late.by.as_secs()),
        reminder: occasion.angle == Angle::Reminder,
        test: occasion.test,
        ..Facts::default()
    };
    match &n.evidence {
        Evidence::MissRatio(e) => misses(&mut facts, n, e),
        Evidence::Signal(e) => signal(&mut facts, e),
        Evidence::Down(_) => "down".clone_into(&mut facts.signal),
        Evidence::Own(_) => "cachewatch".clone_into(&mut facts.signal),
    }
    facts
}

fn misses(facts: &mut Facts, n: &Notification, e: &MissEvidence) {
    "miss_ratio".clone_into(&mut facts.signal);
    facts.value = known(match n.transition {
        Transition::Firing => e.long_ratio.or(e.short_ratio),
        Transition::Resolved => e.short_ratio,
    });
    facts.threshold = known(Some(e.threshold));
    facts.normal = known(e.normal_ratio);
    if let Some((low, high)) = e.normal_range {
        facts.normal_low = known(Some(low));
        facts.normal_high = known(Some(high));
    }
    facts.peak = known(e.peak_ratio);
    facts.lower_bound = known(e.long_lower);
    facts.lookups = Some(e.lookups);
    facts.misses = Some(e.misses);
    facts.extra_misses = e.extra_misses;
    facts.extra_per_second = extra_per_second(e);
    facts.signal_attribution(e.attribution.as_ref());
}

fn signal(facts: &mut Facts, e: &SignalEvidence) {
    facts.signal = line(&e.name);
    let finite = |value: Option<f64>| value.filter(|v| v.is_finite());
    facts.value = finite(e.value);
    facts.threshold = finite(Some(e.threshold));
    facts.normal = finite(e.normal);
    facts.peak = finite(e.peak);
    facts.lookups = e.lookups;
    facts.signal_attribution(e.attribution.as_ref());
}

impl Facts {
    fn signal_attribution(&mut self, attribution: Option<&MissAttribution>) {
        let Some(a) = attribution else { return };
        self.cause = a.cause.map(|(cause, _)| cause.as_str());
        let costs = if a.extra_cost_per_hour.is_empty() {
            &a.cost_per_hour
        } else {
            &a.extra_cost_per_hour
        };
        let costs: Vec<String> = costs
            .iter()
            .map(|(cost, currency)| format::money(*cost, &line(currency)))
            .collect();
        self.cost_per_hour = Some(costs.join(", ")).filter(|text| !text.is_empty());
        self.namespaces = a
            .namespaces
            .iter()
            .map(|namespace| NamespaceFacts {
                name: line(&namespace.name),
                share: namespace.share,
                misses: namespace.misses,
                cause: namespace.cause.as_str(),
                cause_share: namespace.cause_share,
            })
            .collect();
    }
}

fn line(text: &str) -> String {
    clean(text, MAX_LINE_CHARS)
}
