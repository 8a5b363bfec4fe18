//! Picks the keys out of one command's arguments while they pass by.
//!
//! It is told of each argument's beginning, of its bytes piece by piece, and of its end, and says in advance whether it
//! wants them. Deliberately not a parser: it knows nothing of quotes and lines.
//!
//! Invariants: only the name, options, numbers of keys and keys are ever wanted, never an argument that the command's
//! syntax says is a value; all of it together needs at most [`MAX_HELD_KEYS`] times [`MAX_KEY_BYTES`].

use super::LookupSink;
use super::commands::{Keys, MAX_NAME_BYTES, keys_of};
use super::parser::MAX_KEY_BYTES;

/// How many keys are kept until the end of a command tells whether they are keys at all; further ones are counted.
pub const MAX_HELD_KEYS: usize = 32;

/// What is done with an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Nothing,
    Word,
    Key,
}

/// What has been learned from the options of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    /// How many of the next arguments belong to the option before them.
    skip: usize,
    /// The keys are looked up after all (SET … GET), or are not (BITFIELD … SET).
    decided: bool,
    /// The number that [`Keys::Counted`] was told.
    count: usize,
    /// The arguments after STREAMS.
    streams: Option<usize>,
}

/// Counts of what was found and of what the bounds cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Lookups handed out.
    pub lookups: u64,
    /// Of these, how many had a key that was cut.
    pub keys_cut: u64,
    /// Lookups that were not handed out, since more than [`MAX_HELD_KEYS`] streams were read at once.
    pub left_out: u64,
}

/// The arguments of the command that is passing by.
#[derive(Debug)]
pub struct Arguments {
    index: usize,
    keys: Option<Keys>,
    want: Want,
    word: Word,
    seen: Seen,
    held: Held,
    found: Found,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            index: 0,
            keys: None,
            want: Want::Nothing,
            word: Word::default(),
            seen: Seen::default(),
            held: Held::default(),
            found: Found::default(),
        }
    }
}

impl Arguments {
    /// What has been found so far.
    pub fn found(&self) -> Found {
        self.found
    }

    /// Forgets a command that did not end well, or ends one that did.
    pub fn clear(&mut self) {
        self.index = 0;
        self.keys = None;
        self.want = Want::Nothing;
        self.seen = Seen::default();
        self.held.clear();
    }

    /// An argument begins.
    pub fn begin(&mut self) {
        self.want = self.wanted();
        match self.want {
            Want::Word => self.word = Word::default(),
            Want::Key => self.held.open(),
            Want::Nothing => {}
        }
    }

    /// Whether the bytes of this argument are of interest.
    pub fn wants(&self) -> bool {
        self.want != Want::Nothing
    }

    /// Some bytes of it.
    pub fn bytes(&mut self, bytes: &[u8]) {
        match self.want {
            Want::Word => self.word.push(bytes),
            Want::Key => self.held.push(bytes),
            Want::Nothing => {}
        }
    }

    /// It ends.
    pub fn end<S: LookupSink + ?Sized>(&mut self, db: u32, sink: &mut S) {
        match self.want {
            Want::Nothing => {}
            Want::Word if self.index == 0 => self.keys = keys_of(self.word.upper()),
            Want::Word => self.option(),
            Want::Key => {
                let at_once = matches!(self.keys, Some(Keys::Range { .. } | Keys::Counted { .. }));
                if at_once {
                    self.hand_out(1, 1, db, sink);
                }
            }
        }
        self.want = Want::Nothing;
        self.index = self.index.saturating_add(1);
    }

    /// The command ends: time for those keys of which only now is known what they are.
    pub fn end_command<S: LookupSink + ?Sized>(&mut self, db: u32, sink: &mut S) {
        match self.keys {
            Some(Keys::SetGet) if self.seen.decided => self.hand_out(1, 1, db, sink),
            Some(Keys::BitField) if !self.seen.decided => self.hand_out(1, 1, db, sink),
            Some(Keys::Streams { .. }) => {
                let streams = self.seen.streams.unwrap_or(0) / 2;
                self.hand_out(streams, 2, db, sink);
            }
            _ => {}
        }
        self.clear();
    }

    /// What the argument at `self.index` is.
    fn wanted(&mut self) -> Want {
        if self.index == 0 {
            return Want::Word;
        }
        let index = self.index;
        let key_if = |is: bool| if is { Want::Key } else { Want::Nothing };
        match self.keys {
            None => Want::Nothing,
            Some(Keys::Range { first, last }) => key_if((first..=last).contains(&index)),
            Some(Keys::Counted { at }) if index == at => Want::Word,
            Some(Keys::Counted { at }) => key_if(index > at && index - at <= self.seen.count),
            Some(Keys::SetGet | Keys::BitField) if index == 1 => Want::Key,
            // Argument 2 of SET is the value.
            Some(Keys::SetGet) => self.option_from(3),
            Some(Keys::BitField) => self.option_from(2),
            Some(Keys::Streams { options }) => match &mut self.seen.streams {
                None => self.option_from(options),
                Some(streams) => {
                    *streams = streams.saturating_add(1);
                    key_if(*streams <= MAX_HELD_KEYS)
                }
            },
        }
    }

    fn option_from(&mut self, first: usize) -> Want {
        if self.index < first || self.seen.decided {
            Want::Nothing
        } else if self.seen.skip > 0 {
            self.seen.skip -= 1;
            Want::Nothing
        } else {
            Want::Word
        }
    }

    /// The word is an option, or a number of keys.
    fn option(&mut self) {
        let word = self.word.upper();
        let (decided, skip) = match (self.keys, word) {
            (Some(Keys::Counted { .. }), digits) => {
                let digits = std::str::from_utf8(digits).ok();
                self.seen.count = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
                return;
            }
            (Some(Keys::Streams { .. }), b"STREAMS") => {
                self.seen.streams = Some(0);
                return;
            }
            (Some(Keys::SetGet), b"GET") | (Some(Keys::BitField), b"SET" | b"INCRBY") => (true, 0),
            // What IFEQ compares with is a value.
            (
                Some(Keys::SetGet),
                b"EX" | b"PX" | b"EXAT" | b"PXAT" | b"IFEQ" | b"IFNE" | b"IFDEQ" | b"IFDNE",
            )
            | (Some(Keys::BitField), b"OVERFLOW")
            | (Some(Keys::Streams { .. }), b"COUNT" | b"BLOCK") => (false, 1),
            (Some(Keys::BitField), b"GET") => (false, 2),
            _ => (false, 0),
        };
        self.seen.decided = decided;
        self.seen.skip = skip;
    }

    /// Hands out the first `keys` of those held, each of them `times`, and forgets all.
    fn hand_out<S: LookupSink + ?Sized>(&mut self, keys: usize, times: u64, db: u32, sink: &mut S) {
        let mut left = keys;
        for (key, cut) in self.held.iter().take(keys) {
            left -= 1;
            for _ in 0..times {
                sink.lookup(db, key);
            }
            self.found.lookups += times;
            self.found.keys_cut += if cut { times } else { 0 };
        }
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        self.found.left_out = self
            .found
            .left_out
            .saturating_add(left.saturating_mul(times));
        self.held.clear();
    }
}

/// A short word: a name, an option, a number. A longer one is none of those that we know.
#[derive(Debug, Default)]
struct Word {
    bytes: [u8; MAX_NAME_BYTES],
    len: usize,
    too_long: bool,
}

impl Word {
    fn push(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.bytes.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(bytes);
                room.make_ascii_uppercase();
                self.len = end;
            }
            None => self.too_long = true,
        }
    }

    /// In capital letters; empty if it was too long.
    fn upper(&self) -> &[u8] {
        if self.too_long {
            return &[];
        }
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Keys, one behind the other in a reused buffer.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// Where each key begins, and whether it was cut.
    keys: Vec<(usize, bool)>,
}

impl Held {
    fn clear(&mut self) {
        self.bytes.clear();
        self.keys.clear();
    }

    fn open(&mut self) {
        self.keys.push((self.bytes.len(), false));
    }

    fn push(&mut self, bytes: &[u8]) {
        let Some((start, cut)) = self.keys.last_mut() else {
            return;
        };
        let room = MAX_KEY_BYTES.saturating_sub(self.bytes.len() - *start);
        *cut |= bytes.len() > room;
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let ends = self.keys.iter().skip(1).map(|(start, _)| *start);
        let ends = ends.chain([self.bytes.len()]);
        self.keys.iter().zip(ends).map(|((start, cut), end)| {
            let key = self.bytes.get(*start..end).unwrap_or_default();
            (key, *cut)
        })
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
impl Arguments {
    /// How many bytes the kept keys may take without a new allocation.
    pub(super) fn capacity(&self) -> usize {
        self.held.capacity()
    }
}
