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

pub(super) use authority::is_server_name;
pub(super) use mailbox::{default_sender, is_mailbox};
pub(super) use redis::{RedisUrl, Server};
pub(super) use smtp::SmtpUrl;
pub(super) use web::{check_dashboard_url, check_external_url, check_web_url};
