//! Label values from servers, made safe and bounded.
//!
//! Invariant: [`safe`] yields no control character, at most [`MAX_CHARS`] + 1 characters, the same text for the same
//! input, and different texts for different inputs as long as nothing is cut.

use std::borrow::Cow;

use prometheus::proto;

use crate::model::text::is_unsafe;

/// The longest label value in characters; what is cut is marked by `…`.
pub(super) const MAX_CHARS: usize = 128;

/// The value without control characters and line separators, which become `\u{…}`; a backslash is doubled, so that the
/// result stays unambiguous.
pub(super) fn safe(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_CHARS && !value.chars().any(needs_escape) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len().min(MAX_CHARS * 4));
    let mut chars = 0;
    for c in value.chars() {
        let escaped: Cow<'_, str> = match c {
            '\\' => Cow::Borrowed("\\\\"),
            c if needs_escape(c) => Cow::Owned(c.escape_unicode().to_string()),
            c => Cow::Owned(c.to_string()),
        };
        chars += escaped.chars().count();
        if chars > MAX_CHARS {
            out.push('…');
            break;
        }
        out.push_str(&escaped);
    }
    Cow::Owned(out)
}

fn needs_escape(c: char) -> bool {
    c == '\\' || is_unsafe(c)
}

/// The values of a sample's labels, for sorting and comparing.
pub(super) fn order(sample: &proto::Metric) -> impl Iterator<Item = (&str, &str)> {
    sample.get_label().iter().map(|l| (l.name(), l.value()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_left_alone() {
        for plain in [
            "get",
            "config|get",
            "127.0.0.1:6379",
            "Linux 6.1 \"x\"",
            "größe",
        ] {
            assert_eq!(safe(plain), plain);
        }
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(safe("a\nb\0\u{202e}\\"), r"a\u{a}b\u{0}\u{202e}\\");
    }

    proptest! {
        #[test]
        fn always_bounded_and_printable(value in any::<String>()) {
            let out = safe(&value);
            prop_assert!(out.chars().count() <= MAX_CHARS + 1);
            prop_assert!(!out.chars().any(char::is_control));
        }

        #[test]
        fn unambiguous(a in "[a\\\\\n\\{u\\}]{0,8}", b in "[a\\\\\n\\{u\\}]{0,8}") {
            prop_assert_eq!(a == b, safe(&a) == safe(&b));
        }
    }
}
