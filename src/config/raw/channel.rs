//! The keys of channels beyond those that all or the first kinds have.

use std::time::Duration;

use super::walk::{Fields, Walk};
use super::{At, Given};

/// What only some kinds of channels have.
pub(in crate::config) struct RawExtras {
    pub(in crate::config) secret: Given<String>,
    pub(in crate::config) secret_file: Given<String>,
    pub(in crate::config) token: Given<String>,
    pub(in crate::config) token_file: Given<String>,
    pub(in crate::config) channel: Given<String>,
    pub(in crate::config) on_resolved: Given<crate::config::OnResolved>,
    pub(in crate::config) routing_key: Given<String>,
    pub(in crate::config) routing_key_file: Given<String>,
    pub(in crate::config) urls: Given<Vec<At<String>>>,
    pub(in crate::config) resend_every: Given<Duration>,
    pub(in crate::config) template: Given<RawTemplate>,
}

/// Texts that take the place of the built-in ones.
pub(in crate::config) struct RawTemplate {
    pub(in crate::config) title: Given<String>,
    pub(in crate::config) body: Given<String>,
}

impl RawExtras {
    /// Nothing said.
    pub(in crate::config) fn empty() -> Self {
        Self {
            secret: Given::No,
            secret_file: Given::No,
            token: Given::No,
            token_file: Given::No,
            channel: Given::No,
            on_resolved: Given::No,
            routing_key: Given::No,
            routing_key_file: Given::No,
            urls: Given::No,
            resend_every: Given::No,
            template: Given::No,
        }
    }
}

/// Reads them.
pub(super) fn extras(walk: &mut Walk<'_>, fields: &mut Fields<'_>) -> RawExtras {
    use crate::config::OnResolved;
    let on_resolved = |text: &str| {
        OnResolved::ALL
            .into_iter()
            .find(|choice| choice.as_str() == text)
    };
    RawExtras {
        secret: fields.text(walk, "secret"),
        secret_file: fields.text(walk, "secret_file"),
        token: fields.text(walk, "token"),
        token_file: fields.text(walk, "token_file"),
        channel: fields.text(walk, "channel"),
        on_resolved: fields.scalar(
            walk,
            "on_resolved",
            "one of thread, update, both",
            on_resolved,
        ),
        routing_key: fields.text(walk, "routing_key"),
        routing_key_file: fields.text(walk, "routing_key_file"),
        urls: fields.texts(walk, "urls"),
        resend_every: fields.duration(walk, "resend_every"),
        template: fields.section(walk, "template", template),
    }
}

fn template(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawTemplate {
    let template = RawTemplate {
        title: fields.text(walk, "title"),
        body: fields.text(walk, "body"),
    };
    fields.close(walk);
    template
}
