//! `notify-keyspace-events` as the set that it is: which classes a server publishes, which are missing, what to add.
//!
//! Servers return the letters in any order and fold some into `A`, so texts are never compared. No I/O; who asks the
//! server and who tells the person are other rooms.
//!
//! Invariant: what is proposed only ever adds to what was found.

use std::fmt;

use super::events::EventKind;
use super::reading::Flavour;

/// What `A` stands for: every class of events except `m` (keymiss), `n` (new), and those of Redis 8.2 and later.
const A_STANDS_FOR: &str = "g$lshztdxe";

/// More letters than any server has; what a server sends beyond them is cut.
const MAX_LETTERS: usize = 64;

/// A set of letters, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotifySet(Vec<char>);

impl NotifySet {
    /// Takes the letters; what is no printable ASCII character, is a quote, or comes twice, is left out.
    pub fn parse(text: &str) -> Self {
        let mut letters = Vec::new();
        for c in text.chars().filter(char::is_ascii_graphic) {
            // No server has quotes among its letters, and what is proposed gets pasted into a shell.
            let is_quote = matches!(c, '\'' | '"' | '`' | '\\');
            if !is_quote && letters.len() < MAX_LETTERS && !letters.contains(&c) {
                letters.push(c);
            }
        }
        Self(letters)
    }

    /// What cachewatch needs of this server: `Exem` at most.
    ///
    /// `m` came with Redis 6.0; an older server refuses the whole CONFIG SET because of a letter that it does not
    /// know. Dragonfly knows `Ex` only. `K` is never needed: events are read by `__keyevent@…` channels.
    pub fn wanted(flavour: Flavour, version: Option<&str>) -> Self {
        let letters = match flavour {
            Flavour::Dragonfly => "Ex",
            Flavour::Redis if !version_at_least(version, 6, 0) => "Exe",
            Flavour::Redis | Flavour::Valkey | Flavour::KeyDb => "Exem",
        };
        Self::parse(letters)
    }

    /// Whether a letter is in it, also by way of `A`.
    pub fn has(&self, letter: char) -> bool {
        self.0.contains(&letter) || (self.0.contains(&'A') && A_STANDS_FOR.contains(letter))
    }

    /// Whether there are no letters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a server with these flags publishes events of this kind on `__keyevent@…` channels. Without `E` it
    /// publishes nothing there, whatever the classes.
    pub fn publishes(&self, kind: EventKind) -> bool {
        self.has('E') && self.has(kind.flag())
    }

    /// The letters of `wanted` that are not in it, in the order of `wanted`.
    #[must_use]
    pub fn missing(&self, wanted: &Self) -> Self {
        Self(wanted.0.iter().copied().filter(|c| !self.has(*c)).collect())
    }

    /// It and what is missing: the value for CONFIG SET, which replaces all flags at once.
    ///
    /// Trap: a server whose flags hold `A` does not show an `n` that is set beside it (Redis 7.0 to Valkey 9.1), so
    /// setting this value would take `n` away; see [`NotifySet::may_hide_new`].
    #[must_use]
    pub fn with(&self, wanted: &Self) -> Self {
        let mut letters = self.0.clone();
        letters.extend(self.missing(wanted).0);
        Self(letters)
    }

    /// What to do so that a server which has these flags publishes what is wanted; `None` when nothing is missing.
    ///
    /// A command for `redis-cli`, also when pasted into a shell; for Dragonfly, which takes them at its start only, the
    /// flag of its command line.
    pub fn remedy(&self, wanted: &Self, flavour: Flavour) -> Option<String> {
        if self.missing(wanted).is_empty() {
            return None;
        }
        let flags = self.with(wanted);
        Some(match flavour {
            Flavour::Dragonfly => format!("--notify_keyspace_events={wanted}"),
            _ if flags.0.iter().all(char::is_ascii_alphanumeric) => {
                format!("CONFIG SET notify-keyspace-events {flags}")
            }
            // `$` means something to a shell.
            _ => format!("CONFIG SET notify-keyspace-events '{flags}'"),
        })
    }

    /// Whether an `n` (events of new keys) may be set that CONFIG GET does not show.
    pub fn may_hide_new(&self) -> bool {
        self.0.contains(&'A') && !self.0.contains(&'n')
    }
}

impl fmt::Display for NotifySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

/// Whether a version (`7.0.15`, `df-v1.27.1`) is at least so. An unknown version counts as a current one: `true`.
pub fn version_at_least(version: Option<&str>, major: u32, minor: u32) -> bool {
    let numbers = version.and_then(|text| {
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let mut parts = digits.split(|c: char| !c.is_ascii_digit());
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next().and_then(|p| p.parse().ok()).unwrap_or(0);
        Some((major, minor))
    });
    numbers.is_none_or(|found| found >= (major, minor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str) -> NotifySet {
        NotifySet::parse(text)
    }

    #[test]
    fn the_order_of_letters_does_not_matter_and_a_is_expanded() {
        let wanted = set("Exem");
        for (found, missing, with) in [
            ("", "Exem", "Exem"),
            ("xEem", "", "xEem"),
            ("AKE", "m", "AKEm"),
            ("AKEm", "", "AKEm"),
            ("g$xEm", "e", "g$xEme"),
            ("KA", "Em", "KAEm"),
            ("K", "Exem", "KExem"),
        ] {
            assert_eq!(set(found).missing(&wanted).to_string(), missing, "{found}");
            assert_eq!(set(found).with(&wanted).to_string(), with, "{found}");
        }
    }

    #[test]
    fn k_without_e_publishes_nothing_that_is_read() {
        for kind in EventKind::ALL {
            assert!(!set("KAm").publishes(kind));
            assert!(set("Exem").publishes(kind));
        }
        assert!(set("AKE").publishes(EventKind::Expired));
        assert!(!set("AKE").publishes(EventKind::Keymiss));
    }

    #[test]
    fn a_remedy_is_a_command_that_keeps_what_is_set() {
        let remedy = |found, flavour| set(found).remedy(&set("Exem"), flavour);
        assert_eq!(remedy("xEem", Flavour::Redis), None);
        assert_eq!(
            remedy("AK", Flavour::Valkey).as_deref(),
            Some("CONFIG SET notify-keyspace-events AKEm")
        );
        assert_eq!(
            remedy("g$E", Flavour::Redis).as_deref(),
            Some("CONFIG SET notify-keyspace-events 'g$Exem'")
        );
        assert_eq!(
            set("").remedy(&set("Ex"), Flavour::Dragonfly).as_deref(),
            Some("--notify_keyspace_events=Ex")
        );
    }

    #[test]
    fn an_n_beside_a_may_be_hidden() {
        assert!(set("AKE").may_hide_new());
        assert!(!set("Exem").may_hide_new());
    }

    #[test]
    fn a_server_is_asked_only_for_letters_that_it_knows() {
        let wanted = |f, v| NotifySet::wanted(f, v).to_string();
        assert_eq!(wanted(Flavour::Redis, Some("7.0.15")), "Exem");
        assert_eq!(wanted(Flavour::Redis, Some("5.0.14")), "Exe");
        assert_eq!(wanted(Flavour::Redis, None), "Exem");
        assert_eq!(wanted(Flavour::Valkey, Some("8.1.8")), "Exem");
        assert_eq!(wanted(Flavour::Dragonfly, Some("df-v1.27.1")), "Ex");
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(version_at_least(Some("10.0.1"), 7, 2));
        assert!(version_at_least(Some("7.2.4"), 7, 2));
        assert!(!version_at_least(Some("7.0.15"), 7, 2));
        assert!(!version_at_least(Some("df-v1.27.1"), 2, 0));
        assert!(version_at_least(Some("8"), 8, 0));
        assert!(version_at_least(Some("unstable"), 99, 0));
        assert!(version_at_least(None, 99, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_taken_away_and_nothing_is_missing_afterwards(found in "[A-Za-z$]{0,20}", wanted in "[A-Za-z$]{0,6}") {
            let (found, wanted) = (set(&found), set(&wanted));
            let after = found.with(&wanted);
            prop_assert!(after.missing(&wanted).is_empty());
            prop_assert!(found.missing(&found).is_empty());
            prop_assert!(after.missing(&found).is_empty());
            prop_assert!(after.to_string().starts_with(&found.to_string()));
        }

        #[test]
        fn any_text_is_bounded(text in ".*") {
            prop_assert!(set(&text).to_string().len() <= MAX_LETTERS);
        }
    }
}
