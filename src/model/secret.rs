//! A text that must never be shown: passwords, webhook URLs.
//!
//! Invariant: `Debug` prints `[REDACTED]`, there is no `Display` and no `Serialize`; the text leaves only through
//! [`Secret::expose`], which one can search for.

use secrecy::{ExposeSecret, SecretString};

/// A secret text, cleared from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself. Only for the one place that sends it to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Two configurations are compared at reload to see what changed; that is no place where time is an oracle.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_tell() {
        assert_eq!(
            format!("{:?}", Secret::new("hunter2".to_owned())),
            "[REDACTED]"
        );
    }
}
