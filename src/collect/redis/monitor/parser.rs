//! A parser for what MONITOR says: `+<seconds>.<micros> [<db> <client>] "NAME" "argument" …` with CR LF at the end.
//!
//! It takes the bytes as they come, in pieces of any size, and hands each looked-up key to a sink; a script's inner
//! commands (client `lua`) are lines like others. Deliberately absent: a copy of the line, and any wish to understand
//! arguments that are no keys: they are passed over at the speed of a search for the next quote.
//!
//! Invariants: what comes out does not depend on how the bytes were split; a line of any length needs no more memory
//! than a short one; a malformed line is counted, passed over, and spoils none but itself.

use std::time::Duration;

use memchr::{memchr, memchr3};

use super::LookupSink;
use super::arguments::{Arguments, Found};

/// Keys are handed out up to this length; of longer ones the first so many bytes. Names of families are at the front.
pub const MAX_KEY_BYTES: usize = 1024;

/// What was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Complete commands.
    pub lines: u64,
    /// Lines that are not what MONITOR says.
    pub malformed: u64,
    /// The lookups in them.
    pub found: Found,
    /// When the server ran the first of these commands, by its own clock, since 1970.
    pub first: Option<Duration>,
    /// And the last one.
    pub last: Option<Duration>,
}

/// Where in a line we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Plus,
    Seconds,
    Micros,
    Bracket,
    Db,
    /// In the client's address, of whose end so much was seen. The path of a unix socket may hold anything.
    Client(u8),
    Argument,
    Backslash,
    Hex,
    Hex2(u8),
    AfterArgument,
    NextArgument,
    LineFeed,
    /// In a malformed line.
    Lost,
}

/// The parser. Its state is a few words and the keys of the present line.
#[derive(Debug)]
pub struct Parser {
    at: At,
    seconds: u64,
    micros: u64,
    db: Option<u32>,
    arguments: Arguments,
    counts: Counts,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            at: At::Plus,
            seconds: 0,
            micros: 0,
            db: None,
            arguments: Arguments::default(),
            counts: Counts::default(),
        }
    }
}

impl Parser {
    /// What was read so far. Lookups of a line that has not ended yet may be among them.
    pub fn counts(&self) -> Counts {
        Counts {
            found: self.arguments.found(),
            ..self.counts
        }
    }

    /// Takes the next bytes of the stream.
    pub fn feed<S: LookupSink + ?Sized>(&mut self, mut bytes: &[u8], sink: &mut S) {
        loop {
            bytes = match self.at {
                At::Argument => self.in_argument(bytes, sink),
                At::Lost => self.pass_over(bytes),
                _ => match bytes.split_first() {
                    Some((byte, rest)) => {
                        self.byte(*byte, sink);
                        rest
                    }
                    None => bytes,
                },
            };
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Takes an argument's bytes up to the next one that has a meaning, and that one.
    fn in_argument<'a, S: LookupSink + ?Sized>(
        &mut self,
        bytes: &'a [u8],
        sink: &mut S,
    ) -> &'a [u8] {
        let end = memchr3(b'"', b'\\', b'\n', bytes).unwrap_or(bytes.len());
        let (plain, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        if self.arguments.wants() {
            self.arguments.bytes(plain);
        }
        let Some((mark, rest)) = rest.split_first() else {
            return rest;
        };
        match mark {
            b'"' => {
                self.arguments.end(self.db.unwrap_or(0), sink);
                self.at = At::AfterArgument;
            }
            b'\\' => self.at = At::Backslash,
            // The server escapes these, so the line is not what it seems; the next one begins here.
            _ => self.malformed(b'\n'),
        }
        rest
    }

    fn pass_over<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match memchr(b'\n', bytes) {
            Some(end) => {
                self.begin_line();
                bytes.get(end + 1..).unwrap_or_default()
            }
            None => &[],
        }
    }

    fn byte<S: LookupSink + ?Sized>(&mut self, byte: u8, sink: &mut S) {
        self.at = match (self.at, byte) {
            (At::Plus, b'+') => At::Seconds,
            (At::Seconds, b'0'..=b'9') => {
                self.seconds = digit(self.seconds, byte);
                At::Seconds
            }
            (At::Seconds, b'.') => At::Micros,
            (At::Micros, b'0'..=b'9') => {
                self.micros = digit(self.micros, byte);
                At::Micros
            }
            (At::Micros, b' ') => At::Bracket,
            (At::Bracket, b'[') => At::Db,
            (At::Db, b'0'..=b'9') => {
                let next = digit(u64::from(self.db.unwrap_or(0)), byte);
                self.db = Some(u32::try_from(next).unwrap_or(u32::MAX));
                At::Db
            }
            (At::Db, b' ') if self.db.is_some() => At::Client(0),
            (At::Client(_), b']') => At::Client(1),
            (At::Client(1), b' ') => At::Client(2),
            (At::Client(2) | At::NextArgument, b'"') => {
                self.arguments.begin();
                At::Argument
            }
            (At::Client(_), other) if other != b'\n' => At::Client(0),
            (At::Backslash, b'x') => At::Hex,
            (At::Backslash, escaped) if escaped != b'\n' => self.unescaped(unescape(escaped)),
            (At::Hex, high) if hex(high).is_some() => At::Hex2(hex(high).unwrap_or(0)),
            (At::Hex2(high), low) if hex(low).is_some() => {
                self.unescaped(high << 4 | hex(low).unwrap_or(0))
            }
            (At::AfterArgument, b' ') => At::NextArgument,
            (At::AfterArgument, b'\r') => At::LineFeed,
            (At::LineFeed, b'\n') => return self.end_line(sink),
            _ => return self.malformed(byte),
        };
    }

    fn unescaped(&mut self, byte: u8) -> At {
        if self.arguments.wants() {
            self.arguments.bytes(&[byte]);
        }
        At::Argument
    }

    fn end_line<S: LookupSink + ?Sized>(&mut self, sink: &mut S) {
        self.arguments.end_command(self.db.unwrap_or(0), sink);
        self.counts.lines += 1;
        let micros = Duration::from_micros(self.micros.min(999_999));
        let time = Duration::from_secs(self.seconds).saturating_add(micros);
        self.counts.first.get_or_insert(time);
        self.counts.last = Some(time);
        self.begin_line();
    }

    /// The line went wrong at this byte.
    fn malformed(&mut self, byte: u8) {
        self.counts.malformed += 1;
        self.begin_line();
        if byte != b'\n' {
            self.at = At::Lost;
        }
    }

    fn begin_line(&mut self) {
        self.arguments.clear();
        self.at = At::Plus;
        self.seconds = 0;
        self.micros = 0;
        self.db = None;
    }
}

fn digit(number: u64, digit: u8) -> u64 {
    number
        .saturating_mul(10)
        .saturating_add(u64::from(digit.saturating_sub(b'0')))
}

/// The byte behind a backslash, as `sdscatrepr` of the servers writes it.
fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        other => other,
    }
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
impl Parser {
    /// How many bytes the kept keys may take without a new allocation.
    pub(super) fn capacity(&self) -> usize {
        self.arguments.capacity()
    }
}

#[cfg(test)]
mod tests;
