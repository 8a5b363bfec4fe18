//! What is said, whoever it is said to: a notification put into words, before any channel's markup.
//!
//! Deliberately not here: markup, escaping, limits of a channel. Texts are plain, single lines, free of control
//! characters and capped, but they may hold anything else: a channel escapes all of them.
//!
//! Invariant: every sentence rests on a number of the notification. What is not known is left out or said to be
//! unknown; a reason is only named when the numbers bear it out.

use std::time::Duration;

use crate::model::incident::{Evidence, Notification, Severity, Transition};
use crate::notify::format;
use crate::notify::text::clean;

mod down;
mod miss;
mod own;
mod signal;

/// The longest line of a message, in characters.
const MAX_LINE_CHARS: usize = 400;
/// The longest headline, in characters; a mail subject should not be longer.
const MAX_HEADLINE_CHARS: usize = 200;
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
    fields: Vec<(&'static str, String)>,
}

/// Puts a notification into words. `late`: how long it had to wait, if that is worth saying.
pub(crate) fn render(
    n: &Notification,
    external_url: Option<&str>,
    late: Option<Duration>,
) -> Message {
    let words = match &n.evidence {
        Evidence::MissRatio(evidence) => miss::words(n, evidence),
        Evidence::Down(evidence) => down::words(n, evidence),
        Evidence::Signal(evidence) => signal::words(n, evidence),
        Evidence::Own(evidence) => own::words(n, evidence),
    };
    let mut summary = Vec::new();
    if let Some(late) = late {
        summary.push(format!(
            "Delivered {} late: this is how it was at {}.",
            format::duration(late),
            format::moment(n.at)
        ));
    }
    if let Some(note) = &n.note {
        summary.push(format!("It ended because: {note}."));
    }
    summary.extend(words.summary);
    // A runbook is whatever its author wrote; only a web address can become a link.
    if let Some(runbook) = n.runbook.as_deref().filter(|r| !is_link(r)) {
        summary.push(format!("Runbook: {runbook}"));
    }
    let labels: Vec<String> = n
        .labels
        .iter()
        .map(|(name, value)| format!(" · {name}={value}"))
        .collect();
    Message {
        status: n.transition,
        severity: n.severity,
        headline: clean(&headline(&words.headline, late), MAX_HEADLINE_CHARS),
        title: clean(&words.title, MAX_HEADLINE_CHARS),
        chart: words.chart,
        summary: summary
            .iter()
            .map(|line| clean(line, MAX_LINE_CHARS))
            .filter(|line| !line.is_empty())
            .collect(),
        fields: words.fields,
        links: links(n, external_url),
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

/// A phone shows little else: old news must not look like news there.
fn headline(words: &str, late: Option<Duration>) -> String {
    match late {
        Some(late) => format!("{} late: {words}", format::duration(late)),
        None => words.to_owned(),
    }
}

/// The address of a cache on the page.
pub(crate) fn page_url(n: &Notification, external_url: &str) -> String {
    format!("{external_url}/caches/{}", n.cache)
}

fn links(n: &Notification, external_url: Option<&str>) -> Vec<Link> {
    let page = external_url
        .map(|base| page_url(n, base))
        .filter(|url| is_link(url))
        .map(|url| Link {
            label: "Open in cachewatch",
            url,
        });
    let runbook = n
        .runbook
        .clone()
        .filter(|url| is_link(url))
        .map(|url| Link {
            label: "Runbook",
            url,
        });
    page.into_iter().chain(runbook).collect()
}

/// Whether a text is a web address that can be put into a message as it is.
fn is_link(text: &str) -> bool {
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
    use crate::notify::testing::notification;

    #[test]
    fn a_late_message_says_so_first() {
        let n = notification::miss_firing();
        let late = render(&n, None, Some(Duration::from_mins(12)));
        assert_eq!(
            late.summary[0],
            "Delivered 12 min late: this is how it was at 2026-01-02 03:04:05 UTC."
        );
        let on_time = render(&n, None, None);
        assert_eq!(late.headline, format!("12 min late: {}", on_time.headline));
        assert_eq!(late.title, on_time.title);
    }

    #[test]
    fn links_need_a_known_address() {
        let mut n = notification::miss_firing();
        n.runbook = None;
        assert_eq!(render(&n, None, None).links, []);
        let links = render(&n, Some("https://cw.example.org"), None).links;
        assert_eq!(links[0].url, "https://cw.example.org/caches/sessions");
    }

    #[test]
    fn a_runbook_that_is_no_address_is_text() {
        let mut n = notification::miss_firing();
        for odd in ["see wiki", "javascript:alert(1)", "https://x\r\nBcc: a@b"] {
            n.runbook = Some(odd.to_owned());
            let message = render(&n, None, None);
            assert_eq!(message.links, [], "{odd}");
            let line = message.summary.last().unwrap();
            assert!(line.starts_with("Runbook: "), "{line}");
            assert!(!line.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn every_field_count_is_within_the_bound() {
        for n in notification::all() {
            let message = render(&n, Some("https://cw.example.org"), None);
            assert!(message.fields.len() <= 10);
            assert!(!message.headline.is_empty() && !message.title.is_empty());
        }
    }
}
