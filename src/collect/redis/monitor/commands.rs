//! Which commands look keys up so that it counts as a hit or a miss, and where in the command these keys are.
//!
//! Taken from the servers themselves: a test runs every row on present and missing keys and compares INFO with what the
//! parser makes of MONITOR. Known differences, not worth asking the version for: Redis 6.2 does not count the sources of
//! `…STORE`, SORT … STORE, COPY nor a PFCOUNT of one key; a command that ends with an error half-way counts fewer keys;
//! Valkey counts HGETEX, Redis does not (left out). Deliberately absent: lookups that cannot be seen in the arguments
//! (SORT's BY and GET patterns, SCAN … TYPE before Redis 8), modules' commands, and MIGRATE, which no client asks for.
//!
//! Invariant: the table is sorted by name, in capital letters, so that it can be searched.

/// Where the keys are. Argument 0 is the command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// The arguments `first` to `last`, or to the end.
    Range {
        /// The first key.
        first: usize,
        /// The last key; [`usize::MAX`]: all that follow.
        last: usize,
    },
    /// Argument `at` says how many keys follow it.
    Counted {
        /// Where the number is.
        at: usize,
    },
    /// SET: the first argument, if GET is among the options.
    SetGet,
    /// BITFIELD: the first argument, if no part of it writes.
    BitField,
    /// XREAD and XREADGROUP: the first half of what follows STREAMS. The server looks each of them up twice.
    Streams {
        /// The first argument that can be an option.
        options: usize,
    },
}

/// The longest name of the table, in bytes.
pub const MAX_NAME_BYTES: usize = 20;

const ONE: Keys = range(1, 1);
const ALL: Keys = range(1, usize::MAX);
/// What follows a destination.
const SOURCES: Keys = range(2, usize::MAX);
/// What follows a subcommand or a destination, and only that.
const SECOND: Keys = range(2, 2);
const COUNTED: Keys = Keys::Counted { at: 1 };
const COUNTED_SOURCES: Keys = Keys::Counted { at: 2 };

const fn range(first: usize, last: usize) -> Keys {
    Keys::Range { first, last }
}

/// The table.
pub const LOOKUPS: &[(&str, Keys)] = &[
    ("BITCOUNT", ONE),
    ("BITFIELD", Keys::BitField),
    ("BITFIELD_RO", ONE),
    ("BITOP", range(3, usize::MAX)),
    ("BITPOS", ONE),
    ("COPY", ONE),
    ("DUMP", ONE),
    ("EXISTS", ALL),
    ("EXPIRETIME", ONE),
    ("GEODIST", ONE),
    ("GEOHASH", ONE),
    ("GEOPOS", ONE),
    ("GEORADIUS", ONE),
    ("GEORADIUSBYMEMBER", ONE),
    ("GEORADIUSBYMEMBER_RO", ONE),
    ("GEORADIUS_RO", ONE),
    ("GEOSEARCH", ONE),
    ("GEOSEARCHSTORE", SECOND),
    ("GET", ONE),
    ("GETBIT", ONE),
    ("GETDEL", ONE),
    ("GETEX", ONE),
    ("GETRANGE", ONE),
    ("GETSET", ONE),
    ("HEXISTS", ONE),
    ("HEXPIRETIME", ONE),
    ("HGET", ONE),
    ("HGETALL", ONE),
    ("HKEYS", ONE),
    ("HLEN", ONE),
    ("HMGET", ONE),
    ("HPEXPIRETIME", ONE),
    ("HPTTL", ONE),
    ("HRANDFIELD", ONE),
    ("HSCAN", ONE),
    ("HSTRLEN", ONE),
    ("HTTL", ONE),
    ("HVALS", ONE),
    ("LCS", range(1, 2)),
    ("LINDEX", ONE),
    ("LLEN", ONE),
    ("LPOS", ONE),
    ("LRANGE", ONE),
    ("MGET", ALL),
    ("OBJECT", SECOND),
    ("PEXPIRETIME", ONE),
    ("PFCOUNT", ALL),
    // The destination is read too.
    ("PFMERGE", ALL),
    ("PTTL", ONE),
    ("SCARD", ONE),
    ("SDIFF", ALL),
    ("SDIFFSTORE", SOURCES),
    ("SET", Keys::SetGet),
    ("SINTER", ALL),
    ("SINTERCARD", COUNTED),
    ("SINTERSTORE", SOURCES),
    ("SISMEMBER", ONE),
    ("SMEMBERS", ONE),
    ("SMISMEMBER", ONE),
    ("SORT", ONE),
    ("SORT_RO", ONE),
    ("SRANDMEMBER", ONE),
    ("SSCAN", ONE),
    ("STRLEN", ONE),
    ("SUBSTR", ONE),
    ("SUNION", ALL),
    ("SUNIONSTORE", SOURCES),
    ("TOUCH", ALL),
    ("TTL", ONE),
    ("TYPE", ONE),
    ("XACK", ONE),
    ("XACKDEL", ONE),
    ("XAUTOCLAIM", ONE),
    ("XCLAIM", ONE),
    ("XINFO", SECOND),
    ("XLEN", ONE),
    ("XPENDING", ONE),
    ("XRANGE", ONE),
    ("XREAD", Keys::Streams { options: 1 }),
    // GROUP, its name and the consumer's come first.
    ("XREADGROUP", Keys::Streams { options: 4 }),
    ("XREVRANGE", ONE),
    ("ZCARD", ONE),
    ("ZCOUNT", ONE),
    ("ZDIFF", COUNTED),
    ("ZDIFFSTORE", COUNTED_SOURCES),
    ("ZINTER", COUNTED),
    ("ZINTERCARD", COUNTED),
    ("ZINTERSTORE", COUNTED_SOURCES),
    ("ZLEXCOUNT", ONE),
    ("ZMSCORE", ONE),
    ("ZRANDMEMBER", ONE),
    ("ZRANGE", ONE),
    ("ZRANGEBYLEX", ONE),
    ("ZRANGEBYSCORE", ONE),
    ("ZRANGESTORE", SECOND),
    ("ZRANK", ONE),
    ("ZREVRANGE", ONE),
    ("ZREVRANGEBYLEX", ONE),
    ("ZREVRANGEBYSCORE", ONE),
    ("ZREVRANK", ONE),
    ("ZSCAN", ONE),
    ("ZSCORE", ONE),
    ("ZUNION", COUNTED),
    ("ZUNIONSTORE", COUNTED_SOURCES),
];

/// Where the command of this name, in capital letters, has the keys that it looks up; `None` if it looks up none.
pub fn keys_of(name: &[u8]) -> Option<Keys> {
    let at = LOOKUPS
        .binary_search_by(|(row, _)| row.as_bytes().cmp(name))
        .ok()?;
    LOOKUPS.get(at).map(|(_, keys)| *keys)
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
