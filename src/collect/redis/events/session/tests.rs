//! Sessions against a peer that follows a script: what they count, and how they end. How they begin is in `beginning`.

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::collect::redis::events::tally::{Counting, EventsHandle};
use crate::collect::redis::events::testing::{Peer, config, message};
use crate::config::Transport;
use crate::model::events::{EventReport, PerKind, Subscription};

mod beginning;

const MISS: &str = "__keyevent@0__:keymiss";
const LONG: Timing = Timing {
    idle: Duration::from_secs(20),
    response: Duration::from_secs(20),
};

fn cache() -> CacheConfig {
    config(Transport::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 1,
        tls: None,
    })
}

/// Runs a session on one end of a stream and the script on the other, until both are over.
async fn play<S, T>(
    ours: S,
    theirs: T,
    cache: &CacheConfig,
    timing: Timing,
    script: impl AsyncFnOnce(&mut Peer<T>),
) -> (Ended, EventReport)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let tally = std::sync::Arc::new(Tally::new(
        cache.name.clone(),
        cache.node(),
        Subscription::Connecting,
        None,
        std::sync::Arc::new(crate::model::time::SystemClock::start()),
    ));
    let mut sink = Counting::new(&tally);
    let mut peer = Peer(theirs);
    let script = async move {
        script(&mut peer).await;
        drop(peer);
    };
    let (ended, ()) = tokio::join!(
        run(ours, cache, timing, Hello::Untried, &tally, &mut sink),
        script
    );
    (ended, EventsHandle(tally).report())
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

async fn play_tcp(
    timing: Timing,
    script: impl AsyncFnOnce(&mut Peer<TcpStream>),
) -> (Ended, EventReport) {
    let (ours, theirs) = tcp().await;
    play(ours, theirs, &cache(), timing, script).await
}

fn words(ended: &Ended) -> String {
    ended.why.clone().words()
}

fn is_refused(ended: &Ended) -> bool {
    matches!(ended.why, End::Refused(_))
}

#[tokio::test]
async fn events_are_counted_by_kind_also_byte_by_byte() {
    for size in [1, 2, 3, 7, 4096] {
        let ((our_read, their_write), (their_read, our_write)) =
            (tokio::io::simplex(size), tokio::io::simplex(4096));
        let ours = tokio::io::join(our_read, our_write);
        let theirs = tokio::io::join(their_read, their_write);
        let (ended, report) = play(ours, theirs, &cache(), LONG, async |peer| {
            peer.subscribe().await;
            for key in [
                &b"user:1"[..],
                b"",
                b"\xff\r\n\0",
                b"*3\r\n$7\r\nmessage\r\n",
            ] {
                peer.say(&message(MISS, key)).await;
            }
            peer.say(&message("__keyevent@7__:expired", b"k")).await;
            peer.say(&message("__keyevent@0__:evicted", b"k")).await;
            peer.say(&message("__keyevent@0__:set", b"k")).await;
            peer.say(&message("other", b"k")).await;
            peer.0.shutdown().await.unwrap();
        })
        .await;
        assert_eq!(
            report.seen,
            PerKind {
                expired: 1,
                evicted: 1,
                keymiss: 4
            },
            "size {size}"
        );
        assert_eq!((report.sessions, report.keys_cut), (1, 0));
        assert!(ended.subscribed.is_some());
        assert!(
            words(&ended).starts_with("the server closed the connection:"),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_and_then_given_up() {
    let timing = Timing {
        idle: Duration::from_millis(20),
        response: Duration::from_millis(300),
    };
    let (ended, report) = play_tcp(timing, async |peer| {
        peer.subscribe().await;
        // It answers twice: as a subscribed connection does in RESP2, and as an ACL without PING does.
        for answer in [
            &b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"[..],
            b"-NOPERM no ping\r\n",
        ] {
            assert_eq!(peer.command().await.unwrap(), ["PING"]);
            peer.say(answer).await;
        }
        assert_eq!(peer.command().await.unwrap(), ["PING"]);
        // Then never again, without closing.
        assert_eq!(peer.command().await, None);
    })
    .await;
    assert_eq!(
        ended.why,
        End::Silent("silent: no answer within 300ms".to_owned())
    );
    assert!(ended.subscribed.is_some());
    assert_eq!(report.sessions, 1);
}

#[tokio::test]
async fn a_server_that_never_acknowledges_is_given_up_whatever_else_it_says() {
    let timing = Timing {
        idle: Duration::from_secs(20),
        response: Duration::from_millis(100),
    };
    let (ended, report) = play_tcp(timing, async |peer| {
        peer.log_in("*0\r\n").await;
        while peer.say(&message(MISS, b"k")).await {}
    })
    .await;
    assert_eq!(
        ended.why,
        End::Silent("silent: no answer within 100ms".to_owned())
    );
    assert_eq!((ended.subscribed, report.sessions), (None, 0));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_message_is_told_and_the_message_not_counted() {
    let (ended, report) = play_tcp(LONG, async |peer| {
        peer.subscribe().await;
        let bytes = [message(MISS, b"whole"), message(MISS, b"half")].concat();
        peer.say(&bytes[..bytes.len() - 4]).await;
    })
    .await;
    assert!(
        words(&ended).ends_with("in the middle of a message"),
        "{ended:?}"
    );
    assert_eq!(report.seen.keymiss, 1);
}

#[tokio::test]
async fn a_key_of_100_mb_is_counted_once_and_what_follows_too() {
    const KEY: usize = 100_000_000;
    let (ended, report) = play_tcp(LONG, async |peer| {
        peer.subscribe().await;
        let head = format!(
            "*3\r\n$7\r\nmessage\r\n${}\r\n{MISS}\r\n${KEY}\r\n",
            MISS.len()
        );
        peer.say(head.as_bytes()).await;
        let chunk = vec![b'k'; KEY / 100];
        for _ in 0..100 {
            peer.say(&chunk).await;
        }
        peer.say(b"\r\n").await;
        peer.say(&message(MISS, b"next")).await;
    })
    .await;
    assert_eq!((report.seen.keymiss, report.keys_cut), (2, 1));
    assert!(
        words(&ended).starts_with("the server closed the connection:"),
        "{ended:?}"
    );
    assert!(report.bytes > 100_000_000);
}

#[tokio::test]
async fn who_speaks_something_else_is_told_so() {
    let (ended, _) = play_tcp(LONG, async |peer| {
        peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        while peer.command().await.is_some() {}
    })
    .await;
    assert_eq!(
        words(&ended),
        "the server does not speak the Redis protocol: unexpected byte 0x48 where a value should begin"
    );
}

#[tokio::test]
async fn an_unsubscription_that_nobody_asked_for_ends_the_session() {
    let (ended, _) = play_tcp(LONG, async |peer| {
        peer.subscribe().await;
        peer.say(
            format!(
                "*3\r\n$11\r\nunsubscribe\r\n${}\r\n{MISS}\r\n:2\r\n",
                MISS.len()
            )
            .as_bytes(),
        )
        .await;
        while peer.command().await.is_some() {}
    })
    .await;
    assert_eq!(words(&ended), "the server ended the subscription");
}

/// Deletions are asked for with a second SUBSCRIBE: refused or not, the session works, and what is told is counted.
#[tokio::test]
async fn deletions_may_be_refused_and_nothing_else_suffers() {
    for refused in [true, false] {
        let mut wanted = cache();
        wanted.attribution.deletions = true;
        let (ours, theirs) = tcp().await;
        let (ended, report) = play(ours, theirs, &wanted, LONG, async |peer| {
            peer.subscribe().await;
            let more = peer.command().await.unwrap();
            assert_eq!(
                more,
                [
                    "SUBSCRIBE",
                    "__keyevent@0__:del",
                    "__keyevent@0__:rename_from",
                    "__keyevent@0__:move_from"
                ]
            );
            if refused {
                peer.say(b"-NOPERM No permissions to access a channel\r\n")
                    .await;
            } else {
                for channel in more.iter().skip(1) {
                    let ack = format!(
                        "*3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:4\r\n",
                        channel.len()
                    );
                    peer.say(ack.as_bytes()).await;
                    peer.say(&message(channel, b"k")).await;
                }
            }
            peer.say(&message(MISS, b"k")).await;
            peer.0.shutdown().await.unwrap();
        })
        .await;
        assert!(ended.subscribed.is_some(), "{ended:?}");
        assert_eq!((report.sessions, report.seen.keymiss), (1, 1));
        assert_eq!(report.deleted, if refused { 0 } else { 3 });
    }
}
