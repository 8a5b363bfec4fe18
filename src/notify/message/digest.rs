//! Several notifications as one message: a storm is one piece of news, not fifty.
//!
//! Invariant: the first line tells how many there are and which is the worst; the list is bounded and says what it left out.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::model::incident::{Notification, Severity, Transition};
use crate::notify::format;
use crate::notify::letter::{Angle, Part};
use crate::notify::text::clean;
use crate::notify::wording::{Links, Occasion};

use super::{Link, MAX_HEADLINE_CHARS, MAX_LINE_CHARS, Message, dated, preface, render, still};

/// How many incidents are told of one by one.
const MAX_TOLD: usize = 15;
/// How much is told of one, in characters. All of them together have to fit into a section of Slack.
const MAX_TOLD_CHARS: usize = 160;
/// How many caches are named.
const MAX_CACHES: usize = 8;

/// One incident with what became of it.
struct Told<'a> {
    n: &'a Notification,
    angle: Angle,
}

/// Puts all of them into one message.
pub(crate) fn render_all(all: &[Part], links: &Links, occasion: Occasion) -> Message {
    let told = in_order(all);
    let firing = count(&told, |t| t.n.transition == Transition::Firing);
    let still = count(&told, |t| t.angle == Angle::Reminder);
    let gone = count(&told, |t| t.angle == Angle::CameAndWent);
    let resolved = told.len() - firing - gone;
    let counts: Vec<String> = [
        (firing - still, "firing"),
        (still, "still firing"),
        (resolved, "resolved"),
        (gone, "fired and recovered"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    let title = format!("{} alerts: {}", told.len(), counts.join(", "));
    let list: Vec<String> = told.iter().map(|t| line(t, links)).collect();
    let headline = match told.first() {
        Some(worst) => format!("{title}; {}", plain_line(worst, links)),
        None => title.clone(),
    };
    let mut summary = preface(occasion, None);
    summary.extend(list.iter().take(MAX_TOLD).cloned());
    if let Some(more) = list.len().checked_sub(MAX_TOLD).filter(|n| *n > 0) {
        summary.push(format!("… and {more} more."));
    }
    let open = told.iter().filter(|t| t.n.transition == Transition::Firing);
    let severity = open
        .map(|t| t.n.severity)
        .max()
        .or_else(|| told.iter().map(|t| t.n.severity).max())
        .unwrap_or(Severity::Info);
    Message {
        status: if firing > 0 {
            Transition::Firing
        } else {
            Transition::Resolved
        },
        severity,
        headline: dated(&headline, occasion),
        title: clean(&title, MAX_HEADLINE_CHARS),
        chart: None,
        plot: None,
        summary,
        fields: Vec::new(),
        links: page(links),
        footer: clean(&footer(&told), MAX_LINE_CHARS),
    }
}

/// What is open first, the gravest first, then what has been open for longest.
fn in_order(all: &[Part]) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = Vec::new();
    for Part {
        notification: n,
        angle,
    } in all
    {
        // The last word on an incident counts.
        match told.iter_mut().find(|t| t.n.incident == n.incident) {
            Some(known) => {
                let both = known.n.transition == Transition::Firing
                    && n.transition == Transition::Resolved;
                known.angle = if both { Angle::CameAndWent } else { *angle };
                known.n = n;
            }
            None => told.push(Told { n, angle: *angle }),
        }
    }
    told.sort_by_key(|t| {
        (
            t.n.transition == Transition::Resolved,
            Reverse(t.n.severity),
            t.n.started,
        )
    });
    told
}

fn count(told: &[Told<'_>], which: impl Fn(&Told<'_>) -> bool) -> usize {
    told.iter().filter(|t| which(t)).count()
}

fn plain_line(told: &Told<'_>, links: &Links) -> String {
    let occasion = Occasion {
        angle: told.angle,
        ..Occasion::default()
    };
    let headline = render(told.n, links, occasion).headline;
    if told.angle == Angle::Reminder {
        still(&headline, told.n)
    } else {
        headline
    }
}

fn line(told: &Told<'_>, links: &Links) -> String {
    let line = plain_line(told, links);
    let line = match told.n.transition {
        Transition::Firing => format!(
            "{}, since {}: {line}",
            told.n.severity.as_str(),
            format::time_of_day(told.n.started)
        ),
        Transition::Resolved => line,
    };
    clean(&line, MAX_TOLD_CHARS)
}

fn page(links: &Links) -> Vec<Link> {
    let url = links.external_url.clone();
    url.filter(|url| super::is_link(url))
        .map(|url| Link {
            label: "Open in cachewatch",
            url,
        })
        .into_iter()
        .collect()
}

fn footer(told: &[Told<'_>]) -> String {
    let caches: BTreeSet<&str> = told.iter().map(|t| t.n.cache.as_str()).collect();
    let named: Vec<&str> = caches.iter().take(MAX_CACHES).copied().collect();
    let more = match caches.len().checked_sub(MAX_CACHES).filter(|n| *n > 0) {
        Some(more) => format!(" and {more} more"),
        None => String::new(),
    };
    format!(
        "{} incidents · caches: {}{more}",
        told.len(),
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::notify::testing::notification;

    fn storm() -> Vec<Part> {
        let mut all: Vec<Arc<Notification>> = (0..30)
            .map(|i| {
                let mut n = notification::miss_firing();
                n.incident = format!("i{i}");
                n.severity = Severity::Warning;
                Arc::new(n)
            })
            .collect();
        let mut end = notification::miss_resolved();
        end.incident = "i3".to_owned();
        all.push(Arc::new(end));
        all.push(Arc::new(notification::down_firing()));
        all.push(Arc::new(notification::down_resolved()));
        let mut worst = notification::down_firing();
        worst.incident = "worst".to_owned();
        all.push(Arc::new(worst));
        all.into_iter().map(Part::from).collect()
    }

    #[test]
    fn the_first_line_counts_and_names_the_worst() {
        let message = render_all(&storm(), &Links::default(), Occasion::default());
        assert_eq!(
            message.headline,
            "32 alerts: 30 firing, 2 fired and recovered; sessions is down: 127.0.0.1:6379 refuses connections"
        );
        assert_eq!(message.title, "32 alerts: 30 firing, 2 fired and recovered");
        assert_eq!(
            message.summary[0],
            "critical, since 03:04 UTC: sessions is down: 127.0.0.1:6379 refuses connections"
        );
        assert_eq!(message.summary.len(), MAX_TOLD + 1);
        assert_eq!(message.summary.last().unwrap(), "… and 17 more.");
        assert_eq!(
            (message.status, message.severity),
            (Transition::Firing, Severity::Critical)
        );
        assert_eq!(message.footer, "32 incidents · caches: sessions");
    }

    #[test]
    fn the_end_of_several_is_good_news() {
        let all = [notification::miss_resolved(), {
            let mut n = notification::down_resolved();
            n.incident = "b".to_owned();
            n
        }]
        .map(|n| Part::from(Arc::new(n)));
        let message = render_all(&all, &Links::default(), Occasion::default());
        assert_eq!(message.status, Transition::Resolved);
        assert!(message.headline.starts_with("2 alerts: 2 resolved; "));
    }

    #[test]
    fn reminders_are_no_news() {
        let all = [notification::reminder(), {
            let mut n = notification::down_firing();
            n.incident = "b".to_owned();
            n.severity = Severity::Warning;
            n
        }];
        let mut all = all.map(|n| Part::from(Arc::new(n)));
        all[0].angle = Angle::Reminder;
        let message = render_all(&all, &Links::default(), Occasion::default());
        assert_eq!(message.title, "2 alerts: 1 firing, 1 still firing");
        assert_eq!(
            message.summary[0],
            "critical, since 03:04 UTC: Still firing after 4 h: Miss rate 34.1 % on sessions (limit 20 %, normal 8-12 %)"
        );
    }
}
