//! Every HTTP channel against receivers as they are found: what each answer leads to, and that nobody is told a secret.

use std::time::Duration;

use super::http::{Endpoint, Http, Limits};
use super::letter::Trace;
use super::outcome::Outcome;
use super::slack::Slack;
use super::testing::http::{Act, Receiver};
use super::testing::log::Log;
use super::testing::{notification, send};
use super::tls::Trust;
use super::webhook::Webhook;
use super::*;
use crate::model::secret::Secret;
use crate::model::time::SystemClock;

/// Parts of the address that nobody must see.
const SECRETS: [&str; 4] = ["T0SECRET", "B0SECRET", "sEcReTtOkEn", "qUeRySeCrEt"];

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

fn secret_url(address: std::net::SocketAddr) -> Secret {
    Secret::new(format!(
        "http://{address}/services/T0SECRET/B0SECRET/sEcReTtOkEn?key=qUeRySeCrEt"
    ))
}

fn http_channels(url: &Secret, limits: Limits) -> [(&'static str, Box<dyn Channel>); 2] {
    let http = Http::new(&Trust::default(), limits).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let name = ChannelName::new("ops").unwrap();
    let page = Some("https://cw.example.org");
    [
        (
            "slack",
            Box::new(Slack::new(url, http.clone(), page, Arc::clone(&clock)).unwrap()),
        ),
        (
            "webhook",
            Box::new(Webhook::new(&name, url, http, page, clock).unwrap()),
        ),
    ]
}

fn keeps_secrets(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn every_receiver_has_its_outcome_and_no_secret_gets_out() {
    use Act::{Answer, HalfBody, HugeBody, Reset, Silence};
    use Is::{Delivered, Permanent, Retry, RetryAfter};
    const ECHO: &str = "cannot POST {path}";
    let log = Log::collect();
    let date = "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n";
    let far = "Retry-After: Tue, 31 Dec 2999 23:59:59 GMT\r\n";
    // What the receiver does; what it means to Slack, and to a webhook.
    let table = [
        (Answer(200, "", "ok"), Delivered, Delivered),
        (
            Answer(200, "", "invalid_payload {path}"),
            Permanent,
            Delivered,
        ),
        (Answer(202, "", ECHO), Permanent, Delivered),
        (Answer(204, "", ""), Permanent, Delivered),
        (
            Answer(301, "Location: http://127.0.0.1:9/{path}\r\n", ECHO),
            Permanent,
            Permanent,
        ),
        (Answer(400, "", ECHO), Permanent, Permanent),
        (Answer(403, "", ECHO), Permanent, Permanent),
        (Answer(404, "", ECHO), Permanent, Permanent),
        (Answer(408, "", ECHO), Retry, Retry),
        (Answer(410, "", "channel_is_archived"), Permanent, Permanent),
        (Answer(429, "", ECHO), Retry, Retry),
        (
            Answer(429, "Retry-After: 7\r\n", ECHO),
            RetryAfter(7),
            RetryAfter(7),
        ),
        (Answer(429, date, ECHO), RetryAfter(1), RetryAfter(1)),
        (Answer(429, far, ECHO), RetryAfter(600), RetryAfter(600)),
        (Answer(500, "", ECHO), Retry, Retry),
        (
            Answer(503, "Retry-After: 30\r\n", ECHO),
            RetryAfter(30),
            RetryAfter(30),
        ),
        (HalfBody(200), Retry, Delivered),
        (HalfBody(404), Permanent, Permanent),
        (HugeBody(200), Permanent, Delivered),
        (HugeBody(404), Permanent, Permanent),
        (Reset, Retry, Retry),
        (Silence, Retry, Retry),
    ];
    for (act, slack, webhook) in table {
        let receiver = Receiver::start(act.clone()).await;
        let limits = if matches!(act, Silence) {
            FAST
        } else {
            Limits::default()
        };
        for (name, channel) in http_channels(&secret_url(receiver.address), limits) {
            let n = notification::miss_firing();
            let outcome = send(&*channel, &n, "incident/firing/ops").await;
            let expected = if name == "slack" { slack } else { webhook };
            assert_eq!(kind(&outcome), expected, "{name} {act:?}: {outcome:?}");
            let told = format!("{outcome:?}");
            keeps_secrets(&told);
            assert!(told.len() < 500, "{told}");
        }
    }
    keeps_secrets(&log.text());
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_the_address_is_kept() {
    let address = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for (name, channel) in http_channels(&secret_url(address), Limits::default()) {
        let outcome = send(&*channel, &notification::miss_firing(), "k").await;
        let Outcome::Retry { after: None, why } = outcome else {
            panic!("{name}: {outcome:?}")
        };
        assert!(
            why.starts_with("cannot connect: Connection refused"),
            "{why}"
        );
        keeps_secrets(&why);
    }
}

#[tokio::test]
async fn requests_carry_what_receivers_need() {
    let receiver = Receiver::start(Act::Answer(200, "", "ok")).await;
    for (name, channel) in http_channels(&secret_url(receiver.address), Limits::default()) {
        let outcome = send(&*channel, &notification::miss_firing(), "01K/firing/ops").await;
        assert_eq!(outcome, Outcome::Delivered, "{name}");
    }
    let requests = receiver.requests();
    for request in &requests {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post /services/"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("user-agent: cachewatch/"), "{head}");
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
    assert!(
        requests[1]
            .to_lowercase()
            .contains("idempotency-key: 01k/firing/ops")
    );
}

#[tokio::test]
async fn https_needs_somebody_who_vouches_for_the_receiver() {
    let (acceptor, root) = testing::tls::acceptor();
    let receiver = Receiver::start_tls(Act::Answer(200, "", "ok"), acceptor).await;
    let endpoint = secret_url(receiver.address)
        .expose()
        .replace("http://", "https://");
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
            keeps_secrets(&why);
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
        keeps_secrets(&format!("{error} {error:?}"));
    }
}
