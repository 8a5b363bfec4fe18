//! The reader against real servers, over their whole life.

use tokio_util::task::TaskTracker;

use super::*;
use crate::collect::redis::events::testing::{self, Peer, Redis, message, until};
use crate::config::{Password, Transport};
use crate::model::events::{EventReport, PerKind};
use crate::model::secret::Secret;
use crate::model::time::SystemClock;

/// A reader at work.
struct Running {
    handle: EventsHandle,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    fn start(config: Arc<CacheConfig>) -> Self {
        let (handle, mut reader) = EventReader::new(config, Arc::new(SystemClock::start()));
        reader.refused_retry = Duration::from_millis(20);
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(reader.run(cancel.clone()));
        Self {
            handle,
            cancel,
            tasks,
        }
    }

    fn report(&self) -> EventReport {
        self.handle.report()
    }

    async fn until(&self, what: &str, mut condition: impl FnMut(&EventReport) -> bool) {
        until(what, || condition(&self.report())).await;
    }

    async fn subscribed(&self, sessions: u64) {
        self.until("subscribed", |report| {
            report.subscription == Subscription::Subscribed && report.sessions == sessions
        })
        .await;
    }

    async fn seen(&self, expired: u64, evicted: u64, keymiss: u64) {
        let all = PerKind {
            expired,
            evicted,
            keymiss,
        };
        self.until(&format!("{all:?}"), |report| report.seen == all)
            .await;
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(5), self.tasks.wait())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn thirteen_misses_are_thirteen_events() {
    let Some(redis) = Redis::start(&[]).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.run(&[
        "GET a",
        "MGET b c d",
        "EXISTS e f",
        "TTL g",
        "TYPE h",
        "STRLEN i",
        "HGET j f",
        "SISMEMBER k m",
        "LRANGE l 0 1",
        "ZSCORE m n",
        "SET x y",
        "GET x",
        "DEL nothing",
    ]);
    reader.seen(0, 0, 13).await;
    assert_eq!(redis.info("keyspace_misses"), 13);
    reader.stop().await;
}

#[tokio::test]
async fn an_expiry_is_an_expiration_and_then_a_miss() {
    let Some(redis) = Redis::start(&[]).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.fill("k", 50, Some(5));
    reader.seen(50, 0, 0).await;
    redis.run(&["GET k:1", "GET k:2"]);
    reader.seen(50, 0, 2).await;
    assert_eq!(redis.info("expired_keys"), 50);
    reader.stop().await;
}

#[tokio::test]
async fn evictions_are_what_the_server_counts() {
    let limits = ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(redis) = Redis::start(&limits).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.fill("k", 20_000, None);
    let evicted = redis.info("evicted_keys");
    assert!(evicted > 10_000, "{evicted}");
    reader.seen(0, evicted, 0).await;
    reader.stop().await;
}

#[tokio::test]
async fn all_databases_are_heard() {
    let Some(redis) = Redis::start(&["--databases", "20"]).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.run(&["GET a", "SELECT 3", "GET a", "GET b", "SELECT 19", "GET a"]);
    reader.seen(0, 0, 4).await;
    reader.stop().await;
}

#[tokio::test]
async fn a_restart_is_a_gap_and_nothing_is_forgotten() {
    let Some(mut redis) = Redis::start(&[]).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.run(&["GET a", "GET b"]);
    reader.seen(0, 0, 2).await;

    redis.kill();
    reader
        .until("lost", |report| {
            matches!(report.subscription, Subscription::Lost(_))
        })
        .await;
    assert_eq!(reader.report().gaps, 1);

    assert!(redis.launch().await);
    reader.subscribed(2).await;
    redis.run(&["GET c"]);
    reader.seen(0, 0, 3).await;
    assert_eq!(reader.report().gaps, 1, "trying in vain is no further gap");
    reader.stop().await;
}

#[tokio::test]
async fn a_killed_client_comes_back() {
    let Some(redis) = Redis::start(&[]).await else {
        return;
    };
    let reader = Running::start(redis.shared_config());
    reader.subscribed(1).await;
    redis.run(&["CLIENT KILL TYPE pubsub"]);
    reader.subscribed(2).await;
    assert_eq!(reader.report().gaps, 1);
    redis.run(&["GET a"]);
    reader.seen(0, 0, 1).await;
    reader.stop().await;
}

#[tokio::test]
async fn a_user_without_the_channels_is_refused_until_the_acl_is_mended() {
    let Some(redis) = Redis::start(&[]).await else {
        return;
    };
    redis.run(&["ACL SETUSER obs on >pw resetkeys resetchannels -@all +info +ping +subscribe"]);
    let reader = Running::start(Arc::new(CacheConfig {
        username: Some("obs".to_owned()),
        password: Some(Password::Inline(Secret::new("pw".to_owned()))),
        ..redis.config()
    }));
    reader
        .until("refused", |report| {
            matches!(&report.subscription, Subscription::Refused(words) if words.starts_with("NOPERM"))
        })
        .await;
    assert_eq!(reader.report().gaps, 0);
    redis.run(&["ACL SETUSER obs &__keyevent@*__:*"]);
    reader.subscribed(1).await;
    redis.run(&["GET a"]);
    reader.seen(0, 0, 1).await;
    reader.stop().await;
}

#[tokio::test]
async fn a_password_is_wanted_and_read_anew_from_its_file() {
    let Some(redis) = Redis::start(&[]).await else {
        return;
    };
    redis.run(&["ACL SETUSER obs on >new ~* &* +@all"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "old\n").unwrap();
    let reader = Running::start(Arc::new(CacheConfig {
        username: Some("obs".to_owned()),
        password: Some(Password::File(path.clone())),
        ..redis.config()
    }));
    reader
        .until("refused", |report| {
            matches!(&report.subscription, Subscription::Refused(words) if words.starts_with("WRONGPASS"))
        })
        .await;
    std::fs::write(&path, "new\n").unwrap();
    reader.subscribed(1).await;
    reader.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_lost_and_no_gap() {
    let Some(mut redis) = Redis::start(&[]).await else {
        return;
    };
    redis.kill();
    let reader = Running::start(redis.shared_config());
    reader
        .until("lost", |report| {
            matches!(report.subscription, Subscription::Lost(_))
        })
        .await;
    assert_eq!((reader.report().gaps, reader.report().sessions), (0, 0));
    reader.stop().await;
}

#[tokio::test]
async fn a_flood_does_not_delay_the_shutdown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peers = TaskTracker::new();
    peers.spawn(async move {
        let mut peer = Peer(listener.accept().await.unwrap().0);
        peer.subscribe().await;
        let flood = message("__keyevent@0__:keymiss", b"user:12345678").repeat(10_000);
        while peer.say(&flood).await {}
    });
    let host = "127.0.0.1".to_owned();
    let transport = Transport::Tcp {
        host,
        port,
        tls: None,
    };
    let reader = Running::start(Arc::new(testing::config(transport)));
    reader
        .until("events flow", |report| report.seen.keymiss > 100_000)
        .await;
    reader.stop().await;
    peers.close();
    peers.wait().await;
}

#[tokio::test]
async fn where_events_are_off_nothing_runs() {
    let nowhere = Transport::Unix {
        path: "/does/not/exist".into(),
    };
    let mut config = testing::config(nowhere);
    config.events = false;
    let (handle, reader) = EventReader::new(Arc::new(config), Arc::new(SystemClock::start()));
    reader.run(CancellationToken::new()).await;
    assert_eq!(handle.report(), EventReport::default());
}

#[test]
fn pauses_grow_up_to_a_bound_and_are_never_zero() {
    for attempt in [0, 1, 5, 31, 32, 64, u32::MAX] {
        let pause = delay(attempt);
        let base = PAUSES
            .0
            .saturating_mul(2_u32.saturating_pow(attempt))
            .min(PAUSES.1);
        assert!(pause >= base / 2 && pause <= base, "{attempt}: {pause:?}");
    }
}
