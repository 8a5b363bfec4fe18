//! A decoder for what a subscribed connection says: flat RESP2 arrays (`*3`), RESP3 pushes (`>3`), and single values.
//!
//! It works on a slice of the caller's reused buffer and returns frames that borrow from it: no allocation, no copy, no
//! recursion, no demand for UTF-8. It is deliberately not a general RESP parser: no nesting, none of RESP3's other types.
//!
//! Invariants: every length is bounded before it is believed, so no input makes the caller keep more than
//! [`MAX_FRAME_BYTES`]; and the frames do not depend on how the bytes were split, because an incomplete frame consumes
//! nothing and is looked at anew. A key longer than [`MAX_KEY_BYTES`] is handed out cut as soon as that many of its bytes
//! are there; the rest is passed over as it comes, so that it neither grows the buffer nor ends the session.

use super::cursor::{Cursor, Stop};

/// Keys are handed out up to this length; of longer ones the first so many bytes. Names of families are at the front.
pub const MAX_KEY_BYTES: usize = 64 * 1024;
/// The longest key that is believed: Redis' own limit on a string.
pub const MAX_DECLARED_KEY_BYTES: u64 = 512 * 1024 * 1024;
/// The longest channel name, or other bulk string that is not a message's payload.
pub const MAX_FIELD_BYTES: usize = 256;
/// The longest simple string or error.
pub const MAX_LINE_BYTES: usize = 1024;
/// The most elements of an array.
pub const MAX_ELEMENTS: usize = 8;
/// The most digits of a number.
pub const MAX_DIGITS: usize = 32;
/// No frame needs more room in the buffer than this: the longest key and eight short elements with their headers.
pub const MAX_FRAME_BYTES: usize = MAX_KEY_BYTES + MAX_ELEMENTS * (MAX_LINE_BYTES + MAX_DIGITS + 8);

/// Why the bytes are not what a subscribed connection may say. The connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A value begins with a byte that no value we can take begins with.
    #[error("unexpected byte 0x{0:02x} where a value should begin")]
    Unexpected(u8),
    /// An array in an array.
    #[error("an array within an array, which no message has")]
    Nested,
    /// Not a number, or one beyond 64 bits or [`MAX_DIGITS`].
    #[error("a length or a number is malformed")]
    BadNumber,
    /// A negative length other than -1.
    #[error("the negative length {0}")]
    BadLength(i64),
    /// More bytes or elements than the bound.
    #[error("{what} of {found}, more than the {limit} that are taken")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it says it is.
        found: u64,
        /// The bound.
        limit: u64,
    },
    /// A value does not end with CR LF.
    #[error("a value does not end where its length says")]
    BadEnd,
}

/// One value that is not an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `+OK`.
    Status(&'a [u8]),
    /// `-NOPERM …`.
    Error(&'a [u8]),
    /// `:1`.
    Integer(i64),
    /// `$5 hello`.
    Bulk(&'a [u8]),
    /// `$-1`, `*-1` or `_`.
    Null,
}

/// The elements of an array or push: checked, and read anew by whoever asks, since a frame of this size is cheap to hand
/// on and one that holds them is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Scalar<'a>> {
        let mut at = Cursor::new(self.0);
        std::iter::from_fn(move || {
            let (value, after) = scalar(at).ok()?;
            at = after;
            Some(value)
        })
    }
}

/// One complete thing that the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `message channel payload`.
    Message {
        /// The channel.
        channel: &'a [u8],
        /// The payload: for a key event the key, any bytes, at most [`MAX_KEY_BYTES`] of it.
        key: &'a [u8],
        /// Whether the key is longer than `key`.
        cut: bool,
    },
    /// Any other array or push.
    Array(Elements<'a>),
    /// A single value.
    Value(Scalar<'a>),
}

/// What [`Decoder::step`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A frame, and how many bytes of the buffer it and what belongs to it took.
    Frame(Frame<'a>, usize),
    /// So many bytes (at least one) of the rest of a long key were passed over.
    Skipped(usize),
    /// More bytes are needed. Nothing was taken.
    Incomplete,
}

/// What nearly every frame begins with, after its first byte.
const MESSAGE_HEAD: &[u8; 16] = b"3\r\n$7\r\nmessage\r\n";
const CRLF_BYTES: u64 = 2;

/// The decoder. All it remembers between two calls is how much of a long key is still to come.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Bytes to pass over, the CR LF at their end included.
    skip: u64,
}

impl Decoder {
    /// Whether the bytes so far end within a long key that was already handed out.
    pub fn is_skipping(&self) -> bool {
        self.skip > 0
    }

    /// Looks for one frame at the beginning of `buf`.
    ///
    /// After an error the decoder must not be used any more: where the next value begins cannot be known.
    #[inline]
    pub fn step<'a>(&mut self, buf: &'a [u8]) -> Result<Step<'a>, DecodeError> {
        let found = if self.skip > 0 {
            return self.pass_over(buf);
        } else if let Some((b'*' | b'>', rest)) = buf.split_first()
            && let Some((MESSAGE_HEAD, rest)) = rest.split_first_chunk()
        {
            self.message(Cursor::new(rest))
        } else {
            self.any(Cursor::new(buf))
        };
        match found {
            Ok((frame, rest)) => Ok(Step::Frame(frame, buf.len() - rest.len())),
            Err(Stop::Incomplete) => Ok(Step::Incomplete),
            Err(Stop::Bad(error)) => Err(error),
        }
    }

    fn pass_over(&mut self, buf: &[u8]) -> Result<Step<'static>, DecodeError> {
        let available = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let passed = if self.skip > CRLF_BYTES {
            available.min(self.skip - CRLF_BYTES)
        } else if buf.starts_with(b"\r\n") {
            CRLF_BYTES
        } else if buf.is_empty() || buf == b"\r" {
            0
        } else {
            return Err(DecodeError::BadEnd);
        };
        self.skip -= passed;
        Ok(match usize::try_from(passed) {
            Ok(0) | Err(_) => Step::Incomplete,
            Ok(passed) => Step::Skipped(passed),
        })
    }

    /// The channel and the payload of a message.
    #[inline]
    fn message<'a>(&mut self, at: Cursor<'a>) -> Result<(Frame<'a>, &'a [u8]), Stop> {
        let (length, at) = at
            .expect(b'$')?
            .length("a channel name", limit(MAX_FIELD_BYTES))?;
        let (channel, at) = at.take(length.ok_or(DecodeError::BadLength(-1))?)?.end()?;
        let (length, at) = at.expect(b'$')?.length("a key", MAX_DECLARED_KEY_BYTES)?;
        let length = length.ok_or(DecodeError::BadLength(-1))?;
        if length <= MAX_KEY_BYTES {
            let (key, at) = at.take(length)?.end()?;
            return Ok((
                Frame::Message {
                    channel,
                    key,
                    cut: false,
                },
                at.rest(),
            ));
        }
        let (key, at) = at.take(MAX_KEY_BYTES)?.unended();
        self.skip = limit(length - MAX_KEY_BYTES) + CRLF_BYTES;
        Ok((
            Frame::Message {
                channel,
                key,
                cut: true,
            },
            at.rest(),
        ))
    }

    /// Any frame: what comes at the beginning of a session, and a message that is not yet complete.
    #[cold]
    fn any<'a>(&mut self, at: Cursor<'a>) -> Result<(Frame<'a>, &'a [u8]), Stop> {
        let (lead, after) = at.lead()?;
        if !matches!(lead, b'*' | b'>') {
            let (value, at) = scalar(at)?;
            return Ok((Frame::Value(value), at.rest()));
        }
        let (count, first) = after.length("an array", limit(MAX_ELEMENTS))?;
        let Some(count) = count else {
            return Ok((Frame::Value(Scalar::Null), first.rest()));
        };
        let mut at = first;
        for index in 0..count {
            let (value, after) = scalar(at)?;
            at = after;
            if index == 0 && count == 3 && value == Scalar::Bulk(b"message") {
                return self.message(at);
            }
        }
        let (elements, rest) = (first.rest(), at.rest());
        let elements = elements.get(..elements.len() - rest.len());
        Ok((Frame::Array(Elements(elements.unwrap_or_default())), rest))
    }
}

/// A bound as the number that lengths are compared with.
fn limit(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn scalar(at: Cursor<'_>) -> Result<(Scalar<'_>, Cursor<'_>), Stop> {
    let (lead, at) = at.lead()?;
    match lead {
        b'$' => {
            let (length, at) = at.length("a value", limit(MAX_FIELD_BYTES))?;
            let Some(length) = length else {
                return Ok((Scalar::Null, at));
            };
            let (bytes, at) = at.take(length)?.end()?;
            Ok((Scalar::Bulk(bytes), at))
        }
        b':' => at
            .number()
            .map(|(number, at)| (Scalar::Integer(number), at)),
        b'+' => at
            .line(MAX_LINE_BYTES)
            .map(|(line, at)| (Scalar::Status(line), at)),
        b'-' => at
            .line(MAX_LINE_BYTES)
            .map(|(line, at)| (Scalar::Error(line), at)),
        b'_' => {
            let (_, at) = at.take(0)?.end()?;
            Ok((Scalar::Null, at))
        }
        b'*' | b'>' => Err(DecodeError::Nested.into()),
        other => Err(DecodeError::Unexpected(other).into()),
    }
}

#[cfg(test)]
mod tests;
