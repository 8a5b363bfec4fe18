//! Breaks a sentence into lines at spaces. Pure.

use super::super::grid::width;

/// What follows the first line is indented by this.
const INDENT: &str = "  ";

/// Lines of at most so many columns; a word that is longer is broken.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        is_empty = false;
        for c in word.chars() {
            if width(&line) + width(c.encode_utf8(&mut [0; 4])) > columns && columns > 4 {
                lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn breaks_at_spaces_and_only_where_it_must_within_words() {
        assert_eq!(wrap("a short one", 20), ["a short one"]);
        assert_eq!(
            wrap("events of a: the server", 12),
            ["events of a:", "  the server"]
        );
        assert_eq!(wrap("abcdefghij", 6), ["abcdef", "  ghij"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_long(text in "[a-zセé ]{0,80}", columns in 5_usize..40) {
            let lines = wrap(&text, columns);
            for line in &lines {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let letters = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
