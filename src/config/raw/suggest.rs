//! "Did you mean …?"
//!
//! Only ever names keys that exist; what was written is named by the caller, if at all.

/// The key that was most likely meant.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    if written.len() < 2 || written.len() > 40 {
        return None;
    }
    let allowed = 1 + written.len() / 4;
    let (closest, key) = known
        .iter()
        .map(|key| (distance(&written, key), *key))
        .min_by_key(|(distance, _)| *distance)?;
    if closest <= allowed {
        return Some(key);
    }
    // `interval` for `poll_interval`, `redis_url` for `url`.
    known
        .iter()
        .filter(|key| key.len() > 2 && written.len() > 2)
        .find(|key| key.contains(written.as_str()) || written.contains(**key))
        .copied()
}

/// How many letters must be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(b.bytes()) {
            left = (diagonal + usize::from(x != y))
                .min(left + 1)
                .min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["name", "url", "username", "password", "poll_interval", "to"];
        assert_eq!(nearest("passwrd", &known), Some("password"));
        assert_eq!(nearest("poll-interval", &known), Some("poll_interval"));
        assert_eq!(nearest("interval", &known), Some("poll_interval"));
        assert_eq!(nearest("redis_url", &known), Some("url"));
        assert_eq!(nearest("frobnicate", &known), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
