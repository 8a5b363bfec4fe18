//! What is sent, what is needless, what goes together.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::incident::Severity;
use crate::model::name::Name;
use crate::notify::testing::notification::miss_firing;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// `+` firing, `-` resolved, `r1` a reminder.
fn row(word: &str, queued: i64, due: i64, attempts: u32, status: OutboxStatus) -> OutboxItem {
    let mut n = miss_firing();
    n.incident = "i".to_owned();
    if word == "-" {
        n.transition = Transition::Resolved;
    }
    let channel = Name::new("ops").unwrap();
    let mut key = n.idempotency_key(&channel);
    if let Some(number) = word.strip_prefix('r') {
        key = format!("{key}/reminder/{number}");
    }
    OutboxItem {
        key,
        channel,
        notification: Arc::new(n),
        queued: at(queued),
        due: at(due),
        attempts,
        status,
    }
}

const W: OutboxStatus = OutboxStatus::Waiting;
const D: OutboxStatus = OutboxStatus::Delivered;

/// What is sent, what goes along, what is needless, each by the last part of its key.
fn verdict(rows: &[OutboxItem], standing: Standing, second: i64) -> String {
    let v = decide(rows, standing, at(second));
    let short = |key: &String| {
        key.replace("i/firing/ops", "+")
            .replace("i/resolved/ops", "-")
    };
    let short = |keys: &[String]| keys.iter().map(short).collect::<Vec<_>>().join(",");
    let send: Vec<String> = v.send.into_iter().map(|i| i.key).collect();
    format!(
        "{} | {} | {}",
        short(&send),
        short(&v.along),
        short(&v.supersede)
    )
}

#[test]
fn what_was_told_before_decides_what_there_is_to_tell() {
    let angle = |rows: &[OutboxItem], standing| {
        let verdict = decide(rows, standing, at(9_000));
        assert!(verdict.send.is_some());
        verdict.angle
    };
    let begin = |status| row("+", 0, 0, 3, status);
    let end = row("-", 20, 20, 0, W);
    for (rows, standing, expected) in [
        (vec![begin(W)], Standing::Open, Angle::News),
        (vec![begin(W)], Standing::Acknowledged, Angle::News),
        (vec![begin(W)], Standing::Over, Angle::Gone),
        (vec![begin(D), end.clone()], Standing::Over, Angle::News),
        (vec![end.clone()], Standing::Over, Angle::News),
        (
            vec![begin(W), end.clone()],
            Standing::Over,
            Angle::CameAndWent,
        ),
        (
            vec![begin(OutboxStatus::Dead), end.clone()],
            Standing::Over,
            Angle::CameAndWent,
        ),
        // A reminder that arrived told of the beginning, too.
        (
            vec![begin(OutboxStatus::Dead), row("r1", 10, 10, 1, D), end],
            Standing::Over,
            Angle::News,
        ),
        (
            vec![begin(D), row("r1", 10, 10, 0, W)],
            Standing::Open,
            Angle::Reminder,
        ),
    ] {
        assert_eq!(angle(&rows, standing), expected, "{rows:?}");
    }
}

#[test]
fn what_is_alone_is_sent_when_it_is_due() {
    for word in ["+", "-", "r1"] {
        let rows = [row(word, 0, 5, 1, W)];
        let sent = verdict(&rows, Standing::Open, 5);
        assert!(!sent.starts_with(' '), "{sent}");
        assert_eq!(verdict(&rows, Standing::Open, 4), " |  | ");
    }
}

#[test]
fn one_late_message_tells_of_both() {
    // The firing was tried and waits; the resolved came.
    let rows = [row("+", 0, 60, 3, W), row("-", 30, 30, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 30), "- | + | ");
    // It was not even tried, since another message held up the channel.
    let rows = [row("+", 0, 0, 0, W), row("-", 30, 30, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 30), "- | + | ");
    // The same with a clock that was set back in between.
    let rows = [row("+", 50, 50, 0, W), row("-", 30, 30, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 60), "- | + | ");
}

#[test]
fn what_quiet_hours_held_back_until_it_was_over_is_told_to_nobody() {
    let rows = [row("+", 0, 3_600, 0, W), row("-", 30, 3_600, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 3_600), " |  | +,-");
    // Without a resolved message it is the incident that says so.
    let rows = [row("+", 0, 3_600, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 3_600), " |  | +");
    assert_eq!(verdict(&rows, Standing::Open, 3_600), "+ |  | ");
    // It was told before the quiet hours began: its end is told, too.
    let rows = [row("+", 0, 0, 1, D), row("-", 30, 3_600, 0, W)];
    assert_eq!(verdict(&rows, Standing::Over, 3_600), "- |  | ");
}

#[test]
fn nothing_comes_after_the_end() {
    for status in [D, OutboxStatus::Dead] {
        let rows = [
            row("+", 0, 0, 1, W),
            row("r1", 9, 9, 0, W),
            row("-", 30, 30, 1, status),
        ];
        assert_eq!(
            verdict(&rows, Standing::Over, 99),
            " |  | r1,+".replace("r1", "+/reminder/1")
        );
    }
}

#[test]
fn a_reminder_is_needless_beside_anything_else() {
    let r = |n: &str| format!("+/reminder/{n}");
    let rows = [row("r1", 1, 1, 0, W), row("r2", 2, 2, 0, W)];
    assert_eq!(
        verdict(&rows, Standing::Open, 9),
        format!("{} |  | {}", r("2"), r("1"))
    );
    let rows = [row("+", 0, 99, 1, W), row("r1", 1, 1, 0, W)];
    assert_eq!(
        verdict(&rows, Standing::Open, 9),
        format!(" |  | {}", r("1"))
    );
    let rows = [row("+", 0, 0, 1, D), row("r1", 1, 1, 0, W)];
    for standing in [Standing::Acknowledged, Standing::Over] {
        assert_eq!(verdict(&rows, standing, 9), format!(" |  | {}", r("1")));
    }
}

fn of_cache(n: usize, cache: &str) -> OutboxItem {
    let mut item = row("+", 0, 0, 0, W);
    let notification = Arc::make_mut(&mut item.notification);
    notification.cache = Name::new(cache).unwrap();
    notification.severity = Severity::Warning;
    item.key = format!("{n}");
    item
}

#[test]
fn a_cache_goes_together_and_a_storm_goes_as_one() {
    let few: Vec<_> = ["a", "b", "a"]
        .iter()
        .enumerate()
        .map(|(n, c)| of_cache(n, c))
        .collect();
    let keys = |picked: Vec<&OutboxItem>| picked.iter().map(|i| i.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(pick(&few, true, |_| false)), ["0", "2"]);
    assert_eq!(keys(pick(&few, false, |_| false)), ["0"]);
    let gathers = |i: &OutboxItem| i.notification.cache.as_str() == "a";
    assert_eq!(keys(pick(&few, true, gathers)), ["1"]);
    assert!(pick(&few, true, |_| true).is_empty());
    let many: Vec<_> = (0..80).map(|n| of_cache(n, &format!("c{n}"))).collect();
    assert_eq!(pick(&many, true, |_| true).len(), MAX_LETTER);
    assert_eq!(pick(&many, false, |_| true).len(), 1);
}

#[test]
fn a_message_that_fails_again_and_again_steps_back() {
    let mut items = [
        row("+", 0, 0, 4, W),
        row("-", 7, 7, 3, W),
        row("r1", 9, 9, 0, W),
    ];
    order(&mut items);
    assert_eq!(items.map(|i| i.attempts), [3, 0, 4]);
}

fn any_row() -> impl Strategy<Value = OutboxItem> {
    let word = prop_oneof![Just("+"), Just("-"), Just("r1"), Just("r2")];
    let status = prop_oneof![
        4 => Just(W),
        1 => Just(D),
        1 => Just(OutboxStatus::Dead),
        1 => Just(OutboxStatus::Superseded)
    ];
    (word, 0_i64..20, 0_i64..20, 0_u32..3, status).prop_map(
        |(word, queued, later, attempts, status)| {
            row(word, queued, queued + later, attempts, status)
        },
    )
}

proptest! {
    /// What is due never just stays there: whoever asks again would get it again, for ever.
    #[test]
    fn a_message_that_is_due_is_sent_or_needless(
        rows in proptest::collection::vec(any_row(), 1..5),
        standing in prop_oneof![Just(Standing::Open), Just(Standing::Over), Just(Standing::Acknowledged)],
        now in 0_i64..45,
    ) {
        let mut rows = rows;
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        rows.dedup_by(|a, b| a.key == b.key);
        let v = decide(&rows, standing, at(now));
        let settled = |key: &String| {
            v.send.as_ref().is_some_and(|s| s.key == *key) || v.along.contains(key) || v.supersede.contains(key)
        };
        for row in &rows {
            let due = row.status == W && row.due <= at(now);
            prop_assert!(!due || settled(&row.key), "{:?} of {rows:?}: {v:?}", row.key);
            prop_assert!(row.status == W || !settled(&row.key), "done is done");
        }
        // Nothing is both sent and needless, and a resolved that waits is what is sent.
        if let Some(send) = &v.send {
            prop_assert!(!v.supersede.contains(&send.key) && !v.along.contains(&send.key));
            let ends = rows.iter().any(|r| r.notification.transition == Transition::Resolved && r.status == W);
            prop_assert!(!ends || send.notification.transition == Transition::Resolved);
            prop_assert!(send.due <= at(now));
        }
    }
}
