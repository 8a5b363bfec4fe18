//! Sessions with servers that hang, come and go, and forbid, as the receiver of reports sees them.

use super::super::testing::{Misbehaviour, RealServer, against, cache, closed_port, with_login};
use super::*;
use crate::collect::redis::events::EventReader;
use crate::model::time::SystemClock;

/// A poller, and what a test needs to watch it.
struct Watched {
    reports: mpsc::Receiver<PollReport>,
    cancel: CancellationToken,
    dropped: Arc<Counter>,
}

/// Runs a poller beside `test`, and gives what the test gives.
async fn watch<T>(cfg: CacheConfig, queue: usize, test: impl AsyncFnOnce(&mut Watched) -> T) -> T {
    let (tx, reports) = mpsc::channel(queue);
    let mut watched = Watched {
        reports,
        cancel: CancellationToken::new(),
        dropped: Arc::default(),
    };
    let cfg = Arc::new(cfg);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (events, _reader) = EventReader::new(Arc::clone(&cfg), Arc::clone(&clock));
    let poller = run(
        cfg,
        events,
        tx,
        clock,
        watched.cancel.clone(),
        Arc::clone(&watched.dropped),
    );
    let test = async {
        let out = test(&mut watched).await;
        watched.cancel.cancel();
        out
    };
    let limited = tokio::time::timeout(Duration::from_secs(30), test);
    let (out, ()) = tokio::join!(limited, poller);
    out.expect("the poller reports in time")
}

impl Watched {
    async fn next(&mut self) -> PollReport {
        self.reports.recv().await.expect("the poller runs")
    }

    async fn kind(&mut self) -> PollErrorKind {
        self.next().await.outcome.unwrap_err().kind
    }

    /// The next report that fits; others may come before it.
    async fn until(&mut self, fits: impl Fn(&PollReport) -> bool) -> PollReport {
        loop {
            let report = self.next().await;
            if fits(&report) {
                return report;
            }
        }
    }
}

fn every(interval: Duration, cfg: CacheConfig) -> CacheConfig {
    CacheConfig {
        poll_interval: interval,
        ..cfg
    }
}

/// For polls that fail at once.
const OFTEN: Duration = Duration::from_millis(100);
/// For polls that must succeed: an attempt may not take longer, also on a machine that is busy.
const CALM: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_server_that_hangs_is_reported_within_an_interval_per_attempt() {
    against(Misbehaviour::Say(Vec::new()), async |cfg| {
        let patient = CacheConfig {
            connect_timeout: Duration::from_mins(1),
            response_timeout: Duration::from_mins(1),
            ..every(Duration::from_millis(300), cfg)
        };
        watch(patient, 8, async |w| {
            for _ in 0..2 {
                let report = w.next().await;
                assert!(
                    report.took < Duration::from_millis(600),
                    "{:?}",
                    report.took
                );
                let error = report.outcome.unwrap_err();
                assert_eq!(error.kind, PollErrorKind::ResponseTimeout);
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_healthy_server_is_polled_on_one_connection_and_asked_for_its_flags() {
    let Some(server) = RealServer::start(&["--notify-keyspace-events", "xE"]).await else {
        return;
    };
    watch(every(CALM, server.cache()), 8, async |w| {
        let mut connections = Vec::new();
        for _ in 0..3 {
            let report = w.next().await;
            assert_eq!(report.notify, NotifyFlags::Found("xE".to_owned()));
            connections.push(report.outcome.unwrap().counters.connections);
        }
        assert_eq!(connections[0], connections[2]);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_is_seen_to_do_both() {
    let Some(mut server) = RealServer::start(&[]).await else {
        return;
    };
    let port = server.port();
    watch(every(CALM, server.cache()), 8, async |w| {
        let first = w.until(|r| r.outcome.is_ok()).await.outcome.unwrap();
        server.kill();
        let gone = w.until(|r| r.outcome.is_err()).await.outcome.unwrap_err();
        assert_eq!(gone.kind, PollErrorKind::Refused);
        let again = RealServer::start_on(port, &[]).await.unwrap();
        assert!(again.is_some(), "the port is free again");
        let second = w.until(|r| r.outcome.is_ok()).await.outcome.unwrap();
        assert_ne!(first.identity.run_id, second.identity.run_id);
    })
    .await;
}

#[tokio::test]
async fn what_the_acl_forbids_is_said_and_a_refused_config_get_is_no_failure() {
    let Some(server) = RealServer::start(&[
        "--user",
        "watcher",
        "on",
        ">pw",
        "resetchannels",
        "-@all",
        "+info",
    ])
    .await
    else {
        return;
    };
    let cfg = with_login(server.cache(), Some("watcher"), "pw");
    watch(every(CALM, cfg), 8, async |w| {
        for _ in 0..2 {
            let report = w.next().await;
            assert_eq!(report.outcome.err(), None);
            let NotifyFlags::Refused(words) = report.notify else {
                panic!("{:?}", report.notify);
            };
            assert!(words.contains("ACL SETUSER watcher +config|get"), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_at_config_get_is_asked_once_and_its_readings_count() {
    let script = |question: &str| -> &'static [u8] {
        if question.contains("INFO") {
            b"$11\r\nrole:master\r\n"
        } else {
            b""
        }
    };
    against(Misbehaviour::Script(script), async |cfg| {
        watch(every(CALM, cfg), 8, async |w| {
            for _ in 0..3 {
                let report = w.next().await;
                assert!(report.outcome.is_ok());
                assert!(matches!(report.notify, NotifyFlags::Refused(_)));
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_closed_between_two_polls_is_made_again_without_a_failure() {
    let info = b"$11\r\nrole:master\r\n".to_vec();
    against(Misbehaviour::SayAndClose(info), async |cfg| {
        watch(every(CALM, cfg), 8, async |w| {
            for _ in 0..4 {
                assert!(w.next().await.outcome.is_ok());
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn every_failure_is_reported_and_the_next_attempt_connects_anew() {
    against(Misbehaviour::Say(b"+PONG\r\n".to_vec()), async |cfg| {
        watch(every(CALM, cfg), 8, async |w| {
            assert_eq!(w.kind().await, PollErrorKind::Protocol);
            assert_eq!(w.kind().await, PollErrorKind::Protocol);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_costs_reports_not_polls() {
    watch(every(OFTEN, cache(closed_port())), 1, async |w| {
        while w.dropped.get() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(w.kind().await, PollErrorKind::Refused);
    })
    .await;
}

#[tokio::test]
async fn it_ends_when_nobody_listens() {
    let (tx, reports) = mpsc::channel(1);
    drop(reports);
    let poller = run(
        Arc::new(every(OFTEN, cache(closed_port()))),
        EventReader::new(
            Arc::new(super::super::testing::cache(1)),
            Arc::new(SystemClock::start()),
        )
        .0,
        tx,
        Arc::new(SystemClock::start()),
        CancellationToken::new(),
        Arc::default(),
    );
    tokio::time::timeout(Duration::from_secs(10), poller)
        .await
        .expect("it ends by itself");
}

#[test]
fn a_poller_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (tx, _reports) = mpsc::channel(1);
    is_send(&run(
        Arc::new(cache(1)),
        EventReader::new(
            Arc::new(super::super::testing::cache(1)),
            Arc::new(SystemClock::start()),
        )
        .0,
        tx,
        Arc::new(SystemClock::start()),
        CancellationToken::new(),
        Arc::default(),
    ));
}
