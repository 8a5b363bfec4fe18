//! Attempts that fail: when they are repeated, when not, and who hears of it.

use super::super::attempt::GIVE_UP_AFTER;
use super::*;
use crate::config::QuietHours;
use crate::model::weekly::Weekly;
use crate::notify::testing::log::Log;

#[tokio::test(start_paused = true)]
async fn tries_again_with_growing_waits_and_the_same_key() {
    let failures = (0..12).map(|_| Outcome::retry("503"));
    let bench = Bench::start(Scripted::playing(failures));
    bench.push("+a").await;
    bench.quiet().await;
    let tried = bench.channel.tried();
    assert_eq!(tried.len(), 13);
    assert!(tried.iter().all(|a| a.key == "a/firing/ops"));
    for (nth, gap) in (1..).zip(gaps(&tried)) {
        assert!(gap >= Duration::from_secs(1), "{nth}: {gap:?}");
        let longest = backoff::wait(nth, 1.0) + Duration::from_millis(1010);
        assert!(gap <= longest, "{nth}: {gap:?}");
    }
    assert_eq!(bench.numbers(), [1, 0, 12, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_receiver_asks() {
    let after = Duration::from_secs(77);
    let bench = Bench::start(Scripted::playing([Outcome::Retry {
        after: Some(after),
        why: "429".into(),
    }]));
    bench.push("+a +b").await;
    bench.quiet().await;
    let gap = gaps(&bench.channel.tried())[0];
    assert!(
        (after..after + Duration::from_secs(2)).contains(&gap),
        "{gap:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_not_repeated_and_holds_up_nothing() {
    let bench = Bench::start(Scripted::playing([Outcome::permanent("400")]));
    bench.push("+a +b").await;
    bench.quiet().await;
    assert_eq!(bench.outbox.status("a/firing/ops"), OutboxStatus::Dead);
    assert_eq!(bench.channel.told(), ["+b"]);
    assert_eq!(bench.numbers(), [1, 1, 0, 0, 0]);
    assert_eq!(bench.outbox.state().attempts[0].outcome, "refused");
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_a_day_and_says_so() {
    let log = Log::collect();
    let bench = Bench::start(Scripted::always(Outcome::retry("no way")));
    bench.push("+a").await;
    bench.passes(86_400 + 700).await;
    let tried = bench.channel.tried();
    let took = tried.last().unwrap().at - tried[0].at;
    assert!(
        took <= GIVE_UP_AFTER && took + backoff::MAX * 2 >= GIVE_UP_AFTER,
        "{took:?}"
    );
    assert_eq!(bench.outbox.status("a/firing/ops"), OutboxStatus::Dead);
    assert_eq!(
        bench.outbox.state().attempts.last().unwrap().outcome,
        "gave_up"
    );
    assert_eq!(bench.numbers()[..2], [0, 1]);
    let log = log.text();
    let errors: Vec<_> = log.lines().filter(|l| l.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("given up") && errors[0].contains("no way"));
}

#[tokio::test(start_paused = true)]
async fn what_came_and_went_while_the_receiver_was_away_is_one_late_message() {
    let bench = Bench::start(Scripted::always(Outcome::retry("503")));
    bench.push("+a").await;
    bench.passes(600).await;
    bench.push("-a").await;
    bench.passes(600).await;
    bench.channel.becomes(Outcome::Delivered, Some(200));
    bench.quiet().await;
    assert_eq!(bench.channel.told(), ["-a"]);
    let last = bench.channel.tried().pop().unwrap();
    let late = last.late.unwrap();
    assert!(late.by >= Duration::from_mins(10), "{late:?}");
    assert_eq!(
        (late.because, last.angle),
        (Delay::ChannelOut, Angle::CameAndWent)
    );
    assert_eq!(
        bench.outbox.status("a/firing/ops"),
        OutboxStatus::Superseded
    );
    assert_eq!(bench.numbers()[3], 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_end_of_what_was_told_is_an_end() {
    let bench = Bench::start(Scripted::default());
    bench.push("+a").await;
    bench.quiet().await;
    bench.channel.becomes(Outcome::retry("503"), Some(503));
    bench.push("-a +b").await;
    bench.passes(7_800).await;
    bench.channel.becomes(Outcome::Delivered, Some(200));
    bench.quiet().await;
    let mut told = bench.channel.told();
    told.sort();
    assert_eq!(told, ["+a", "+b", "-a"]);
    let tried = bench.channel.tried();
    for last in &tried[tried.len() - 2..] {
        let late = last.late.unwrap();
        assert!(late.by >= Duration::from_mins(130), "{late:?}");
        assert_eq!((late.because, last.angle), (Delay::ChannelOut, Angle::News));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_beginning_was_refused_tells_of_both() {
    let bench = Bench::start(Scripted::playing([Outcome::permanent("400")]));
    bench.push("+a").await;
    bench.quiet().await;
    bench.push("-a").await;
    bench.quiet().await;
    let last = bench.channel.tried().pop().unwrap();
    assert_eq!((last.angle, last.late), (Angle::CameAndWent, None));
}

/// Refuses letters that hold a certain incident, in its own way.
struct Picky {
    good: Scripted,
    outcome: Outcome,
}

impl Channel for Picky {
    fn takes_digests(&self) -> bool {
        self.good.digests
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        if letter.notifications().any(|n| n.incident == "poison") {
            return Box::pin(std::future::ready(self.outcome.clone()));
        }
        self.good.send(letter)
    }
}

fn picky(digests: bool, outcome: Outcome) -> (Bench, Arc<Picky>) {
    let good = Scripted {
        digests,
        ..Scripted::default()
    };
    let picky = Arc::new(Picky { good, outcome });
    let bench = Bench::start(Scripted::default());
    bench.target.send_replace(Target {
        channel: Arc::clone(&picky) as _,
        config: config(Routing::default()),
    });
    (bench, picky)
}

#[tokio::test(start_paused = true)]
async fn one_message_that_cannot_be_taken_does_not_hold_up_the_others() {
    let (bench, picky) = picky(false, Outcome::retry("500"));
    bench.push("+poison").await;
    bench.passes(1).await;
    bench.push("+b +c +d").await;
    bench.passes(120).await;
    assert_eq!(picky.good.told(), ["+b", "+c", "+d"]);
    assert_eq!(
        bench.outbox.keys(OutboxStatus::Waiting),
        ["poison/firing/ops"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_spoils_a_storm_is_found() {
    let (bench, _picky) = picky(true, Outcome::permanent("invalid_blocks"));
    bench.push("+a +b +poison +c +d +e +f +g").await;
    bench.quiet().await;
    assert_eq!(bench.outbox.keys(OutboxStatus::Dead), ["poison/firing/ops"]);
    assert_eq!(bench.outbox.keys(OutboxStatus::Delivered).len(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_never_ends_is_ended() {
    let bench = Bench::start(Scripted {
        hangs: true,
        ..Scripted::default()
    });
    bench.push("+a").await;
    bench.passes(200).await;
    assert!(bench.channel.tried().len() >= 2);
    let attempts = bench.outbox.state().attempts.clone();
    assert_eq!(attempts[0].outcome, "retry");
    assert!(
        attempts[0]
            .why
            .as_ref()
            .unwrap()
            .contains("no end within 120 s")
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_channel_is_told_of_once_and_tries_each_message_once() {
    let mut bench = Bench::start(Scripted::default());
    bench.channel.becomes(Outcome::permanent("gone"), Some(404));
    bench.push("+a").await;
    bench.passes(60).await;
    bench.push("+b").await;
    bench.passes(600).await;
    assert_eq!(bench.channel.tried().len(), 2);
    let broken = bench.stats.broken().unwrap();
    assert_eq!((broken.code, broken.why.as_str()), (404, "gone"));
    assert!(matches!(bench.events.try_recv(), Ok(Event::Broken { .. })));
    assert!(bench.events.try_recv().is_err(), "once");

    bench.channel.becomes(Outcome::Delivered, Some(200));
    bench.push("+c").await;
    bench.passes(60).await;
    assert!(bench.stats.broken().is_none());
    assert!(matches!(
        bench.events.try_recv(),
        Ok(Event::Mended { note: None, .. })
    ));
    assert_eq!(bench.numbers()[..2], [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn another_refusal_breaks_nothing() {
    let bench = Bench::start(Scripted::default());
    bench.channel.becomes(Outcome::permanent("bad"), Some(400));
    bench.push("+a").await;
    bench.quiet().await;
    assert!(bench.stats.broken().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_outbox_that_forgets_what_is_done_gets_nobody_flooded() {
    let bench = Bench::start(Scripted::default());
    bench.outbox.state().forgets = true;
    bench.push("+a +b").await;
    bench.passes(3600).await;
    assert_eq!(bench.channel.told(), ["+a", "+b"]);
}

#[tokio::test(start_paused = true)]
async fn quiet_hours_do_not_count_as_trying() {
    use jiff::civil::Weekday;
    // 1_700_000_000 is a Tuesday, 22:13 UTC: quiet until Friday.
    let quiet = |day| QuietHours {
        span: Weekly {
            days: vec![day],
            from: "00:00".parse().unwrap(),
            to: "00:00".parse().unwrap(),
            zone: jiff::tz::TimeZone::UTC,
        },
        severities: vec![Severity::Warning],
    };
    let days = [Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday];
    let routing = Routing {
        quiet_hours: days.map(quiet).to_vec(),
        ..Routing::default()
    };
    let outcomes = [Outcome::Delivered, Outcome::retry("503")];
    let bench = Bench::over(Scripted::playing(outcomes), Arc::default(), routing);
    bench.push("+a").await;
    bench
        .push_about("+grave", "sessions", Severity::Critical)
        .await;
    bench.passes(60).await;
    assert_eq!(bench.channel.told(), ["+grave"]);
    bench.passes(86_400 * 2).await;
    assert_eq!(bench.channel.told(), ["+grave"]);
    bench.quiet().await;
    assert_eq!(bench.channel.told(), ["+grave", "+a"]);
    assert_eq!(bench.outbox.status("a/firing/ops"), OutboxStatus::Delivered);
}
