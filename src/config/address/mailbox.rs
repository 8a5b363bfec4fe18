//! Mailboxes: `ops@example.org` and `Ops team <ops@example.org>`.
//!
//! Accepts less than RFC 5322 does: what is accepted here can stand in a header as it is, and every mail library
//! understands it.

use std::fs;

use super::authority::is_host;

const MAX_BYTES: usize = 320;

/// Whether a text is one mailbox.
pub(in crate::config) fn is_mailbox(text: &str) -> bool {
    if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
        return false;
    }
    match text.strip_suffix('>') {
        Some(rest) => rest
            .rsplit_once('<')
            .is_some_and(|(name, address)| is_display_name(name.trim()) && is_address(address)),
        None => is_address(text),
    }
}

/// A name without quotes holds words; anything that has a meaning in a header needs them.
fn is_display_name(name: &str) -> bool {
    let quoted = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(name) => {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| (b' '..=b'~').contains(&b) && !b"\"\\".contains(&b))
        }
        None => name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" -_'&+/".contains(&b)),
    }
}

fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let local_ok = (1..=64).contains(&local.len())
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        });
    // Underscores are for host names in a container network, not for domains of mail.
    local_ok
        && is_host(domain)
        && !domain.contains('_')
        && domain.split('.').all(|label| !label.ends_with('-'))
}

/// The sender when none is given: us, on this machine.
pub(in crate::config) fn default_sender() -> String {
    let named = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|name| format!("cachewatch <cachewatch@{}>", name.trim()))
        .find(|sender| is_mailbox(sender));
    named.unwrap_or_else(|| "cachewatch <cachewatch@localhost>".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes() {
        for good in [
            "ops@example.org",
            "a.b+c@x-1.example.org",
            "cachewatch <cachewatch@localhost>",
            "On-call team <oncall@example.org>",
            "\"Smith, Ann\" <ann@example.org>",
            "<ops@example.org>",
        ] {
            assert!(is_mailbox(good), "{good}");
        }
        for bad in [
            "",
            "ops",
            "@example.org",
            "ops@",
            "a..b@x.org",
            "a b@x.org",
            "x@a_b.org",
            "x@-a.org",
            "ops@example.org\r\nBcc: eve@x.org",
            "Eve\r\n <eve@x.org>",
            "a@x.org, b@x.org",
            "A, B <a@x.org>",
            "\"a\"b\" <a@x.org>",
            "a <a@x.org> b",
            "A <<a@x.org>",
            "ü@x.org",
            "Ops <ops@x.org",
        ] {
            assert!(!is_mailbox(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_default_sender_is_a_mailbox() {
        assert!(is_mailbox(&default_sender()));
    }
}
