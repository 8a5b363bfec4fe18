//! Connections to servers that misbehave in every way we know.

use proptest::prelude::*;

use super::super::testing::{Misbehaviour, against, cache, closed_port, with_login};
use super::*;
use crate::config::Password;
use crate::model::reading::{Flavour, Role};

mod real;

async fn ask(cache: CacheConfig) -> Result<Reading, PollError> {
    Connection::open(&cache, &SystemRoots::default())
        .await?
        .info()
        .await
}

/// The kind, and the message with the node's name taken out.
async fn info_from(how: Misbehaviour) -> (PollErrorKind, String) {
    against(how, async |cache| {
        let node = cache.node();
        let error = ask(cache).await.unwrap_err();
        assert!(!error.message.contains('\n'));
        (error.kind, error.message.replace(node.as_str(), "NODE"))
    })
    .await
}

fn say(words: &[u8]) -> Misbehaviour {
    Misbehaviour::Say(words.to_vec())
}

const NOT_ANSWERED: &str = "NODE accepted the connection, but did not answer INFO within 400 ms: is it hung or overloaded?";
const CLOSED: &str = "NODE closed the connection before the answer was complete: see the server's log for the reason";
const TOO_LARGE: &str =
    "NODE answered INFO with more than 8 MiB or 200000 lines: that is no sound answer";

#[tokio::test]
async fn silence_and_half_an_answer_end_at_the_time_out() {
    let expected = (PollErrorKind::ResponseTimeout, NOT_ANSWERED.to_owned());
    assert_eq!(info_from(say(b"")).await, expected);
    assert_eq!(info_from(say(b"$100\r\nrole:master")).await, expected);
    assert_eq!(
        info_from(say(b"$9223372036854775807\r\nabc")).await,
        expected
    );
    assert_eq!(info_from(say(b"*9223372036854775807\r\n")).await, expected);
    assert_eq!(info_from(say(b"=-1\r\n")).await, expected);
    let endless_line = vec![b'+'; 1 << 20];
    assert_eq!(info_from(Misbehaviour::Say(endless_line)).await, expected);
}

#[tokio::test]
async fn a_byte_at_a_time_ends_at_the_time_out_too() {
    let drip = Misbehaviour::Drip(b"$13\r\nrole:master\r\n\r\n".to_vec());
    assert_eq!(
        info_from(drip).await,
        (PollErrorKind::ResponseTimeout, NOT_ANSWERED.to_owned())
    );
}

#[tokio::test]
async fn an_end_in_the_middle_is_a_closed_connection() {
    for words in [
        &b""[..],
        b"$100\r\nrole:master",
        b"$99999999999\r\n",
        b"*3\r\n+a\r\n",
        b"+half a line",
    ] {
        assert_eq!(
            info_from(Misbehaviour::SayAndClose(words.to_vec())).await,
            (PollErrorKind::Closed, CLOSED.to_owned()),
            "{words:?}"
        );
    }
}

#[tokio::test]
async fn a_megabyte_of_garbage_is_told_by_its_first_byte() {
    assert_eq!(
        info_from(Misbehaviour::Say(vec![b'x'; 1 << 20])).await,
        (
            PollErrorKind::Protocol,
            format!(
                "NODE does not answer INFO as a Redis server does (it said \"{}\"): is this the right port?",
                "x".repeat(40)
            )
        )
    );
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        info_from(say(http)).await,
        (
            PollErrorKind::Protocol,
            "NODE does not answer INFO as a Redis server does \
             (it said \"HTTP/1.1 400 Bad Request\\r\\nContent-Length\"): is this the right port?"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn an_answer_without_end_is_cut_by_bytes_and_by_lines() {
    let mut bulk = b"$999999999\r\n".to_vec();
    bulk.resize(MAX_REPLY_BYTES + 1, b'x');
    let mut lines = b"*999999999\r\n".to_vec();
    lines.extend(b"+\r\n".repeat(MAX_REPLY_LINES));
    for words in [bulk, lines] {
        let patient = async |cache| {
            let cache = CacheConfig {
                response_timeout: Duration::from_secs(20),
                ..cache
            };
            ask(cache).await.unwrap_err()
        };
        let error = against(Misbehaviour::Say(words), patient).await;
        assert_eq!(error.kind, PollErrorKind::TooLarge);
        assert!(
            error
                .message
                .ends_with(TOO_LARGE.strip_prefix("NODE").unwrap()),
            "{}",
            error.message
        );
    }
}

#[tokio::test]
async fn answers_of_the_wrong_type_are_said_to_be_so() {
    for (words, why) in [
        (&b":1\r\n"[..], "it answered with a number"),
        (b"*1\r\n+a\r\n", "it answered with an array"),
        (b"$-1\r\n", "it answered with nothing"),
        (b"%1\r\n+a\r\n+b\r\n", "it answered in RESP3, unasked"),
        (
            b"$1\r\na\r\n+more\r\n",
            "it said more than it was asked for",
        ),
        (b":x\r\n", "it said \":x\""),
        (b"+\xff\xfe\r\n", "it said \"+\u{fffd}\u{fffd}\""),
    ] {
        let expected = format!(
            "NODE does not answer INFO as a Redis server does ({why}): is this the right port?"
        );
        assert_eq!(
            info_from(say(words)).await,
            (PollErrorKind::Protocol, expected)
        );
    }
    for words in [
        &b"+PONG\r\n"[..],
        b"$16\r\n<a href=\"x:y\">\r\n\r\n",
        b"$0\r\n\r\n",
    ] {
        assert_eq!(
            info_from(say(words)).await,
            (
                PollErrorKind::Protocol,
                "NODE answered, but not with INFO: is this a Redis server, or something else on its port?"
                    .to_owned()
            )
        );
    }
}

#[tokio::test]
async fn nesting_has_an_end() {
    for opening in [
        &b"*1\r\n"[..],
        b"~1\r\n",
        b"%1\r\n+k\r\n",
        b"|1\r\n+k\r\n",
        b">2\r\n+k\r\n",
    ] {
        let (kind, _) = info_from(Misbehaviour::Say(opening.repeat(10_000))).await;
        assert_eq!(kind, PollErrorKind::Protocol, "{opening:?}");
    }
}

#[tokio::test]
async fn info_need_not_be_utf8_and_may_come_as_resp3_text() {
    let reading = against(say(b"$19\r\nrole:master\r\nx:\xff\xfe\r\n\r\n"), ask)
        .await
        .unwrap();
    assert_eq!(reading.fields.get("x"), Some("\u{fffd}\u{fffd}"));
    let reading = against(say(b"=15\r\ntxt:role:master\r\n"), ask)
        .await
        .unwrap();
    assert_eq!(reading.role, Role::Primary);
}

#[tokio::test]
async fn a_connection_that_lost_step_is_not_used_again() {
    against(say(b"+OK\r\n"), async |cache| {
        let mut c = Connection::open(&cache, &SystemRoots::default())
            .await
            .unwrap();
        assert_eq!(
            c.command(&["PING"]).await,
            Ok(Reply::Status("OK".to_owned()))
        );
        c.set_response_timeout(Duration::from_millis(20));
        let late = c.command(&["PING"]).await.unwrap_err();
        assert_eq!(late.kind, PollErrorKind::ResponseTimeout);
        let after = c.command(&["PING"]).await.unwrap_err();
        assert_eq!(after.kind, PollErrorKind::Closed);
        assert_eq!(c.bytes_read(), 10);
    })
    .await;
}

#[tokio::test]
async fn nobody_listens() {
    let port = closed_port();
    assert_eq!(
        ask(cache(port)).await.unwrap_err(),
        fail(
            PollErrorKind::Refused,
            format!(
                "connection refused by 127.0.0.1:{port}: is the server running, and is this its port?"
            )
        )
    );
}

#[tokio::test]
async fn a_password_file_is_named_when_it_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, " \n").unwrap();
    let binary = folder.path().join("binary");
    std::fs::write(&binary, b"\xff\xfe").unwrap();
    for (file, why) in [
        (
            missing,
            "cannot be read: No such file or directory (os error 2)",
        ),
        (empty, "it is empty"),
        (binary, "it is not UTF-8 text"),
    ] {
        let expected = format!("password_file {}: {why}", file.display());
        let cache = CacheConfig {
            password: Some(Password::File(file)),
            ..cache(closed_port())
        };
        assert_eq!(
            ask(cache).await.unwrap_err(),
            fail(PollErrorKind::Auth, expected)
        );
    }
}

#[tokio::test]
async fn words_that_repeat_the_password_are_not_shown() {
    for (words, shown) in [
        (
            &b"-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n"[..],
            "NODE refuses AUTH: ERR unknown command 'AUTH'",
        ),
        (
            b"-ERR what is hunter2?\r\n",
            "NODE refuses AUTH: its words repeat the password and are not shown",
        ),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cache = cache(listener.local_addr().unwrap().port());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(words).await.unwrap();
            stream
        };
        let (_stream, answer) =
            tokio::join!(server, ask(with_login(cache.clone(), None, "hunter2")));
        let message = answer.unwrap_err().message;
        assert_eq!(message.replace(cache.node().as_str(), "NODE"), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Bytes that look like the protocol, in any order: no panic, and an end.
    #[test]
    fn no_bytes_make_the_reader_panic(
        parts in proptest::collection::vec(
            prop_oneof![
                "[-+:$*_,#!=(%~>|][0-9-]{0,3}\r\n",
                "[-+:$*_,#!=(%~>|]-?[0-9]{1,20}\r\n",
                "[a-z]{0,9}\r\n",
                "\\PC{0,4}",
            ],
            0..30,
        ),
        count in 1_usize..4,
    ) {
        let bytes = parts.concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = Metered::new(bytes.as_bytes());
        if let Ok(answers) = runtime.block_on(read_answers(&mut stream, count, Rest::Ignored)) {
            prop_assert_eq!(answers.len(), count);
        }
    }
}
