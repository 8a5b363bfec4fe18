//! What a link in a message leads to: a question with one button, or why the link is not heeded.

use askama::Template;

use super::{Frame, Notice, text};
use crate::model::record::IncidentRecord;
use crate::model::signed::Action;
use crate::serve::page::incidents::href;

/// The question.
#[derive(Template)]
#[template(path = "act.html")]
pub(in crate::serve) struct ActPage {
    frame: Frame,
    notice: Option<Notice>,
    title: String,
    explained: &'static str,
    button: &'static str,
    action: &'static str,
    headline: String,
    href: String,
    /// What goes back as it came.
    hidden: Vec<(&'static str, String)>,
}

impl ActPage {
    pub(in crate::serve) fn new(
        action: Action,
        incident: &IncidentRecord,
        hidden: Vec<(&'static str, String)>,
        notice: Option<Notice>,
        frame: Frame,
    ) -> Self {
        let (verb, explained, button) = match action {
            Action::Silence => (
                "Silence",
                "Nobody is told about this rule of this cache for an hour. It stays visible here.",
                "Silence for an hour",
            ),
            Action::Acknowledge => (
                "Acknowledge",
                "Others see that you look after it, and there are no more reminders.",
                "Acknowledge",
            ),
        };
        Self {
            frame,
            notice,
            title: format!("{verb} {} of {}?", incident.rule, incident.cache),
            explained,
            button,
            action: action.as_str(),
            headline: text(&incident.headline),
            href: href(&incident.id),
            hidden,
        }
    }
}

/// The refusal.
#[derive(Template)]
#[template(path = "refused.html")]
pub(in crate::serve) struct RefusedPage {
    frame: Frame,
    why: String,
}

impl RefusedPage {
    pub(in crate::serve) fn new(why: String, frame: Frame) -> Self {
        Self { frame, why }
    }
}
