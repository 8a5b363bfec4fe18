//! Names of key event channels: `__keyevent@<db>__:<kind>`.
//!
//! Exact names only, never a pattern: a server matches every pattern against every event, exact names it looks up.
//!
//! Invariant: [`parse`] takes exactly the names that [`name`] makes, and allocates nothing.

use crate::model::events::EventKind;

const PREFIX: &[u8; 11] = b"__keyevent@";

/// The channel of one kind of event in one database.
pub fn name(db: u32, kind: EventKind) -> String {
    format!("__keyevent@{db}__:{}", kind.as_str())
}

/// The database and the kind of a channel; `None` for any other channel.
#[inline]
pub fn parse(channel: &[u8]) -> Option<(u32, EventKind)> {
    let (PREFIX, rest) = channel.split_first_chunk()? else {
        return None;
    };
    let (db, rest) = number(rest)?;
    let kind = match rest.strip_prefix(b"__:")? {
        b"keymiss" => EventKind::Keymiss,
        b"expired" => EventKind::Expired,
        b"evicted" => EventKind::Evicted,
        _ => return None,
    };
    Some((db, kind))
}

/// A number as it is printed: no sign, no zeros in front.
#[inline]
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut value: u32 = 0;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value
            .checked_mul(10)?
            .checked_add(u32::from(digit - b'0'))?;
        rest = after;
    }
    let digits = text.len() - rest.len();
    let exact = digits == 1 || (digits > 1 && !text.starts_with(b"0"));
    exact.then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_built_is_parsed() {
        for kind in EventKind::ALL {
            for db in [0, 1, 9, 10, 15, 63, 100, u32::MAX] {
                assert_eq!(parse(name(db, kind).as_bytes()), Some((db, kind)));
            }
        }
        assert_eq!(name(3, EventKind::Keymiss), "__keyevent@3__:keymiss");
    }

    #[test]
    fn nothing_else_is_parsed() {
        for other in [
            "",
            "__keyevent@",
            "__keyevent@0",
            "__keyevent@0__:",
            "__keyevent@__:expired",
            "__keyevent@0__:expire",
            "__keyevent@0__:expired ",
            "__keyevent@00__:expired",
            "__keyevent@01__:expired",
            "__keyevent@+1__:expired",
            "__keyevent@-1__:expired",
            "__keyevent@4294967296__:expired",
            "__keyevent@99999999999999999999__:expired",
            "__keyevent@*__:expired",
            "__keyspace@0__:expired",
            "__KEYEVENT@0__:expired",
            "x__keyevent@0__:expired",
        ] {
            assert_eq!(parse(other.as_bytes()), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_channel_is_the_one_that_is_built(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "__keyevent@[0-9]{0,11}__:(expired|evicted|keymiss|del)?".prop_map(String::into_bytes),
            ],
        ) {
            if let Some((db, kind)) = parse(&bytes) {
                prop_assert_eq!(name(db, kind).into_bytes(), bytes);
            }
        }
    }
}
