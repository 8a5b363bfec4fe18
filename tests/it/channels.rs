//! Channels against the real thing: Alertmanager, an SMTP server with Python's parser of mail, a receiver that verifies
//! signatures as the documentation says; and the program itself with one channel of each kind.

use cachewatch::config::{Config, Inputs, Overrides, load};
use cachewatch::model::incident::Transition;
use cachewatch::model::time::{Clock, SystemClock};
use cachewatch::notify::{Links, TestReport, try_out};

use crate::harness::python::{self, Aiosmtpd};
use crate::harness::wait::secs;
use crate::harness::{Alertmanager, Answer, Cachewatch, Receiver, Smtp, alertmanager, eventually};

fn config(channels: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.yaml");
    let text = format!(
        "external_url: https://cachewatch.example.org\n\
         caches: [{{name: sessions, url: redis://127.0.0.1:1}}]\nchannels:\n{channels}"
    );
    std::fs::write(&path, text).unwrap();
    load(&Inputs {
        config_file: Some(path),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &|_| None,
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Tries out the one channel of a configuration.
fn try_channel(channel: &str, transition: Transition) -> TestReport {
    cachewatch::install_tls_provider();
    let config = config(channel);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let now = SystemClock::start().now();
    let links = Links::of(&config);
    let trial = try_out(&config.channels[0], &links, transition, now);
    runtime.block_on(trial).unwrap()
}

#[test]
fn alertmanager_accepts_our_alerts_shows_them_and_resolves_them() {
    if !alertmanager::require() {
        return;
    }
    let (one, other) = (Alertmanager::start(), Alertmanager::start());
    // The third replica is down, which must not matter.
    let channel = format!(
        "- {{name: am, type: alertmanager, urls: ['http://{}', 'http://{}/', 'http://127.0.0.1:1']}}\n",
        one.addr, other.addr
    );
    let report = try_channel(&channel, Transition::Firing);
    assert!(report.delivered, "{report:#?}");
    for replica in [&one, &other] {
        let alerts = eventually(secs(10), "the alert is shown", || {
            Some(replica.alerts()).filter(|alerts| !alerts.is_empty())
        });
        assert_eq!(alerts.len(), 1);
        let alert = &alerts[0];
        assert_eq!(alert["labels"]["alertname"], "CacheMissRatioHigh");
        assert_eq!(alert["labels"]["cache"], "sample");
        assert_eq!(alert["status"]["state"], "active");
        assert_eq!(
            alert["generatorURL"],
            "https://cachewatch.example.org/caches/sample"
        );
        let summary = alert["annotations"]["summary"].as_str().unwrap();
        assert!(summary.starts_with("Test: Miss rate 34.1 %"), "{summary}");
    }
    // The same labels have the same fingerprint for a web hook: Alertmanager's own.
    let receiver = Receiver::start();
    let hook = format!(
        "- {{name: h, type: webhook, url: '{}'}}\n",
        receiver.url("/")
    );
    assert!(try_channel(&hook, Transition::Firing).delivered);
    let told = receiver.requests()[0].json();
    assert_eq!(
        told["alerts"][0]["fingerprint"],
        one.alerts()[0]["fingerprint"]
    );

    assert!(try_channel(&channel, Transition::Resolved).delivered);
    for replica in [&one, &other] {
        eventually(secs(10), "the alert is over", || {
            replica.alerts().is_empty().then_some(())
        });
    }
}

#[test]
fn a_real_mail_server_takes_what_python_reads() {
    if !python::require() {
        return;
    }
    let server = Aiosmtpd::start();
    let channel = format!(
        "- {{name: mail, type: email, smtp_url: 'smtp://127.0.0.1:{}', from: 'cachewatch <cw@example.org>',\n   \
         to: ['Ops <ops@example.org>', 'dba@example.org']}}\n",
        server.port
    );
    let report = try_channel(&channel, Transition::Firing);
    assert_eq!(
        (report.delivered, report.code),
        (true, Some(250)),
        "{report:#?}"
    );
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        mails[0]["to"],
        serde_json::json!(["ops@example.org", "dba@example.org"])
    );
    let program = "
import email, email.policy, json, sys
mail = email.message_from_string(sys.stdin.read(), policy=email.policy.default)
parts = [p for p in mail.walk() if not p.is_multipart()]
assert not mail.defects and all(not p.defects for p in mail.walk()), mail.defects
image = [p for p in parts if p.get_content_maintype() == 'image'][0]
print(json.dumps({
    'subject': mail['Subject'], 'auto': mail['Auto-Submitted'], 'id': mail['Message-ID'],
    'types': [p.get_content_type() for p in mail.walk()],
    'text': mail.get_body(('plain',)).get_content(),
    'html': mail.get_body(('html',)).get_content(),
    'cid': image['Content-ID'], 'disposition': image.get_content_disposition(),
    'png': list(image.get_content()[:8]), 'size': len(image.get_content()),
}))
";
    let read = python::run(program, mails[0]["raw"].as_str().unwrap()).unwrap();
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(
        read["types"],
        serde_json::json!([
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png"
        ])
    );
    let text = |key: &str| read[key].as_str().unwrap().to_owned();
    assert_eq!(
        text("subject"),
        "Test: Miss rate 34.1 % on sample (limit 20 %, normal 8-12 %)"
    );
    assert_eq!(text("auto"), "auto-generated");
    assert!(text("text").contains("This is a test of the channel"));
    let body = text("text").replace("\r\n", "\n");
    assert!(
        body.contains("\n-- \n"),
        "the mark of a signature survives: {body:?}"
    );
    let cid = text("cid");
    let cid = cid.trim_matches(['<', '>']);
    assert!(
        text("html").contains(&format!("src=\"cid:{cid}\"")),
        "{cid}"
    );
    assert_eq!(text("disposition"), "inline");
    assert_eq!(read["png"], serde_json::json!(b"\x89PNG\r\n\x1a\n"));
    assert!(read["size"].as_u64().unwrap() > 2000);
}

/// The function of the documentation, run as it stands there.
#[test]
fn a_receiver_can_verify_a_signature_as_documented() {
    if !python::require() {
        return;
    }
    let docs = include_str!("../../docs/configuration.md");
    let function = docs.split_once("```python\n").unwrap().1;
    let function = function.split_once("```").unwrap().0;
    let program = format!(
        "import json, sys\n{function}\n\
         given = json.load(sys.stdin)\n\
         print(is_ours(given['secret'].encode(), given['headers'], given['body'].encode()))"
    );
    let receiver = Receiver::start();
    let secret = "a secret of both sides";
    let channel = format!(
        "- {{name: h, type: webhook, url: '{}', secret: '{secret}'}}\n",
        receiver.url("/hook")
    );
    let report = try_channel(&channel, Transition::Firing);
    assert!(report.delivered, "{report:#?}");
    assert!(!format!("{report:?}").contains(secret));
    let request = &receiver.requests()[0];
    let header = |name: &str| request.header(name).unwrap().to_owned();
    let verdict = |secret: &str, body: String| {
        let given = serde_json::json!({
            "secret": secret,
            "headers": {
                "X-Cachewatch-Timestamp": header("X-Cachewatch-Timestamp"),
                "X-Cachewatch-Signature": header("X-Cachewatch-Signature"),
            },
            "body": body,
        });
        python::run(&program, &given.to_string())
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(verdict(secret, request.text()), "True");
    assert_eq!(verdict("another secret of both", request.text()), "False");
    assert_eq!(verdict(secret, request.text() + " "), "False");
}

/// One channel of each kind, and a cache that nobody answers for: the program tells all of them.
#[test]
fn every_kind_of_channel_is_told_by_the_program() {
    let receivers: Vec<Receiver> = (0..6).map(|_| Receiver::start()).collect();
    receivers[1].set(Answer::Say(
        200,
        r#"{"ok":true,"channel":"C1","ts":"1.2"}"#.into(),
    ));
    let smtp = Smtp::start();
    let url = |nth: usize| receivers[nth].url("/x/sEcReTtOkEn");
    let watched = Cachewatch::with_config(&format!(
        "poll_interval: 1s\ncaches: [{{name: c, url: 'redis://127.0.0.1:1'}}]\n\
         rules: [{{name: CacheDown, for: 2s, clear_for: 2s}}]\nchannels:\n\
         - {{name: slack, type: slack, url: '{}'}}\n\
         - {{name: bot, type: slack_bot, token: xoxb-sEcReTtOkEn, channel: '#alerts', url: '{}'}}\n\
         - {{name: hook, type: webhook, url: '{}', secret: sEcReTtOkEn-sEcReTtOkEn, template: {{title: 'Mine: {{{{ cache }}}}'}}}}\n\
         - {{name: am, type: alertmanager, urls: ['{}']}}\n\
         - {{name: pager, type: pagerduty, routing_key: sEcReTtOkEn, url: '{}'}}\n\
         - {{name: teams, type: teams, url: '{}'}}\n\
         - {{name: mail, type: email, smtp_url: 'smtp://{}', to: ['ops@example.org']}}\n",
        url(0),
        url(1),
        url(2),
        url(3),
        url(4),
        url(5),
        smtp.addr()
    ));
    let first = |nth: usize| receivers[nth].wait_for(1, secs(40))[0].clone();
    let told = |nth: usize| first(nth).json();
    assert!(told(0)["text"].as_str().unwrap().contains("c is down"));
    assert_eq!(told(1)["channel"], "#alerts");
    assert_eq!(first(1).path, "/x/sEcReTtOkEn/chat.postMessage");
    assert_eq!(told(2)["alerts"][0]["annotations"]["summary"], "Mine: c");
    assert!(first(2).header("X-Cachewatch-Signature").is_some());
    assert_eq!(told(3)[0]["labels"]["cache"], "c");
    assert_eq!(told(4)["event_action"], "trigger");
    assert_eq!(told(5)["attachments"][0]["content"]["version"], "1.4");
    let mails = smtp.wait_for(1, secs(20));
    assert!(
        mails[0]
            .message()
            .header("Subject")
            .unwrap()
            .contains("c is down")
    );
    assert!(!watched.log().contains("sEcReTtOkEn"), "{}", watched.log());
    watched.stop();
}
