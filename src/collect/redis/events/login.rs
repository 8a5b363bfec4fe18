//! The beginning of a session: who we are, what we are called, and how many databases there are.
//!
//! Only AUTH can fail here. That a name or CONFIG GET is refused is no reason to go without events.
//!
//! Invariant: no words of a server are passed on that could repeat the password.

use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};

use super::command::encode;
use super::decoder::{Frame, Scalar};
use super::hello::HELLO;
use super::wire::{End, Wire};
use crate::collect::redis::error::printable;
use crate::config::{CacheConfig, Password};

/// How many databases a server has unless it says otherwise.
const DEFAULT_DATABASES: u32 = 16;
/// How many of them are subscribed to at most.
pub(super) const MAX_DATABASES: u32 = 64;
/// The longest password file that is read, in bytes.
const MAX_PASSWORD_FILE_BYTES: u64 = 64 * 1024;

/// How well the server takes HELLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello {
    /// It is not sent: a connection ended over it.
    Unwanted,
    /// It is to be sent.
    Untried,
    /// It is sent, and waits for its answer.
    Asked,
    /// It was answered, with a yes or a no.
    Answered,
}

/// Logs in, and returns how many databases to subscribe to: 1 to [`MAX_DATABASES`].
pub(super) async fn log_in<S>(
    wire: &mut Wire<S>,
    config: &CacheConfig,
    hello: &mut Hello,
) -> Result<u32, End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let password = password(config.password.as_ref()).await?;
    if config.username.is_some() || password.is_some() {
        authenticate(
            wire,
            config.username.as_deref(),
            password.as_deref().unwrap_or_default(),
        )
        .await?;
    }
    let mut commands = encode(&[b"CLIENT", b"SETNAME", b"cachewatch-events"]);
    commands.extend_from_slice(&encode(&[b"CONFIG", b"GET", b"databases"]));
    if *hello == Hello::Untried {
        commands.extend_from_slice(HELLO);
    }
    wire.send(&commands).await?;
    wire.reply(|_| ()).await?;
    let databases = wire.reply(databases).await?.unwrap_or(DEFAULT_DATABASES);
    if *hello == Hello::Untried {
        *hello = Hello::Asked;
        let granted = wire.hello().await?;
        *hello = Hello::Answered;
        tracing::debug!(cache = %config.name, node = %config.node(), resp3 = granted, "asked for RESP3");
    }
    if databases > MAX_DATABASES {
        tracing::warn!(
            cache = %config.name,
            node = %config.node(),
            databases,
            "events are read of the first {MAX_DATABASES} databases only"
        );
    }
    Ok(databases.clamp(1, MAX_DATABASES))
}

async fn authenticate<S>(
    wire: &mut Wire<S>,
    username: Option<&str>,
    password: &[u8],
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let command = match username {
        Some(username) => encode(&[b"AUTH", username.as_bytes(), password]),
        None => encode(&[b"AUTH", password]),
    };
    wire.send(&command).await?;
    wire.reply(|frame| match frame {
        Frame::Value(Scalar::Status(_)) => Ok(()),
        Frame::Value(Scalar::Error(line)) => Err(refusal(line, password)),
        _ => Err(End::Lost(
            "the answer to AUTH is neither OK nor an error".to_owned(),
        )),
    })
    .await?
}

/// What an error in answer to AUTH means.
pub(in crate::collect::redis) fn refusal(line: &[u8], password: &[u8]) -> End {
    // "ERR unknown command 'AUTH', with args beginning with: ..." repeats (a part of) the password.
    let repeats = memchr::memmem::find(line, b"args beginning with").is_some()
        || (!password.is_empty() && memchr::memmem::find(line, password).is_some());
    let words = if repeats {
        "AUTH was refused in words that repeat the password, so they are not shown".to_owned()
    } else {
        printable(line)
    };
    let later: [&[u8]; 3] = [b"LOADING", b"BUSY", b"ERR max number of clients"];
    if later.iter().any(|start| line.starts_with(start)) {
        End::Lost(words)
    } else {
        End::Refused(words)
    }
}

/// What CONFIG GET says; `None` if it is refused or makes no sense.
fn databases(frame: &Frame<'_>) -> Option<u32> {
    let Frame::Array(elements) = frame else {
        return None;
    };
    let mut elements = elements.iter();
    let Some(Scalar::Bulk(b"databases")) = elements.next() else {
        return None;
    };
    let (Some(Scalar::Bulk(number)), None) = (elements.next(), elements.next()) else {
        return None;
    };
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The password, from where it is; `None`: there is none.
pub(in crate::collect::redis) async fn password(
    from: Option<&Password>,
) -> Result<Option<Vec<u8>>, End> {
    match from {
        None => Ok(None),
        Some(Password::Inline(secret)) => Ok(Some(secret.expose().as_bytes().to_vec())),
        Some(Password::File(path)) => match read(path).await {
            Ok(bytes) => Ok(Some(bytes.trim_ascii_end().to_vec())),
            Err(error) => {
                let path = printable(path.as_os_str().as_encoded_bytes());
                let error = printable(error.to_string().as_bytes());
                Err(End::Lost(format!(
                    "cannot read the password file {path}: {error}"
                )))
            }
        },
    }
}

async fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use tokio::io::AsyncReadExt as _;

    let file = tokio::fs::File::open(path).await?;
    let mut bytes = Vec::new();
    file.take(MAX_PASSWORD_FILE_BYTES)
        .read_to_end(&mut bytes)
        .await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_repeat_the_password() {
        let told = [
            &b"ERR unknown command 'AUTH', with args beginning with: 'hunter2' "[..],
            b"ERR unknown command `AUTH`, with args beginning with: `hunt",
            b"WRONGPASS hunter2 is wrong",
        ];
        for line in told {
            let End::Refused(words) = refusal(line, b"hunter2") else {
                panic!()
            };
            assert!(!words.contains("hunt"), "{words}");
        }
        let line = b"WRONGPASS invalid username-password pair or user is disabled.";
        assert_eq!(
            refusal(line, b""),
            End::Refused(String::from_utf8_lossy(line).into_owned())
        );
    }

    #[test]
    fn what_passes_by_itself_is_not_a_refusal() {
        let line = b"ERR max number of clients reached";
        assert_eq!(
            refusal(line, b"x1"),
            End::Lost("ERR max number of clients reached".to_owned())
        );
    }
}
