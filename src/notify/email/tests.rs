//! Mails as they are written, and mail servers as they are found.

use std::time::Duration;

use super::*;
use crate::config::SmtpSecurity;
use crate::model::incident::Notification;
use crate::model::secret::Secret;
use crate::notify::letter::Delay;
use crate::notify::route;
use crate::notify::testing::log::Log;
use crate::notify::testing::secrets::{self, kept, kept_by};
use crate::notify::testing::smtp::{Act, Phase, Security, Server};
use crate::notify::testing::{golden, notification};
use crate::notify::testing::{send, traced, with_letter, with_reminder};
use crate::notify::wording::{Links, Occasion};

const FAST: Deadlines = Deadlines {
    connect: Duration::from_secs(5),
    total: Duration::from_millis(400),
    quit: Duration::from_millis(100),
};

fn config(port: u16, security: SmtpSecurity) -> EmailConfig {
    EmailConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        username: Some("watcher".to_owned()),
        password: Some(Secret::new(secrets::PASSWORD.to_owned())),
        from: "cachewatch <cachewatch@example.org>".to_owned(),
        to: vec![
            "Ops <ops@example.org>".to_owned(),
            "dba@example.org".to_owned(),
        ],
    }
}

fn channel(config: &EmailConfig, trust: &Trust, deadlines: Deadlines) -> Email {
    let name = ChannelName::new("mail").unwrap();
    Email::new(&name, config, page(), trust, deadlines).unwrap()
}

fn page() -> Wording {
    Wording::plain(Links::to_page("https://cw.example.org"))
}

fn offline() -> Email {
    channel(&config(25, SmtpSecurity::None), &Trust::default(), FAST)
}

fn written(n: &Notification, late: Option<Duration>) -> String {
    composed(std::slice::from_ref(n), late)
}

fn composed(all: &[Notification], late: Option<Duration>) -> String {
    with_letter(all, |letter| composed_of(letter, late))
}

fn composed_of(letter: &Letter<'_>, late: Option<Duration>) -> String {
    let name = ChannelName::new("mail").unwrap();
    let key = match letter.parts[0].angle {
        Angle::Reminder => route::reminder_key(letter.first(), &name, 1),
        _ => letter.first().idempotency_key(&name),
    };
    let because = Delay::ChannelOut;
    let letter = Letter {
        key: &key,
        late: late.map(|by| Late { by, because }),
        ..*letter
    };
    String::from_utf8(offline().compose(&letter).unwrap().formatted()).unwrap()
}

/// Without the picture, which is a matter of `chart`.
fn without_picture(mail: &str) -> String {
    let Some((before, picture)) = mail.split_once("Content-Type: image/png") else {
        return mail.to_owned();
    };
    let (head, rest) = picture.split_once("\r\n\r\n").unwrap();
    let (base64, after) = rest.split_once("\r\n--").unwrap();
    assert!(
        base64.len() > 1000 && base64.starts_with("iVBORw0KGgo"),
        "a PNG"
    );
    format!("{before}Content-Type: image/png{head}\r\n\r\n(a PNG)\r\n--{after}")
}

async fn attempt(
    security: Security,
    acts: impl IntoIterator<Item = (Phase, Act)>,
    deadlines: Deadlines,
) -> (Outcome, Server) {
    let server = Server::start(security, acts).await;
    let security = match security {
        Security::None => SmtpSecurity::None,
        Security::Implicit => SmtpSecurity::Implicit,
        Security::StartTls => SmtpSecurity::StartTls,
    };
    let trust = Trust {
        extra_roots: vec![server.root.clone()],
    };
    let channel = channel(&config(server.address.port(), security), &trust, deadlines);
    // Without a series: there are many attempts, and drawing takes long without optimisation.
    let n = notification::down_firing();
    let (outcome, trace) = traced(&channel, &[n], "incident/firing/mail").await;
    kept_by("email", &outcome, &trace);
    (outcome, server)
}

#[test]
fn mails_are_as_the_golden_files_say() {
    for (name, n) in notification::named() {
        let mail = without_picture(&written(&n, None));
        golden::check(&format!("email_{name}.eml"), &mail.replace("\r\n", "\n"));
        let message = with_letter(&[n], |letter| page().message(letter));
        golden::check(&format!("email_{name}.txt"), &body::text(&message));
        golden::check(&format!("email_{name}.html"), &body::html(&message, None));
    }
    let mail = composed(&notification::storm(), None);
    golden::check("email_digest.eml", &mail.replace("\r\n", "\n"));
    let mail = with_reminder(|letter| composed_of(letter, None));
    golden::check(
        "email_reminder.eml",
        &without_picture(&mail).replace("\r\n", "\n"),
    );
}

#[test]
fn a_reminder_is_in_the_thread_and_has_its_own_date() {
    let first = written(&notification::miss_firing(), None);
    let again = with_reminder(|letter| composed_of(letter, None));
    let header = |mail: &str, name: &str| {
        let value = mail.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_default().trim().to_owned()
    };
    assert_eq!(
        header(&again, "In-Reply-To:"),
        header(&first, "Message-ID:")
    );
    assert_eq!(header(&first, "Date:"), "Fri, 02 Jan 2026 03:04:05 +0000");
    assert_eq!(header(&again, "Date:"), "Fri, 02 Jan 2026 07:04:05 +0000");
}

#[test]
fn a_picture_is_named_by_the_html() {
    let mail = written(&notification::miss_firing(), None);
    let (_, html) = mail.split_once("Content-Type: text/html").unwrap();
    let id = html.split_once("Content-ID: <").unwrap().1;
    let id = id.split_once('>').unwrap().0;
    // Quoted-printable breaks lines.
    let html = html.replace("=\r\n", "").replace("=3D", "=");
    assert!(html.contains(&format!("src=\"cid:{id}\"")), "{html}");
    assert!(html.contains("Content-Disposition: inline"), "{html}");
    // A cache that is down has no series.
    assert!(!written(&notification::down_firing(), None).contains("image/png"));
}

#[test]
fn a_repeated_mail_is_the_same_to_the_last_byte() {
    let n = notification::miss_firing();
    assert_eq!(written(&n, None), written(&n, None));
}

#[test]
fn a_resolved_one_answers_to_its_firing() {
    let header = |mail: &str, name: &str| {
        mail.lines()
            .find_map(|l| l.strip_prefix(name).map(str::to_owned))
            .unwrap()
    };
    let first = header(&written(&notification::miss_firing(), None), "Message-ID: ");
    let last = written(&notification::miss_resolved(), None);
    assert_eq!(header(&last, "In-Reply-To: "), first);
    assert_eq!(header(&last, "References: "), first);
    assert_ne!(header(&last, "Message-ID: "), first);
}

#[test]
fn a_late_mail_carries_the_time_it_is_sent() {
    let mail = written(&notification::miss_firing(), Some(Duration::from_mins(12)));
    assert!(
        mail.contains("\r\nDate: Fri, 02 Jan 2026 03:16:05 +0000\r\n"),
        "{mail}"
    );
}

#[test]
fn no_text_can_break_a_header_or_the_html() {
    let evil = "x\r\nBcc: evil@example.org\r\n\r\n<script>alert('1')</script>\n.\n";
    nothing_breaks(&notification::of_namespace(evil));
    let mut n = notification::down_firing();
    n.incident = evil.to_owned();
    n.runbook = Some(evil.to_owned());
    n.evidence = crate::model::incident::Evidence::Down(crate::model::incident::DownEvidence {
        nodes: vec![(crate::model::name::NodeName::tcp(evil, 1), evil.to_owned())],
        total: 1,
    });
    nothing_breaks(&n);
}

fn nothing_breaks(n: &Notification) {
    let mail = written(n, None);
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        !head.lines().any(|l| l.to_lowercase().starts_with("bcc")),
        "{head}"
    );
    let html = body::html(&Wording::default().one(n, Occasion::default()), None);
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&lt;script"), "{html}");
}

#[tokio::test]
async fn all_kinds_of_protection_deliver() {
    for security in [Security::None, Security::Implicit, Security::StartTls] {
        let (outcome, server) = attempt(security, [], Deadlines::default()).await;
        assert_eq!(outcome, Outcome::Delivered, "{security:?}");
        let seen = server.seen();
        assert_eq!(seen.mails.len(), 1);
        assert!(seen.mails[0].contains("Auto-Submitted: auto-generated\r\n"));
        assert_eq!(
            seen.commands
                .iter()
                .filter(|c| c.starts_with("RCPT"))
                .count(),
            2
        );
        let at = |start: &str| seen.commands.iter().position(|c| c.starts_with(start));
        assert!(security != Security::StartTls || at("STARTTLS") < at("AUTH"));
    }
}

#[tokio::test]
async fn starttls_that_is_not_offered_is_refused() {
    let server = Server::start(Security::None, []).await;
    let config = config(server.address.port(), SmtpSecurity::StartTls);
    let channel = channel(&config, &Trust::default(), FAST);
    let outcome = send(&channel, &notification::miss_firing(), "k").await;
    let Outcome::Permanent { why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    let commands = server.seen().commands;
    assert!(
        commands
            .iter()
            .all(|c| c.starts_with("EHLO") || c.starts_with("QUIT")),
        "{commands:?}"
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for (offered, wanted) in [
        (Security::Implicit, SmtpSecurity::Implicit),
        (Security::StartTls, SmtpSecurity::StartTls),
    ] {
        let server = Server::start(offered, []).await;
        let config = config(server.address.port(), wanted);
        let channel = channel(&config, &Trust::default(), Deadlines::default());
        let outcome = send(&channel, &notification::miss_firing(), "k").await;
        let Outcome::Retry { why, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(
            why.starts_with("starting TLS: ") && why.contains("certificate"),
            "{why}"
        );
        assert_eq!(server.seen().mails.len(), 0);
    }
}

#[tokio::test]
async fn each_refusal_in_each_phase_has_its_outcome() {
    let log = Log::collect();
    for phase in Phase::ALL {
        // A server that repeats what it refuses, password and all.
        for (reply, permanent) in [("451 later, not {line}", false), ("550 never {line}", true)] {
            let (outcome, _) = attempt(
                Security::StartTls,
                [(phase, Act::Reply(reply))],
                Deadlines::default(),
            )
            .await;
            match (&outcome, phase) {
                (Outcome::Delivered, Phase::Quit) => {}
                (Outcome::Permanent { why }, _) if permanent => {
                    assert!(why.contains("550"), "{why}");
                }
                (Outcome::Retry { why, .. }, _) if !permanent => {
                    assert!(why.contains("451"), "{why}");
                }
                _ => panic!("{phase:?} {reply}: {outcome:?}"),
            }
        }
    }
    kept("the log", &log.text());
}

#[tokio::test]
async fn silence_closing_and_floods_end_in_time_in_each_phase() {
    for phase in Phase::ALL {
        for act in [Act::Silence, Act::Close, Act::Flood] {
            let what = format!("{phase:?} {act:?}");
            // Before QUIT the mail has to get through, however slow this machine is.
            let total = if phase == Phase::Quit {
                Duration::from_secs(20)
            } else {
                FAST.total
            };
            let deadlines = Deadlines { total, ..FAST };
            let (outcome, server) = attempt(Security::StartTls, [(phase, act)], deadlines).await;
            if phase == Phase::Quit {
                assert_eq!(outcome, Outcome::Delivered, "{what}");
                assert_eq!(server.seen().mails.len(), 1);
            } else {
                assert!(
                    matches!(outcome, Outcome::Retry { .. }),
                    "{what}: {outcome:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_phase_that_times_out_is_named() {
    let deadlines = Deadlines {
        total: Duration::from_secs(2),
        ..FAST
    };
    let (outcome, _) = attempt(Security::None, [(Phase::Data, Act::Silence)], deadlines).await;
    assert_eq!(
        outcome,
        Outcome::retry("sending the mail: no answer from the mail server within 2 s")
    );
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let channel = channel(&config(port, SmtpSecurity::None), &Trust::default(), FAST);
    let outcome = send(&channel, &notification::miss_firing(), "k").await;
    let Outcome::Retry { why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.starts_with("connecting: Connection refused"), "{why}");
}

#[test]
fn a_mailbox_that_is_none_is_told() {
    let mut bad = config(25, SmtpSecurity::None);
    bad.to = vec!["nobody".to_owned()];
    let name = ChannelName::new("mail").unwrap();
    let error = Email::new(&name, &bad, Wording::default(), &Trust::default(), FAST)
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .starts_with("a recipient is not a mailbox"),
        "{error}"
    );
}

#[tokio::test]
async fn the_dialogue_is_noted_without_the_password() {
    let server = Server::start(Security::StartTls, []).await;
    let trust = Trust {
        extra_roots: vec![server.root.clone()],
    };
    let config = config(server.address.port(), SmtpSecurity::StartTls);
    let channel = channel(&config, &trust, Deadlines::default());
    let (outcome, trace) = traced(&channel, &[notification::down_firing()], "k").await;
    assert_eq!((outcome, trace.code()), (Outcome::Delivered, Some(250)));
    let lines = trace.lines();
    for line in [
        "> STARTTLS",
        "* TLS is on",
        "> AUTH [REDACTED]",
        "> MAIL FROM:<cachewatch@example.org>",
        "> RCPT TO:<ops@example.org>",
        "< 250 taken",
    ] {
        assert!(lines.iter().any(|l| l == line), "{line} in {lines:#?}");
    }
}
