//! `[user[:password]@]host[:port]`, the part that all addresses with a server have in common.
//!
//! Stricter than a URL library on purpose: a password with a `/` or `#` in it must lead to a complaint that says so,
//! and not to a connection to the wrong host.

use std::net::Ipv6Addr;

/// Who and where.
pub(super) struct Authority {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    /// In lower case, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

/// Splits what follows `scheme://` into the authority and the path, which begins with `/` or is empty.
pub(super) fn split(rest: &str) -> Result<(Authority, &str), &'static str> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if path.contains('@') {
        return Err(
            "must have special characters in user and password percent-encoded: `/` as %2F, `?` as %3F, `#` as %23",
        );
    }
    if path.starts_with(['?', '#']) || path.contains(['?', '#']) {
        return Err("must not have parameters after `?` or `#`; use the keys of the file");
    }
    Ok((parse(authority)?, path))
}

fn parse(authority: &str) -> Result<Authority, &'static str> {
    let (user, place) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(user, place)| (Some(user), place));
    let (username, password) = match user.map(|user| user.split_once(':').ok_or(user)) {
        None => (None, None),
        Some(Ok((user, password))) => (Some(user), Some(password)),
        Some(Err(user)) => (Some(user), None),
    };
    let (host, port) = host_and_port(place)?;
    let decoded = |written: Option<&str>| match written {
        None | Some("") => Ok(None),
        Some(text) => decode(text).map(Some),
    };
    Ok(Authority {
        username: decoded(username)?,
        password: decoded(password)?,
        host,
        port,
    })
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or("must have an IPv6 address in brackets: [::1]:6379")?;
        let address: Ipv6Addr = host
            .parse()
            .map_err(|_| "must have an IPv6 address between the brackets")?;
        let port = match after {
            "" => None,
            _ => Some(after.strip_prefix(':').ok_or(PORT)?),
        };
        (address.to_string(), port)
    } else {
        let (host, port) = match place.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("must have an IPv6 address in brackets: [::1]:6379");
            }
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        };
        if !is_host(host) {
            return Err(
                "must name a host: letters, digits, `-`, `_` and `.` (special characters in user and password must be percent-encoded)",
            );
        }
        (host.to_ascii_lowercase(), port)
    };
    // `host:` without a number is allowed by the grammar of URLs.
    let port = match port {
        None | Some("") => None,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port > 0).ok_or(PORT)?)
        }
        Some(_) => return Err(PORT),
    };
    Ok((host, port))
}

const PORT: &str = "must have a port between 1 and 65535 after the host (special characters in user and password must be percent-encoded)";

/// Whether a text is a host name or an IPv4 address.
pub(super) fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !label.starts_with('-')
        })
}

/// Whether a text can be the name on a certificate: a host name or an address, IPv6 without brackets.
pub(in crate::config) fn is_server_name(name: &str) -> bool {
    is_host(name) || name.parse::<Ipv6Addr>().is_ok()
}

/// Resolves `%41` and the like.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "must have `%` in user, password or path written as %25, or followed by two hexadecimal digits";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err(WRONG);
            };
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| WRONG)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| "must be UTF-8 when its %-sequences are resolved")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts() {
        let (a, path) = split("us%65r:p%40ss:w@Redis.Example.ORG:7000/3").unwrap();
        assert_eq!(a.username.as_deref(), Some("user"));
        assert_eq!(a.password.as_deref(), Some("p@ss:w"));
        assert_eq!((a.host.as_str(), a.port), ("redis.example.org", Some(7000)));
        assert_eq!(path, "/3");
        let (a, path) = split(":secret@[::1]").unwrap();
        assert_eq!(a.username, None);
        assert_eq!(a.password.as_deref(), Some("secret"));
        assert_eq!((a.host.as_str(), a.port, path), ("::1", None, ""));
    }

    #[test]
    fn what_is_wrong_is_refused_without_being_repeated() {
        for bad in [
            "",
            ":6379",
            "host:0",
            "host:65536",
            "host:x",
            "::1",
            "[::1",
            "[zz]",
            "[::1]x",
            "a b",
            ":hunter2/x@host",
            ":hunter2#x@host",
            "host/?db=1",
            "host?x",
            ":hunter2%zz@host",
            ":%ff@host",
            "hunter2:hunter2",
            "..",
            "-x",
        ] {
            let complaint = split(bad).err();
            assert!(complaint.is_some_and(|c| !c.contains("hunter2")), "{bad}");
        }
    }
}
