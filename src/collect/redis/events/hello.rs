//! HELLO 3: RESP3, where the server has it. Its answer is a map that may hold arrays, so it is passed over here and not
//! by the decoder, which stays flat.
//!
//! HELLO is sent last, after AUTH and all that is answered in RESP2, so that a refusal costs nothing: the connection goes
//! on as it is. It needs no right in an ACL.
//!
//! Invariant: no recursion, and an answer beyond the bounds is an error, not memory.

use super::cursor::{Cursor, Stop};
use super::decoder::{DecodeError, MAX_LINE_BYTES};

/// HELLO 3.
pub(super) const HELLO: &[u8] = b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n";

/// The longest answer, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 32 * 1024;
/// The most values in it.
const MAX_VALUES: usize = 4096;

/// Finds the end of one value of any kind: how many bytes it takes, or [`Stop::Incomplete`].
pub(super) fn length(bytes: &[u8]) -> Result<usize, Stop> {
    let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
    let too_long = |what: &'static str, found: usize| {
        let found = u64::try_from(found).unwrap_or(u64::MAX);
        Stop::Bad(DecodeError::TooLong { what, found, limit })
    };
    let mut at = Cursor::new(bytes);
    let (mut seen, mut open) = (0_usize, 1_usize);
    while open > 0 {
        if seen >= MAX_VALUES {
            return Err(too_long("an answer to HELLO", seen));
        }
        seen += 1;
        open -= 1;
        let value = (|| {
            let (lead, after) = at.lead()?;
            let counted = |each: usize| {
                let (count, at) = after.length("an answer to HELLO", limit)?;
                Ok((count.unwrap_or(0).saturating_mul(each), at))
            };
            match lead {
                b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => {
                    after.line(MAX_LINE_BYTES).map(|(_, at)| (0, at))
                }
                b'$' | b'=' | b'!' => {
                    let (length, at) = after.length("an answer to HELLO", limit)?;
                    match length {
                        Some(length) => at.take(length)?.end().map(|(_, at)| (0, at)),
                        None => Ok((0, at)),
                    }
                }
                b'*' | b'~' | b'>' => counted(1),
                b'%' => counted(2),
                other => Err(Stop::Bad(DecodeError::Unexpected(other))),
            }
        })();
        match value {
            Ok((more, rest)) => {
                open = open.saturating_add(more);
                at = rest;
            }
            Err(Stop::Incomplete) if bytes.len() >= MAX_ANSWER_BYTES => {
                return Err(too_long("an answer to HELLO", bytes.len()));
            }
            Err(other) => return Err(other),
        }
    }
    Ok(bytes.len() - at.rest().len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &[u8] = b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.2.1\r\n$5\r\nproto\r\n:3\r\n\
        $2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*1\r\n\
        %2\r\n$4\r\nname\r\n$4\r\njson\r\n$3\r\nver\r\n:20000\r\n";

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        let whole = [ANSWER, b">3\r\n"].concat();
        assert_eq!(length(&whole), Ok(ANSWER.len()));
        for end in 0..ANSWER.len() {
            assert_eq!(length(&ANSWER[..end]), Err(Stop::Incomplete), "{end}");
        }
        assert_eq!(length(b"-NOPROTO no\r\n+x"), Ok(13));
        assert_eq!(length(b"_\r\n"), Ok(3));
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let deep = b"*2\r\n".repeat(5_000);
        assert!(matches!(length(&deep), Err(Stop::Bad(_))));
        let value = [&b"$1000\r\n"[..], &b"x".repeat(1000), b"\r\n"].concat();
        let long = [&b"*100\r\n"[..], &value.repeat(40)].concat();
        assert!(matches!(length(&long), Err(Stop::Bad(_))));
        assert!(matches!(length(b"$999999999\r\n"), Err(Stop::Bad(_))));
        assert!(matches!(length(b"HTTP"), Err(Stop::Bad(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(taken) = length(&bytes) {
                prop_assert!(taken > 0 && taken <= bytes.len());
            }
        }
    }
}
