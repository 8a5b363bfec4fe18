//! Numbers as people read them.

use std::time::Duration;

/// `34.1 %`.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// As short as it is exact: `20 %`, `12.5 %`. For what a person has set.
pub(super) fn percent_set(ratio: f64) -> String {
    let hundredths = (ratio * 10_000.0).round() / 100.0;
    format!("{hundredths} %")
}

/// `12 400`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `15m`, in whole seconds.
pub(super) fn span(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

/// The first so many characters.
pub(super) fn capped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(percent(0.3412), "34.1 %");
        assert_eq!(
            (percent_set(0.2), percent_set(0.125)),
            ("20 %".to_owned(), "12.5 %".to_owned())
        );
        let cases = [
            (0, "0"),
            (999, "999"),
            (12_400, "12 400"),
            (1_234_567, "1 234 567"),
        ];
        for (n, text) in cases {
            assert_eq!(grouped(n), text);
        }
        assert_eq!(span(Duration::from_mins(15)), "15m");
        assert_eq!(
            (capped("äbc", 2), capped("äb", 2)),
            ("äb…".to_owned(), "äb".to_owned())
        );
    }
}
