//! How a session begins: login, the protocol, and what it subscribes to.

use super::*;
use crate::config::Password;
use crate::model::secret::Secret;

#[tokio::test]
async fn it_subscribes_to_every_channel_of_every_database_it_is_told_of() {
    for (answer, databases) in [
        ("*2\r\n$9\r\ndatabases\r\n$1\r\n4\r\n", 4),
        ("*2\r\n$9\r\ndatabases\r\n$4\r\n1000\r\n", 64),
        ("*2\r\n$9\r\ndatabases\r\n$1\r\n0\r\n", 1),
        (
            "-NOPERM this user has no permissions to run the 'config|get' command\r\n",
            16,
        ),
        ("*0\r\n", 16),
    ] {
        let (_, report) = play_tcp(LONG, async |peer| {
            let channels = peer.log_in(answer).await;
            assert_eq!(channels.len(), databases * 3);
            assert!(channels.contains(&format!("__keyevent@{}__:expired", databases - 1)));
        })
        .await;
        assert_eq!(report.subscription, Subscription::Connecting);
        assert_eq!(report.sessions, 0);
    }
}

#[tokio::test]
async fn user_and_password_are_sent_and_a_refusal_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "s3cret \n\n").unwrap();
    let inline = || Some(Password::Inline(Secret::new("s3cret".to_owned())));
    let cases = [
        (Some("obs"), inline(), vec!["AUTH", "obs", "s3cret"]),
        (None, inline(), vec!["AUTH", "s3cret"]),
        (
            Some("obs"),
            Some(Password::File(path)),
            vec!["AUTH", "obs", "s3cret"],
        ),
        (Some("obs"), None, vec!["AUTH", "obs", ""]),
    ];
    for (username, password, expected) in cases {
        let (ours, theirs) = tcp().await;
        let cache = CacheConfig {
            username: username.map(str::to_owned),
            password,
            ..cache()
        };
        let (ended, _) = play(ours, theirs, &cache, LONG, async |peer| {
            assert_eq!(peer.command().await.unwrap(), expected);
            peer.say(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
                .await;
        })
        .await;
        assert!(is_refused(&ended), "{ended:?}");
        assert!(words(&ended).starts_with("WRONGPASS"));
        assert_eq!(ended.subscribed, None);
    }
}

#[tokio::test]
async fn a_password_file_that_cannot_be_read_is_named() {
    let (ours, theirs) = tcp().await;
    let password = Some(Password::File("/does/not/exist".into()));
    let cache = CacheConfig {
        password,
        ..cache()
    };
    let (ended, _) = play(ours, theirs, &cache, LONG, async |_| {}).await;
    assert!(words(&ended).starts_with("cannot read the password file /does/not/exist: "));
}

#[tokio::test]
async fn an_error_in_answer_to_subscribe_is_a_refusal_or_a_loss() {
    let cases = [
        ("NOPERM No permissions to access a channel", true),
        ("NOAUTH Authentication required.", true),
        ("ERR unknown command 'SUBSCRIBE'", true),
        ("LOADING Redis is loading the dataset in memory", false),
    ];
    for (error, refused) in cases {
        let (ended, _) = play_tcp(LONG, async |peer| {
            peer.log_in("*0\r\n").await;
            peer.say(format!("-{error}\r\n").as_bytes()).await;
        })
        .await;
        assert_eq!(is_refused(&ended), refused, "{ended:?}");
        assert_eq!(words(&ended), error);
        assert_eq!(ended.subscribed, None);
    }
}

/// Where HELLO is granted, everything else comes as pushes.
#[tokio::test]
async fn resp3_is_spoken_where_the_server_has_it() {
    let (ended, report) = play_tcp(LONG, async |peer| {
        for expected in ["CLIENT", "CONFIG"] {
            assert_eq!(peer.command().await.unwrap()[0], expected);
        }
        assert_eq!(peer.command().await.unwrap(), ["HELLO", "3"]);
        peer.say(b"+OK\r\n*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n%2\r\n$5\r\nproto\r\n:3\r\n$7\r\nmodules\r\n*1\r\n%1\r\n+a\r\n:1\r\n")
            .await;
        let channels = peer.command().await.unwrap().split_off(1);
        for (channel, n) in channels.iter().zip(1..) {
            let ack = format!(">3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:{n}\r\n", channel.len());
            peer.say(ack.as_bytes()).await;
        }
        let mut pushed = message(MISS, b"k");
        pushed[0] = b'>';
        peer.say(&pushed.repeat(3)).await;
        peer.0.shutdown().await.unwrap();
    })
    .await;
    assert_eq!((report.sessions, report.seen.keymiss), (1, 3));
    assert!(ended.subscribed.is_some() && !ended.over_hello, "{ended:?}");
}

/// Something in between that closes the connection over HELLO: the next session does without.
#[tokio::test]
async fn a_connection_that_ends_over_hello_is_told() {
    let (ended, _) = play_tcp(LONG, async |peer| {
        for _ in 0..3 {
            peer.command().await.unwrap();
        }
        peer.say(b"+OK\r\n*0\r\n").await;
    })
    .await;
    assert!(ended.over_hello && ended.subscribed.is_none(), "{ended:?}");
}
