//! Every HTTP channel against receivers as they are found: what each answer leads to, and that nobody is told a secret.
//!
//! E-mail has its own receivers, in `email::tests`, and the same check.

use std::net::SocketAddr;
use std::time::Duration;

use super::http::{Endpoint, Http, Limits};
use super::letter::Trace;
use super::outcome::Outcome;
use super::testing::http::{Act, Receiver};
use super::testing::log::Log;
use super::testing::secrets::{self, kept, kept_by};
use super::testing::{notification, send, traced};
use super::tls::Trust;
use super::*;
use crate::config::{AlertmanagerConfig, OnResolved, PagerDutyConfig, SlackBotConfig};
use crate::model::secret::Secret;
use crate::model::time::SystemClock;

const FAST: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_millis(500),
    body: 16 * 1024,
};

/// What an outcome is, without its words.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Is {
    Delivered,
    Retry,
    RetryAfter(u64),
    Permanent,
}

use Is::{Delivered as D, Permanent as P, Retry as R};

fn kind(outcome: &Outcome) -> Is {
    match outcome {
        Outcome::Delivered => Is::Delivered,
        Outcome::Retry { after: None, .. } => Is::Retry,
        Outcome::Retry {
            after: Some(after), ..
        } => Is::RetryAfter(after.as_secs()),
        Outcome::Permanent { .. } => Is::Permanent,
    }
}

/// All kinds that speak HTTP, with every secret that they can have.
fn kinds(address: SocketAddr) -> Vec<ChannelKind> {
    let path = secrets::PATH;
    let login = format!("watcher:{}@", secrets::PASSWORD);
    let url =
        |login: &str, query: &str| Secret::new(format!("http://{login}{address}{path}{query}"));
    let query = format!("?{}", secrets::QUERY);
    vec![
        ChannelKind::SlackWebhook {
            url: url("", &query),
        },
        ChannelKind::SlackBot(SlackBotConfig {
            token: Secret::new(secrets::TOKEN.to_owned()),
            channel: "#alerts".to_owned(),
            on_resolved: OnResolved::Both,
            api_url: url("", ""),
        }),
        ChannelKind::Webhook {
            url: url(&login, &query),
            secret: Some(Secret::new(secrets::SIGNING.to_owned())),
        },
        ChannelKind::Alertmanager(AlertmanagerConfig {
            urls: vec![url(&login, ""), url("", "")],
            resend_every: AlertmanagerConfig::RESEND_EVERY,
        }),
        ChannelKind::PagerDuty(PagerDutyConfig {
            routing_key: Secret::new(secrets::ROUTING.to_owned()),
            url: url("", &query),
        }),
        ChannelKind::Teams {
            url: url("", &query),
        },
    ]
}

fn http_channels(address: SocketAddr, limits: Limits) -> Vec<(&'static str, Arc<dyn Channel>)> {
    let parts = Parts {
        http: Http::new(&Trust::default(), limits).unwrap(),
        trust: Trust::default(),
        clock: Arc::new(SystemClock::start()),
    };
    kinds(address)
        .into_iter()
        .map(|kind| {
            let name = kind.as_str();
            let config = ChannelConfig {
                name: ChannelName::new("ops").unwrap(),
                kind,
                send_resolved: true,
                template: None,
                routing: crate::config::Routing::default(),
            };
            let channel = open(&config, &Links::to_page("https://cw.example.org"), &parts);
            (name, channel.unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_receiver_has_its_outcome_and_no_secret_gets_out() {
    use Act::{Answer, HalfBody, HugeBody, Reset, Silence};
    use Is::RetryAfter;
    const ECHO: &str = "cannot POST {path}: {request}";
    const OK: &str = r#"{"ok":true,"channel":"C1","ts":"1.2"}"#;
    const NO: &str = r#"{"ok":false,"error":"invalid_auth {path}"}"#;
    const LATER: &str = r#"{"ok":false,"error":"ratelimited"}"#;
    const BEHIND: &str = "Webhook message delivery failed with error: HTTP error 429 {path}";
    let log = Log::collect();
    let date = "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n";
    let far = "Retry-After: Tue, 31 Dec 2999 23:59:59 GMT\r\n";
    let all = |is: Is| [is; 6];
    // What the receiver does; what it means to slack, slack_bot, webhook, alertmanager, pagerduty, teams.
    let table = [
        (Answer(200, "", "ok"), [D, P, D, D, D, D]),
        (Answer(200, "", OK), [P, D, D, D, D, D]),
        (Answer(200, "", NO), [P, P, D, D, D, D]),
        (Answer(200, "", LATER), [P, R, D, D, D, D]),
        (Answer(200, "", BEHIND), [P, P, D, D, D, R]),
        (Answer(200, "", ECHO), [P, P, D, D, D, D]),
        (Answer(202, "", ECHO), [P, P, D, D, D, D]),
        (Answer(204, "", ""), [P, P, D, D, D, D]),
        (
            Answer(301, "Location: http://127.0.0.1:9/{path}\r\n", ECHO),
            all(P),
        ),
        (Answer(400, "", ECHO), all(P)),
        (Answer(401, "", ECHO), all(P)),
        (Answer(403, "", ECHO), all(P)),
        (Answer(404, "", ECHO), all(P)),
        (Answer(408, "", ECHO), all(R)),
        (Answer(410, "", "channel_is_archived"), all(P)),
        (Answer(429, "", ECHO), all(R)),
        (Answer(429, "Retry-After: 7\r\n", ECHO), all(RetryAfter(7))),
        (Answer(429, date, ECHO), all(RetryAfter(1))),
        (Answer(429, far, ECHO), all(RetryAfter(600))),
        (Answer(500, "", ECHO), all(R)),
        (
            Answer(503, "Retry-After: 30\r\n", ECHO),
            all(RetryAfter(30)),
        ),
        (HalfBody(200), [R, R, D, D, D, D]),
        (HalfBody(404), all(P)),
        (HugeBody(200), [P, P, D, D, D, D]),
        (HugeBody(404), all(P)),
        (Reset, all(R)),
        (Silence, all(R)),
    ];
    for (act, expected) in table {
        let receiver = Receiver::start(act.clone()).await;
        let limits = if matches!(act, Silence) {
            FAST
        } else {
            Limits::default()
        };
        let channels = http_channels(receiver.address, limits);
        assert_eq!(channels.len(), expected.len());
        for ((name, channel), expected) in channels.into_iter().zip(expected) {
            let n = notification::miss_firing();
            let (outcome, trace) = traced(&*channel, &[n], "incident/firing/ops").await;
            let what = format!("{name} {act:?}");
            assert_eq!(kind(&outcome), expected, "{what}: {outcome:?}");
            kept_by(&what, &outcome, &trace);
            let code = match act {
                Answer(status, ..) | HalfBody(status) | HugeBody(status) => Some(status),
                _ => None,
            };
            // A bot is told in other ways, see there.
            if name != "slack_bot" {
                assert_eq!(trace.code(), code, "{what}");
            }
        }
    }
    kept("the log", &log.text());
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_the_address_is_kept() {
    let address = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for (name, channel) in http_channels(address, Limits::default()) {
        let (outcome, trace) = traced(&*channel, &[notification::miss_firing()], "k").await;
        kept_by(name, &outcome, &trace);
        let Outcome::Retry { after: None, why } = outcome else {
            panic!("{name}: {outcome:?}")
        };
        assert!(
            why.starts_with("cannot connect: Connection refused"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn requests_carry_what_receivers_need() {
    let receiver = Receiver::start(Act::By(|path| {
        let slack = path.ends_with("key=qUeRySeCrEt");
        (200, if slack { "ok" } else { r#"{"ok":true}"# })
    }))
    .await;
    for (name, channel) in http_channels(receiver.address, Limits::default()) {
        let outcome = send(&*channel, &notification::miss_firing(), "01K/firing/ops").await;
        assert_eq!(outcome, Outcome::Delivered, "{name}");
    }
    let requests = receiver.requests();
    assert_eq!(
        requests.len(),
        7,
        "two of them to the replicas of an Alertmanager"
    );
    for request in &requests {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post /services/"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("user-agent: cachewatch/"), "{head}");
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
    let head = |nth: usize, text: &str| {
        let (head, _) = requests[nth].split_once("\r\n\r\n").unwrap();
        assert!(head.to_lowercase().contains(text), "{head}");
    };
    head(1, &format!("authorization: bearer {}", secrets::TOKEN));
    head(2, "idempotency-key: 01k/firing/ops");
    head(2, "x-cachewatch-signature: sha256=");
    head(2, "authorization: basic ");
    assert!(requests[5].contains(&format!("\"routing_key\":\"{}\"", secrets::ROUTING)));
}

#[tokio::test]
async fn a_storm_is_one_request_where_that_is_possible() {
    let receiver = Receiver::start(Act::By(|path| {
        let slack = path.ends_with("key=qUeRySeCrEt");
        (200, if slack { "ok" } else { r#"{"ok":true}"# })
    }))
    .await;
    for (name, channel) in http_channels(receiver.address, Limits::default()) {
        let before = receiver.requests().len();
        assert_eq!(channel.takes_digests(), name != "pagerduty", "{name}");
        if !channel.takes_digests() {
            continue;
        }
        let (outcome, _) = traced(&*channel, &notification::storm(), "storm").await;
        assert_eq!(outcome, Outcome::Delivered, "{name}");
        let requests = if name == "alertmanager" { 2 } else { 1 };
        assert_eq!(receiver.requests().len() - before, requests, "{name}");
    }
}

#[tokio::test]
async fn https_needs_somebody_who_vouches_for_the_receiver() {
    let (acceptor, root) = testing::tls::acceptor();
    let receiver = Receiver::start_tls(Act::Answer(200, "", "ok"), acceptor).await;
    let endpoint = format!("https://{}{}", receiver.address, secrets::PATH);
    let endpoint = Endpoint::new(&Secret::new(endpoint)).unwrap();
    let trusting = Trust {
        extra_roots: vec![root],
    };
    for (trust, works) in [(trusting, true), (Trust::default(), false)] {
        let http = Http::new(&trust, Limits::default()).unwrap();
        let reply = http
            .post_json(&endpoint, &serde_json::json!({}), &[], &Trace::default())
            .await;
        assert_eq!(reply.is_ok(), works, "{reply:?}");
        if let Err(why) = reply {
            assert!(
                why.starts_with("cannot connect: ") && why.contains("certificate"),
                "{why}"
            );
            kept("https", &why);
        }
    }
}

#[test]
fn an_address_that_is_none_is_not_repeated() {
    for bad in [
        "sEcReTtOkEn",
        "ftp://h/sEcReTtOkEn",
        "https://",
        "https://ho st/sEcReTtOkEn",
    ] {
        let error = Endpoint::new(&Secret::new(bad.to_owned())).err().unwrap();
        kept(bad, &format!("{error} {error:?}"));
    }
}
