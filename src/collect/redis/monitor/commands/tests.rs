//! The table against itself and against real servers.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::examples::{LOOKING, NOT_BY_6_2, NOT_LOOKING, make};
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

#[test]
fn every_row_has_an_example() {
    for (name, _) in LOOKUPS {
        let has = |(_, line): &&(&str, &str)| line.split(' ').next() == Some(name);
        assert!(LOOKING.iter().any(|row| has(&row)), "{name}");
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
