//! Keyed hashing of keys and of parts of keys.
//!
//! Keys are chosen by whoever can make an application look something up, so the seed is random per attributor. foldhash
//! resists those who cannot see its output, and nothing here shows it. Whoever found collisions all the same would
//! shorten the memory of one set of a table, or give one key the cause of another: no more. SipHash, which the standard
//! library has, costs 14 ns of about 110 more for each event (benches/attribution.rs).

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::SeedableRandomState;

/// A seed and what is done with it.
#[derive(Clone)]
pub(super) struct Hashing(SeedableRandomState);

impl Hashing {
    /// With a seed of its own.
    pub(super) fn random() -> Self {
        Self(SeedableRandomState::random())
    }

    /// Of a key or of a part of one.
    #[inline]
    pub(super) fn of(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashing(..)")
    }
}

/// The hash of a key within a database, out of [`Hashing::of`] the key. Never 0.
#[inline]
pub(super) fn fingerprint(key_hash: u64, db: u32) -> u64 {
    mix(key_hash, u64::from(db)).max(1)
}

/// Makes one hash of two. At least one of them must be a hash already: small numbers do not come out scrambled.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are wanted")]
    let (high, low) = ((wide >> 64) as u64, wide as u64);
    high ^ low
}
