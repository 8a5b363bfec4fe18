//! The parser against examples, against itself on split input, and against any bytes at all.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Seen(Vec<(u32, Vec<u8>)>);

impl LookupSink for Seen {
    fn lookup(&mut self, db: u32, key: &[u8]) {
        assert!(key.len() <= MAX_KEY_BYTES);
        self.0.push((db, key.to_vec()));
    }
}

fn parse_split(bytes: &[u8], cuts: &[usize]) -> (Seen, Counts) {
    let mut parser = Parser::default();
    let mut seen = Seen::default();
    let mut at = 0;
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let cut = cut.clamp(at, bytes.len());
        parser.feed(&bytes[at..cut], &mut seen);
        at = cut;
    }
    (seen, parser.counts())
}

fn parse(bytes: &[u8]) -> (Seen, Counts) {
    parse_split(bytes, &[])
}

/// As the servers write it (`sdscatrepr`).
fn line(db: u32, client: &str, arguments: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("+1339518083.107412 [{db} {client}]").into_bytes();
    for argument in arguments {
        out.extend_from_slice(b" \"");
        for byte in *argument {
            match byte {
                b'\\' | b'"' => out.extend_from_slice(&[b'\\', *byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                7 => out.extend_from_slice(b"\\a"),
                8 => out.extend_from_slice(b"\\b"),
                b' '..=b'~' => out.push(*byte),
                other => out.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
            }
        }
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn keys(arguments: &[&str]) -> Vec<String> {
    let arguments: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
    let (seen, counts) = parse(&line(3, "127.0.0.1:60866", &arguments));
    assert_eq!((counts.lines, counts.malformed), (1, 0));
    assert!(seen.0.iter().all(|(db, _)| *db == 3));
    let keys = seen.0.into_iter();
    keys.map(|(_, key)| String::from_utf8(key).unwrap())
        .collect()
}

#[test]
fn keys_are_found_where_the_table_says() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["get", "user:1"], &["user:1"]),
        (&["GeT", ""], &[""]),
        (&["GET"], &[]),
        (&["MGET", "a", "b", "a"], &["a", "b", "a"]),
        (&["SET", "a", "secret"], &[]),
        (&["SET", "a", "GET"], &[]),
        (&["SET", "a", "secret", "EX", "10", "GET"], &["a"]),
        (&["SET", "a", "secret", "IFEQ", "GET"], &[]),
        (&["SET", "a", "secret", "IFEQ", "x", "GET"], &["a"]),
        (&["BITOP", "AND", "dst", "a", "b"], &["a", "b"]),
        (&["BITFIELD", "a", "GET", "u8", "0"], &["a"]),
        (
            &["BITFIELD", "a", "GET", "u8", "0", "SET", "u8", "0", "1"],
            &[],
        ),
        (
            &["ZUNIONSTORE", "dst", "2", "a", "b", "WEIGHTS", "1", "2"],
            &["a", "b"],
        ),
        (&["ZUNION", "many", "a"], &[]),
        (&["ZUNION", "-1", "a"], &[]),
        (&["ZUNION", "99999999999999999999999", "a"], &[]),
        (&["ZUNION", "18446744073709551615", "a"], &["a"]),
        (&["OBJECT", "ENCODING", "a"], &["a"]),
        (&["OBJECT", "HELP"], &[]),
        (
            &[
                "XREAD", "COUNT", "2", "BLOCK", "0", "STREAMS", "a", "b", "0", "$",
            ],
            &["a", "a", "b", "b"],
        ),
        (
            &["XREAD", "COUNT", "STREAMS", "STREAMS", "a", "0"],
            &["a", "a"],
        ),
        (
            &[
                "XREADGROUP",
                "GROUP",
                "STREAMS",
                "STREAMS",
                "STREAMS",
                "a",
                ">",
            ],
            &["a", "a"],
        ),
        (&["XREAD", "STREAMS"], &[]),
        (&["NOSUCHCOMMANDWITHAVERYLONGNAME", "a"], &[]),
        (&["EVAL", "return redis.call('get', 'a')", "1", "a"], &[]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(keys(arguments), *expected, "{arguments:?}");
    }
}

#[test]
fn every_kind_of_client_is_understood() {
    for client in [
        "127.0.0.1:60866",
        "[::1]:60866",
        "lua",
        "unix:/tmp/a b]\"c/redis.sock:0",
        "unix:/tmp/]]  ] x:0",
        "",
    ] {
        let (seen, counts) = parse(&line(0, client, &[b"GET", b"a"]));
        assert_eq!((counts.lines, counts.malformed), (1, 0), "{client}");
        assert_eq!(seen.0, [(0, b"a".to_vec())], "{client}");
    }
}

#[test]
fn a_malformed_line_spoils_none_but_itself() {
    let good = line(1, "lua", &[b"GET", b"a"]);
    let bad: &[&[u8]] = &[
        b"\n",
        b"-ERR x\r\n",
        b"$3\r\n",
        b"+OK\r\n",
        b"+1.1 [x c] \"GET\" \"a\"\r\n",
        b"+1.1 [ c] \"GET\" \"a\"\r\n",
        b"+1.1 (db 0) \"GET\" \"a\"\r\n",
        b"+1.1 [0 c] GET a\r\n",
        b"+1.1 [0 c] \"GET\"  \"a\"\r\n",
        b"+1.1 [0 c] \"GET\" \"\\xzz\"\r\n",
        b"+1.1 [0 c] \"GET\" \"\\\n",
        b"+1.1 [0 c] \"GET\" \"a\n",
        b"+1.1 [0 c] \"SET\" \"a\" \"b\" \"GET\"\rx\n",
        b"+1.1 [0 c\n",
    ];
    for bad in bad {
        let mut bytes = good.clone();
        bytes.extend_from_slice(bad);
        bytes.extend_from_slice(&good);
        let (seen, counts) = parse(&bytes);
        assert_eq!(
            seen.0,
            vec![(1, b"a".to_vec()); 2],
            "{}",
            bad.escape_ascii()
        );
        assert_eq!(
            (counts.lines, counts.malformed),
            (2, 1),
            "{}",
            bad.escape_ascii()
        );
    }
}

#[test]
fn the_servers_time_is_told() {
    let mut bytes = b"+1339518083.107412 [0 lua] \"PING\"\r\n".to_vec();
    assert_eq!(
        parse(&bytes).1.first,
        Some(Duration::from_micros(1_339_518_083_107_412))
    );
    bytes.extend_from_slice(b"+1339518084.000001 [0 lua] \"PING\"\r\n");
    bytes.extend_from_slice(b"+99999999999999999999999.999999999 [99999999999 lua] \"PING\"\r\n");
    let counts = parse(&bytes).1;
    assert_eq!(counts.lines, 3);
    assert_eq!(counts.last, Some(Duration::new(u64::MAX, 999_999_000)));
}

#[test]
fn a_value_of_100_mb_needs_no_more_than_a_short_one() {
    let mut parser = Parser::default();
    let mut seen = Seen::default();
    parser.feed(b"+1.000001 [0 1.2.3.4:5] \"SET\" \"a\" \"", &mut seen);
    let value = [&b"secret \\\\ \\\" \\xff "[..], &[b'x'; 10_000]]
        .concat()
        .repeat(100);
    for _ in 0..100 {
        parser.feed(&value, &mut seen);
        assert!(parser.capacity() <= 64);
    }
    parser.feed(b"\" \"GET\"\r\n", &mut seen);
    assert_eq!(seen.0, [(0, b"a".to_vec())]);
    // The same as a key.
    parser.feed(b"+1.000001 [0 1.2.3.4:5] \"GET\" \"", &mut seen);
    for _ in 0..100 {
        parser.feed(&value, &mut seen);
        assert!(parser.capacity() <= 4 * MAX_KEY_BYTES);
    }
    parser.feed(b"\"\r\n", &mut seen);
    let counts = parser.counts();
    assert_eq!((counts.lines, counts.found.keys_cut), (2, 1));
    assert_eq!(seen.0[1].1.len(), MAX_KEY_BYTES);
}

#[test]
fn a_command_of_very_many_keys_is_handed_out_as_it_comes() {
    let mut parser = Parser::default();
    let mut seen = Seen::default();
    parser.feed(b"+1.000001 [0 lua] \"MGET\"", &mut seen);
    for _ in 0..10_000 {
        parser.feed(b" \"key\"", &mut seen);
    }
    assert_eq!(seen.0.len(), 10_000);
    assert!(parser.capacity() <= 64);
    parser.feed(b"\r\n+1.1 [0 lua] \"XREAD\" \"STREAMS\"", &mut seen);
    for _ in 0..2_000 {
        parser.feed(b" \"", &mut seen);
        parser.feed(&[b'k'; 5_000], &mut seen);
        parser.feed(b"\"", &mut seen);
    }
    parser.feed(b"\r\n", &mut seen);
    let counts = parser.counts();
    let held = 2 * crate::collect::redis::monitor::arguments::MAX_HELD_KEYS;
    assert_eq!(seen.0.len(), 10_000 + held);
    assert_eq!(counts.found.left_out, 2_000 - held as u64);
    assert!(parser.capacity() <= held * MAX_KEY_BYTES);
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        &b"GET"[..],
        b"get",
        b"SET",
        b"MGET",
        b"XREAD",
        b"STREAMS",
        b"BITFIELD",
        b"INCRBY",
        b"ZUNION",
        b"2",
        b"EX",
        b"IFEQ",
        b"OVERFLOW",
        b"OBJECT",
    ]);
    prop_oneof![
        3 => word.prop_map(<[u8]>::to_vec),
        2 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(any::<u8>(), MAX_KEY_BYTES - 2..MAX_KEY_BYTES + 2),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let good = (0..20_u32, prop::collection::vec(argument(), 1..8)).prop_map(|(db, arguments)| {
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        line(db, "127.0.0.1:1", &arguments)
    });
    let bad = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..30),
        "[+0-9. \\[\\]\"\\\\xGET\r\n]{0,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(prop_oneof![4 => good, 1 => bad], 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_are_split(bytes in stream(), cuts in prop::collection::vec(0_usize..2000, 0..8)) {
        let whole = parse(&bytes);
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(&parse_split(&bytes, &cuts), &whole);
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&parse_split(&bytes, &every), &whole);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (seen, counts) = parse(&bytes);
        prop_assert!(counts.found.lookups >= seen.0.len() as u64);
        let newlines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        prop_assert!(counts.lines + counts.malformed <= newlines + 1);
    }

    #[test]
    fn any_key_comes_out_as_it_went_in(key in prop::collection::vec(any::<u8>(), 0..MAX_KEY_BYTES + 100), db in 0..16_u32) {
        let (seen, counts) = parse(&line(db, "lua", &[b"GET", &key]));
        let head = key.len().min(MAX_KEY_BYTES);
        prop_assert_eq!(seen.0, vec![(db, key[..head].to_vec())]);
        prop_assert_eq!(counts.found.keys_cut, u64::from(key.len() > MAX_KEY_BYTES));
    }

    #[test]
    fn values_never_come_out(value in "secret[ -~]{0,40}", words in prop::collection::vec(argument(), 0..4)) {
        let setters: [&[&[u8]]; 5] = [
            &[b"SET", b"k"], &[b"SETEX", b"k", b"10"], &[b"HSET", b"k", b"f"], &[b"XADD", b"k", b"*", b"f"],
            &[b"SET", b"k", b"v", b"IFEQ"],
        ];
        for setter in setters {
            let mut arguments = setter.to_vec();
            arguments.push(value.as_bytes());
            arguments.extend(words.iter().map(Vec::as_slice));
            let (seen, _) = parse(&line(0, "lua", &arguments));
            prop_assert!(seen.0.iter().all(|(_, key)| key == b"k"));
        }
    }
}
