//! Caches and channels that come from the command line and the environment.
//!
//! They take the form that those of the file have, so that one set of checks serves both.
//!
//! Invariant: an empty variable is one that is not set.

use super::channel::one_of;
use super::files::Files;
use crate::config::address::{RedisUrl, Server};
use crate::config::env;
use crate::config::error::{Errors, Origin};
use crate::config::raw::{
    At, Given, RawAttribution, RawCache, RawChannel, RawExtras, RawKind, RawRouting,
};
use crate::model::name::MAX_NAME_BYTES;

/// The environment.
pub(super) struct Environment<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// A variable.
    pub(super) fn text(&self, name: &str) -> Option<At<String>> {
        let value = (self.0)(name).filter(|value| !value.trim().is_empty())?;
        Some(At {
            value,
            origin: Origin::outside(name),
        })
    }

    /// A variable as a layer of a setting.
    pub(super) fn given(&self, name: &str) -> Given<String> {
        self.text(name).map_or(Given::No, Given::Yes)
    }

    /// The caches of the command line, or else that of [`env::REDIS_URL`].
    pub(super) fn caches(&self, arguments: &[String], errors: &mut Errors) -> Vec<RawCache> {
        let mut urls: Vec<At<String>> = arguments
            .iter()
            .zip(1_u32..)
            .map(|(url, i)| At {
                value: url.clone(),
                origin: Origin::outside(&format!("URL {i}")),
            })
            .collect();
        if urls.is_empty() {
            urls.extend(self.text(env::REDIS_URL));
        }
        if urls.is_empty() {
            return Vec::new();
        }
        let password = self.given(env::REDIS_PASSWORD);
        let mut password_file = self.given(env::REDIS_PASSWORD_FILE);
        if let (Given::Yes(_), Given::Yes(at)) = (&password, &password_file) {
            let message = format!("{} is set too; keep one of them", env::REDIS_PASSWORD);
            errors.at(&at.origin, message);
            password_file = Given::No;
        }
        urls.into_iter()
            .map(|at| self.cache(at, &password, &password_file))
            .collect()
    }

    fn cache(
        &self,
        at: At<String>,
        password: &Given<String>,
        password_file: &Given<String>,
    ) -> RawCache {
        let (name, url) = match at.value.split_once('=') {
            Some((name, url)) if !name.contains(':') => (Some(name.to_owned()), url.to_owned()),
            _ => (None, at.value),
        };
        let origin = at.origin;
        let parsed = RedisUrl::parse(url.trim());
        // What an address says about a user is about this address; the variables are for those that say nothing.
        let (has_user, has_password) = parsed.as_ref().map_or((false, false), |url| {
            (url.username.is_some(), url.password.is_some())
        });
        let name = name.or_else(|| parsed.ok().map(|url| name_of(&url.server)));
        let place = |value| At {
            value,
            origin: origin.clone(),
        };
        RawCache {
            name: name.map_or(Given::Bad, |name| Given::Yes(place(name))),
            url: Given::Yes(place(url.trim().to_owned())),
            username: if has_user || has_password {
                Given::No
            } else {
                self.given(env::REDIS_USERNAME)
            },
            password: if has_password {
                Given::No
            } else {
                password.clone()
            },
            password_file: if has_password {
                Given::No
            } else {
                password_file.clone()
            },
            poll_interval: Given::No,
            connect_timeout: Given::No,
            response_timeout: Given::No,
            events: Given::No,
            attribution: RawAttribution::empty(),
            sampling: Given::No,
            labels: Vec::new(),
            tls: Given::No,
            origin,
        }
    }

    /// The channels `slack`, `webhook` and `email`, as far as their variables are set.
    pub(super) fn channels(&self, files: &mut Files, errors: &mut Errors) -> Vec<RawChannel> {
        let slack = self.hook(
            RawKind::Slack,
            "slack",
            env::SLACK_WEBHOOK_URL,
            env::SLACK_WEBHOOK_URL_FILE,
            errors,
        );
        let webhook = self.hook(
            RawKind::Webhook,
            "webhook",
            env::WEBHOOK_URL,
            env::WEBHOOK_URL_FILE,
            errors,
        );
        let email = self.email(files, errors);
        [slack, webhook, email].into_iter().flatten().collect()
    }

    fn hook(
        &self,
        kind: RawKind,
        name: &str,
        variable: &str,
        file_variable: &str,
        errors: &mut Errors,
    ) -> Option<RawChannel> {
        let url = self.text(variable);
        let file = self.text(file_variable);
        if let (Some(_), Some(file)) = (&url, &file) {
            errors.at(
                &file.origin,
                format!("{variable} is set too; keep one of them"),
            );
            return None;
        }
        let origin = url.as_ref().or(file.as_ref())?.origin.clone();
        Some(RawChannel {
            url: url.map_or(Given::No, Given::Yes),
            url_file: file.map_or(Given::No, Given::Yes),
            ..channel(kind, name, origin)
        })
    }

    fn email(&self, files: &mut Files, errors: &mut Errors) -> Option<RawChannel> {
        let url = self.given(env::SMTP_URL);
        let file = self.given(env::SMTP_URL_FILE);
        let to = self.text(env::EMAIL_TO);
        if !url.is_given() && !file.is_given() {
            if let Some(to) = to {
                let message = format!("needs {} to say through which server", env::SMTP_URL);
                errors.at(&to.origin, message);
            }
            return None;
        }
        let both = format!("{} and {}", env::SMTP_URL, env::SMTP_URL_FILE);
        let url = one_of(url, file, &both, files, errors)?;
        let Some(to) = to else {
            let message = format!("needs {} to say who gets mail", env::EMAIL_TO);
            errors.at(&url.origin, message);
            return None;
        };
        let recipients = to.value.split(',').map(|mailbox| At {
            value: mailbox.trim().to_owned(),
            origin: to.origin.clone(),
        });
        Some(RawChannel {
            to: Given::Yes(At {
                value: recipients.collect(),
                origin: to.origin.clone(),
            }),
            from: self.given(env::EMAIL_FROM),
            ..channel(RawKind::Email, "email", url.origin.clone()).with_server(url)
        })
    }
}

impl RawChannel {
    fn with_server(self, url: At<String>) -> Self {
        Self {
            smtp_url: Given::Yes(url),
            ..self
        }
    }
}

fn channel(kind: RawKind, name: &str, origin: Origin) -> RawChannel {
    RawChannel {
        name: Given::Yes(At {
            value: name.to_owned(),
            origin: origin.clone(),
        }),
        kind: Given::Yes(At {
            value: kind,
            origin: origin.clone(),
        }),
        url: Given::No,
        url_file: Given::No,
        smtp_url: Given::No,
        from: Given::No,
        to: Given::No,
        username: Given::No,
        password: Given::No,
        password_file: Given::No,
        send_resolved: Given::No,
        extras: RawExtras::empty(),
        routing: RawRouting::empty(),
        origin,
    }
}

/// A name for a cache that was given none: `127.0.0.1-6379`, `redis.sock`.
fn name_of(server: &Server) -> String {
    let text = match server {
        Server::Tcp { host, port, .. } => format!("{host}-{port}"),
        Server::Unix { path } => path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let valid: String = text
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => c,
            _ => '-',
        })
        .collect();
    let valid = valid.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    // The port is what tells two nodes of one host apart: cut in front.
    let from = valid.len().saturating_sub(MAX_NAME_BYTES);
    let cut = valid.get(from..).unwrap_or_default();
    let name = cut.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { "redis" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;

    #[test]
    fn caches_without_a_name_get_one_that_is_valid() {
        let name = |url: &str| name_of(&RedisUrl::parse(url).ok().unwrap().server);
        assert_eq!(name("redis://127.0.0.1"), "127.0.0.1-6379");
        assert_eq!(name("redis://[::1]:7000"), "1-7000");
        assert_eq!(name("unix:///run/redis.sock"), "redis.sock");
        assert_eq!(name("unix:///..."), "redis");
        let long = name(&format!("redis://{}.example.org:7001", "x".repeat(60)));
        assert!(Name::new(&long).is_ok() && long.ends_with(".example.org-7001"));
    }
}
