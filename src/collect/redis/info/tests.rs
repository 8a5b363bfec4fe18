//! INFO replies of each kind of server, replies that are none, and any text at all.

use proptest::prelude::*;

use super::*;

const REDIS: &str = include_str!("testdata/redis-7.0.15.txt");
const VALKEY: &str = include_str!("testdata/valkey-9.1.txt");
const KEYDB: &str = include_str!("testdata/keydb-6.3.txt");
const DRAGONFLY: &str = include_str!("testdata/dragonfly-1.27.txt");

#[test]
fn redis_as_a_real_server_answered() {
    let r = parse(REDIS).unwrap();
    assert_eq!((r.flavour, r.role), (Flavour::Redis, Role::Primary));
    assert_eq!(r.version.as_deref(), Some("7.0.15"));
    assert_eq!(
        r.identity,
        Identity {
            run_id: Some("8b0946c5f501bda6a6620d7585377ac88b5724e8".to_owned()),
            uptime_seconds: Some(1),
            replid: Some("dc04431a004a3d70265d2e694aa3a2041e458412".to_owned()),
            replid2: None,
        }
    );
    assert_eq!(
        r.counters,
        Counters {
            hits: Some(1),
            misses: Some(1),
            evicted: Some(0),
            expired: Some(0),
            commands: Some(5),
            connections: Some(6),
        }
    );
    assert_eq!(r.keys(), 2);
    assert_eq!(r.dbs.keys().copied().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(r.memory.limit, Some(67_108_864));
    assert_eq!(r.memory.policy.as_deref(), Some("allkeys-lru"));
    assert_eq!(r.fields.f64("mem_fragmentation_ratio"), Some(7.58));
    assert_eq!(r.fields.f64("rdb_last_bgsave_time_sec"), None);
    assert_eq!(
        r.fields
            .with_prefix("errorstat_")
            .next()
            .map(|(name, _)| name),
        Some("ERR")
    );
    assert_eq!(r.fields.cut(), 0);
}

#[test]
fn valkey_is_told_by_its_own_fields() {
    let r = parse(VALKEY).unwrap();
    assert_eq!((r.flavour, r.role), (Flavour::Valkey, Role::Replica));
    assert_eq!(r.version.as_deref(), Some("9.1.2"));
    assert_eq!(r.memory.limit, None, "0 says: no limit");
    assert_eq!(
        r.dbs.get(&0),
        Some(&DbStats {
            keys: 10,
            expires: 4,
            avg_ttl_ms: Some(360_000)
        })
    );
    assert!(r.fields.get("cmdstat_config|get").is_some());
}

#[test]
fn keydb_is_told_by_its_own_fields() {
    let r = parse(KEYDB).unwrap();
    assert_eq!((r.flavour, r.role), (Flavour::KeyDb, Role::Primary));
    assert_eq!(r.version.as_deref(), Some("6.3.4"));
    assert_eq!(r.counters.evicted, Some(2));
}

#[test]
fn dragonfly_has_no_run_id_and_says_minus_one() {
    let r = parse(DRAGONFLY).unwrap();
    assert_eq!((r.flavour, r.role), (Flavour::Dragonfly, Role::Replica));
    assert_eq!(r.version.as_deref(), Some("df-v1.27.1"));
    assert_eq!(r.identity.run_id, None);
    assert_eq!(r.identity.uptime_seconds, Some(120));
    assert_eq!(r.counters.expired, None);
    assert_eq!(r.fields.u64("rejected_connections"), None);
    assert_eq!(r.fields.f64("instantaneous_input_kbps"), None);
    assert_eq!(r.dbs.get(&0).unwrap().avg_ttl_ms, None);
}

#[test]
fn line_ends_and_the_prefix_of_resp3_do_not_matter() {
    let expected = parse(REDIS).unwrap();
    assert_eq!(parse(&REDIS.replace("\r\n", "\n")).unwrap(), expected);
    assert_eq!(parse(&format!("txt:{REDIS}")).unwrap(), expected);
}

#[test]
fn absent_fields_are_absent() {
    let r = parse("redis_version:9.9\r\n").unwrap();
    assert_eq!(r.counters, Counters::default());
    assert_eq!(r.identity, Identity::default());
    assert_eq!(r.memory, Memory::default());
    assert_eq!(r.role, Role::Unknown);
    assert!(r.dbs.is_empty());
}

#[test]
fn a_sentinel_is_told_by_its_mode() {
    for mode in ["redis_mode", "server_mode"] {
        let text = format!("redis_version:7.0.0\n{mode}:sentinel\n");
        assert_eq!(parse(&text).unwrap().role, Role::Sentinel);
    }
}

#[test]
fn databases_are_read_by_key_and_strange_ones_are_skipped() {
    let text = "role:master\n\
        db0:avg_ttl=5,new=1,expires=2,keys=3\n\
        db1:keys=x\n\
        db2:\n\
        db99999999999:keys=1\n\
        db:keys=1\n\
        db0_distrib_strings_sizes:2=1,4=3\n";
    let dbs = parse(text).unwrap().dbs;
    assert_eq!(
        dbs.into_iter().collect::<Vec<_>>(),
        [(
            0,
            DbStats {
                keys: 3,
                expires: 2,
                avg_ttl_ms: Some(5)
            }
        )]
    );
}

#[test]
fn what_is_no_info_is_said_to_be_none() {
    for text in [
        "",
        "PONG",
        "# Server\r\n\r\n",
        "<html><head><meta http-equiv=\"x\">\n<a href=\"http://example.org\">\nrole model: none\n",
        "key:value\n",
        "\0\0:\0",
    ] {
        assert_eq!(parse(text), Err(InfoError::NotInfo), "{text:?}");
    }
}

#[test]
fn bounds_are_kept_and_counted() {
    let long_name = "n".repeat(MAX_NAME_BYTES + 1);
    let long_value = "v".repeat(MAX_VALUE_BYTES + 1);
    let r = parse(&format!("role:master\n{long_name}:1\nlong:{long_value}\n")).unwrap();
    assert_eq!((r.fields.len(), r.fields.cut()), (1, 2));

    let many = |n: usize| {
        let lines: Vec<String> = (0..n).map(|i| format!("run_id{i}:1\n")).collect();
        lines.concat()
    };
    assert_eq!(
        parse(&format!("role:master\n{}", many(MAX_FIELDS - 1)))
            .unwrap()
            .fields
            .len(),
        MAX_FIELDS
    );
    assert_eq!(
        parse(&format!("role:master\n{}", many(MAX_FIELDS))),
        Err(InfoError::TooManyFields)
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,400}") {
        drop(parse(&text));
    }

    #[test]
    fn no_damage_to_a_real_reply_makes_it_panic(at in 0..REDIS.len(), len in 0..40_usize, noise in "(?s).{0,20}") {
        let mut bytes = REDIS.as_bytes().to_vec();
        let end = (at + len).min(bytes.len());
        bytes.splice(at..end, noise.bytes());
        drop(parse(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn what_was_written_is_read_again(
        fields in proptest::collection::btree_map("[a-z][a-z0-9_|.]{0,30}", "[ -~]{0,40}", 0..40),
        crlf in any::<bool>(),
        headings in any::<bool>(),
    ) {
        let mut lines: Vec<String> = Vec::new();
        for (name, value) in &fields {
            if headings {
                lines.push("# Some Section".to_owned());
            }
            lines.push(format!("{name}:{value}"));
        }
        lines.push("role:master\n".to_owned());
        let text = lines.join(if crlf { "\r\n" } else { "\n" });
        let reading = parse(&text).unwrap();
        for (name, value) in &fields {
            let expected = if name == "role" { "master" } else { value.as_str() };
            prop_assert_eq!(reading.fields.get(name), Some(expected));
        }
        let known = fields.contains_key("role");
        prop_assert_eq!(reading.fields.len(), fields.len() + usize::from(!known));
    }
}
