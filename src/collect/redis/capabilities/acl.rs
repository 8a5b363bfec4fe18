//! ACL lines for cachewatch's user, for what a server's version understands.
//!
//! We send INFO, CONFIG GET, CLIENT SETNAME, SUBSCRIBE and PING, and CONFIG SET or MONITOR only where the configuration
//! asks for what they do. The reader of events also sends HELLO, which needs no right; nobody sends CLIENT
//! SETINFO, which is why one line serves 6.2 to the newest (a sub-command that a server does not know makes the whole line fail).
//! No key is ever read, so no key is granted.

use super::super::error::{EVENT_CHANNELS, grant, printable};
use crate::model::flags::version_at_least;
use crate::model::reading::Flavour;

/// The commands that serving sends, besides those about events.
const COMMANDS: [&str; 4] = ["INFO", "PING", "CONFIG GET", "CLIENT SETNAME"];

/// What a server's ACL can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acl {
    /// No ACL: before Redis 6.0.
    None,
    /// Commands and keys: Redis 6.0.
    Commands,
    /// Channels, too: Redis 6.2, and all forks.
    Channels,
}

impl Acl {
    pub(super) fn of(flavour: Flavour, version: Option<&str>) -> Self {
        match flavour {
            Flavour::Redis if !version_at_least(version, 6, 0) => Self::None,
            Flavour::Redis if !version_at_least(version, 6, 2) => Self::Commands,
            Flavour::Redis | Flavour::Valkey | Flavour::KeyDb | Flavour::Dragonfly => {
                Self::Channels
            }
        }
    }

    /// The line that adds the rights to commands that were refused.
    pub(super) fn remedy(self, user: Option<&str>, forbidden: &[&str]) -> Option<String> {
        if self == Self::None || forbidden.is_empty() {
            return None;
        }
        let user = printable(user.unwrap_or("default").as_bytes());
        let rules: Vec<String> = forbidden.iter().map(|c| self.grant(c)).collect();
        Some(format!("ACL SETUSER {user} {}", rules.join(" ")))
    }

    /// The line of a user with exactly the rights that are needed, those to the commands `besides` included. Never of the default user: taking rights away from
    /// that one would lock out whoever else uses it.
    pub(super) fn full(self, user: Option<&str>, besides: &[&str]) -> Option<String> {
        let channels = match self {
            Self::None => return None,
            Self::Commands => "",
            Self::Channels => " resetchannels",
        };
        let user = user
            .filter(|user| *user != "default")
            .unwrap_or("cachewatch");
        let user = printable(user.as_bytes());
        let rules: Vec<String> = COMMANDS
            .iter()
            .chain(besides)
            .map(|c| self.grant(c))
            .collect();
        Some(format!(
            "ACL SETUSER {user} on >PASSWORD resetkeys{channels} -@all {} {}",
            rules.join(" "),
            self.grant("SUBSCRIBE")
        ))
    }

    fn grant(self, command: &str) -> String {
        let rule = grant(command);
        match self {
            Self::Channels => rule,
            Self::None | Self::Commands => rule
                .strip_suffix(EVENT_CHANNELS)
                .map_or(rule.clone(), |short| short.trim_end().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_version() {
        let full = |flavour, version| Acl::of(flavour, Some(version)).full(None, &[]);
        let with_channels = "ACL SETUSER cachewatch on >PASSWORD resetkeys resetchannels -@all \
             +info +ping +config|get +client|setname +subscribe &__keyevent@*__:*";
        assert_eq!(full(Flavour::Redis, "5.0.14"), None);
        assert_eq!(
            full(Flavour::Redis, "6.0.16").as_deref(),
            Some(
                "ACL SETUSER cachewatch on >PASSWORD resetkeys -@all \
                 +info +ping +config|get +client|setname +subscribe"
            )
        );
        for (flavour, version) in [
            (Flavour::Redis, "6.2.5"),
            (Flavour::Redis, "8.2.0"),
            (Flavour::Valkey, "9.1.2"),
            (Flavour::KeyDb, "6.3.4"),
        ] {
            assert_eq!(full(flavour, version).as_deref(), Some(with_channels));
        }
    }

    #[test]
    fn the_default_user_only_ever_gains_rights() {
        let acl = Acl::Channels;
        assert_eq!(
            acl.remedy(None, &["CONFIG GET", "SUBSCRIBE"]).as_deref(),
            Some("ACL SETUSER default +config|get +subscribe &__keyevent@*__:*")
        );
        assert_eq!(acl.remedy(Some("bob"), &[]), None);
        for user in [None, Some("default")] {
            assert!(
                acl.full(user, &[])
                    .unwrap()
                    .starts_with("ACL SETUSER cachewatch ")
            );
        }
        assert!(
            acl.full(Some("bob"), &["MONITOR", "CONFIG SET"])
                .unwrap()
                .contains(" +client|setname +monitor +config|set +subscribe ")
        );
    }
}
