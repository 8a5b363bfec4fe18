//! The password of a cache, read from where it is kept.
//!
//! Invariant: it never reaches a message; an unreadable file is named, its content is not.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::fail;
use crate::config::{CacheConfig, Password};
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::secret::Secret;

/// No password is longer.
const MAX_PASSWORD_BYTES: u64 = 64 << 10;

/// The password, if there is one. A file is read anew each time, so that it may be rotated; trailing white space is
/// cut. A file that cannot be read, or is empty, is an [`Auth`](PollErrorKind::Auth) error that names it.
pub async fn password(cache: &CacheConfig) -> Result<Option<Secret>, PollError> {
    let file = match &cache.password {
        None => return Ok(None),
        Some(Password::Inline(secret)) => return Ok(Some(secret.clone())),
        Some(Password::File(file)) => file,
    };
    let auth = |why: String| {
        fail(
            PollErrorKind::Auth,
            format!("password_file {}: {why}", file.display()),
        )
    };
    let mut text = String::new();
    let read = async {
        tokio::fs::File::open(file)
            .await?
            .take(MAX_PASSWORD_BYTES)
            .read_to_string(&mut text)
            .await
    };
    // A file may be on a network, and hang like one.
    timeout(cache.connect_timeout, read)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => auth("it is not UTF-8 text".to_owned()),
            _ => auth(format!("cannot be read: {error}")),
        })?;
    text.truncate(text.trim_end().len());
    if text.is_empty() {
        return Err(auth("it is empty".to_owned()));
    }
    Ok(Some(Secret::new(text)))
}
