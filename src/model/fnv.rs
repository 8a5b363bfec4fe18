//! FNV-1a: short stable ids out of names, and marks that tell one file from another.
//!
//! Deliberately absent: secrets. Whoever likes can find another text with the same hash.
//!
//! Invariant: the same after a restart, on every node, and in every version.

/// A 64-bit FNV-1a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fnv(u64);

impl Fnv {
    /// The empty text.
    pub const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// Of these bytes.
    pub const fn of(bytes: &[u8]) -> Self {
        Self::EMPTY.add(bytes)
    }

    /// Appends bytes.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "no iterators in a const fn; the index is below the length"
    )]
    pub const fn add(self, bytes: &[u8]) -> Self {
        let mut hash = self.0;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
            i += 1;
        }
        Self(hash)
    }

    /// As a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// As 16 hexadecimal digits.
    pub fn hex(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_published_values() {
        assert_eq!(Fnv::EMPTY.hex(), "cbf29ce484222325");
        assert_eq!(Fnv::of(b"a").hex(), "af63dc4c8601ec8c");
        assert_eq!(Fnv::of(b"foo").add(b"bar").hex(), "85944171f73967e8");
    }
}
