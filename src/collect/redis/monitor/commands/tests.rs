//! The table against itself and against real servers.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::*;
use crate::collect::redis::events::testing::Redis;
use crate::collect::redis::monitor::LookupSink;
use crate::collect::redis::monitor::parser::Parser;

#[test]
fn the_table_is_sorted_and_its_names_fit() {
    assert!(LOOKUPS.is_sorted_by(|a, b| a.0 < b.0));
    let longest = LOOKUPS.iter().map(|(name, _)| name.len()).max();
    assert_eq!(longest, Some(MAX_NAME_BYTES));
    for (name, keys) in LOOKUPS {
        assert_eq!(keys_of(name.as_bytes()), Some(*keys));
        assert_eq!(*name, name.to_ascii_uppercase());
    }
    assert_eq!(keys_of(b"get"), None);
    assert_eq!(keys_of(b""), None);
}

/// What a key is made of, and a command with `{k}` and `{j}` for keys. Each row of the table occurs.
const LOOKING: &[(&str, &str)] = &[
    ("string", "GET {k}"),
    ("string", "MGET {k} {j}"),
    ("string", "MGET {k} {k} {j}"),
    ("string", "GETEX {k} EX 100"),
    ("string", "GETDEL {k}"),
    ("string", "GETSET {k} v"),
    ("string", "SET {k} v GET"),
    ("string", "SET {k} v EX 10 get"),
    ("string", "SET {k} GET GET PX 100"),
    ("string", "STRLEN {k}"),
    ("string", "GETRANGE {k} 0 1"),
    ("string", "SUBSTR {k} 0 1"),
    ("string", "LCS {k} {j} LEN"),
    ("string", "GETBIT {k} 0"),
    ("string", "BITCOUNT {k} 0 1"),
    ("string", "BITPOS {k} 1"),
    ("string", "BITOP AND dst {k} {j}"),
    ("string", "BITOP NOT dst {k}"),
    ("string", "BITFIELD {k}"),
    ("string", "BITFIELD {k} GET u8 0 GET u8 1"),
    ("string", "BITFIELD_RO {k} GET u8 0"),
    ("string", "EXISTS {k} {j}"),
    ("string", "TTL {k}"),
    ("string", "PTTL {k}"),
    ("string", "EXPIRETIME {k}"),
    ("string", "PEXPIRETIME {k}"),
    ("string", "TYPE {k}"),
    ("string", "TOUCH {k} {j}"),
    ("string", "OBJECT ENCODING {k}"),
    ("string", "OBJECT IDLETIME {k}"),
    ("string", "DUMP {k}"),
    ("string", "COPY {k} dst"),
    ("list", "SORT {k} ALPHA"),
    ("list", "SORT {k} ALPHA STORE dst"),
    ("list", "SORT_RO {k} ALPHA"),
    ("list", "LLEN {k}"),
    ("list", "LINDEX {k} 0"),
    ("list", "LRANGE {k} 0 -1"),
    ("list", "LPOS {k} a"),
    ("hash", "HGET {k} f"),
    ("hash", "HGET {k} nofield"),
    ("hash", "HMGET {k} f g"),
    ("hash", "HGETALL {k}"),
    ("hash", "HKEYS {k}"),
    ("hash", "HVALS {k}"),
    ("hash", "HLEN {k}"),
    ("hash", "HSTRLEN {k} f"),
    ("hash", "HEXISTS {k} f"),
    ("hash", "HSCAN {k} 0"),
    ("hash", "HRANDFIELD {k}"),
    ("hash", "HTTL {k} FIELDS 1 f"),
    ("hash", "HPTTL {k} FIELDS 1 f"),
    ("hash", "HEXPIRETIME {k} FIELDS 1 f"),
    ("hash", "HPEXPIRETIME {k} FIELDS 1 f"),
    ("set", "SISMEMBER {k} a"),
    ("set", "SMISMEMBER {k} a b"),
    ("set", "SCARD {k}"),
    ("set", "SMEMBERS {k}"),
    ("set", "SRANDMEMBER {k}"),
    ("set", "SSCAN {k} 0"),
    ("set", "SINTER {k} {j}"),
    ("set", "SINTERCARD 2 {k} {j} LIMIT 1"),
    ("set", "SINTERSTORE dst {k} {j}"),
    ("set", "SUNION {k} {j}"),
    ("set", "SUNIONSTORE dst {k} {j}"),
    ("set", "SDIFF {k} {j}"),
    ("set", "SDIFFSTORE dst {k} {j}"),
    ("zset", "ZSCORE {k} a"),
    ("zset", "ZMSCORE {k} a b"),
    ("zset", "ZCARD {k}"),
    ("zset", "ZCOUNT {k} 0 9"),
    ("zset", "ZLEXCOUNT {k} - +"),
    ("zset", "ZRANGE {k} 0 9 BYSCORE"),
    ("zset", "ZRANGEBYSCORE {k} 0 9"),
    ("zset", "ZRANGEBYLEX {k} - +"),
    ("zset", "ZREVRANGE {k} 0 -1"),
    ("zset", "ZREVRANGEBYSCORE {k} 9 0"),
    ("zset", "ZREVRANGEBYLEX {k} + -"),
    ("zset", "ZRANGESTORE dst {k} 0 -1"),
    ("zset", "ZRANK {k} a"),
    ("zset", "ZREVRANK {k} a"),
    ("zset", "ZSCAN {k} 0"),
    ("zset", "ZRANDMEMBER {k}"),
    ("zset", "ZUNION 2 {k} {j} WEIGHTS 1 2"),
    ("zset", "ZINTER 2 {k} {j}"),
    ("zset", "ZDIFF 2 {k} {j}"),
    ("zset", "ZINTERCARD 2 {k} {j}"),
    ("zset", "ZUNIONSTORE dst 2 {k} {j}"),
    ("zset", "ZINTERSTORE dst 1 {k}"),
    ("zset", "ZDIFFSTORE dst 2 {k} {j}"),
    ("geo", "GEOPOS {k} a"),
    ("geo", "GEODIST {k} a b"),
    ("geo", "GEOHASH {k} a"),
    ("geo", "GEORADIUS {k} 15 37 200 km"),
    ("geo", "GEORADIUS {k} 15 37 200 km STORE dst"),
    ("geo", "GEORADIUS_RO {k} 15 37 200 km"),
    ("geo", "GEORADIUSBYMEMBER {k} a 200 km"),
    ("geo", "GEORADIUSBYMEMBER_RO {k} a 200 km"),
    ("geo", "GEOSEARCH {k} FROMLONLAT 15 37 BYRADIUS 200 km"),
    (
        "geo",
        "GEOSEARCHSTORE dst {k} FROMLONLAT 15 37 BYRADIUS 200 km",
    ),
    ("stream", "XLEN {k}"),
    ("stream", "XRANGE {k} - +"),
    ("stream", "XREVRANGE {k} + -"),
    ("stream", "XREAD STREAMS {k} {j} 0 0"),
    ("stream", "XREAD COUNT 2 BLOCK 1 streams {k} $"),
    (
        "stream",
        "XREADGROUP GROUP grp STREAMS COUNT 1 NOACK STREAMS {k} >",
    ),
    ("stream", "XREADGROUP GROUP grp c STREAMS {k} {j} > 0"),
    ("stream", "XPENDING {k} grp"),
    ("stream", "XCLAIM {k} grp c 0 1-1"),
    ("stream", "XAUTOCLAIM {k} grp c 0 0"),
    ("stream", "XACK {k} grp 1-1"),
    ("stream", "XACKDEL {k} grp IDS 1 1-1"),
    ("stream", "XINFO STREAM {k}"),
    ("stream", "XINFO CONSUMERS {k} grp"),
    ("hll", "PFCOUNT {k}"),
    ("hll", "PFCOUNT {k} {j}"),
    ("hll", "PFMERGE {k} {j}"),
    ("hll", "PFMERGE dst {k} {j}"),
];

/// Commands that look nothing up, as far as the counters go.
const NOT_LOOKING: &[(&str, &str)] = &[
    ("string", "SET {k} GET"),
    ("string", "SET {k} v NX"),
    ("string", "SET {k} v EX 10"),
    ("string", "SETEX {k} 10 v"),
    ("string", "SETNX {k} v"),
    ("string", "MSET {k} v {j} v"),
    ("string", "APPEND {k} x"),
    ("string", "SETRANGE {k} 0 x"),
    ("string", "SETBIT {k} 0 1"),
    ("string", "BITFIELD {k} OVERFLOW SAT INCRBY u8 0 1"),
    ("string", "BITFIELD {k} GET u8 0 SET u8 0 1"),
    ("string", "DEL {k} {j}"),
    ("string", "UNLINK {k} {j}"),
    ("string", "EXPIRE {k} 100"),
    ("string", "PERSIST {k}"),
    ("string", "RENAME {k} dst"),
    ("string", "MOVE {k} 1"),
    ("string", "MEMORY USAGE {k}"),
    ("string", "WATCH {k}"),
    ("string", "OBJECT HELP"),
    ("string", "SCAN 0"),
    ("string", "KEYS *"),
    ("string", "RANDOMKEY"),
    ("string", "DBSIZE"),
    ("number", "INCR {k}"),
    ("list", "LPUSH {k} a"),
    ("list", "LPOP {k}"),
    ("list", "LMOVE {k} {j} LEFT RIGHT"),
    ("list", "LTRIM {k} 0 1"),
    ("hash", "HSET {k} f GET"),
    ("hash", "HDEL {k} f"),
    ("hash", "HEXPIRE {k} 100 FIELDS 1 f"),
    ("hash", "HGETDEL {k} FIELDS 1 f"),
    ("set", "SADD {k} a"),
    ("set", "SPOP {k}"),
    ("set", "SMOVE {k} {j} a"),
    ("zset", "ZADD {k} 1 a"),
    ("zset", "ZPOPMIN {k}"),
    ("stream", "XADD {k} * STREAMS v"),
    ("stream", "XTRIM {k} MAXLEN 1"),
    ("stream", "XGROUP DESTROY {k} grp"),
    ("hll", "PFADD {k} b"),
];

/// Redis 6.2 does not count these, as the module's text says.
const NOT_BY_6_2: &[&str] = &[
    "COPY {k} dst",
    "SORT {k} ALPHA STORE dst",
    "SINTERSTORE dst {k} {j}",
    "SUNIONSTORE dst {k} {j}",
    "SDIFFSTORE dst {k} {j}",
    "ZRANGESTORE dst {k} 0 -1",
    "ZUNIONSTORE dst 2 {k} {j}",
    "ZINTERSTORE dst 1 {k}",
    "ZDIFFSTORE dst 2 {k} {j}",
    "PFCOUNT {k}",
];

#[test]
fn every_row_has_an_example() {
    for (name, _) in LOOKUPS {
        let has = |(_, line): &&(&str, &str)| line.split(' ').next() == Some(name);
        assert!(LOOKING.iter().any(|row| has(&row)), "{name}");
    }
}

fn make(kind: &str, key: &str) -> Vec<String> {
    match kind {
        "string" => vec![format!("SET {key} abc")],
        "number" => vec![format!("SET {key} 12")],
        "list" => vec![format!("RPUSH {key} a b c")],
        "hash" => vec![format!("HSET {key} f 1 g 2")],
        "set" => vec![format!("SADD {key} a b")],
        "zset" => vec![format!("ZADD {key} 1 a 2 b")],
        "geo" => vec![format!("GEOADD {key} 13.3 38.1 a 15 37 b")],
        "stream" => vec![
            format!("XADD {key} 1-1 f v"),
            format!("XGROUP CREATE {key} grp 0"),
        ],
        "hll" => vec![format!("PFADD {key} a")],
        other => panic!("{other}"),
    }
}

#[derive(Default)]
struct Count(u64);

impl LookupSink for Count {
    fn lookup(&mut self, _: u32, key: &[u8]) {
        let known: [&[u8]; 5] = [b"p1", b"p2", b"m1", b"m2", b"dst"];
        assert!(known.contains(&key), "{}", String::from_utf8_lossy(key));
        self.0 += 1;
    }
}

/// A connection in monitor mode beside one that asks.
struct Bench {
    asks: redis::Connection,
    monitor: UnixStream,
    parser: Parser,
    sink: Count,
}

impl Bench {
    fn new(server: &Redis) -> Self {
        let mut monitor = UnixStream::connect(server.socket()).unwrap();
        monitor.write_all(b"MONITOR\r\n").unwrap();
        let mut ok = [0; 5];
        monitor.read_exact(&mut ok).unwrap();
        assert_eq!(&ok, b"+OK\r\n");
        Self {
            asks: server.client().get_connection().unwrap(),
            monitor,
            parser: Parser::default(),
            sink: Count::default(),
        }
    }

    fn ask(&mut self, line: &str) -> redis::RedisResult<redis::Value> {
        let mut words = line.split(' ');
        let mut cmd = redis::cmd(words.next().unwrap());
        for word in words {
            cmd.arg(word);
        }
        cmd.query(&mut self.asks)
    }

    /// Hits and misses by INFO, and lookups by the parser, up to now.
    fn counts(&mut self) -> (u64, u64) {
        let info: String = redis::cmd("INFO")
            .arg("stats")
            .query(&mut self.asks)
            .unwrap();
        let field = |name: &str| -> u64 {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().parse().unwrap()
        };
        let by_info = field("keyspace_hits:") + field("keyspace_misses:");
        self.ask("ECHO that-was-it").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\"that-was-it\"\r\n") {
            let mut buffer = [0; 4096];
            let count = self.monitor.read(&mut buffer).unwrap();
            assert!(count > 0);
            seen.extend_from_slice(&buffer[..count]);
        }
        self.parser.feed(&seen, &mut self.sink);
        assert_eq!(self.parser.counts().malformed, 0);
        (by_info, self.sink.0)
    }

    /// What running this adds to INFO's count and to ours; `None` if the server does not know the command.
    fn deltas(&mut self, kind: &str, line: &str, keys: (&str, &str)) -> Option<(u64, u64)> {
        self.ask("FLUSHALL").unwrap();
        for key in ["p1", "p2"] {
            for line in make(kind, key) {
                self.ask(&line).unwrap();
            }
        }
        let before = self.counts();
        let line = line.replace("{k}", keys.0).replace("{j}", keys.1);
        if let Err(error) = self.ask(&line)
            && error.to_string().to_lowercase().contains("unknown command")
        {
            return None;
        }
        let after = self.counts();
        self.ask("UNWATCH").unwrap();
        Some((after.0 - before.0, after.1 - before.1))
    }
}

/// The machine's server, and those that `make setup` has fetched.
fn programs() -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from("redis-server")];
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/servers");
    for folder in std::fs::read_dir(root).into_iter().flatten().flatten() {
        for name in ["redis-server", "valkey-server"] {
            let program = folder.path().join(name);
            if program.is_file() {
                all.push(program);
            }
        }
    }
    all
}

#[tokio::test]
async fn every_command_counts_as_the_server_counts() {
    for program in programs() {
        let name = program.display().to_string();
        let Some(server) = Redis::start_program(program, &[]).await else {
            continue;
        };
        let mut bench = Bench::new(&server);
        let mut known = 0;
        for (kind, line) in LOOKING {
            if name.contains("redis-6.2") && NOT_BY_6_2.contains(line) {
                continue;
            }
            for keys in [("p1", "p2"), ("m1", "m2"), ("p1", "m2")] {
                // XREADGROUP fails at the first stream without its group.
                if line.starts_with("XREADGROUP") && keys != ("p1", "p2") {
                    continue;
                }
                if let Some((info, ours)) = bench.deltas(kind, line, keys) {
                    assert!(info > 0, "{name}: {line} {keys:?}");
                    assert_eq!(ours, info, "{name}: {line} {keys:?}");
                    known += 1;
                }
            }
        }
        assert!(known > 250, "{name} knows only {known}");
        for (kind, line) in NOT_LOOKING {
            for keys in [("p1", "p2"), ("m1", "m2")] {
                let counted = bench.deltas(kind, line, keys);
                assert!(
                    matches!(counted, None | Some((0, 0))),
                    "{name}: {line} {keys:?}: {counted:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn scripts_and_transactions_count_what_they_do() {
    for program in programs() {
        let name = program.display().to_string();
        let Some(server) = Redis::start_program(program, &[]).await else {
            continue;
        };
        let mut bench = Bench::new(&server);
        let script = "EVAL redis.call('mget',KEYS[1],KEYS[2]);redis.call('set',KEYS[1],'x');return(redis.pcall('hget',KEYS[2],'f')) 2";
        let both = [
            (format!("{script} p1 m1"), 3),
            (format!("{script} p1 p2"), 3),
        ];
        for (line, lookups) in both {
            let deltas = bench.deltas("string", &line, ("", ""));
            assert_eq!(deltas, Some((lookups, lookups)), "{name}: {line}");
        }
        let before = bench.counts();
        for line in ["MULTI", "GET p1", "SET p2 v GET", "MGET p1 m1 m2", "EXEC"] {
            bench.ask(line).unwrap();
        }
        for line in ["MULTI", "GET p1", "DISCARD"] {
            bench.ask(line).unwrap();
        }
        let after = bench.counts();
        assert_eq!((after.0 - before.0, after.1 - before.1), (5, 5), "{name}");
    }
}
