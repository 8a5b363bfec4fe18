//! One connection for requests and answers: what polls, checks and drives a server speaks through this.
//!
//! The `redis` crate writes and reads the protocol (`pack_command`, `parse_redis_value_async`); the stream, the limits
//! and the words for failures are ours. Its `MultiplexedConnection` is not used: it needs a task of its own beside the
//! caller's, and hides why a stream failed. Nothing is sent that was not asked for: no HELLO, no CLIENT SETINFO, no
//! SELECT, so that a user with very few rights can connect.
//!
//! Invariant: an exchange ends within its time-out, takes at most [`MAX_REPLY_BYTES`], and a connection on which one
//! did not end well is never used again.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use self::metered::Metered;
pub use self::metered::{MAX_REPLY_BYTES, MAX_REPLY_LINES};
use self::reply::NotResp2;
pub use self::reply::{Batch, Reply};
use super::dial::{Stream, SystemRoots, dial};
use super::error::{fail, from_io, from_server, printable, spoken};
use super::info;
use crate::config::CacheConfig;
use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::reading::Reading;
use crate::model::secret::Secret;

mod credentials;
mod metered;
mod reply;

pub use credentials::password;

/// The name under which the server lists our connections (`CLIENT LIST`).
pub const CLIENT_NAME: &str = "cachewatch";

/// An open, authenticated connection.
#[derive(Debug)]
pub struct Connection {
    stream: Metered<Stream>,
    node: NodeName,
    user: Option<String>,
    response_timeout: Duration,
    /// False while an exchange is under way, and for ever after one that did not end: what comes next on the stream
    /// would be taken for the answer to something else.
    in_step: bool,
}

impl Connection {
    /// Connects, and authenticates if there is a password or a user. All within [`CacheConfig::connect_timeout`].
    pub async fn open(cache: &CacheConfig, roots: &SystemRoots) -> Result<Self, PollError> {
        let deadline = Instant::now() + cache.connect_timeout;
        let password = credentials::password(cache).await?;
        let stream = dial(cache, roots).await?;
        let mut connection = Self {
            stream: Metered::new(stream),
            node: cache.node(),
            user: cache.username.clone(),
            response_timeout: deadline.saturating_duration_since(Instant::now()),
            in_step: true,
        };
        connection
            .introduce(password.as_ref().map(Secret::expose))
            .await?;
        connection.response_timeout = cache.response_timeout;
        Ok(connection)
    }

    /// AUTH where it is needed, then our name.
    async fn introduce(&mut self, password: Option<&str>) -> Result<(), PollError> {
        let mut batch = Batch::new();
        let user = self.user.clone();
        let authenticates = match (&user, password) {
            (None, None) => false,
            (None, Some(password)) => {
                batch.push(&[b"AUTH", password.as_bytes()]);
                true
            }
            (Some(user), password) => {
                // A user with `nopass` takes any password.
                let password = password.unwrap_or_default();
                batch.push(&[b"AUTH", user.as_bytes(), password.as_bytes()]);
                true
            }
        };
        if authenticates {
            // Before the name, and on its own: a server that refuses AUTH may close the connection after it.
            if let Some(Reply::Error(words)) = self.exchange("AUTH", &batch).await?.first() {
                let hidden = password.filter(|p| !p.is_empty());
                return Err(match hidden {
                    Some(password) if words.contains(password) => self.refused("AUTH", UNSHOWN),
                    _ => self.refused("AUTH", words),
                });
            }
        }
        let mut name = Batch::new();
        name.push(&[b"CLIENT", b"SETNAME", CLIENT_NAME.as_bytes()]);
        let answers = self.exchange("CLIENT SETNAME", &name).await?;
        // A name is a courtesy to whoever reads CLIENT LIST. Only what will not let us go on at all matters.
        match answers.first() {
            Some(Reply::Error(words)) if is_fatal(words) => {
                Err(self.refused("CLIENT SETNAME", words))
            }
            _ => Ok(()),
        }
    }

    /// How long an answer may take from now on.
    pub fn set_response_timeout(&mut self, timeout: Duration) {
        self.response_timeout = timeout;
    }

    /// Whether more may be asked. Not any more after an exchange that did not end with all its answers.
    pub fn is_usable(&self) -> bool {
        self.in_step
    }

    /// All bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.stream.total()
    }

    /// Sends a command and waits for its answer. An answer that is an error becomes one here.
    pub async fn command(&mut self, args: &[&str]) -> Result<Reply, PollError> {
        let mut batch = Batch::new();
        let bytes: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        batch.push(&bytes);
        let what = describe(args);
        let reply = self.exchange(&what, &batch).await?.pop();
        match reply {
            Some(Reply::Error(words)) => Err(self.refused(&what, &words)),
            Some(reply) => Ok(reply),
            None => Err(self.no_protocol(&what, "there was no answer")),
        }
    }

    /// Sends all commands of a batch, then reads all answers, in order; refusals are among them as [`Reply::Error`].
    /// The answers of a batch share one time-out and one allowance.
    pub async fn pipeline(&mut self, batch: &Batch) -> Result<Vec<Reply>, PollError> {
        self.exchange("a batch of commands", batch).await
    }

    /// INFO with all sections of the server's own: `INFO all` is understood by every version, several named sections
    /// only from 7.0 on. It costs the server some 30 µs.
    pub async fn info(&mut self) -> Result<Reading, PollError> {
        let reply = self.command(&["INFO", "all"]).await?;
        let Some(bytes) = reply.bytes() else {
            let what = format!("it answered with {}", reply.kind());
            return Err(self.no_protocol("INFO", &what));
        };
        info::parse(&String::from_utf8_lossy(bytes)).map_err(|error| {
            let kind = match error {
                info::InfoError::NotInfo => PollErrorKind::Protocol,
                info::InfoError::TooManyFields => PollErrorKind::TooLarge,
            };
            fail(kind, format!("{} {error}", self.node))
        })
    }

    /// The value of a setting; `None` when the server does not know (or show) it.
    pub async fn config_get(&mut self, name: &str) -> Result<Option<String>, PollError> {
        let reply = self.command(&["CONFIG", "GET", name]).await?;
        let Reply::Array(items) = &reply else {
            let what = format!("it answered with {}", reply.kind());
            return Err(self.no_protocol("CONFIG GET", &what));
        };
        let texts: Vec<_> = items.iter().map(Reply::bytes).collect();
        Ok(texts.chunks_exact(2).find_map(|pair| match pair {
            [Some(found), Some(value)] if found.eq_ignore_ascii_case(name.as_bytes()) => {
                Some(printable(value))
            }
            _ => None,
        }))
    }

    /// Sends a command whose answer is followed by more (SUBSCRIBE), returns the first answer, and gives up the
    /// connection.
    pub async fn last_command(mut self, args: &[&str]) -> Result<Reply, PollError> {
        let mut batch = Batch::new();
        let bytes: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        batch.push(&bytes);
        let what = describe(args);
        let answers = self.timed(&what, &batch, Rest::Ignored).await?;
        match answers.into_iter().next() {
            Some(Reply::Error(words)) => Err(self.refused(&what, &words)),
            Some(reply) => Ok(reply),
            None => Err(self.no_protocol(&what, "there was no answer")),
        }
    }

    async fn exchange(&mut self, what: &str, batch: &Batch) -> Result<Vec<Reply>, PollError> {
        self.timed(what, batch, Rest::Forbidden).await
    }

    async fn timed(
        &mut self,
        what: &str,
        batch: &Batch,
        rest: Rest,
    ) -> Result<Vec<Reply>, PollError> {
        if !self.in_step {
            return Err(fail(
                PollErrorKind::Closed,
                format!("the connection to {} was given up", self.node),
            ));
        }
        self.in_step = false;
        let limit = self.response_timeout;
        match timeout(limit, self.untimed(what, batch, rest)).await {
            Ok(done) => {
                self.in_step = done.is_ok();
                done
            }
            Err(_) => Err(fail(
                PollErrorKind::ResponseTimeout,
                format!(
                    "{} accepted the connection, but did not answer {what} within {}: is it hung or overloaded?",
                    self.node,
                    spoken(limit)
                ),
            )),
        }
    }

    async fn untimed(
        &mut self,
        what: &str,
        batch: &Batch,
        rest: Rest,
    ) -> Result<Vec<Reply>, PollError> {
        self.stream.allow();
        let written = match self.stream.write_all(&batch.bytes).await {
            Ok(()) => self.stream.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            return Err(from_io(&self.node, &self.stream.failure().unwrap_or(error)));
        }
        read_answers(&mut self.stream, batch.commands, rest)
            .await
            .map_err(|failure| self.read_error(what, failure))
    }

    fn read_error(&self, what: &str, failure: ReadFailure) -> PollError {
        match failure {
            ReadFailure::TooLarge => fail(
                PollErrorKind::TooLarge,
                format!(
                    "{} answered {what} with more than {} MiB or {MAX_REPLY_LINES} lines: that is no sound answer",
                    self.node,
                    MAX_REPLY_BYTES >> 20
                ),
            ),
            ReadFailure::Io(error) => from_io(&self.node, &error),
            ReadFailure::Protocol(why) => self.no_protocol(what, &why),
        }
    }

    fn no_protocol(&self, what: &str, why: &str) -> PollError {
        fail(
            PollErrorKind::Protocol,
            format!(
                "{} does not answer {what} as a Redis server does ({why}): is this the right port?",
                self.node
            ),
        )
    }

    fn refused(&self, what: &str, words: &str) -> PollError {
        from_server(&self.node, self.user.as_deref(), what, words)
    }
}

/// Instead of words that repeat the password.
const UNSHOWN: &str = "its words repeat the password and are not shown";

/// How much of an answer that is not the protocol is shown.
const SHOWN_BYTES: usize = 40;

/// What to think of bytes that follow the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Forbidden,
    Ignored,
}

/// Why answers could not be read.
#[derive(Debug)]
enum ReadFailure {
    TooLarge,
    Io(std::io::Error),
    /// In words, safe to print.
    Protocol(String),
}

#[expect(
    clippy::default_trait_access,
    reason = "the parser's state has a type that only the client crate's own dependency can name"
)]
async fn read_answers<S: AsyncRead + Unpin>(
    stream: &mut Metered<S>,
    count: usize,
    rest: Rest,
) -> Result<Vec<Reply>, ReadFailure> {
    let mut answers = Vec::with_capacity(count.min(1024));
    // What has been read beyond an answer stays in here.
    let mut decoder = Default::default();
    for _ in 0..count {
        let error = match redis::parse_redis_value_async(&mut decoder, stream).await {
            Ok(value) => {
                answers.push(Reply::from_value(value).map_err(|NotResp2| {
                    ReadFailure::Protocol("it answered in RESP3, unasked".to_owned())
                })?);
                continue;
            }
            Err(error) => error,
        };
        return Err(if stream.is_over() {
            ReadFailure::TooLarge
        } else if let Some(failure) = stream.failure() {
            ReadFailure::Io(failure)
        } else if error.is_io_error() {
            ReadFailure::Io(std::io::ErrorKind::UnexpectedEof.into())
        } else {
            let buffer = decoder.buffer();
            let said = printable(buffer.get(..SHOWN_BYTES).unwrap_or(buffer));
            ReadFailure::Protocol(format!("it said \"{said}\""))
        });
    }
    if rest == Rest::Forbidden && !decoder.buffer().is_empty() {
        let why = "it said more than it was asked for";
        return Err(ReadFailure::Protocol(why.to_owned()));
    }
    Ok(answers)
}

/// The command without its arguments, for messages: arguments may be keys or passwords.
fn describe(args: &[&str]) -> String {
    let words = match args.first() {
        Some(&("CONFIG" | "CLIENT" | "MEMORY" | "ACL")) => 2,
        _ => 1,
    };
    let named: Vec<&str> = args.iter().copied().take(words).collect();
    named.join(" ")
}

/// Whether a refusal stands for every command to come, not only for this one.
fn is_fatal(words: &str) -> bool {
    ["NOAUTH", "DENIED", "ERR max number of clients"]
        .iter()
        .any(|start| words.starts_with(start))
}

#[cfg(test)]
mod tests;
