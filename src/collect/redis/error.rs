//! How failures of a connection become [`PollError`]s, and how a server's words are made safe to print.
//!
//! Invariant: a message is one line, names the node, says what is wrong and what to do, and holds neither secrets nor
//! raw bytes of a server.

use std::fmt::Write as _;
use std::io;

use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};

/// How much of a server's words goes into a message, in characters.
pub const MAX_WORDS: usize = 200;

/// An error with its kind and words.
pub fn fail(kind: PollErrorKind, message: impl Into<String>) -> PollError {
    PollError {
        kind,
        message: message.into(),
    }
}

/// Somebody else's words, safe to print: one line, control characters escaped, at most [`MAX_WORDS`] characters.
pub fn printable(words: &[u8]) -> String {
    // Each character needs at most four bytes, so more input than this cannot be needed.
    let head = words.get(..MAX_WORDS * 4).unwrap_or(words);
    let text = String::from_utf8_lossy(head);
    let mut out = String::with_capacity(head.len().min(MAX_WORDS));
    let mut room = MAX_WORDS;
    for c in text.trim().chars() {
        let escaped = is_unsafe(c);
        let width = if escaped {
            c.escape_default().count()
        } else {
            1
        };
        if width > room {
            out.push('…');
            return out;
        }
        room -= width;
        if escaped {
            // Writing to a String cannot fail.
            write!(out, "{}", c.escape_default()).unwrap_or_default();
        } else {
            out.push(c);
        }
    }
    if head.len() < words.len() {
        out.push('…');
    }
    out
}

/// Control characters, and those that reorder or hide text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A failure of the operating system's, on a connection that was established.
pub fn from_io(node: &NodeName, error: &io::Error) -> PollError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::WriteZero
        | io::ErrorKind::NotConnected => fail(
            PollErrorKind::Closed,
            format!(
                "{node} closed the connection before the answer was complete: see the server's log for the reason"
            ),
        ),
        _ => fail(
            PollErrorKind::Io,
            format!(
                "the connection to {node} failed: {}",
                printable(error.to_string().as_bytes())
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_a_server_become_one_safe_line() {
        assert_eq!(printable(b"ERR no such thing\r\n"), "ERR no such thing");
        assert_eq!(
            printable(b"a\r\nb\x1b[31m\0\xff"),
            "a\\r\\nb\\u{1b}[31m\\u{0}\u{fffd}"
        );
        assert_eq!(printable("\u{202e}x".as_bytes()), "\\u{202e}x");
        assert_eq!(printable(&[b'x'; 1000]).chars().count(), MAX_WORDS + 1);
        assert_eq!(printable(&[b'x'; MAX_WORDS]).chars().count(), MAX_WORDS);
    }

    #[test]
    fn a_reset_is_a_closed_connection() {
        let node = NodeName::tcp("h", 1);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(from_io(&node, &reset).kind, PollErrorKind::Closed);
        let other = io::Error::other("disk\non fire");
        assert_eq!(
            from_io(&node, &other),
            fail(
                PollErrorKind::Io,
                "the connection to h:1 failed: disk\\non fire"
            )
        );
    }

    proptest! {
        #[test]
        fn any_words_are_short_and_without_control_characters(words in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let out = printable(&words);
            prop_assert!(out.chars().count() <= MAX_WORDS + 1);
            prop_assert!(!out.chars().any(is_unsafe));
        }
    }
}
