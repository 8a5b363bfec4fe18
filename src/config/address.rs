//! The addresses that people write: of caches, of mail servers, of web hooks, and mailboxes.
//!
//! Deliberately absent: name resolution, connections, and anything after a `?`.
//!
//! Invariant: a complaint about an address never repeats a part of it; each of them may be a password.

mod authority;
mod mailbox;
mod redis;
mod smtp;
mod web;

use url::Url;

use crate::model::secret::Secret;

pub(super) use authority::is_server_name;
pub(super) use mailbox::{default_sender, is_mailbox};
pub(super) use redis::{RedisUrl, Server};
pub(super) use smtp::SmtpUrl;
pub(super) use web::{check_dashboard_url, check_external_url, check_web_url};

/// The address of a PostgreSQL database.
pub(super) fn check_store(text: &str) -> Result<Secret, &'static str> {
    const WRONG: &str =
        "must be the address of a PostgreSQL database: postgres://user:password@host/database";
    let url = Url::parse(text.trim()).map_err(|_| WRONG)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(WRONG);
    }
    Ok(Secret::new(text.trim().to_owned()))
}
