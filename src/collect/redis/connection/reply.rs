//! An answer of a server, in our own words, so that nobody else has to know the client crate's types.
//!
//! Deliberately absent: RESP3. Nobody here says HELLO, so no server may answer in it.
//!
//! Invariant: words of a server inside a [`Reply::Error`] are safe to print.

use redis::Value;

use super::super::error::printable;

/// One answer, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing, for example the value of a key that does not exist.
    Nil,
    /// A status line, such as `OK`.
    Status(String),
    /// A number.
    Int(i64),
    /// Bytes of any kind.
    Bulk(Vec<u8>),
    /// Several.
    Array(Vec<Reply>),
    /// The server's words for why it did not do it, escaped and cut: `NOPERM this user has …`.
    Error(String),
}

/// The answer was of a type that only RESP3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotResp2;

impl Reply {
    /// Nesting is bounded by the parser, so the recursion is, too.
    pub(super) fn from_value(value: Value) -> Result<Self, NotResp2> {
        Ok(match value {
            Value::Nil => Self::Nil,
            Value::Int(number) => Self::Int(number),
            Value::BulkString(bytes) => Self::Bulk(bytes),
            Value::Okay => Self::Status("OK".to_owned()),
            Value::SimpleString(text) => Self::Status(printable(text.as_bytes())),
            // Upstash and some proxies answer INFO so, asked or not.
            Value::VerbatimString { text, .. } => Self::Bulk(text.into_bytes()),
            Value::Array(items) => Self::Array(
                items
                    .into_iter()
                    .map(Self::from_value)
                    .collect::<Result<_, _>>()?,
            ),
            Value::ServerError(error) => {
                let words = match error.details() {
                    Some(details) => format!("{} {details}", error.code()),
                    None => error.code().to_owned(),
                };
                Self::Error(printable(without_arguments(&words).as_bytes()))
            }
            _ => return Err(NotResp2),
        })
    }

    /// The bytes of a bulk string or a status line.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bulk(bytes) => Some(bytes),
            Self::Status(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// What kind of answer it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nothing",
            Self::Status(_) => "a status line",
            Self::Int(_) => "a number",
            Self::Bulk(_) => "a string",
            Self::Array(_) => "an array",
            Self::Error(_) => "an error",
        }
    }
}

/// `ERR unknown command 'AUTH', with args beginning with: 'hunter2'` repeats what was sent: keys, passwords.
fn without_arguments(words: &str) -> &str {
    words
        .split_once(", with args beginning with")
        .map_or(words, |(before, _)| before)
}

/// Commands that are sent together, one after the other, before any answer is read.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) commands: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command: its name and arguments, any bytes.
    pub fn push(&mut self, args: &[&[u8]]) {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
        self.bytes.extend_from_slice(&redis::pack_command(&args));
        self.commands += 1;
    }

    /// How many commands there are.
    pub fn len(&self) -> usize {
        self.commands
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }
}
