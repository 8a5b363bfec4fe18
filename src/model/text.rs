//! Text from elsewhere, made safe to show: no control characters, nothing that turns the direction of writing around, no
//! line breaks, and no more than so long.
//!
//! Deliberately absent: escaping for HTML, Slack or a label; whoever writes there does that, last of all. Emoji that are
//! joined of several characters stay whole.
//!
//! Invariant: no character for which [`is_unsafe`] holds is in what [`tame()`] and [`line()`] give, and it is at most as
//! long as asked for. Doing it twice changes nothing.

/// What stands where text was cut.
pub const CUT: char = '…';

/// Whether a character is a control character, a line or paragraph separator, or steers the direction of text: the marks,
/// embeddings, overrides and isolates of the bidirectional algorithm.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `most` characters, of which what is unsafe is shown as `\u{..}`.
pub fn tame(text: &str, most: usize) -> String {
    shown(text.chars(), most)
}

/// The same as one line: white space of any kind and number becomes one space, and none is left at the ends.
pub fn line(text: &str, most: usize) -> String {
    let words = text.split_whitespace().enumerate();
    let chars = words.flat_map(|(i, word)| (i > 0).then_some(' ').into_iter().chain(word.chars()));
    shown(chars, most)
}

/// Never cuts through what stands for one character.
fn shown(chars: impl Iterator<Item = char>, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    // How much of it leaves room for the mark.
    let mut kept = 0;
    for c in chars {
        let before = out.len();
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
            // All of it is ASCII.
            length += out.len() - before;
        } else {
            out.push(c);
            length += 1;
        }
        if length > most {
            out.truncate(kept);
            out.extend((most > 0).then_some(CUT));
            break;
        }
        if length < most {
            kept = out.len();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Told one by one, and not by ranges: what the Unicode standard lists as `Bidi_Control`, and the separators.
    const LISTED: [char; 14] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{2028}', '\u{2029}',
    ];

    fn anything() -> impl Strategy<Value = String> {
        let odd = prop_oneof![
            prop::sample::select(LISTED.to_vec()),
            prop::char::range('\0', '\u{a0}'),
            any::<char>(),
        ];
        prop::collection::vec(odd, 0..80).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_that_harms_survives(text in anything(), most in 0_usize..200) {
            for (tamed, again) in [
                (tame(&text, most), tame as fn(&str, usize) -> String),
                (line(&text, most), line),
            ] {
                prop_assert!(tamed.chars().count() <= most, "{tamed:?}");
                prop_assert!(!tamed.chars().any(|c| c.is_control() || LISTED.contains(&c)), "{tamed:?}");
                prop_assert_eq!(again(&tamed, most), tamed.clone(), "twice changes nothing");
            }
        }

        #[test]
        fn a_line_has_single_spaces(text in anything()) {
            let line = line(&text, 1_000);
            prop_assert!(!line.contains("  ") && line.trim() == line, "{line:?}");
            prop_assert!(!line.chars().any(|c| c.is_whitespace() && c != ' '));
        }

        #[test]
        fn what_is_harmless_and_short_stays(text in "[a-zäß€]{0,20}( [a-z\u{1f600}]{1,5})?") {
            prop_assert_eq!(tame(&text, 30), text.clone());
        }
    }

    #[test]
    fn what_is_unsafe_is_shown() {
        assert_eq!(
            tame("a\u{1b}[0m\n\u{202e}", 99),
            "a\\u{1b}[0m\\u{a}\\u{202e}"
        );
        assert_eq!(
            line("  a\r\n\tb\u{7}c\u{202e}d ", 99),
            "a b\\u{7}c\\u{202e}d"
        );
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(tame(family, 9), family);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(tame("abcd", 4), "abcd");
        assert_eq!(tame("abc\u{202e}d", 9), "abc…", "not through \\u{{202e}}");
        assert_eq!(tame("abc", 0), "");
        let huge = "\u{202e}".repeat(1_000_000);
        assert_eq!(tame(&huge, 17), "\\u{202e}\\u{202e}…");
    }
}
