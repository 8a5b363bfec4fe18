//! The worker with a channel that plays a script, in paused time.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::*;
use crate::model::incident::Transition;
use crate::model::time::Now;
use crate::notify::testing::log::Log;
use crate::notify::testing::notification;

/// Follows tokio's time, which tests can pause.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let start = Now {
            mono: Duration::ZERO,
            wall: Timestamp::UNIX_EPOCH,
        };
        start.plus(self.0.elapsed())
    }
}

/// One attempt, as the channel saw it.
#[derive(Debug, Clone)]
struct Attempt {
    key: String,
    late: Option<Duration>,
    at: Instant,
}

#[derive(Default)]
struct Scripted {
    outcomes: Mutex<VecDeque<Outcome>>,
    otherwise: Option<Outcome>,
    attempts: Mutex<Vec<Attempt>>,
    pace: Duration,
}

impl Channel for Scripted {
    fn pace(&self) -> Duration {
        self.pace
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        let attempt = Attempt {
            key: letter.key.to_owned(),
            late: letter.late,
            at: Instant::now(),
        };
        self.attempts.lock().unwrap().push(attempt);
        let next = self.outcomes.lock().unwrap().pop_front();
        let outcome = next
            .or(self.otherwise.clone())
            .unwrap_or(Outcome::Delivered);
        Box::pin(std::future::ready(outcome))
    }
}

impl Scripted {
    fn playing(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        Self {
            outcomes: Mutex::new(outcomes.into_iter().collect()),
            ..Self::default()
        }
    }

    fn always(outcome: Outcome) -> Self {
        Self {
            otherwise: Some(outcome),
            ..Self::default()
        }
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
}

/// A worker at work.
struct Bench {
    channel: Arc<Scripted>,
    target: watch::Sender<Target>,
    queue: Arc<Queue>,
    stats: Arc<ChannelStats>,
    stop: CancellationToken,
    hurry: CancellationToken,
    clock: Arc<TokioClock>,
    task: JoinSet<()>,
}

impl Bench {
    fn start(channel: Scripted) -> Self {
        let channel = Arc::new(channel);
        let stats = Arc::new(ChannelStats::default());
        let queue = Arc::new(Queue::new(100, Arc::clone(&stats)));
        let clock = Arc::new(TokioClock(Instant::now()));
        let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
        let (target, receiver) = watch::channel(Target {
            channel: Arc::clone(&channel) as _,
            kind: "scripted",
        });
        let worker = Worker {
            name: ChannelName::new("ops").unwrap(),
            target: receiver,
            queue: Arc::clone(&queue),
            stats: Arc::clone(&stats),
            stop: stop.clone(),
            hurry: hurry.clone(),
            clock: Arc::clone(&clock) as _,
        };
        let mut task = JoinSet::new();
        task.spawn(worker.run());
        Self {
            channel,
            target,
            queue,
            stats,
            stop,
            hurry,
            clock,
            task,
        }
    }

    fn push(&self, incident: &str, transition: Transition) {
        let mut n = notification::miss_firing();
        incident.clone_into(&mut n.incident);
        n.transition = transition;
        self.queue.push(Job {
            notification: Arc::new(n),
            queued: self.clock.now(),
        });
    }

    /// Until all that was pushed has come to its end.
    async fn finish(&mut self) -> Vec<Attempt> {
        self.queue.close();
        self.task.join_next().await.unwrap().unwrap();
        assert_eq!(self.stats.pending.get(), 0);
        self.channel.attempts()
    }

    fn numbers(&self) -> [u64; 4] {
        let s = &self.stats;
        [
            s.delivered.get(),
            s.failed.get(),
            s.dropped.get(),
            s.retried.get(),
        ]
    }
}

fn gaps(attempts: &[Attempt]) -> Vec<Duration> {
    attempts
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn delivers_in_order() {
    let mut bench = Bench::start(Scripted::default());
    for incident in ["a", "b", "c"] {
        bench.push(incident, Transition::Firing);
    }
    let keys: Vec<_> = bench.finish().await.into_iter().map(|a| a.key).collect();
    assert_eq!(keys, ["a/firing/ops", "b/firing/ops", "c/firing/ops"]);
    assert_eq!(bench.numbers(), [3, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn tries_again_with_growing_waits_and_the_same_key() {
    let failures = (0..12).map(|_| Outcome::retry("503"));
    let mut bench = Bench::start(Scripted::playing(failures));
    bench.push("a", Transition::Firing);
    let attempts = bench.finish().await;
    assert_eq!(attempts.len(), 13);
    assert!(attempts.iter().all(|a| a.key == "a/firing/ops"));
    for (nth, gap) in (1..).zip(gaps(&attempts)) {
        assert!(gap >= Duration::from_secs(1), "{nth}: {gap:?}");
        assert!(
            gap <= backoff::wait(nth, 1.0) + Duration::from_millis(2),
            "{nth}: {gap:?}"
        );
    }
    assert_eq!(bench.numbers(), [1, 0, 0, 12]);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_receiver_asks() {
    let after = Duration::from_secs(77);
    let mut bench = Bench::start(Scripted::playing([Outcome::Retry {
        after: Some(after),
        why: "429".into(),
    }]));
    bench.push("a", Transition::Firing);
    let gap = gaps(&bench.finish().await)[0];
    assert!(
        (after..after + Duration::from_secs(1)).contains(&gap),
        "{gap:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_not_repeated_and_holds_up_nothing() {
    let mut bench = Bench::start(Scripted::playing([Outcome::permanent("404")]));
    bench.push("a", Transition::Firing);
    bench.push("b", Transition::Firing);
    let keys: Vec<_> = bench.finish().await.into_iter().map(|a| a.key).collect();
    assert_eq!(keys, ["a/firing/ops", "b/firing/ops"]);
    assert_eq!(bench.numbers(), [1, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_an_hour() {
    let log = Log::collect();
    let mut bench = Bench::start(Scripted::always(Outcome::retry("refused")));
    bench.push("a", Transition::Firing);
    let attempts = bench.finish().await;
    let tried = attempts.last().unwrap().at - attempts[0].at;
    assert!(
        tried <= GIVE_UP_AFTER && tried + backoff::MAX >= GIVE_UP_AFTER,
        "{tried:?}"
    );
    assert_eq!(bench.numbers()[..3], [0, 1, 0]);
    let given_up: Vec<_> = log
        .text()
        .lines()
        .filter(|l| l.contains("ERROR"))
        .map(str::to_owned)
        .collect();
    assert_eq!(given_up.len(), 1, "{given_up:?}");
    assert!(
        given_up[0].contains("given up") && given_up[0].contains("why=\"refused\""),
        "{given_up:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_came_and_went_while_the_receiver_was_away_is_told_late() {
    let away = Outcome::Retry {
        after: Some(Duration::from_mins(10)),
        why: "503".into(),
    };
    let mut bench = Bench::start(Scripted::playing([away]));
    bench.push("a", Transition::Firing);
    tokio::time::sleep(Duration::from_mins(8)).await;
    bench.push("a", Transition::Resolved);
    bench.push("b", Transition::Firing);
    let attempts = bench.finish().await;
    let told: Vec<_> = attempts
        .iter()
        .map(|a| (a.key.as_str(), a.late.map(|l| l.as_secs() / 60)))
        .collect();
    assert_eq!(
        told,
        [
            ("a/firing/ops", None),
            ("a/firing/ops", Some(10)),
            ("a/resolved/ops", Some(2)),
            ("b/firing/ops", Some(2)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn keeps_the_pace_of_the_channel() {
    let pace = Duration::from_secs(1);
    let mut bench = Bench::start(Scripted {
        pace,
        ..Scripted::default()
    });
    for incident in ["a", "b", "c", "d"] {
        bench.push(incident, Transition::Firing);
    }
    let attempts = bench.finish().await;
    assert!(
        gaps(&attempts).iter().all(|gap| *gap >= pace),
        "{attempts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_channel_is_tried_at_once() {
    let away = Outcome::Retry {
        after: Some(Duration::from_mins(10)),
        why: "404".into(),
    };
    let mut bench = Bench::start(Scripted::always(away));
    bench.push("a", Transition::Firing);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let fixed = Arc::new(Scripted::default());
    bench.target.send_replace(Target {
        channel: Arc::clone(&fixed) as _,
        kind: "scripted",
    });
    let before = bench.finish().await;
    assert_eq!((before.len(), fixed.attempts().len()), (1, 1));
    let gap = fixed.attempts()[0].at - before[0].at;
    assert!(gap < Duration::from_secs(6), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn hurry_ends_our_own_waiting_once() {
    let mut bench = Bench::start(Scripted::always(Outcome::retry("503")));
    bench.push("a", Transition::Firing);
    tokio::time::sleep(Duration::from_mins(20)).await;
    let before = bench.channel.attempts().len();
    bench.hurry.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.channel.attempts().len(), before + 1);
    bench.stop.cancel();
    bench.finish().await;
    assert_eq!(bench.numbers()[..3], [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn stopping_counts_what_is_left() {
    let mut bench = Bench::start(Scripted::always(Outcome::retry("503")));
    bench.push("a", Transition::Firing);
    bench.push("b", Transition::Firing);
    tokio::time::sleep(Duration::from_secs(30)).await;
    bench.stop.cancel();
    bench.finish().await;
    assert_eq!(bench.numbers()[..3], [0, 0, 2]);
}
