//! What one segment of a key is by its looks alone: a word, a word with an id grown onto it, or an id.
//!
//! Deliberately absent: memory. Whether a word may be shown is learned by `tree`; this says only what is never a word.
//!
//! | segment | is | because |
//! |---|---|---|
//! | `123`, `20240101` | id | digits only |
//! | `3f2a8b1c`, 40 hex digits | id | hex, 8 bytes or more, with a digit |
//! | `aZ3k92Kx`, `01ARZ3NDEK…` | id | letters and digits alternate, or it begins with a digit |
//! | `jo.doe@example.org`, `a%40b` | id | e-mail (recognised by `tokens`), percent escape |
//! | `dGVzdA==` | id | base64 padding |
//! | anything above 40 bytes | id | nobody names things so |
//! | `v2`, `V10` | word | a version |
//! | `4o`, `k8s`, `24h` | word | up to 3 bytes, with a letter |
//! | `sha256`, `oauth2` | word | a technical term ([`TERMS`]) |
//! | `product42`, `user_7` | stem | `product*`, `user_*` |
//! | `user_7_cart` | stem | `user_*_cart` |

/// Longer segments are ids.
const LONGEST_WORD: usize = 40;
/// Up to here a segment with a letter may be a word: `4o`, `24h`.
const SHORT: usize = 3;
/// Shorter hex segments may be words: `cafe1`.
const SHORTEST_HEX_ID: usize = 8;
/// Words with digits at the end that are not ids.
const TERMS: [&[u8]; 24] = [
    b"base32", b"base58", b"base64", b"crc32", b"h264", b"h265", b"http1", b"http2", b"http3",
    b"ipv4", b"ipv6", b"l10n", b"i18n", b"oauth2", b"oauth1", b"sha1", b"sha224", b"sha256",
    b"sha384", b"sha512", b"utf16", b"utf32", b"utf8", b"web3",
];

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// May be a word; shown once enough keys have it.
    Word,
    /// The first `prefix` bytes may be a word, the last `suffix` bytes (0: none) too, an id is between.
    Stem {
        /// Bytes before the id, at least 2: one letter is as likely part of the id.
        prefix: u16,
        /// Bytes after the id.
        suffix: u16,
    },
    /// An id, always `*`.
    Id,
}

/// Whether one look is enough to say that a segment is an id.
#[inline]
pub(super) fn is_plainly_id(segment: &[u8]) -> bool {
    let length = segment.len();
    length > LONGEST_WORD || (length > SHORT && segment.first().is_some_and(u8::is_ascii_digit))
}

/// Says what a segment is.
pub(super) fn shape(segment: &[u8]) -> Shape {
    if is_plainly_id(segment) {
        return Shape::Id;
    }
    let mut seen = Seen {
        digits: 0,
        changes: 0,
        hex: true,
    };
    let mut after_digit = false;
    for byte in segment {
        let digit = byte.is_ascii_digit();
        seen.digits += usize::from(digit);
        seen.changes += usize::from(digit != after_digit);
        seen.hex &= byte.is_ascii_hexdigit();
        after_digit = digit;
        if *byte == b'%' {
            return Shape::Id;
        }
    }
    if seen.digits == 0 {
        let padded = segment.len() >= SHORTEST_HEX_ID && segment.ends_with(b"=");
        return if padded { Shape::Id } else { Shape::Word };
    }
    if seen.digits == segment.len() {
        return Shape::Id;
    }
    mixed(segment, seen)
}

/// What a scan of a segment has found.
#[derive(Debug, Clone, Copy)]
struct Seen {
    digits: usize,
    /// How often a digit follows a non-digit or the other way round.
    changes: usize,
    /// Hex digits only.
    hex: bool,
}

#[cold]
fn is_term(segment: &[u8]) -> bool {
    TERMS.iter().any(|term| segment.eq_ignore_ascii_case(term))
}

fn mixed(segment: &[u8], seen: Seen) -> Shape {
    let length = segment.len();
    if seen.hex && length >= SHORTEST_HEX_ID {
        return Shape::Id;
    }
    let version = matches!(segment.first(), Some(b'v' | b'V')) && seen.digits == length - 1;
    if length <= SHORT || (version && length <= 4) || (length <= 6 && is_term(segment)) {
        return Shape::Word;
    }
    let prefix = segment.iter().take_while(|b| !b.is_ascii_digit()).count();
    let joined = prefix > 0 && segment.get(prefix - 1) == Some(&b'_');
    if prefix < 2 || (seen.changes >= 3 && !joined) || segment.ends_with(b"=") {
        return Shape::Id;
    }
    let tail = segment
        .iter()
        .rev()
        .take_while(|b| !b.is_ascii_digit())
        .count();
    let tail_is_word = tail >= 3 && segment.get(length - tail) == Some(&b'_');
    Shape::Stem {
        prefix: u16::try_from(prefix).unwrap_or(u16::MAX),
        suffix: if tail_is_word {
            u16::try_from(tail).unwrap_or(0)
        } else {
            0
        },
    }
}
