//! A bot against a Slack that answers by method.

use super::*;
use crate::model::time::Now;
use crate::notify::http::Limits;
use crate::notify::testing::http::{Act, Receiver};
use crate::notify::testing::{StoppedClock, notification, reminder, secrets, traced, traced_parts};
use crate::notify::tls::Trust;

fn slack(path: &str) -> (u16, &'static str) {
    let answer = match path {
        "/api/chat.postMessage" => r#"{"ok":true,"channel":"C1","ts":"11.22"}"#,
        "/api/files.getUploadURLExternal" => {
            r#"{"ok":true,"upload_url":"http://{address}/upload/v1","file_id":"F1"}"#
        }
        "/api/chat.update" | "/api/files.completeUploadExternal" => r#"{"ok":true}"#,
        "/upload/v1" => "OK",
        _ => return (404, ""),
    };
    (200, answer)
}

fn bot(receiver: &Receiver, on_resolved: OnResolved) -> SlackBot {
    let config = SlackBotConfig {
        token: Secret::new(secrets::TOKEN.to_owned()),
        channel: "#alerts".to_owned(),
        on_resolved,
        api_url: Secret::new(format!("http://{}/api", receiver.address)),
    };
    let http = Http::new(&Trust::default(), Limits::default()).unwrap();
    let clock = Arc::new(StoppedClock(Now::ZERO));
    SlackBot::new(&config, http, Wording::default(), clock).unwrap()
}

/// The methods that were called, each with its body where that is JSON.
fn calls(receiver: &Receiver) -> Vec<(String, Value)> {
    let requests = receiver.requests();
    requests
        .iter()
        .map(|request| {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let path = head.split(' ').nth(1).unwrap();
            let method = path.rsplit('/').next().unwrap().to_owned();
            (method, serde_json::from_str(body).unwrap_or_default())
        })
        .collect()
}

fn methods(receiver: &Receiver) -> Vec<String> {
    calls(receiver)
        .into_iter()
        .map(|(method, _)| method)
        .collect()
}

async fn tell(bot: &SlackBot, n: Notification) {
    let (outcome, trace) = traced(bot, &[n], "k").await;
    assert_eq!(outcome, Outcome::Delivered);
    secrets::kept_by("slack_bot", &outcome, &trace);
}

#[tokio::test]
async fn the_chart_comes_into_the_thread() {
    let receiver = Receiver::start(Act::By(slack)).await;
    tell(
        &bot(&receiver, OnResolved::Both),
        notification::miss_firing(),
    )
    .await;
    let calls = calls(&receiver);
    assert_eq!(
        methods(&receiver),
        [
            "chat.postMessage",
            "files.getUploadURLExternal",
            "v1",
            "files.completeUploadExternal"
        ]
    );
    assert_eq!(calls[0].1["channel"], "#alerts");
    assert_eq!(calls[3].1["thread_ts"], "11.22");
    assert_eq!(calls[3].1["channel_id"], "C1");
    assert_eq!(calls[3].1["files"][0]["id"], "F1");
    let upload = &receiver.requests()[2];
    assert!(!upload.contains(secrets::TOKEN), "the token is for the API");
    assert!(upload.contains("content-type: image/png"));
}

#[tokio::test]
async fn the_end_comes_where_the_beginning_was() {
    for (on_resolved, expected) in [
        (OnResolved::Thread, ["chat.postMessage"].as_slice()),
        (OnResolved::Update, &["chat.update"]),
        (OnResolved::Both, &["chat.postMessage", "chat.update"]),
    ] {
        let receiver = Receiver::start(Act::By(slack)).await;
        let bot = bot(&receiver, on_resolved);
        tell(&bot, notification::down_firing()).await;
        tell(&bot, notification::down_resolved()).await;
        let calls = calls(&receiver);
        assert_eq!(methods(&receiver)[1..], *expected, "{on_resolved:?}");
        for (method, body) in &calls[1..] {
            assert_eq!(body["channel"], "C1");
            let place = if method == "chat.update" {
                "ts"
            } else {
                "thread_ts"
            };
            assert_eq!(body[place], "11.22");
        }
        // It is over, and what comes next is news.
        tell(&bot, notification::down_resolved()).await;
        let (method, body) = self::calls(&receiver).pop().unwrap();
        assert_eq!(
            (method.as_str(), &body["channel"]),
            ("chat.postMessage", &json!("#alerts"))
        );
        assert_eq!(body.get("thread_ts"), None);
    }
}

#[tokio::test]
async fn a_reminder_comes_into_the_thread() {
    let receiver = Receiver::start(Act::By(slack)).await;
    let bot = bot(&receiver, OnResolved::Both);
    // Without a thread that is known, as after a restart, it is a message of its own, and the thread from then on.
    for thread in [None, Some("11.22"), Some("11.22")] {
        let (outcome, _) = traced_parts(&bot, &[reminder()], "k").await;
        assert_eq!(outcome, Outcome::Delivered);
        let (method, body) = calls(&receiver).pop().unwrap();
        assert_eq!(method, "chat.postMessage");
        let known = body.get("thread_ts").and_then(Value::as_str);
        assert_eq!(known, thread);
        let text = body["text"].as_str().unwrap();
        assert!(
            text.starts_with("CRITICAL: Still firing after 4 h: Miss rate"),
            "{text}"
        );
    }
    // The end still finds its place.
    tell(&bot, notification::miss_resolved()).await;
    let (method, body) = calls(&receiver)
        .into_iter()
        .find(|(method, _)| method == "chat.update")
        .unwrap();
    assert_eq!(
        (method.as_str(), &body["ts"]),
        ("chat.update", &json!("11.22"))
    );
}

#[tokio::test]
async fn a_chart_that_fails_is_no_reason_to_tell_it_twice() {
    fn no_files(path: &str) -> (u16, &'static str) {
        match path {
            "/api/files.getUploadURLExternal" => (200, r#"{"ok":false,"error":"missing_scope"}"#),
            path => slack(path),
        }
    }
    let receiver = Receiver::start(Act::By(no_files)).await;
    tell(
        &bot(&receiver, OnResolved::Both),
        notification::miss_firing(),
    )
    .await;
    assert_eq!(methods(&receiver).len(), 2);
}

#[tokio::test]
async fn a_token_that_is_gone_is_known_as_such() {
    let gone = |_: &str| (200, r#"{"ok":false,"error":"token_revoked"}"#);
    let receiver = Receiver::start(Act::By(gone)).await;
    let bot = bot(&receiver, OnResolved::Both);
    let (outcome, trace) = traced(&bot, &[notification::miss_firing()], "k").await;
    let told = Outcome::permanent("Slack refuses: token_revoked (check the token)");
    assert_eq!((outcome, trace.code()), (told, Some(401)));
}

#[tokio::test]
async fn a_chart_goes_nowhere_else() {
    fn elsewhere(path: &str) -> (u16, &'static str) {
        match path {
            "/api/files.getUploadURLExternal" => {
                let answer =
                    r#"{"ok":true,"upload_url":"http://169.254.169.254/x","file_id":"F1"}"#;
                (200, answer)
            }
            path => slack(path),
        }
    }
    let receiver = Receiver::start(Act::By(elsewhere)).await;
    tell(
        &bot(&receiver, OnResolved::Both),
        notification::miss_firing(),
    )
    .await;
    assert_eq!(methods(&receiver).len(), 2);
    let mut real = bot(&receiver, OnResolved::Both);
    real.config.api_url = Secret::new(SlackBotConfig::API_URL.to_owned());
    for (url, may) in [
        ("https://files.slack.com/upload/v1/x", true),
        ("https://slack.com/x", true),
        ("http://files.slack.com/x", false),
        ("https://files.slack.com:8443/x", false),
        ("https://evilslack.com/x", false),
        ("https://slack.com.evil.example/x", false),
        ("nothing", false),
    ] {
        assert_eq!(real.may_upload_to(url), may, "{url}");
    }
}

#[tokio::test]
async fn what_is_remembered_has_a_bound() {
    let receiver = Receiver::start(Act::By(slack)).await;
    let bot = bot(&receiver, OnResolved::Both);
    let place = Place {
        channel: "C1".to_owned(),
        ts: "1".to_owned(),
    };
    for i in 0..MAX_REMEMBERED + 5 {
        let mut n = notification::down_firing();
        n.incident = i.to_string();
        crate::notify::testing::with_letter(&[n], |letter| bot.remember(letter, &place));
    }
    assert_eq!(bot.places().len(), MAX_REMEMBERED);
    assert_eq!(bot.places().front().unwrap().0, "5");
}

#[test]
fn names_of_errors_have_their_meaning() {
    assert!(matches!(judge("ratelimited", None), Outcome::Retry { .. }));
    let Outcome::Permanent { why } = judge("not_in_channel", None) else {
        panic!("permanent")
    };
    assert!(why.contains("invite the bot"), "{why}");
}
