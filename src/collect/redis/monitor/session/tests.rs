//! Samples of a peer that follows a script, and of a real server under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::collect::redis::events::testing::{Peer, Redis, config, until};
use crate::config::{Password, Transport};
use crate::model::secret::Secret;

#[derive(Debug, Default)]
struct Seen {
    keys: Vec<Vec<u8>>,
    count: u64,
}

impl LookupSink for Seen {
    fn lookup(&mut self, db: u32, key: &[u8]) {
        assert_eq!(db, 0);
        self.count += 1;
        if self.keys.len() < 10_000 {
            self.keys.push(key.to_vec());
        }
    }
}

fn budget(millis: u64, bytes: u64) -> Budget {
    Budget::new(Duration::from_millis(millis), bytes).unwrap()
}

fn cache() -> CacheConfig {
    config(Transport::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 1,
        tls: None,
    })
}

/// Runs a sample on one end of a stream and the script on the other, until both are over.
async fn play(
    cache: &CacheConfig,
    budget: Budget,
    script: impl AsyncFnOnce(&mut Peer<TcpStream>),
) -> (Result<SampleReport, PollError>, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (ours, mut peer) = (ours.unwrap(), Peer(theirs.unwrap().0));
    let mut seen = Seen::default();
    let script = async move {
        script(&mut peer).await;
        drop(peer);
    };
    let (outcome, ()) = tokio::join!(run(ours, cache, budget, &mut seen), script);
    (outcome, seen)
}

/// Answers what comes before MONITOR, and says this to MONITOR.
async fn answer(peer: &mut Peer<TcpStream>, to_monitor: &[u8]) {
    loop {
        match peer.command().await.unwrap()[0].as_str() {
            "AUTH" | "CLIENT" => assert!(peer.say(b"+OK\r\n").await),
            "MONITOR" => break assert!(peer.say(to_monitor).await),
            other => panic!("{other}"),
        }
    }
}

async fn refused_with(words: &str) -> PollError {
    let mut cache = cache();
    cache.username = Some("obs".to_owned());
    let (outcome, _) = play(&cache, Budget::default(), async |peer| {
        answer(peer, words.as_bytes()).await;
    })
    .await;
    outcome.unwrap_err()
}

#[tokio::test]
async fn lines_that_come_with_the_answer_are_counted() {
    let lines =
        "+1.000000 [0 lua] \"MGET\" \"a\" \"b\"\r\n+1.000000 [0 lua] \"SET\" \"c\" \"v\"\r\n+1.0";
    let more = "00001 [0 lua] \"GET\" \"c\"\r\n";
    let (outcome, seen) = play(&cache(), budget(100, 1000), async |peer| {
        answer(peer, format!("+OK\r\n{lines}").as_bytes()).await;
        peer.say(more.as_bytes()).await;
        assert_eq!(
            peer.command().await,
            None,
            "it hangs up and says nothing more"
        );
    })
    .await;
    let report = outcome.unwrap();
    assert_eq!((report.lines, report.lookups, report.malformed), (3, 3, 0));
    assert_eq!(report.bytes, (lines.len() + more.len()) as u64);
    assert_eq!(report.cut_by, CutBy::Time);
    assert!(report.spent >= Duration::from_millis(100));
    assert!(report.covered <= report.spent);
    assert_eq!(seen.keys, [b"a", b"b", b"c"]);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_when_the_time_is_over() {
    let (outcome, seen) = play(&cache(), budget(50, 1000), async |peer| {
        answer(peer, b"+OK\r\n").await;
        assert_eq!(peer.command().await, None);
    })
    .await;
    let report = outcome.unwrap();
    assert_eq!((report.lines, report.bytes, seen.count), (0, 0, 0));
    assert_eq!(report.cut_by, CutBy::Time);
    assert!(report.covered >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_flood_is_cut_at_the_bytes() {
    let (outcome, seen) = play(&cache(), budget(2000, 100_000), async |peer| {
        answer(peer, b"+OK\r\n").await;
        let flood = b"+7.000000 [0 lua] \"GET\" \"k\"\r\n".repeat(10_000);
        while peer.say(&flood).await {}
    })
    .await;
    let report = outcome.unwrap();
    assert_eq!((report.bytes, report.cut_by), (100_000, CutBy::Bytes));
    assert_eq!(report.lines, 100_000 / 29);
    assert_eq!(report.lookups, seen.count);
    assert!(report.spent < Duration::from_secs(2));
    // All of it happened in the same microsecond by the server's clock.
    assert!(report.covered <= report.spent);
}

#[tokio::test]
async fn a_flood_ends_in_time_too() {
    let (outcome, _) = play(&cache(), budget(20, Budget::MAX_BYTES), async |peer| {
        answer(peer, b"+OK\r\n").await;
        // The socket is never empty, so that no read ever has to wait.
        let flood = b"+7.000000 [0 lua] \"GET\" \"k\"\r\n".repeat(10_000);
        while peer.say(&flood).await {}
    })
    .await;
    let report = outcome.unwrap();
    assert_eq!(report.cut_by, CutBy::Time);
    assert!(report.lines > 1000, "{report:?}");
    assert!(report.spent < Duration::from_secs(1), "{report:?}");
}

#[tokio::test]
async fn nonsense_is_an_error() {
    let (outcome, seen) = play(&cache(), budget(50, 10_000), async |peer| {
        answer(peer, b"+OK\r\n").await;
        while peer.say(&[b'x'; 4096]).await {}
    })
    .await;
    assert_eq!(outcome.unwrap_err().kind, PollErrorKind::Protocol);
    assert_eq!(seen.count, 0);
}

#[tokio::test]
async fn reading_that_lags_behind_covers_less() {
    // We hear of the second one 50 ms after the first, but it happened 1 ms after it.
    let first = "+5.000000 [0 lua] \"GET\" \"k\"\r\n";
    let second = "+5.001000 [0 lua] \"GET\" \"k\"\r\n";
    let bytes = (first.len() + second.len()) as u64;
    let (outcome, _) = play(&cache(), budget(2000, bytes), async |peer| {
        answer(peer, format!("+OK\r\n{first}").as_bytes()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        peer.say(second.as_bytes()).await;
        assert_eq!(peer.command().await, None);
    })
    .await;
    let report = outcome.unwrap();
    assert_eq!((report.lines, report.cut_by), (2, CutBy::Bytes));
    assert!(report.spent >= Duration::from_millis(50));
    assert_eq!(report.covered, Duration::from_millis(1));
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let cases = [
        (
            "-NOPERM User obs has no permissions to run the 'monitor' command\r\n",
            PollErrorKind::Denied,
            "127.0.0.1:1 does not let user obs run MONITOR: allow it with `ACL SETUSER obs +monitor`, or switch off sampling.monitor",
        ),
        (
            "-NOAUTH Authentication required.\r\n",
            PollErrorKind::Auth,
            "127.0.0.1:1 refused MONITOR: NOAUTH Authentication required.",
        ),
        (
            "-LOADING Redis is loading the dataset in memory\r\n",
            PollErrorKind::Loading,
            "127.0.0.1:1 refused MONITOR: LOADING Redis is loading the dataset in memory",
        ),
        (
            "-ERR unknown command 'MONITOR'\r\n",
            PollErrorKind::Server,
            "127.0.0.1:1 refused MONITOR: ERR unknown command 'MONITOR'; this server has no MONITOR, so switch off sampling.monitor",
        ),
        (
            "$5\r\nhello\r\n",
            PollErrorKind::Protocol,
            "127.0.0.1:1 does not speak the Redis protocol: the answer to MONITOR is neither OK nor an error; is this the port of a Redis server?",
        ),
    ];
    for (words, kind, message) in cases {
        assert_eq!(refused_with(words).await, fail(kind, message));
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_or_hangs_is_an_error() {
    let mut cache = cache();
    let (outcome, _) = play(&cache, Budget::default(), async |peer| {
        answer(peer, b"+OK\r\n+1.000000 [0 lua] \"GET\" \"k\"\r\n").await;
    })
    .await;
    assert_eq!(outcome.unwrap_err().kind, PollErrorKind::Closed);

    let endless = "x".repeat(10_000);
    assert_eq!(refused_with(&endless).await.kind, PollErrorKind::Protocol);

    cache.response_timeout = Duration::from_millis(50);
    let (outcome, _) = play(&cache, Budget::default(), async |peer| {
        while peer.command().await.is_some() {}
    })
    .await;
    assert_eq!(outcome.unwrap_err().kind, PollErrorKind::ResponseTimeout);
}

#[tokio::test]
async fn the_password_is_sent_and_not_repeated() {
    let mut cache = cache();
    cache.password = Some(Password::Inline(Secret::new("hunter2".to_owned())));
    let (outcome, _) = play(&cache, Budget::default(), async |peer| {
        assert_eq!(peer.command().await.unwrap(), ["AUTH", "hunter2"]);
        peer.say(b"-WRONGPASS hunter2 is wrong\r\n").await;
    })
    .await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, PollErrorKind::Auth);
    assert!(!error.message.contains("hunter2"), "{error}");

    cache.password = Some(Password::File("/does/not/exist".into()));
    let (outcome, _) = play(&cache, Budget::default(), async |_| {}).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, PollErrorKind::Auth);
    assert!(error.message.contains("/does/not/exist"), "{error}");
}

#[tokio::test]
async fn a_real_server_says_who_may_not() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    server.run(&["ACL SETUSER obs on >pw ~* +@all -monitor"]);
    let mut cache = server.config();
    cache.username = Some("obs".to_owned());
    cache.password = Some(Password::Inline(Secret::new("pw".to_owned())));
    let roots = SystemRoots::default();
    let budget = budget(50, 1 << 20);
    let denied = sample(&cache, &roots, budget, &mut Seen::default()).await;
    let denied = denied.unwrap_err();
    assert_eq!(denied.kind, PollErrorKind::Denied);
    // What it says to do is enough.
    let advice = denied.message.split('`').nth(1).unwrap();
    server.run(&[advice, "ACL SETUSER obs -client -hello"]);
    let report = sample(&cache, &roots, budget, &mut Seen::default()).await;
    assert_eq!(report.unwrap().malformed, 0);

    cache.password = Some(Password::Inline(Secret::new("wrong".to_owned())));
    let error = sample(&cache, &roots, budget, &mut Seen::default()).await;
    assert_eq!(error.unwrap_err().kind, PollErrorKind::Auth);
}

/// Reads and writes on several connections until told to stop.
fn load(server: &Redis, stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<()>> {
    let work = |client: redis::Client, stop: Arc<AtomicBool>| {
        let mut connection = client.get_connection().unwrap();
        let value = "secret-value \"quoted\" \\ GET \r\n".repeat(20);
        while !stop.load(Ordering::Relaxed) {
            let mut pipe = redis::pipe();
            for n in 0..20 {
                let key = format!("user:{n}");
                pipe.cmd("SET").arg(&key).arg(&value).ignore();
                pipe.cmd("GET").arg(&key).ignore();
                pipe.cmd("SET").arg(&key).arg(&value).arg("GET").ignore();
                pipe.cmd("MGET").arg(&key).arg("user:none").ignore();
                pipe.cmd("EVAL")
                    .arg("return redis.call('GET', KEYS[1])")
                    .arg(1)
                    .arg(&key)
                    .ignore();
            }
            pipe.query::<()>(&mut connection).unwrap();
        }
    };
    (0..2)
        .map(|_| {
            let (client, stop) = (server.client(), Arc::clone(stop));
            std::thread::spawn(move || work(client, stop))
        })
        .collect()
}

fn monitors(server: &Redis) -> usize {
    let redis::Value::BulkString(list) = server.run(&["CLIENT LIST"]) else {
        panic!();
    };
    let list = String::from_utf8(list).unwrap();
    list.matches("cmd=monitor").count()
}

#[tokio::test]
async fn a_real_server_under_load_is_sampled_and_then_left_alone() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let stop = Arc::new(AtomicBool::new(false));
    let threads = load(&server, &stop);
    until("there is a load", || server.info("keyspace_hits") > 1000).await;
    let roots = SystemRoots::default();
    let config = server.config();
    for (budget, cut_by) in [
        (budget(100, Budget::MAX_BYTES), CutBy::Time),
        (budget(2000, 300_000), CutBy::Bytes),
    ] {
        let lookups = || server.info("keyspace_hits") + server.info("keyspace_misses");
        let before = lookups();
        let mut seen = Seen::default();
        let report = sample(&config, &roots, budget, &mut seen).await.unwrap();
        let after = lookups();
        assert_eq!(report.cut_by, cut_by, "{report:?}");
        assert_eq!((report.malformed, report.lookups_left_out), (0, 0));
        assert_eq!(report.lookups, seen.count);
        assert!(report.lookups > 100, "{report:?}");
        assert!(report.lookups <= after - before, "no more than there were");
        // Of a pipeline, 5 lookups come with 6 commands.
        let ratio = report.lookups as f64 / report.lines as f64;
        assert!((ratio - 5.0 / 6.0).abs() < 0.02, "{ratio}");
        for key in &seen.keys {
            assert!(
                key.starts_with(b"user:") && key.len() <= 9,
                "{}",
                key.escape_ascii()
            );
        }
        until("the server has noticed", || monitors(&server) == 0).await;
    }
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn dropping_a_sample_ends_it_on_the_server() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let config = server.config();
    let roots = SystemRoots::default();
    let mut seen = Seen::default();
    {
        let sample = sample(&config, &roots, budget(2000, 1 << 20), &mut seen);
        tokio::pin!(sample);
        let watched = until("it is in monitor mode", || monitors(&server) == 1);
        tokio::select! {
            report = &mut sample => panic!("{report:?}"),
            () = watched => {}
        }
    }
    until("the server has noticed", || monitors(&server) == 0).await;
}
