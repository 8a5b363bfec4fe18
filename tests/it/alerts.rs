//! The main job: a miss storm leads to exactly one firing and one resolved message at every receiver; a healthy cache
//! to none.

use crate::harness::wait::{always, secs};
use crate::harness::{Cachewatch, Load, Receiver, Server, Smtp, Version};

/// The default rules with windows of seconds.
const SHORT_RULES: &str = "\
rules:
- name: CacheMissRatioHigh
  detector: windowed
  short_window: 4s
  long_window: 8s
  extended_window: 30s
  for: 2s
  clear_for: 3s
- name: CacheDown
  for: 2s
  clear_for: 2s
";

fn config(server: &Server, slack: &Receiver, webhook: &Receiver, smtp: &Smtp) -> String {
    format!(
        "poll_interval: 1s\n\
         external_url: https://cachewatch.example.org/\n\
         caches:\n\
         - {{name: sessions, url: '{}', labels: {{team: web}}}}\n\
         channels:\n\
         - {{name: slack, type: slack, url: '{}'}}\n\
         - {{name: hook, type: webhook, url: '{}'}}\n\
         - {{name: mail, type: email, smtp_url: 'smtp://{}', from: 'cachewatch@example.org', to: ['oncall@example.org']}}\n\
         {SHORT_RULES}",
        server.url(),
        slack.url("/services/T/B/secret"),
        webhook.url("/hook"),
        smtp.addr(),
    )
}

#[test]
fn a_miss_storm_is_told_once_and_its_end_once() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let (slack, webhook, smtp) = (Receiver::start(), Receiver::start(), Smtp::start());
    slack.set(crate::harness::Answer::ok());
    let watched = Cachewatch::with_config(&config(&server, &slack, &webhook, &smtp));
    let load = Load::start(&server, 200.0, 0.05);
    watched.wait_metric(
        "cache_window_lookups",
        &[("cache", "sessions"), ("window", "1m")],
        |v| v > 1_000.0,
        secs(30),
    );
    assert_eq!(slack.requests().len(), 0, "healthy so far");

    load.set_miss_ratio(0.6);
    slack.wait_for(1, secs(40));
    let firing = [("cache", "sessions"), ("rule", "CacheMissRatioHigh")];
    watched.wait_metric("cache_alert_firing", &firing, |v| v == 1.0, secs(5));
    load.set_miss_ratio(0.02);
    slack.wait_for(2, secs(60));
    webhook.wait_for(2, secs(10));
    let mails = smtp.wait_for(2, secs(10));
    always(secs(6), "nothing more comes", || {
        slack.requests().len() == 2 && webhook.requests().len() == 2 && smtp.mails().len() == 2
    });

    // Slack
    let messages: Vec<_> = slack.requests().iter().map(|r| r.json()).collect();
    let first = messages[0]["text"].as_str().unwrap();
    assert!(
        first.contains("sessions") && first.contains("20 %"),
        "{first}"
    );
    let whole = messages[0].to_string();
    assert!(
        whole.contains('▁') || whole.contains('█'),
        "a sparkline: {whole}"
    );
    assert!(
        messages[1]["text"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("resolved"),
        "{}",
        messages[1]["text"]
    );

    // webhook: Alertmanager's JSON, the same alert by fingerprint
    let hooks: Vec<_> = webhook.requests().iter().map(|r| r.json()).collect();
    assert_eq!(hooks[0]["version"], "4");
    assert_eq!(
        (&hooks[0]["status"], &hooks[1]["status"]),
        (&"firing".into(), &"resolved".into())
    );
    let alert = &hooks[0]["alerts"][0];
    assert_eq!(alert["labels"]["alertname"], "CacheMissRatioHigh");
    assert_eq!(alert["labels"]["cache"], "sessions");
    assert_eq!(alert["labels"]["team"], "web");
    assert_eq!(alert["fingerprint"], hooks[1]["alerts"][0]["fingerprint"]);
    assert_eq!(alert["startsAt"], hooks[1]["alerts"][0]["startsAt"]);

    // e-mail: both belong to one thread
    let mails: Vec<_> = mails.iter().map(|m| m.message()).collect();
    assert!(mails[0].header("Subject").unwrap().contains("sessions"));
    assert_eq!(mails[0].header("Auto-Submitted"), Some("auto-generated"));
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("References"));
    assert!(
        mails[0].part("text/plain").contains("sessions")
            && mails[0].part("text/html").contains("sessions")
    );

    for channel in ["slack", "hook", "mail"] {
        let labels = [("channel", channel), ("outcome", "delivered")];
        watched.wait_metric(
            "cachewatch_notifications_total",
            &labels,
            |v| v == 2.0,
            secs(5),
        );
    }
    assert!(
        !watched.log().contains("secret"),
        "the webhook's URL is a secret"
    );
    load.stop();
    watched.stop();
}

/// The default windows, a true miss ratio of 10 %, four lookups a second: chance alone must not ring.
#[test]
fn a_healthy_cache_at_low_traffic_is_quiet() {
    if !Version::Redis70.require() {
        return;
    }
    let server = Server::start(Version::Redis70, &[]);
    let (slack, webhook, smtp) = (Receiver::start(), Receiver::start(), Smtp::start());
    let watched = Cachewatch::with_config(&config(&server, &slack, &webhook, &smtp));
    let load = Load::start(&server, 4.0, 0.10);
    always(secs(25), "quiet", || {
        slack.requests().is_empty() && webhook.requests().is_empty()
    });
    let seen = watched
        .metrics()
        .get("cache_lookups_total", &[("cache", "sessions")]);
    assert!(seen > 40.0, "it did look: {seen}");
    load.stop();
    watched.stop();
}

/// A server that dies is told once, and its return once; no miss alert comes out of it.
#[test]
fn a_cache_that_is_down_is_told() {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let (slack, webhook, smtp) = (Receiver::start(), Receiver::start(), Smtp::start());
    slack.set(crate::harness::Answer::ok());
    let watched = Cachewatch::with_config(&config(&server, &slack, &webhook, &smtp));
    watched.wait_metric("cache_up", &[("cache", "sessions")], |v| v == 1.0, secs(10));
    server.kill9();
    webhook.wait_for(1, secs(20));
    server.restart();
    webhook.wait_for(2, secs(40));
    always(secs(4), "nothing more", || webhook.requests().len() == 2);
    for (request, status) in webhook.requests().iter().zip(["firing", "resolved"]) {
        let json = request.json();
        assert_eq!(json["status"], status);
        assert_eq!(json["alerts"][0]["labels"]["alertname"], "CacheDown");
    }
    watched.stop();
}

/// Slack is out for a moment and says when to come back: the message arrives all the same, once.
#[test]
fn a_slack_that_says_later_gets_it_later() {
    if !Version::Redis70.require() {
        return;
    }
    let slack = Receiver::script([
        crate::harness::Answer::retry_after(429, "1"),
        crate::harness::Answer::status(503),
    ]);
    slack.set(crate::harness::Answer::ok());
    let watched = Cachewatch::builder()
        .args(["serve"])
        .env("CACHEWATCH_SLACK_WEBHOOK_URL", &slack.url("/services/x"))
        .config(&format!(
            "poll_interval: 1s\ncaches: [{{name: c, url: 'redis://127.0.0.1:1'}}]\n{SHORT_RULES}"
        ))
        .start();
    let requests = slack.wait_for(3, secs(30));
    assert!(
        requests.iter().all(|r| r.body == requests[0].body),
        "the same message each time"
    );
    let delivered = [("channel", "slack"), ("outcome", "delivered")];
    watched.wait_metric(
        "cachewatch_notifications_total",
        &delivered,
        |v| v == 1.0,
        secs(5),
    );
    watched.wait_metric(
        "cachewatch_notification_retries_total",
        &[("channel", "slack")],
        |v| v == 2.0,
        secs(5),
    );
    watched.stop();
}

/// With a data folder, an incident that was firing survives kill -9: it is not told again, and its end is told.
#[test]
fn an_incident_survives_kill_9() {
    if !Version::Redis70.require() {
        return;
    }
    let mut server = Server::start(Version::Redis70, &[]);
    let webhook = Receiver::start();
    let config = format!(
        "poll_interval: 1s\ndata_dir: state\ncaches: [{{name: c, url: '{}'}}]\n\
         channels: [{{name: hook, type: webhook, url: '{}'}}]\n{SHORT_RULES}",
        server.url(),
        webhook.url("/hook")
    );
    let watched = Cachewatch::with_config(&config);
    watched.wait_metric("cache_up", &[("cache", "c")], |v| v == 1.0, secs(10));
    server.kill9();
    webhook.wait_for(1, secs(20));
    let watched = watched.kill9().start();
    always(secs(5), "not told again", || webhook.requests().len() == 1);
    server.restart();
    let requests = webhook.wait_for(2, secs(30));
    let (first, last) = (requests[0].json(), requests[1].json());
    assert_eq!(last["status"], "resolved");
    assert_eq!(
        first["alerts"][0]["startsAt"], last["alerts"][0]["startsAt"],
        "the same incident"
    );
    watched.stop();
}
