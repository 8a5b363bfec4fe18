//! Names of key event channels: `__keyevent@<db>__:<kind>`.
//!
//! Exact names only, never a pattern: a server matches every pattern against every event, exact names it looks up.
//!
//! Invariant: [`parse`] takes exactly the names that [`name`] makes, and allocates nothing.

use crate::model::events::EventKind;

const PREFIX: &[u8; 11] = b"__keyevent@";

/// What a channel tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What the server counts, too.
    Counted(EventKind),
    /// Keys that somebody took away; the server counts none of these.
    Removed(Removed),
}

/// How a key was taken away. There is no other way that publishes an event: UNLINK, GETDEL, commands that take the last
/// element of a collection or its last field, and on most servers EXPIRE with a time in the past, all say `del`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It was deleted.
    Del,
    /// It has another name now.
    RenameFrom,
    /// It is in another database now.
    MoveFrom,
}

impl From<EventKind> for Topic {
    fn from(kind: EventKind) -> Self {
        Self::Counted(kind)
    }
}

impl Topic {
    /// The kinds that are always subscribed to.
    pub const COUNTED: [Self; 3] = [
        Self::Counted(EventKind::Expired),
        Self::Counted(EventKind::Evicted),
        Self::Counted(EventKind::Keymiss),
    ];

    /// Those that are subscribed to besides, where deletions are wanted.
    pub const REMOVED: [Self; 3] = [
        Self::Removed(Removed::Del),
        Self::Removed(Removed::RenameFrom),
        Self::Removed(Removed::MoveFrom),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Counted(kind) => kind.as_str(),
            Self::Removed(Removed::Del) => "del",
            Self::Removed(Removed::RenameFrom) => "rename_from",
            Self::Removed(Removed::MoveFrom) => "move_from",
        }
    }
}

/// The channel of one kind of event in one database.
pub fn name(db: u32, topic: impl Into<Topic>) -> String {
    format!("__keyevent@{db}__:{}", topic.into().as_str())
}

/// The database and the topic of a channel; `None` for any other channel.
#[inline]
pub fn parse(channel: &[u8]) -> Option<(u32, Topic)> {
    let (PREFIX, rest) = channel.split_first_chunk()? else {
        return None;
    };
    let (db, rest) = number(rest)?;
    let topic = match rest.strip_prefix(b"__:")? {
        b"keymiss" => Topic::Counted(EventKind::Keymiss),
        b"expired" => Topic::Counted(EventKind::Expired),
        b"evicted" => Topic::Counted(EventKind::Evicted),
        b"del" => Topic::Removed(Removed::Del),
        b"rename_from" => Topic::Removed(Removed::RenameFrom),
        b"move_from" => Topic::Removed(Removed::MoveFrom),
        _ => return None,
    };
    Some((db, topic))
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
        for kind in Topic::COUNTED.into_iter().chain(Topic::REMOVED) {
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
                "__keyevent@[0-9]{0,11}__:(expired|evicted|keymiss|del|rename_from|move_from|rename_to)?".prop_map(String::into_bytes),
            ],
        ) {
            if let Some((db, kind)) = parse(&bytes) {
                prop_assert_eq!(name(db, kind).into_bytes(), bytes);
            }
        }
    }
}
