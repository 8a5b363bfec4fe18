//! Names: of caches, of nodes, of rules and of channels.
//!
//! Invariant: a name that exists as one of these types is safe in a label, a log line and a URL path.

use std::fmt;
use std::sync::Arc;

/// The longest name a person may give, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name must not be empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("a name must not be longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// Something else than letters, digits, `_`, `-`, `.`.
    #[error(
        "a name may hold letters, digits, '_', '-' and '.' only, and must begin with a letter or digit"
    )]
    BadCharacter,
}

/// What a person calls a cache, a rule or a channel: `sessions`, `CacheMissRatioHigh`, `team-slack`.
///
/// Letters, digits, `_`, `-`, `.`; 1 to 64 bytes; the first is a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The name of a cache.
pub type CacheName = Name;
/// The name of a rule; it becomes the `alertname` label.
pub type RuleName = Name;
/// The name of a channel.
pub type ChannelName = Name;

impl Name {
    /// Checks the name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let first = name.bytes().next().ok_or(NameError::Empty)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if !first.is_ascii_alphanumeric() || !name.bytes().all(allowed) {
            return Err(NameError::BadCharacter);
        }
        Ok(Self(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

/// One server process as it is addressed: `host:port`, `[v6]:port`, or `unix:/path`.
///
/// Never holds a user name or a password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// A TCP address. IPv6 literals are put in brackets.
    pub fn tcp(host: &str, port: u16) -> Self {
        if host.contains(':') && !host.starts_with('[') {
            Self(Arc::from(format!("[{host}]:{port}")))
        } else {
            Self(Arc::from(format!("{host}:{port}")))
        }
    }

    /// A unix socket.
    pub fn unix(path: &str) -> Self {
        Self(Arc::from(format!("unix:{path}")))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl serde::Serialize for NodeName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for NodeName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(Arc::from(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_what_is_safe_everywhere() {
        assert!(Name::new("sessions").is_ok());
        assert!(Name::new("a.b-c_1").is_ok());
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new(&"x".repeat(65)), Err(NameError::TooLong));
        for bad in ["-a", "a b", "a/b", "ü", "a\n", "a\"b"] {
            assert_eq!(Name::new(bad), Err(NameError::BadCharacter), "{bad:?}");
        }
    }

    #[test]
    fn an_ipv6_address_gets_its_brackets() {
        assert_eq!(NodeName::tcp("::1", 6379).as_str(), "[::1]:6379");
        assert_eq!(NodeName::tcp("redis", 6379).as_str(), "redis:6379");
    }
}
