//! How failures of a connection become [`PollError`]s, and how a server's words are made safe to print.
//!
//! Invariant: a message is one line, names the node, says what is wrong and what to do, and holds neither secrets nor
//! raw bytes of a server.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::text;

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

/// A time-out as a person writes it: `2 s`, `1.5 s`, `350 ms`.
pub fn spoken(time: Duration) -> String {
    let ms = time.as_millis();
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        // Tenths of a second are as exact as anybody sets a time-out.
        let tenths = ms / 100;
        match (tenths / 10, tenths % 10) {
            (s, 0) => format!("{s} s"),
            (s, tenth) => format!("{s}.{tenth} s"),
        }
    }
}

/// Control characters, and those that reorder or hide text.
fn is_unsafe(c: char) -> bool {
    text::is_unsafe(c)
        || matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}')
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

/// What a server's refusal means. `user` is the ACL user that was configured, `command` the command that was refused
/// (without its arguments), `words` what the server said, already [`printable`].
pub fn from_server(node: &NodeName, user: Option<&str>, command: &str, words: &str) -> PollError {
    let who = printable(user.unwrap_or("default").as_bytes());
    let code = words.split(' ').next().unwrap_or_default();
    let lower = words.to_ascii_lowercase();
    let says = |part: &str| lower.contains(part);
    match code {
        "NOAUTH" => fail(
            PollErrorKind::Auth,
            format!("{node} wants a password: set password or password_file for this cache"),
        ),
        "WRONGPASS" => fail(
            PollErrorKind::Auth,
            format!(
                "{node} refuses the password of user {who}: check username and password, and that the user is on"
            ),
        ),
        "ERR" if says("invalid password") => fail(
            PollErrorKind::Auth,
            format!("{node} refuses the password: check password or password_file"),
        ),
        "ERR"
            if command == "AUTH"
                && (says("no password is set") || says("without any password configured")) =>
        {
            fail(
                PollErrorKind::Auth,
                format!(
                    "{node} has no password for the default user, but one is configured here: remove it, or set username"
                ),
            )
        }
        "ERR" if command == "AUTH" && says("wrong number of arguments") => fail(
            PollErrorKind::Auth,
            format!("{node} knows no users (it is older than Redis 6): remove username"),
        ),
        "NOPERM" => fail(
            PollErrorKind::Denied,
            format!(
                "{node} forbids {command} to user {who}; allow it with: ACL SETUSER {who} {} (it said: {words})",
                grant(command)
            ),
        ),
        "DENIED" => fail(
            PollErrorKind::Denied,
            format!(
                "{node} is in protected mode and accepts connections from its own machine only: set a password there"
            ),
        ),
        "LOADING" => fail(
            PollErrorKind::Loading,
            format!(
                "{node} is loading its data set and answers nothing yet: wait until it is done"
            ),
        ),
        "MASTERDOWN" => fail(
            PollErrorKind::Server,
            format!(
                "{node} is a replica that has lost its primary and serves no stale data (it said: {words})"
            ),
        ),
        _ if says("max number of clients") => fail(
            PollErrorKind::Server,
            format!(
                "{node} accepts no more connections: raise maxclients, or find who holds them (CLIENT LIST)"
            ),
        ),
        _ => fail(
            PollErrorKind::Server,
            format!("{node} refuses {command}: {words}"),
        ),
    }
}

/// The ACL rule that allows a command. Channels are granted as one pattern; exact channels match it.
pub fn grant(command: &str) -> String {
    let name = command.to_ascii_lowercase().replace(' ', "|");
    match name.as_str() {
        "subscribe" => format!("+subscribe {EVENT_CHANNELS}"),
        _ => format!("+{name}"),
    }
}

/// The ACL rule for the channels of keyspace events.
pub const EVENT_CHANNELS: &str = "&__keyevent@*__:*";

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
    fn times_are_spoken_plainly() {
        let spoken_ms = |ms| spoken(Duration::from_millis(ms));
        assert_eq!(spoken_ms(350), "350 ms");
        assert_eq!(spoken_ms(2000), "2 s");
        assert_eq!(spoken_ms(1999), "1.9 s");
        assert_eq!(spoken_ms(60_000), "60 s");
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

    #[test]
    fn a_refusal_becomes_a_kind_and_a_remedy() {
        use PollErrorKind as K;
        let node = NodeName::tcp("h", 1);
        for (command, words, kind, message) in [
            (
                "INFO",
                "NOAUTH Authentication required.",
                K::Auth,
                "h:1 wants a password: set password or password_file for this cache",
            ),
            (
                "AUTH",
                "WRONGPASS invalid username-password pair or user is disabled.",
                K::Auth,
                "h:1 refuses the password of user bob: check username and password, and that the user is on",
            ),
            (
                "AUTH",
                "ERR invalid password",
                K::Auth,
                "h:1 refuses the password: check password or password_file",
            ),
            (
                "AUTH",
                "ERR AUTH <password> called without any password configured for the default user. Are you sure?",
                K::Auth,
                "h:1 has no password for the default user, but one is configured here: remove it, or set username",
            ),
            (
                "CONFIG GET",
                "NOPERM this user has no permissions",
                K::Denied,
                "h:1 forbids CONFIG GET to user bob; allow it with: ACL SETUSER bob +config|get \
                 (it said: NOPERM this user has no permissions)",
            ),
            (
                "SUBSCRIBE",
                "NOPERM no channels",
                K::Denied,
                "h:1 forbids SUBSCRIBE to user bob; allow it with: ACL SETUSER bob +subscribe &__keyevent@*__:* \
                 (it said: NOPERM no channels)",
            ),
            (
                "INFO",
                "LOADING Redis is loading the dataset in memory",
                K::Loading,
                "h:1 is loading its data set and answers nothing yet: wait until it is done",
            ),
            (
                "INFO",
                "ERR max number of clients reached",
                K::Server,
                "h:1 accepts no more connections: raise maxclients, or find who holds them (CLIENT LIST)",
            ),
            (
                "INFO",
                "ERR unknown command 'INFO'",
                K::Server,
                "h:1 refuses INFO: ERR unknown command 'INFO'",
            ),
        ] {
            assert_eq!(
                from_server(&node, Some("bob"), command, words),
                fail(kind, message)
            );
        }
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
