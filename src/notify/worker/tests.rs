//! The worker with a channel that plays a script, in paused time.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use super::*;
use crate::config::{ChannelKind, Routing};
use crate::model::incident::{Notification, Severity, Transition};
use crate::model::name::Name;
use crate::model::secret::Secret;
use crate::model::time::Now;
use crate::notify::letter::{Angle, Delay, Late, Letter};
use crate::notify::outcome::Outcome;
use crate::notify::testing::notification;
use crate::notify::testing::outbox::MemoryOutbox;

mod failing;
mod gathering;
mod history;

/// Follows tokio's time, which tests can pause.
pub(super) struct TokioClock {
    start: Instant,
    /// By how much the wall clock was moved, in seconds.
    moved: std::sync::atomic::AtomicI64,
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let moved = self.moved.load(std::sync::atomic::Ordering::Relaxed);
        let start = Now {
            mono: Duration::ZERO,
            wall: Timestamp::from_second(1_700_000_000 + moved).unwrap(),
        };
        start.plus(self.start.elapsed())
    }
}

/// One attempt, as the channel saw it.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    key: String,
    /// `+a` or `-a` for each notification.
    told: String,
    late: Option<Late>,
    /// What there was to tell of the first.
    angle: Angle,
    at: Instant,
    outcome: Outcome,
}

/// A channel that plays a script.
#[derive(Default)]
pub(super) struct Scripted {
    outcomes: Mutex<VecDeque<(Outcome, Option<u16>)>>,
    otherwise: Mutex<Option<(Outcome, Option<u16>)>>,
    tried: Mutex<Vec<Tried>>,
    pace: Duration,
    digests: bool,
    resend: Option<Duration>,
    hangs: bool,
}

fn sign(n: &Notification) -> String {
    let sign = match n.transition {
        Transition::Firing => '+',
        Transition::Resolved => '-',
    };
    format!("{sign}{}", n.incident)
}

impl Channel for Scripted {
    fn pace(&self) -> Duration {
        self.pace
    }

    fn takes_digests(&self) -> bool {
        self.digests
    }

    fn resend_every(&self) -> Option<Duration> {
        self.resend
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        let next = self.outcomes.lock().unwrap().pop_front();
        let (outcome, code) = next
            .or_else(|| self.otherwise.lock().unwrap().clone())
            .unwrap_or((Outcome::Delivered, Some(200)));
        if let Some(code) = code {
            letter.trace.answered(code);
        }
        let told: Vec<_> = letter.notifications().map(|n| sign(n)).collect();
        self.tried.lock().unwrap().push(Tried {
            key: letter.key.to_owned(),
            told: told.join(" "),
            late: letter.late,
            angle: letter.parts[0].angle,
            at: Instant::now(),
            outcome: outcome.clone(),
        });
        if self.hangs {
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(outcome))
    }
}

impl Scripted {
    fn playing(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let outcomes = outcomes.into_iter().map(|o| (o, None)).collect();
        Self {
            outcomes: Mutex::new(outcomes),
            ..Self::default()
        }
    }

    fn always(outcome: Outcome) -> Self {
        let this = Self::default();
        this.becomes(outcome, None);
        this
    }

    /// From now on it answers this.
    fn becomes(&self, outcome: Outcome, code: Option<u16>) {
        *self.otherwise.lock().unwrap() = Some((outcome, code));
    }

    fn tried(&self) -> Vec<Tried> {
        self.tried.lock().unwrap().clone()
    }

    /// What was told by the attempts that arrived, one text each.
    fn told(&self) -> Vec<String> {
        let tried = self.tried();
        let arrived = tried.iter().filter(|t| t.outcome == Outcome::Delivered);
        arrived.map(|t| t.told.clone()).collect()
    }
}

/// A worker at work.
pub(super) struct Bench {
    channel: Arc<Scripted>,
    target: watch::Sender<Target>,
    outbox: Arc<MemoryOutbox>,
    stats: Arc<ChannelStats>,
    bell: Arc<Notify>,
    stop: CancellationToken,
    hurry: CancellationToken,
    clock: Arc<TokioClock>,
    events: mpsc::Receiver<Event>,
    task: JoinSet<()>,
}

fn config(routing: Routing) -> Arc<ChannelConfig> {
    Arc::new(ChannelConfig {
        name: Name::new("ops").unwrap(),
        kind: ChannelKind::Webhook {
            url: Secret::new("https://h.example".to_owned()),
            secret: None,
        },
        send_resolved: true,
        template: None,
        routing,
    })
}

impl Bench {
    fn start(channel: Scripted) -> Self {
        Self::over(channel, Arc::default(), Routing::default())
    }

    /// Over an outbox that is there already, as after a restart.
    fn over(channel: Scripted, outbox: Arc<MemoryOutbox>, routing: Routing) -> Self {
        let channel = Arc::new(channel);
        let (target, _) = watch::channel(Target {
            channel: Arc::clone(&channel) as _,
            config: config(routing),
        });
        let (_, events) = mpsc::channel(1);
        let mut bench = Self {
            channel,
            target,
            outbox,
            stats: Arc::default(),
            bell: Arc::default(),
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
            clock: Arc::new(TokioClock {
                start: Instant::now(),
                moved: 0.into(),
            }),
            events,
            task: JoinSet::new(),
        };
        bench.begin();
        bench
    }

    /// A new worker over the same outbox and channel; the old one ends as by a crash.
    fn begin(&mut self) {
        self.task = JoinSet::new();
        let (events, told) = mpsc::channel(100);
        self.events = told;
        let worker = Worker {
            name: Name::new("ops").unwrap(),
            target: self.target.subscribe(),
            outbox: Arc::clone(&self.outbox) as _,
            stats: Arc::clone(&self.stats),
            bell: Arc::clone(&self.bell),
            events,
            stop: self.stop.clone(),
            hurry: self.hurry.clone(),
            clock: Arc::clone(&self.clock) as _,
        };
        self.task.spawn(worker.run());
    }

    /// `+a` begins the incident a, `-a` ends it.
    async fn push(&self, words: &str) {
        for word in words.split(' ') {
            self.push_about(word, "sessions", Severity::Warning).await;
        }
    }

    async fn push_about(&self, word: &str, cache: &str, severity: Severity) {
        let (sign, incident) = word.split_at(1);
        let mut n = notification::miss_firing();
        incident.clone_into(&mut n.incident);
        n.cache = Name::new(cache).unwrap();
        n.severity = severity;
        if sign == "-" {
            n.transition = Transition::Resolved;
        }
        let config = Arc::clone(&self.target.borrow().config);
        let now = self.clock.now().wall;
        let items = route::plan([&*config].into_iter(), &Arc::new(n), now);
        self.outbox.enqueue(items).await;
        self.bell.notify_one();
    }

    async fn passes(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Until nothing waits.
    async fn quiet(&self) {
        while !self.outbox.keys(OutboxStatus::Waiting).is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Delivered, failed, retried, superseded, coalesced.
    fn numbers(&self) -> [u64; 5] {
        let s = &self.stats;
        [
            s.delivered.get(),
            s.failed.get(),
            s.retried.get(),
            s.superseded.get(),
            s.coalesced.get(),
        ]
    }
}

fn gaps(tried: &[Tried]) -> Vec<Duration> {
    tried
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn delivers_in_order() {
    let bench = Bench::start(Scripted::default());
    bench.push("+a +b +c").await;
    bench.quiet().await;
    let keys: Vec<_> = bench.channel.tried().into_iter().map(|a| a.key).collect();
    assert_eq!(keys, ["a/firing/ops", "b/firing/ops", "c/firing/ops"]);
    assert_eq!(bench.numbers(), [3, 0, 0, 0, 0]);
    let attempts = bench.outbox.state().attempts.clone();
    let told: Vec<_> = attempts
        .iter()
        .map(|a| (a.incident.as_str(), a.outcome.as_str(), a.code))
        .collect();
    assert_eq!(told[0], ("a", "delivered", Some(200)));
}

#[tokio::test(start_paused = true)]
async fn keeps_the_pace_of_its_channel() {
    let bench = Bench::start(Scripted {
        pace: Duration::from_secs(1),
        ..Scripted::default()
    });
    bench.push("+a +b +c").await;
    bench.quiet().await;
    let gaps = gaps(&bench.channel.tried());
    assert!(
        gaps.iter().all(|gap| *gap >= Duration::from_secs(1)),
        "{gaps:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_channel_is_tried_at_once_with_what_waits() {
    let after = Some(Duration::from_mins(10));
    let bench = Bench::start(Scripted::always(Outcome::Retry {
        after,
        why: "429".into(),
    }));
    bench.push("+a").await;
    bench.passes(5).await;
    let fixed = Arc::new(Scripted::default());
    bench.target.send_replace(Target {
        channel: Arc::clone(&fixed) as _,
        config: config(Routing::default()),
    });
    bench.passes(1).await;
    assert_eq!(
        (bench.channel.tried().len(), fixed.told()),
        (1, vec!["+a".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_tries_once_more_what_waits_and_leaves_the_rest_in_the_outbox() {
    let mut bench = Bench::start(Scripted::always(Outcome::retry("503")));
    bench.push("+a +b").await;
    bench.passes(1200).await;
    let before = bench.channel.tried().len();
    bench.hurry.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(1), bench.task.join_next()).await;
    ended.unwrap().unwrap().unwrap();
    assert_eq!(bench.channel.tried().len(), before + 1);
    assert_eq!(bench.outbox.keys(OutboxStatus::Waiting).len(), 2);
    assert_eq!(bench.stats.pending.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_overrule_the_receiver() {
    let after = Some(Duration::from_mins(10));
    let mut bench = Bench::start(Scripted::always(Outcome::Retry {
        after,
        why: "429".into(),
    }));
    bench.push("+a").await;
    bench.passes(1).await;
    bench.hurry.cancel();
    bench.task.join_next().await.unwrap().unwrap();
    assert_eq!(bench.channel.tried().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_told_again_and_for_a_while_what_is_over() {
    let bench = Bench::start(Scripted {
        resend: Some(Duration::from_mins(1)),
        ..Scripted::default()
    });
    bench.push("+a").await;
    let record = notification::record(&bench.outbox.state().items["a/firing/ops"].notification);
    bench
        .outbox
        .state()
        .incidents
        .insert("a".to_owned(), record.clone());
    bench.passes(310).await;
    // By the outbox, at the start, and five times since.
    assert_eq!(bench.channel.told(), ["+a"; 7]);
    let mut over = record;
    over.resolved = Some(bench.clock.now().wall);
    bench.outbox.state().incidents.insert("a".to_owned(), over);
    bench.passes(3600).await;
    let told = bench.channel.told().len();
    assert!((7 + 14..=7 + 16).contains(&told), "{told}");
    assert_eq!(bench.numbers()[0], 1, "telling again is no delivery");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_puts_nothing_off() {
    let bench = Bench::start(Scripted::playing([Outcome::retry("503")]));
    bench.push("+a").await;
    bench.passes(0).await;
    tokio::task::yield_now().await;
    bench
        .clock
        .moved
        .store(-86_400, std::sync::atomic::Ordering::Relaxed);
    bench.passes(60).await;
    assert_eq!(bench.channel.told(), ["+a"]);
}
