//! What is said, whoever it is said to: a notification put into words, before any channel's markup.
//!
//! Deliberately not here: markup, escaping, limits of a channel. Texts are plain, single lines, free of control
//! characters and capped, but they may hold anything else: a channel escapes all of them.
//!
//! Invariant: every sentence rests on a number of the notification. What is not known is left out or said to be
//! unknown; a reason is only named when the numbers bear it out.

use crate::chart;
use crate::model::incident::{Evidence, Notification, Severity, Transition};
use crate::notify::letter::Angle;
use crate::notify::text::clean;
use crate::notify::wording::{Links, Occasion};
use crate::notify::{format, plot};

pub(crate) mod digest;
mod down;
pub(crate) mod facts;
mod miss;
mod occasion;
mod own;
mod signal;

pub(crate) use occasion::{dated, still};
use occasion::{fired_and_recovered, preface};

/// The longest line of a message, in characters.
pub(crate) const MAX_LINE_CHARS: usize = 400;
/// The most lines of a summary.
pub(crate) const MAX_LINES: usize = 40;
/// How many coincidences are told of.
const MAX_COINCIDENCES: usize = 4;
/// How much is told of one, in characters.
const MAX_COINCIDENCE_CHARS: usize = 200;
/// The longest headline, in characters; a mail subject should not be longer.
pub(crate) const MAX_HEADLINE_CHARS: usize = 200;
/// The longest link that is passed on, in characters.
const MAX_URL_CHARS: usize = 2000;

/// A message before it gets its channel's form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// Which way the incident went.
    pub(crate) status: Transition,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The whole matter in one line.
    pub(crate) headline: String,
    /// The headline without its details, for where a title stands above the rest.
    pub(crate) title: String,
    /// The chart, with its caption.
    pub(crate) chart: Option<Chart>,
    /// The series as a picture, for channels that can carry one.
    pub(crate) plot: Option<chart::Chart>,
    /// Sentences, the most important first.
    pub(crate) summary: Vec<String>,
    /// Numbers: name and value. At most ten.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Links, `http` or `https` only.
    pub(crate) links: Vec<Link>,
    /// Where the message comes from: rule, severity, incident.
    pub(crate) footer: String,
}

/// A series as text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    /// The bars.
    pub(crate) bars: String,
    /// What they show.
    pub(crate) caption: String,
}

/// Somewhere to go on reading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// What is there.
    pub(crate) label: &'static str,
    /// Where it is.
    pub(crate) url: String,
}

/// The words that depend on what the rule watches.
struct Words {
    headline: String,
    title: String,
    chart: Option<Chart>,
    summary: Vec<String>,
    /// What to try.
    advice: Vec<String>,
    fields: Vec<(&'static str, String)>,
}

/// Puts a notification into words. The headline does not yet say that it is late or a test, see [`dated`].
pub(crate) fn render(n: &Notification, links: &Links, occasion: Occasion) -> Message {
    let words = match &n.evidence {
        Evidence::MissRatio(evidence) => miss::words(n, evidence),
        Evidence::Down(evidence) => down::words(n, evidence),
        Evidence::Signal(evidence) => signal::words(n, evidence),
        Evidence::Own(evidence) => own::words(n, evidence),
    };
    let mut summary = preface(occasion, Some(n));
    if let Some(note) = &n.note {
        summary.push(format!("It ended because: {note}."));
    }
    summary.extend(words.summary);
    if n.transition == Transition::Firing {
        summary.extend(coincided(n));
        summary.extend(words.advice);
    }
    // A runbook is whatever its author wrote; only a web address can become a link.
    if let Some(runbook) = n.runbook.as_deref().filter(|r| !is_link(r)) {
        summary.push(format!("Runbook: {runbook}"));
    }
    let labels: Vec<String> = n
        .labels
        .iter()
        .map(|(name, value)| format!(" · {name}={value}"))
        .collect();
    let (headline, title) = if occasion.angle == Angle::CameAndWent {
        (
            fired_and_recovered(&words.headline),
            fired_and_recovered(&words.title),
        )
    } else {
        (words.headline, words.title)
    };
    // The hour before the beginning was shown with the beginning.
    let shows = occasion.angle != Angle::Reminder;
    Message {
        status: n.transition,
        severity: n.severity,
        headline: clean(&headline, MAX_HEADLINE_CHARS),
        title: clean(&title, MAX_HEADLINE_CHARS),
        chart: words.chart.filter(|_| shows),
        plot: plot::of(n).filter(|_| shows),
        summary: summary
            .iter()
            .map(|line| clean(line, MAX_LINE_CHARS))
            .filter(|line| !line.is_empty())
            .take(MAX_LINES)
            .collect(),
        fields: words.fields,
        links: links.all(n, occasion.test),
        footer: clean(
            &format!(
                "{} · {} · firing since {} · incident {}{}",
                n.rule,
                n.severity.as_str(),
                format::moment(n.started),
                n.incident,
                labels.concat()
            ),
            MAX_LINE_CHARS,
        ),
    }
}

/// What happened at about the same time; the latest matter most.
fn coincided(n: &Notification) -> Vec<String> {
    let from = n.coincidences.len().saturating_sub(MAX_COINCIDENCES);
    let latest = n.coincidences.iter().skip(from);
    latest
        .map(|c| {
            let text = clean(&c.text, MAX_COINCIDENCE_CHARS);
            format!(
                "At the same time, at {}: {text}.",
                format::time_of_day(c.at)
            )
        })
        .collect()
}

/// Whether a text is a web address that can be put into a message as it is.
pub(crate) fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && text.chars().count() <= MAX_URL_CHARS
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A number that is known and makes sense: finite and not negative.
fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite() && *v >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::incident::{Coincidence, CoincidenceKind};
    use crate::notify::testing::notification;

    fn plainly(n: &Notification) -> Message {
        render(n, &Links::default(), Occasion::default())
    }

    #[test]
    fn what_coincided_is_told_before_what_to_try() {
        let mut n = notification::miss_firing();
        n.coincidences = (0..6)
            .map(|i| Coincidence {
                at: n.at,
                kind: CoincidenceKind::Annotation,
                text: format!("deploy\nnumber {i}"),
            })
            .collect();
        let summary = plainly(&n).summary;
        let at = |text: &str| summary.iter().position(|line| line.contains(text));
        assert_eq!(at("number 1"), None, "only the latest");
        assert!(
            at("At the same time, at 03:04 UTC: deploy number 5.").unwrap() < at("Try: ").unwrap()
        );
        n.transition = Transition::Resolved;
        assert!(!plainly(&n).summary.concat().contains("deploy"));
    }

    #[test]
    fn a_runbook_that_is_no_address_is_text() {
        let mut n = notification::miss_firing();
        for odd in ["see wiki", "javascript:alert(1)", "https://x\r\nBcc: a@b"] {
            n.runbook = Some(odd.to_owned());
            let message = plainly(&n);
            assert_eq!(message.links, [], "{odd}");
            let line = message.summary.last().unwrap();
            assert!(line.starts_with("Runbook: "), "{line}");
            assert!(!line.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn every_field_count_is_within_the_bound() {
        for n in notification::all() {
            let message = plainly(&n);
            assert!(message.fields.len() <= 10);
            assert!(!message.headline.is_empty() && !message.title.is_empty());
        }
    }
}
