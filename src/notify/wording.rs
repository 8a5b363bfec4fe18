//! How a channel puts things: where its links lead, and the template that takes the place of the built-in texts.
//!
//! Deliberately absent: markup. A [`Message`] is plain text, whatever it was made from.
//!
//! Invariant: there is always a message. A template that fails is told of in the built-in one.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::template::{Template, TemplateError};
use crate::config::{ChannelConfig, Config};
use crate::model::incident::{Evidence, Notification, Transition};
use crate::model::signed::{Action, Signer};
use crate::notify::letter::{Angle, Late, Letter, Part};
use crate::notify::message::{self, Link, Message, is_link};
use crate::notify::text::clean;

/// For how long a link in a message may be used.
const SIGNED_FOR: Duration = Duration::from_hours(7 * 24);

/// What messages can link to. Nothing is linked to by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// How people reach the page, without a slash at the end.
    pub external_url: Option<String>,
    /// Where a dashboard is; `{cache}` stands for the name of the cache.
    pub dashboard_url: Option<String>,
    /// Signs the links that silence and acknowledge; used only with an `external_url`.
    pub signer: Option<Signer>,
}

impl Links {
    /// As configured: links that act need both the address of the page and the API's token.
    pub fn of(config: &Config) -> Self {
        Self {
            external_url: config.external_url.clone(),
            dashboard_url: config.dashboard_url.clone(),
            signer: config.api_token.as_ref().map(Signer::new),
        }
    }

    /// Only to the page.
    pub fn to_page(external_url: impl Into<String>) -> Self {
        Self {
            external_url: Some(external_url.into()),
            ..Self::default()
        }
    }

    /// The page of the cache.
    pub(crate) fn page(&self, n: &Notification) -> Option<String> {
        let base = self.external_url.as_deref()?;
        Some(format!("{base}/caches/{}", n.cache)).filter(|url| is_link(url))
    }

    /// A picture of the hour until then, as the page draws it, where others may fetch it: by HTTPS, and of a whole cache.
    pub(crate) fn chart(&self, n: &Notification) -> Option<String> {
        let base = self.external_url.as_deref()?;
        let signal = match &n.evidence {
            Evidence::MissRatio(_) => "hit_ratio",
            Evidence::Signal(e) => match e.name.as_str() {
                "hit_ratio" | "miss_ratio" | "miss_ratio_baseline" => "hit_ratio",
                "lookups_per_second" | "misses_per_second" => "lookups",
                "evictions_per_second" => "evictions",
                "expirations_per_second" => "expirations",
                "memory_used_ratio" => "memory",
                _ => return None,
            },
            Evidence::Down(_) | Evidence::Own(_) => return None,
        };
        // The right edge is what pictures are kept by: the next full slot of an hour's chart.
        let until = n.at.as_second().div_euclid(10).saturating_add(1) * 10;
        let url = format!(
            "{base}/charts/{}/{signal}.png?range=1h&until={until}",
            n.cache
        );
        Some(url).filter(|url| url.starts_with("https://") && is_link(url) && n.subject.is_none())
    }

    /// The links of a message about one notification.
    pub(crate) fn all(&self, n: &Notification, test: bool) -> Vec<Link> {
        let link = |label, url: Option<String>| {
            let url = url.filter(|url| is_link(url))?;
            Some(Link { label, url })
        };
        let dashboard = self.dashboard_url.as_deref();
        let dashboard = dashboard.map(|url| url.replace("{cache}", n.cache.as_str()));
        // There is nothing to silence once it is over, nor in a test.
        let acts = n.transition == Transition::Firing && !test;
        let signed = |action| {
            let signer = self.signer.as_ref().filter(|_| acts)?;
            // The same at every attempt: counted from the transition or reminder, not from now.
            let until = n.told().saturating_add(SIGNED_FOR).ok()?;
            Some(signer.link(self.external_url.as_deref()?, action, &n.incident, until))
        };
        [
            link("Open in cachewatch", self.page(n)),
            link("Runbook", n.runbook.clone()),
            link("Dashboard", dashboard),
            link("Acknowledge", signed(Action::Acknowledge)),
            link("Silence", signed(Action::Silence)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What is special about an occasion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// How late the message is, if that is worth saying.
    pub(crate) late: Option<Late>,
    /// Whether it only tries out the channel.
    pub(crate) test: bool,
    /// What there is to tell besides the transition.
    pub(crate) angle: Angle,
}

impl Occasion {
    /// That of one notification of a letter.
    pub(crate) fn of(part: &Part, letter: &Letter<'_>) -> Self {
        Self {
            late: letter.late,
            test: letter.test,
            angle: part.angle,
        }
    }
}

/// How a channel puts things.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wording {
    pub(crate) links: Links,
    template: Option<Template>,
}

impl Wording {
    /// As configured.
    pub(crate) fn of(config: &ChannelConfig, links: &Links) -> Self {
        Self {
            links: links.clone(),
            template: config.template.clone(),
        }
    }

    /// With the built-in texts.
    #[cfg(test)]
    pub(crate) fn plain(links: Links) -> Self {
        Self {
            links,
            template: None,
        }
    }

    /// What a letter says.
    pub(crate) fn message(&self, letter: &Letter<'_>) -> Message {
        if let Some(part) = letter.only() {
            return self.one(&part.notification, Occasion::of(part, letter));
        }
        let occasion = Occasion {
            late: letter.late,
            test: letter.test,
            angle: Angle::News,
        };
        match came_and_went(letter.notifications().map(AsRef::as_ref)) {
            Some(end) => self.one(
                end,
                Occasion {
                    angle: Angle::CameAndWent,
                    ..occasion
                },
            ),
            None => message::digest::render_all(letter.parts, &self.links, occasion),
        }
    }

    /// What is said about one notification.
    pub(crate) fn one(&self, n: &Notification, occasion: Occasion) -> Message {
        let mut message = message::render(n, &self.links, occasion);
        if let Some(template) = &self.template
            && let Err(error) = apply(template, n, occasion, &mut message)
        {
            tracing::warn!(rule = %n.rule, cache = %n.cache, %error, "a template failed; the built-in text is sent");
            message.summary.push(clean(
                &format!(
                    "The template of this channel failed, so this is the built-in text: {error}."
                ),
                message::MAX_LINE_CHARS,
            ));
        }
        if occasion.angle == Angle::Reminder {
            message.title = message::still(&message.title, n);
            message.headline = message::still(&message.headline, n);
        }
        message.headline = message::dated(&message.headline, occasion);
        message
    }
}

/// The end of an incident of which all of these tell: it began and is over.
fn came_and_went<'a>(
    all: impl Iterator<Item = &'a Notification> + Clone,
) -> Option<&'a Notification> {
    let incidents: BTreeSet<&str> = all.clone().map(|n| n.incident.as_str()).collect();
    let began = all.clone().any(|n| n.transition == Transition::Firing);
    let mut all = all;
    let end = all.find(|n| n.transition == Transition::Resolved);
    end.filter(|_| began && incidents.len() == 1)
}

fn apply(
    template: &Template,
    n: &Notification,
    occasion: Occasion,
    message: &mut Message,
) -> Result<(), TemplateError> {
    let facts = message::facts::of(n, occasion, message);
    // Both before either is put in: half of each would confuse.
    let title = template.title(&facts).transpose()?;
    let body = template.body(&facts).transpose()?;
    if let Some(title) = title {
        message.headline = clean(&title, message::MAX_HEADLINE_CHARS);
        message.title.clone_from(&message.headline);
    }
    if let Some(lines) = body {
        let lines = lines.iter().take(message::MAX_LINES);
        message.summary = lines
            .map(|line| clean(line, message::MAX_LINE_CHARS))
            .filter(|line| !line.is_empty())
            .collect();
        message.chart = None;
        message.fields = Vec::new();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;
    use crate::notify::letter::Delay;
    use crate::notify::testing::notification;

    fn wording(title: Option<&str>, body: Option<&str>) -> Wording {
        Wording {
            links: Links::default(),
            template: Some(Template::new(title, body)),
        }
    }

    #[test]
    fn a_template_takes_the_place_of_the_text() {
        let n = notification::miss_attributed();
        let wording = wording(
            Some("{{ cache }} {{ value | percent }}"),
            Some("one\n{{ namespaces[0].name }}\n\n<b>"),
        );
        let message = wording.one(&n, Occasion::default());
        assert_eq!(message.headline, "sessions 34.1 %");
        assert_eq!(message.summary, ["one", "ai:answer:*", "<b>"]);
        assert_eq!((message.chart, message.fields.len()), (None, 0));
        let late = Occasion {
            late: Some(Late {
                by: Duration::from_mins(5),
                because: Delay::Other,
            }),
            test: true,
            ..Occasion::default()
        };
        assert_eq!(
            wording.one(&n, late).headline,
            "Test: 5 min late: sessions 34.1 %"
        );
        let mut again = n;
        again.duration = Duration::from_hours(4);
        let reminder = Occasion {
            angle: Angle::Reminder,
            ..Occasion::default()
        };
        let message = wording.one(&again, reminder);
        assert_eq!(message.headline, "Still firing after 4 h: sessions 34.1 %");
        assert_eq!(message.title, message.headline);
    }

    #[test]
    fn a_template_that_fails_is_told_of_in_the_built_in_text() {
        let n = notification::down_firing();
        let broken = wording(Some("ok"), Some("{{ labels.nobody }}"));
        let message = broken.one(&n, Occasion::default());
        let plain = Wording::default().one(&n, Occasion::default());
        assert_eq!(message.headline, plain.headline);
        assert_eq!(
            message.summary.last().unwrap(),
            "The template of this channel failed, so this is the built-in text: undefined value (line 1 of the template)."
        );
    }

    #[test]
    fn links_that_act_need_a_key_and_something_to_act_on() {
        let mut links = Links::to_page("https://cw.example.org");
        links.dashboard_url = Some("https://g.example.org/d/{cache}".to_owned());
        let labels = |links: &Links, n: &Notification, test| {
            let all = links.all(n, test);
            all.iter().map(|link| link.label).collect::<Vec<_>>()
        };
        let firing = notification::miss_firing();
        let passive = ["Open in cachewatch", "Runbook", "Dashboard"];
        assert_eq!(labels(&links, &firing, false), passive);
        links.signer = Some(Signer::new(&Secret::new("0123456789abcdef".to_owned())));
        assert_eq!(labels(&links, &firing, false).len(), 5);
        assert_eq!(labels(&links, &firing, true), passive);
        assert_eq!(
            labels(&links, &notification::miss_resolved(), false),
            passive
        );
        let silence = links.all(&firing, false).pop().unwrap().url;
        assert!(
            silence.starts_with("https://cw.example.org/act/silence?incident=01KDZ5Q3V8"),
            "{silence}"
        );
        links.external_url = None;
        assert_eq!(labels(&links, &firing, false), ["Runbook", "Dashboard"]);
    }

    #[test]
    fn what_came_and_went_is_one_story() {
        let both = [notification::miss_firing(), notification::miss_resolved()];
        assert_eq!(came_and_went(both.iter()), Some(&both[1]));
        assert_eq!(came_and_went(both[..1].iter()), None);
        let others = [notification::miss_firing(), {
            let mut n = notification::miss_resolved();
            n.incident = "other".to_owned();
            n
        }];
        assert_eq!(came_and_went(others.iter()), None);
    }
}
