//! Links in messages that let their reader do one thing: silence or acknowledge one incident, for a while.
//!
//! Pure: `notify` signs, `serve` verifies. Deliberately absent: what the action does, and who did it; whoever has the
//! message has the right. The link is to be followed by a page that asks, and only its POST acts, because mail scanners
//! open links.
//!
//! Invariant: a signature holds for one action on one incident until one moment, and cannot be made without the key; it
//! is compared in constant time. The key is derived from the API's token, so that a new token ends all old links.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::secret::Secret;

/// Keeps this use of the token apart from all others.
const PURPOSE: &[u8] = b"cachewatch signed links, version 1";

/// The longest incident that is signed, in bytes.
pub const MAX_INCIDENT_BYTES: usize = 512;

/// What a link lets its reader do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Tell nobody about the incident's cache and rule for an hour.
    Silence,
    /// Say that somebody looks after the incident.
    Acknowledge,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Silence, Self::Acknowledge];

    /// As in a link.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Acknowledge => "acknowledge",
        }
    }

    /// From a link.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Why a link is not heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// It was changed, or the token has been since.
    #[error(
        "this link is not valid; it may have been cut off, or the API's token is another one now"
    )]
    Forged,
    /// It was right once.
    #[error("this link is too old; open the page of the incident instead")]
    Expired,
}

/// Signs links and verifies them.
#[derive(Clone, PartialEq, Eq)]
pub struct Signer([u8; 32]);

impl Signer {
    /// With a key derived from the token that lets requests change something.
    pub fn new(api_token: &Secret) -> Self {
        let mut mac = keyed(api_token.expose().as_bytes());
        mac.update(PURPOSE);
        Self(mac.finalize().into_bytes().into())
    }

    /// The signature, 64 hexadecimal digits. `until`: seconds since 1970.
    pub fn sign(&self, action: Action, incident: &str, until: i64) -> String {
        let bytes = self.mac(action, incident, until).finalize().into_bytes();
        hex(&bytes)
    }

    /// Whether the signature is ours and still holds at `now`.
    pub fn verify(
        &self,
        action: Action,
        incident: &str,
        until: i64,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), SignedError> {
        if incident.len() > MAX_INCIDENT_BYTES {
            return Err(SignedError::Forged);
        }
        let bytes = unhex(signature).ok_or(SignedError::Forged)?;
        self.mac(action, incident, until)
            .verify_slice(&bytes)
            .map_err(|_| SignedError::Forged)?;
        // Only now: whoever cannot sign learns nothing about time.
        if now.as_second() >= until {
            return Err(SignedError::Expired);
        }
        Ok(())
    }

    /// A whole link: `<external_url>/act/<action>?incident=…&until=…&signature=…`.
    pub fn link(
        &self,
        external_url: &str,
        action: Action,
        incident: &str,
        until: Timestamp,
    ) -> String {
        let until = until.as_second();
        let signature = self.sign(action, incident, until);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("incident", incident)
            .append_pair("until", &until.to_string())
            .append_pair("signature", &signature)
            .finish();
        format!("{external_url}/act/{}?{query}", action.as_str())
    }

    fn mac(&self, action: Action, incident: &str, until: i64) -> Hmac<Sha256> {
        let mut mac = keyed(&self.0);
        // The action holds no zero and the number is of fixed length, so that no two links are the same text.
        mac.update(action.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(&until.to_be_bytes());
        mac.update(incident.as_bytes());
        mac
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer([REDACTED])")
    }
}

/// HMAC-SHA256 of `message`, as 64 hexadecimal digits.
pub fn hmac_hex(key: &Secret, message: &[&[u8]]) -> String {
    let mut mac = keyed(key.expose().as_bytes());
    for part in message {
        mac.update(part);
    }
    hex(&mac.finalize().into_bytes())
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of every length; the error exists for other algorithms"
)]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        write!(out, "{byte:02x}").unwrap_or_default();
        out
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 32];
    for (byte, at) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer(token: &str) -> Signer {
        Signer::new(&Secret::new(token.to_owned()))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn hmac_has_its_published_values() {
        // RFC 4231, test case 2.
        assert_eq!(
            hmac_hex(
                &Secret::new("Jefe".to_owned()),
                &[b"what do ya want ", b"for nothing?"]
            ),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_link_holds_until_its_time() {
        let signer = signer("a token of the API");
        let until = 1_800_000_000;
        let signature = signer.sign(Action::Silence, "sessions-1", until);
        let verify = |action, incident: &str, until, now| {
            signer.verify(action, incident, until, &signature, at(now))
        };
        assert_eq!(
            verify(Action::Silence, "sessions-1", until, until - 1),
            Ok(())
        );
        assert_eq!(
            verify(Action::Silence, "sessions-1", until, until),
            Err(SignedError::Expired)
        );
        for (action, incident, later) in [
            (Action::Acknowledge, "sessions-1", until),
            (Action::Silence, "sessions-2", until),
            (Action::Silence, "sessions-1", until + 1),
        ] {
            assert_eq!(
                verify(action, incident, later, until - 1),
                Err(SignedError::Forged)
            );
        }
        assert!(!format!("{signer:?}").contains("token"));
    }

    #[test]
    fn another_token_ends_old_links() {
        let signature = signer("one").sign(Action::Silence, "x", 99);
        let verdict = signer("two").verify(Action::Silence, "x", 99, &signature, at(1));
        assert_eq!(verdict, Err(SignedError::Forged));
    }

    #[test]
    fn a_link_survives_being_parsed() {
        let signer = signer("one");
        let link = signer.link(
            "https://cw.example.org/x",
            Action::Acknowledge,
            "a b&c=ü",
            at(99),
        );
        let url = url::Url::parse(&link).unwrap();
        assert_eq!(url.path(), "/x/act/acknowledge");
        let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(
            signer.verify(
                Action::parse("acknowledge").unwrap(),
                &query["incident"],
                query["until"].parse().unwrap(),
                &query["signature"],
                at(98)
            ),
            Ok(())
        );
    }

    proptest! {
        #[test]
        fn nothing_else_is_a_signature(text in "\\PC*|[0-9a-f]{64}") {
            let verdict = signer("one").verify(Action::Silence, "x", i64::MAX, &text, at(0));
            prop_assert_eq!(verdict, Err(SignedError::Forged));
        }
    }
}
