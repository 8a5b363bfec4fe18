//! A place in a slice of bytes, with the few steps that RESP consists of: a byte, a number, a line, so many bytes.
//!
//! Deliberately not a reader: it owns nothing and remembers nothing.
//!
//! Invariant: a step says [`Stop::Incomplete`] only if some continuation of the bytes would let it succeed, and what it
//! says of a slice it says of every longer one, so that how the bytes were split cannot matter.

use super::decoder::{DecodeError, MAX_DIGITS};

/// Why a step could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end too early.
    Incomplete,
    /// The bytes are wrong.
    Bad(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Bad(error)
    }
}

/// What is still to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

/// Bytes that were taken, and where they end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a>(&'a [u8], Cursor<'a>);

impl<'a> Taken<'a> {
    /// The bytes, after checking that CR LF follows them.
    #[inline]
    pub(super) fn end(self) -> Result<(&'a [u8], Cursor<'a>), Stop> {
        match self.1.0 {
            [b'\r', b'\n', rest @ ..] => Ok((self.0, Cursor(rest))),
            [] | [b'\r'] => Err(Stop::Incomplete),
            _ => Err(DecodeError::BadEnd.into()),
        }
    }

    /// The bytes, where more of the same value follows.
    pub(super) fn unended(self) -> (&'a [u8], Cursor<'a>) {
        (self.0, self.1)
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next byte.
    #[inline]
    pub(super) fn lead(self) -> Result<(u8, Self), Stop> {
        let (first, rest) = self.0.split_first().ok_or(Stop::Incomplete)?;
        Ok((*first, Self(rest)))
    }

    /// The next byte, which must be this one.
    #[inline]
    pub(super) fn expect(self, byte: u8) -> Result<Self, Stop> {
        match self.lead()? {
            (found, rest) if found == byte => Ok(rest),
            (found, _) => Err(DecodeError::Unexpected(found).into()),
        }
    }

    /// The next `count` bytes.
    #[inline]
    pub(super) fn take(self, count: usize) -> Result<Taken<'a>, Stop> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Stop::Incomplete)?;
        Ok(Taken(bytes, Self(rest)))
    }

    /// A line of at most `longest` bytes, without its CR LF.
    pub(super) fn line(self, longest: usize) -> Result<(&'a [u8], Self), Stop> {
        let window = self.0.get(..=longest).unwrap_or(self.0);
        for at in memchr::memchr_iter(b'\r', window) {
            match self.take(at)?.end() {
                Err(Stop::Bad(_)) => {}
                found => return found,
            }
        }
        if window.len() <= longest {
            return Err(Stop::Incomplete);
        }
        let limit = u64::try_from(longest).unwrap_or(u64::MAX);
        Err(DecodeError::TooLong {
            what: "a line",
            found: limit + 1,
            limit,
        }
        .into())
    }

    /// A number of at most [`MAX_DIGITS`] digits that fits 64 bits, and its CR LF.
    #[inline]
    pub(super) fn number(self) -> Result<(i64, Self), Stop> {
        let negative = self.0.starts_with(b"-");
        let digits = match self.0 {
            [b'-' | b'+', digits @ ..] | digits => digits,
        };
        let mut value: i64 = 0;
        let mut count = 0;
        for digit in digits.iter().map(|byte| byte.wrapping_sub(b'0')) {
            if digit > 9 {
                break;
            }
            count += 1;
            let digit = i64::from(digit);
            let next = value.checked_mul(10).and_then(|value| {
                if negative {
                    value.checked_sub(digit)
                } else {
                    value.checked_add(digit)
                }
            });
            match next {
                Some(next) if count <= MAX_DIGITS => value = next,
                _ => return Err(DecodeError::BadNumber.into()),
            }
        }
        match Self(digits).take(count)?.end() {
            Ok((_, rest)) if count > 0 => Ok((value, rest)),
            Err(Stop::Incomplete) if count > 0 || digits.is_empty() => Err(Stop::Incomplete),
            _ => Err(DecodeError::BadNumber.into()),
        }
    }

    /// A length of at most `limit`, `None` for -1.
    #[inline]
    pub(super) fn length(
        self,
        what: &'static str,
        limit: u64,
    ) -> Result<(Option<usize>, Self), Stop> {
        let (number, rest) = self.number()?;
        let Ok(found) = u64::try_from(number) else {
            return match number {
                -1 => Ok((None, rest)),
                _ => Err(DecodeError::BadLength(number).into()),
            };
        };
        match usize::try_from(found) {
            Ok(length) if found <= limit => Ok((Some(length), rest)),
            _ => Err(DecodeError::TooLong { what, found, limit }.into()),
        }
    }
}
