//! The decoder against examples, against itself on split input, and against the redis crate's parser.

use proptest::prelude::*;

use super::*;

fn decode_all(bytes: &[u8]) -> (Vec<String>, Result<usize, DecodeError>) {
    decode_split(bytes, &[])
}

/// What comes out when the bytes arrive in pieces that end at `cuts`: the frames as text, and how many bytes were not
/// taken at the end, or the error.
fn decode_split(bytes: &[u8], cuts: &[usize]) -> (Vec<String>, Result<usize, DecodeError>) {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    let mut buffer: Vec<u8> = Vec::new();
    let mut at = 0;
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let cut = cut.clamp(at, bytes.len());
        buffer.extend_from_slice(&bytes[at..cut]);
        at = cut;
        loop {
            let consumed = match decoder.step(&buffer) {
                Ok(Step::Frame(frame, consumed)) => {
                    frames.push(format!("{frame:?}"));
                    consumed
                }
                Ok(Step::Skipped(consumed)) => consumed,
                Ok(Step::Incomplete) => break,
                Err(error) => return (frames, Err(error)),
            };
            assert!(
                (1..=buffer.len()).contains(&consumed),
                "always forward, never beyond"
            );
            buffer.drain(..consumed);
        }
        assert!(buffer.len() < MAX_FRAME_BYTES, "what is kept is bounded");
    }
    (frames, Ok(buffer.len()))
}

fn one(bytes: &[u8]) -> Result<Frame<'_>, DecodeError> {
    match Decoder::default().step(bytes) {
        Ok(Step::Frame(frame, consumed)) => {
            assert_eq!(consumed, bytes.len());
            Ok(frame)
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    }
}

fn message(lead: char, channel: &[u8], key: &[u8]) -> Vec<u8> {
    let mut out = format!("{lead}3\r\n$7\r\nmessage\r\n${}\r\n", channel.len()).into_bytes();
    out.extend_from_slice(channel);
    out.extend_from_slice(format!("\r\n${}\r\n", key.len()).as_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(b"\r\n");
    out
}

#[test]
fn a_message_is_read_from_resp2_and_resp3() {
    for lead in ['*', '>'] {
        let bytes = message(lead, b"__keyevent@0__:keymiss", b"a\r\n\0\xff:b");
        let expected = Frame::Message {
            channel: b"__keyevent@0__:keymiss",
            key: b"a\r\n\0\xff:b",
            cut: false,
        };
        assert_eq!(one(&bytes), Ok(expected));
    }
}

#[test]
fn an_odd_spelling_of_a_message_is_a_message_too() {
    let bytes = b"*03\r\n$07\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n";
    let expected = Frame::Message {
        channel: b"c",
        key: b"",
        cut: false,
    };
    assert_eq!(one(bytes), Ok(expected));
}

#[test]
fn everything_else_that_a_server_says_is_read() {
    let array = |bytes| match one(bytes) {
        Ok(Frame::Array(elements)) => elements.iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let ack = array(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:2\r\n");
    assert_eq!(
        ack,
        [
            Scalar::Bulk(b"subscribe"),
            Scalar::Bulk(b"c"),
            Scalar::Integer(2)
        ]
    );
    let ack = array(b">3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    assert_eq!(
        ack,
        [
            Scalar::Bulk(b"unsubscribe"),
            Scalar::Null,
            Scalar::Integer(0)
        ]
    );
    let pong = array(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_eq!(pong, [Scalar::Bulk(b"pong"), Scalar::Bulk(b"")]);
    assert_eq!(array(b"*0\r\n"), []);

    assert_eq!(one(b"+PONG\r\n"), Ok(Frame::Value(Scalar::Status(b"PONG"))));
    assert_eq!(one(b"+a\rb\r\n"), Ok(Frame::Value(Scalar::Status(b"a\rb"))));
    assert_eq!(
        one(b"-ERR no\r\n"),
        Ok(Frame::Value(Scalar::Error(b"ERR no")))
    );
    assert_eq!(one(b":-12\r\n"), Ok(Frame::Value(Scalar::Integer(-12))));
    for null in [&b"$-1\r\n"[..], b"*-1\r\n", b"_\r\n"] {
        assert_eq!(one(null), Ok(Frame::Value(Scalar::Null)));
    }
}

#[test]
fn what_no_server_should_say_is_an_error_and_never_a_wait() {
    let too_long = |what, found, limit| DecodeError::TooLong { what, found, limit };
    let long_line = [b"-".to_vec(), vec![b'x'; MAX_LINE_BYTES + 1]].concat();
    let cases: [(&[u8], DecodeError); 17] = [
        (b"HTTP/1.1 200 OK", DecodeError::Unexpected(b'H')),
        (b"%1\r\n", DecodeError::Unexpected(b'%')),
        (b"*1\r\n*1\r\n", DecodeError::Nested),
        (b"*9\r\n", too_long("an array", 9, 8)),
        (b"*-2\r\n", DecodeError::BadLength(-2)),
        (b"$257\r\n", too_long("a value", 257, 256)),
        (b"$x", DecodeError::BadNumber),
        (b"$\r", DecodeError::BadNumber),
        (b":9223372036854775808", DecodeError::BadNumber),
        (
            b":000000000000000000000000000000000",
            DecodeError::BadNumber,
        ),
        (b"$1\r\nab", DecodeError::BadEnd),
        (b"$1\rx", DecodeError::BadNumber),
        (b"*3\r\n$7\r\nmessage\r\n:", DecodeError::Unexpected(b':')),
        (
            b"*3\r\n$7\r\nmessage\r\n$257\r\n",
            too_long("a channel name", 257, 256),
        ),
        (
            b"*3\r\n$7\r\nmessage\r\n$-1\r\n",
            DecodeError::BadLength(-1),
        ),
        (
            b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$536870913\r\n",
            too_long("a key", 536_870_913, MAX_DECLARED_KEY_BYTES),
        ),
        (&long_line, too_long("a line", 1025, 1024)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(one(bytes), Err(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_long_key_is_cut_and_passed_over() {
    for length in [
        MAX_KEY_BYTES,
        MAX_KEY_BYTES + 1,
        MAX_KEY_BYTES + 2,
        3 * MAX_KEY_BYTES,
    ] {
        let mut bytes = message('*', b"c", &vec![b'k'; length]);
        bytes.extend_from_slice(&message('*', b"c", b"next"));
        let cuts: Vec<usize> = (0..bytes.len()).step_by(1009).collect();
        let (frames, rest) = decode_split(&bytes, &cuts);
        assert_eq!(rest, Ok(0));
        assert_eq!(frames.len(), 2);
        assert!(frames[0].ends_with(if length > MAX_KEY_BYTES {
            "cut: true }"
        } else {
            "cut: false }"
        }));
        assert_eq!(
            frames[1],
            format!("{:?}", one(&message('*', b"c", b"next")).unwrap())
        );
    }
}

#[test]
fn a_long_key_must_end_where_it_says() {
    let mut bytes = message('*', b"c", &vec![b'k'; MAX_KEY_BYTES + 5]);
    let end = bytes.len();
    bytes[end - 1] = b'x';
    assert_eq!(decode_all(&bytes).1, Err(DecodeError::BadEnd));
}

/// Values as a server writes them, good ones mostly, bad ones too.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    let text = "[ -~]{0,30}";
    let scalar = prop_oneof![
        bytes
            .clone()
            .prop_map(|b| [format!("${}\r\n", b.len()).as_bytes(), &b, b"\r\n"].concat()),
        any::<i64>().prop_map(|n| format!(":{n}\r\n").into_bytes()),
        text.prop_map(|s| format!("+{s}\r\n").into_bytes()),
        text.prop_map(|s| format!("-{s}\r\n").into_bytes()),
        Just(b"$-1\r\n".to_vec()),
        Just(b"_\r\n".to_vec()),
    ];
    let array = (
        prop_oneof![Just('*'), Just('>')],
        proptest::collection::vec(scalar.clone(), 0..9),
    )
        .prop_map(|(lead, values)| {
            [
                format!("{lead}{}\r\n", values.len()).into_bytes(),
                values.concat(),
            ]
            .concat()
        });
    let event = (
        prop_oneof![Just('*'), Just('>')],
        "__keyevent@[0-9]{1,2}__:(expired|keymiss)",
        bytes,
    )
        .prop_map(|(lead, channel, key)| message(lead, channel.as_bytes(), &key));
    prop_oneof![4 => event, 2 => array, 1 => scalar]
}

/// A stream of values, sometimes with a few bytes changed.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (
        proptest::collection::vec(wire(), 1..6),
        changes,
        any::<bool>(),
    )
        .prop_map(|(values, changes, damaged)| {
            let mut bytes = values.concat();
            for (at, byte) in changes.into_iter().filter(|_| damaged) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        })
}

fn as_redis(value: Scalar<'_>) -> redis::Value {
    match value {
        Scalar::Status(b"OK") => redis::Value::Okay,
        Scalar::Status(line) => {
            redis::Value::SimpleString(String::from_utf8_lossy(line).into_owned())
        }
        Scalar::Error(line) => {
            redis::parse_redis_value(&[b"-", line, b"\r\n"].concat()).unwrap_or(redis::Value::Nil)
        }
        Scalar::Integer(number) => redis::Value::Int(number),
        Scalar::Bulk(bytes) => redis::Value::BulkString(bytes.to_vec()),
        Scalar::Null => redis::Value::Nil,
    }
}

/// The plain list of what the redis crate read, so that pushes and arrays compare.
fn flat(value: redis::Value) -> Vec<redis::Value> {
    match value {
        redis::Value::Array(values) => values,
        redis::Value::Push { kind, data } => {
            let first = redis::Value::BulkString(kind.to_string().into_bytes());
            std::iter::once(first).chain(data).collect()
        }
        other => vec![other],
    }
}

/// Whether both read the same, or the redis crate refuses for one of the two reasons for which we don't.
fn agree(frame: Frame<'_>, bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = match frame {
        Frame::Value(value) => vec![as_redis(value)],
        Frame::Array(elements) => elements.iter().map(as_redis).collect(),
        Frame::Message { channel, key, cut } => {
            prop_assert!(!cut);
            [&b"message"[..], channel, key]
                .map(|b| redis::Value::BulkString(b.to_vec()))
                .to_vec()
        }
    };
    let first_is_no_text = bytes.starts_with(b">")
        && !matches!(ours.first(), Some(redis::Value::BulkString(b)) if std::str::from_utf8(b).is_ok());
    match redis::parse_redis_value(bytes) {
        _ if first_is_no_text => {}
        Ok(theirs) => prop_assert_eq!(ours, flat(theirs)),
        Err(error) => {
            let line_is_no_text = std::str::from_utf8(bytes).is_err();
            prop_assert!(line_is_no_text, "{error}: {}", bytes.escape_ascii());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_the_redis_crate_reads(bytes in stream()) {
        let mut decoder = Decoder::default();
        let mut rest = &bytes[..];
        while let Ok(Step::Frame(frame, consumed)) = decoder.step(rest) {
            agree(frame, &rest[..consumed])?;
            rest = &rest[consumed..];
        }
    }

    #[test]
    fn what_is_well_formed_is_read_to_the_end(values in proptest::collection::vec(wire(), 1..6)) {
        let (frames, rest) = decode_all(&values.concat());
        prop_assert_eq!(frames.len(), values.len());
        prop_assert_eq!(rest, Ok(0));
    }

    #[test]
    fn how_the_bytes_are_split_does_not_matter(bytes in stream()) {
        let whole = decode_all(&bytes);
        for cut in 0..=bytes.len() {
            prop_assert_eq!(&decode_split(&bytes, &[cut]), &whole, "split at {}", cut);
        }
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&decode_split(&bytes, &every), &whole, "byte by byte");
    }

    #[test]
    fn arbitrary_bytes_never_panic_nor_loop(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            proptest::collection::vec(prop::sample::select(b"*>$:+-_0123789\r\nmessage".to_vec()), 0..80),
        ],
    ) {
        let whole = decode_all(&bytes);
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(decode_split(&bytes, &every), whole);
    }
}
