//! How a namespace is written: one escape, one length limit.
//!
//! Letters and digits of any script, printable ASCII and the space stay. Every other byte becomes `\xNN`, and so do `\`
//! itself and a `*` that was in the key, so that a `*` in a name always means "something" and a name can be read back.
//! A name is at most [`MAX_NAME_BYTES`] long; a longer one ends with `~` and 8 hex digits of a hash of all of it, the
//! same in every process.

use std::fmt::Write as _;

use crate::model::fnv::Fnv;

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 96;
/// `~` and 8 hex digits.
const MARKER_BYTES: usize = 9;

/// Appends a part of a key.
pub(super) fn push_escaped(name: &mut String, part: &[u8]) {
    for chunk in part.utf8_chunks() {
        for char in chunk.valid().chars() {
            let plain = char.is_alphanumeric() || (' '..='~').contains(&char);
            if plain && char != '\\' && char != '*' {
                name.push(char);
            } else {
                let mut buffer = [0; 4];
                push_hex(name, char.encode_utf8(&mut buffer).as_bytes());
            }
        }
        push_hex(name, chunk.invalid());
    }
}

fn push_hex(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String does not fail.
        write!(name, "\\x{byte:02x}").unwrap_or_default();
    }
}

/// Cuts what is too long.
pub(super) fn capped(mut name: String) -> String {
    if name.len() > MAX_NAME_BYTES {
        // Not keyed: the marker must be the same after a restart and on every node.
        let hash = Fnv::of(name.as_bytes()).get();
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES - MARKER_BYTES));
        write!(name, "~{:08x}", hash >> 32).unwrap_or_default();
    }
    name
}

/// The name under which what a person called a namespace is shown; a `*` in it stays.
pub fn safe(given: &[u8]) -> String {
    let mut name = String::new();
    for (i, part) in given.split(|b| *b == b'*').enumerate() {
        if i > 0 {
            name.push('*');
        }
        push_escaped(&mut name, part);
    }
    capped(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(part: &[u8]) -> String {
        let mut name = String::new();
        push_escaped(&mut name, part);
        name
    }

    #[test]
    fn one_way_to_escape() {
        assert_eq!(escaped(b"user profile_1"), "user profile_1");
        assert_eq!(escaped("größe:日本".as_bytes()), "größe:日本");
        assert_eq!(escaped(b"a\nb\0c\x7f"), r"a\x0ab\x00c\x7f");
        assert_eq!(escaped(b"\xff\xfeok\xc3"), r"\xff\xfeok\xc3");
        assert_eq!(escaped(br"a\b*"), r"a\x5cb\x2a");
        assert_eq!(escaped("\u{202e}x".as_bytes()), r"\xe2\x80\xaex");
    }

    #[test]
    fn long_names_end_with_a_stable_marker() {
        let long = "ab".repeat(60);
        let name = capped(long.clone());
        assert_eq!(name.len(), MAX_NAME_BYTES);
        assert_eq!(name, format!("{}a~a7c3fe9e", "ab".repeat(43)));
        assert_ne!(name, capped(long + "c"));
        assert!(capped("é".repeat(60)).len() <= MAX_NAME_BYTES);
        assert_eq!(capped("a".repeat(96)), "a".repeat(96));
    }

    proptest! {
        #[test]
        fn never_a_control_character_and_never_ambiguous(a: Vec<u8>, b: Vec<u8>) {
            let (x, y) = (escaped(&a), escaped(&b));
            prop_assert!(!x.chars().any(char::is_control));
            prop_assert_eq!(a == b, x == y);
        }
    }
}
