//! Channels that take several notifications in one message.

use super::*;

fn digests() -> Scripted {
    Scripted {
        digests: true,
        ..Scripted::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_goes_at_once_and_more_about_its_cache_go_together() {
    let bench = Bench::start(digests());
    bench.push("+a").await;
    bench.passes(5).await;
    bench.push("+b").await;
    bench.passes(5).await;
    bench.push("+c").await;
    bench.push_about("+x", "other", Severity::Warning).await;
    bench.passes(60).await;
    assert_eq!(bench.channel.told(), ["+a", "+x", "+b +c"]);
    let tried = bench.channel.tried();
    let gap = tried[2].at - tried[0].at;
    assert!(
        (Duration::from_secs(30)..Duration::from_secs(32)).contains(&gap),
        "{gap:?}"
    );
    assert_eq!(bench.numbers(), [4, 0, 0, 0, 1]);
    assert_eq!(tried[0].key, "a/firing/ops");
    assert!(
        tried[2].key.starts_with("b/firing/ops+1-"),
        "{}",
        tried[2].key
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_graver_does_not_wait() {
    let bench = Bench::start(digests());
    bench.push("+a").await;
    bench.passes(5).await;
    bench.push_about("+b", "sessions", Severity::Critical).await;
    bench.passes(1).await;
    assert_eq!(bench.channel.told(), ["+a", "+b"]);
}

#[tokio::test(start_paused = true)]
async fn what_fires_after_an_end_does_not_wait() {
    let bench = Bench::start(digests());
    bench.push("+a").await;
    bench.passes(40).await;
    bench.push("-a").await;
    bench.passes(5).await;
    bench.push("+b").await;
    bench.passes(1).await;
    assert_eq!(bench.channel.told(), ["+a", "-a", "+b"]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_one_message() {
    let bench = Bench::start(digests());
    for n in 0..130 {
        let cache = format!("c{n}");
        bench
            .push_about(&format!("+{n:03}"), &cache, Severity::Warning)
            .await;
    }
    bench.quiet().await;
    let told = bench.channel.told();
    let sizes: Vec<_> = told.iter().map(|t| t.split(' ').count()).collect();
    assert_eq!(sizes, [50, 50, 30]);
    assert_eq!(bench.numbers(), [130, 0, 0, 0, 127]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_during_an_outage_is_told_together_with_what_went_again() {
    let bench = Bench::start(digests());
    bench.channel.becomes(Outcome::retry("503"), Some(503));
    bench.push("+a +b +c +d +e +f").await;
    bench.passes(300).await;
    bench.push("-a -b +g").await;
    bench.passes(300).await;
    bench.channel.becomes(Outcome::Delivered, Some(200));
    bench.quiet().await;
    let told = bench.channel.told().join(" ");
    let mut words: Vec<_> = told.split(' ').collect();
    words.sort_unstable();
    assert_eq!(words, ["+c", "+d", "+e", "+f", "+g", "-a", "-b"]);
    let superseded = bench.outbox.keys(OutboxStatus::Superseded);
    assert_eq!(superseded, ["a/firing/ops", "b/firing/ops"]);
}
