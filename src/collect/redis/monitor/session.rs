//! One sample: connect, log in, MONITOR, read until the time or the bytes are used up, and hang up.
//!
//! A closed connection ends MONITOR on the server; nothing is pipelined and nothing is sent after MONITOR. Deliberately
//! absent: trying again, and the moment of the next sample.
//!
//! Invariants: a server is in monitor mode no longer than [`Budget::duration`] plus the time of one answer, as long as
//! this process runs (one that is stopped in the middle of a sample leaves the server with a buffer that only its own
//! `client-output-buffer-limit normal` bounds); nothing here waits without a deadline; no error repeats what clients
//! sent.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::LookupSink;
use super::budget::Budget;
use super::parser::{Counts, Parser};
use crate::collect::redis::dial::{SystemRoots, dial};
use crate::collect::redis::error::{fail, from_io, printable};
use crate::collect::redis::events::command::encode;
use crate::collect::redis::events::login::{password, refusal};
use crate::collect::redis::events::wire::End;
use crate::config::CacheConfig;
use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};

/// How much is read at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest answer to a command.
const MAX_ANSWER_BYTES: usize = 1024;

/// Which part of the budget ended a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CutBy {
    /// The time: the sample is as long as it was meant to be.
    Time,
    /// The bytes: it is shorter.
    Bytes,
}

/// What a sample was like. The lookups themselves went to the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleReport {
    /// Lookups handed to the sink.
    pub lookups: u64,
    /// Of these, how many had a key that was cut to [`super::parser::MAX_KEY_BYTES`].
    pub keys_cut: u64,
    /// Lookups that were seen but not handed over (commands that read too many streams at once).
    pub lookups_left_out: u64,
    /// Commands seen.
    pub lines: u64,
    /// Lines that were not understood.
    pub malformed: u64,
    /// Bytes read after MONITOR was accepted.
    pub bytes: u64,
    /// For how long the server was in monitor mode on our account, from MONITOR to the closed connection.
    pub spent: Duration,
    /// Of how much of the server's time every command was seen: its share of the time between two samples is the
    /// sampling fraction. Less than `spent` where the bytes ran out, or where reading lagged behind the server.
    pub covered: Duration,
    /// What ended it.
    pub cut_by: CutBy,
}

/// Takes one sample of what clients look up, on a connection of its own that is closed before this returns.
///
/// With an error, lookups may have gone to the sink already: a count over an unknown time, to be thrown away. Dropping
/// the future closes the connection too. `roots` as for [`dial`].
pub async fn sample<S: LookupSink + ?Sized>(
    config: &CacheConfig,
    roots: &SystemRoots,
    budget: Budget,
    sink: &mut S,
) -> Result<SampleReport, PollError> {
    let stream = dial(config, roots).await?;
    run(stream, config, budget, sink).await
}

/// A sample on an open stream.
async fn run<T, S>(
    stream: T,
    config: &CacheConfig,
    budget: Budget,
    sink: &mut S,
) -> Result<SampleReport, PollError>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: LookupSink + ?Sized,
{
    let mut session = Session {
        stream,
        node: config.node(),
        response: config.response_timeout,
        buffer: vec![0; BUFFER_BYTES],
        filled: 0,
    };
    session.log_in(config).await?;
    let asked = Instant::now();
    let answer = session.ask(&encode(&[b"MONITOR"])).await?;
    if !answer.starts_with(b"+") {
        return Err(session.monitor_refused(&answer, config));
    }
    let watched = session.watch(budget, sink).await?;
    drop(session);
    Ok(watched.report(asked.elapsed()))
}

/// What was watched.
struct Watched {
    counts: Counts,
    bytes: u64,
    cut_by: CutBy,
    /// From the answer to MONITOR to the last read.
    lasted: Duration,
    /// From the read with the first line to the last read with a line.
    lines_took: Duration,
}

impl Watched {
    fn report(&self, spent: Duration) -> SampleReport {
        let counts = self.counts;
        let ran = match (counts.first, counts.last) {
            (Some(first), Some(last)) => last.saturating_sub(first),
            _ => Duration::ZERO,
        };
        // By how much the last line came later than it would have, had it been as quick as the first one.
        let lag = self.lines_took.saturating_sub(ran);
        SampleReport {
            lookups: counts.found.lookups,
            keys_cut: counts.found.keys_cut,
            lookups_left_out: counts.found.left_out,
            lines: counts.lines,
            malformed: counts.malformed,
            bytes: self.bytes,
            spent,
            covered: self.lasted.saturating_sub(lag),
            cut_by: self.cut_by,
        }
    }
}

struct Session<T> {
    stream: T,
    node: NodeName,
    response: Duration,
    buffer: Vec<u8>,
    /// How much of the buffer has been read to and not been looked at.
    filled: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Session<T> {
    async fn log_in(&mut self, config: &CacheConfig) -> Result<(), PollError> {
        let password = match password(config.password.as_ref()).await {
            Ok(password) => password,
            Err(end) => return Err(self.auth_failed(end)),
        };
        if config.username.is_some() || password.is_some() {
            let password = password.unwrap_or_default();
            let command = match &config.username {
                Some(username) => encode(&[b"AUTH", username.as_bytes(), &password]),
                None => encode(&[b"AUTH", &password]),
            };
            let answer = self.ask(&command).await?;
            if !answer.starts_with(b"+") {
                let line = self.error_line(&answer, "AUTH")?;
                return Err(self.auth_failed(refusal(line, &password)));
            }
        }
        // So that who looks at CLIENT LIST knows. That it may be refused is no reason to go without.
        self.ask(&encode(&[b"CLIENT", b"SETNAME", b"cachewatch-monitor"]))
            .await?;
        Ok(())
    }

    /// Sends a command and waits for its answer, a line.
    async fn ask(&mut self, command: &[u8]) -> Result<Vec<u8>, PollError> {
        let deadline = Instant::now() + self.response;
        let exchange = async {
            self.stream.write_all(command).await?;
            self.stream.flush().await?;
            loop {
                let so_far = self.buffer.get(..self.filled).unwrap_or_default();
                if let Some(end) = memchr::memmem::find(so_far, b"\r\n") {
                    let line = so_far.get(..end).unwrap_or_default().to_vec();
                    self.buffer.copy_within(end + 2..self.filled, 0);
                    self.filled -= end + 2;
                    return Ok(Some(line));
                }
                if self.filled > MAX_ANSWER_BYTES {
                    return Ok(None);
                }
                let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
                match self.stream.read(room).await? {
                    0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                    count => self.filled += count,
                }
            }
        };
        match timeout_at(deadline, exchange).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None)) => Err(self.nonsense("an answer is too long")),
            Ok(Err(error)) => Err(from_io(&self.node, &error)),
            Err(_) => Err(fail(
                PollErrorKind::ResponseTimeout,
                format!(
                    "{} did not answer within {:?} before a MONITOR sample; is it hung or busy with a long command?",
                    self.node, self.response
                ),
            )),
        }
    }

    /// Reads until the budget is used up. `self.buffer` may already hold the first lines.
    async fn watch<S: LookupSink + ?Sized>(
        &mut self,
        budget: Budget,
        sink: &mut S,
    ) -> Result<Watched, PollError> {
        let began = Instant::now();
        let deadline = began + budget.duration();
        let mut parser = Parser::default();
        let mut bytes = 0_u64;
        let mut first_lines = None;
        let mut last_lines = began;
        let mut lines = 0;
        let mut now = began;
        let cut_by = loop {
            let left = usize::try_from(budget.bytes() - bytes).unwrap_or(usize::MAX);
            let taken = self.filled.min(left);
            bytes = bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            parser.feed(self.buffer.get(..taken).unwrap_or_default(), sink);
            if parser.counts().lines > lines {
                lines = parser.counts().lines;
                first_lines.get_or_insert(now);
                last_lines = now;
            }
            if bytes >= budget.bytes() {
                break CutBy::Bytes;
            }
            if taken >= BUFFER_BYTES {
                // A flood must not starve other tasks.
                tokio::task::yield_now().await;
            }
            // A stream that always has something is never asked for the time by the time-out.
            if now >= deadline {
                break CutBy::Time;
            }
            match timeout_at(deadline, self.stream.read(&mut self.buffer)).await {
                Ok(Ok(0)) => {
                    return Err(from_io(
                        &self.node,
                        &std::io::ErrorKind::UnexpectedEof.into(),
                    ));
                }
                Ok(Ok(count)) => self.filled = count,
                Ok(Err(error)) => return Err(from_io(&self.node, &error)),
                Err(_) => self.filled = 0,
            }
            now = Instant::now();
        };
        let counts = parser.counts();
        if counts.malformed > 0 && counts.lines == 0 {
            return Err(self.nonsense("what follows MONITOR are no commands"));
        }
        Ok(Watched {
            counts,
            bytes,
            cut_by,
            lasted: now - began,
            lines_took: first_lines.map_or(Duration::ZERO, |first| last_lines - first),
        })
    }

    fn nonsense(&self, what: &str) -> PollError {
        fail(
            PollErrorKind::Protocol,
            format!(
                "{} does not speak the Redis protocol: {what}; is this the port of a Redis server?",
                self.node
            ),
        )
    }

    /// An answer without its leading `-`.
    fn error_line<'a>(&self, answer: &'a [u8], command: &str) -> Result<&'a [u8], PollError> {
        answer.strip_prefix(b"-").ok_or_else(|| {
            self.nonsense(&format!(
                "the answer to {command} is neither OK nor an error"
            ))
        })
    }

    fn auth_failed(&self, end: End) -> PollError {
        let node = &self.node;
        let (kind, words) = match end {
            End::Lost(words) if words.starts_with("LOADING") => (PollErrorKind::Loading, words),
            End::Lost(words) if words.starts_with("cannot read") => (PollErrorKind::Auth, words),
            End::Refused(words) => (PollErrorKind::Auth, words),
            other => (PollErrorKind::Server, other.words()),
        };
        fail(kind, format!("cannot log in at {node}: {words}"))
    }

    /// What an answer to MONITOR that is not OK means.
    fn monitor_refused(&self, answer: &[u8], config: &CacheConfig) -> PollError {
        let node = &self.node;
        let line = match self.error_line(answer, "MONITOR") {
            Ok(line) => line,
            Err(error) => return error,
        };
        let words = printable(line);
        let starts = |with: &[&[u8]]| with.iter().any(|with| line.starts_with(with));
        if starts(&[b"NOPERM"]) {
            let user = config.username.as_deref().unwrap_or("default");
            let user = printable(user.as_bytes());
            return fail(
                PollErrorKind::Denied,
                format!(
                    "{node} does not let user {user} run MONITOR: allow it with `ACL SETUSER {user} +monitor`, or switch off sampling.monitor"
                ),
            );
        }
        let kind = if starts(&[b"NOAUTH", b"WRONGPASS"]) {
            PollErrorKind::Auth
        } else if starts(&[b"LOADING"]) {
            PollErrorKind::Loading
        } else {
            PollErrorKind::Server
        };
        let advice = if starts(&[b"ERR unknown command"]) {
            "; this server has no MONITOR, so switch off sampling.monitor"
        } else {
            ""
        };
        fail(kind, format!("{node} refused MONITOR: {words}{advice}"))
    }
}

#[cfg(test)]
mod tests;
