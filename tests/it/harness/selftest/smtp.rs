//! The SMTP server, asked by an SMTP client that is not ours: Python's.

use crate::harness::smtp::{Behaviour, Phase, Protection, Smtp};
use crate::harness::wait::{eventually, secs};
use crate::harness::{mail, python};

/// Sends a mail with Python's smtplib; what went wrong, in its words.
fn send(smtp: &Smtp, program: &str) -> Result<String, String> {
    let ca = match smtp.addr().port() {
        _ if program.contains("context") => smtp.pki().ca.display().to_string(),
        _ => String::new(),
    };
    let head = format!(
        "import smtplib, ssl\nfrom email.message import EmailMessage\n\
         port = {}\nca = {ca:?}\n\
         m = EmailMessage()\nm['From'] = 'watch <w@example.org>'\nm['To'] = 'a@example.org, b@example.org'\n\
         m['Subject'] = 'Mißrate — 42 %, and so long a subject that it must be folded over lines'\n\
         m.set_content('plain: grüße\\n.dot at the start\\n')\n\
         m.add_alternative('<b>html: grüße</b>', subtype='html')\n",
        smtp.port()
    );
    python::run(&format!("{head}{program}"), "")
}

const PLAIN: &str = "s = smtplib.SMTP('localhost', port, timeout=3)\ns.send_message(m)\ns.quit()\n";

#[test]
fn records_a_mail_and_takes_it_apart() {
    if !python::require() {
        return;
    }
    let smtp = Smtp::start();
    send(&smtp, PLAIN).unwrap();
    let mail = smtp.wait_for(1, secs(5)).remove(0);
    assert_eq!(mail.from, "w@example.org");
    assert_eq!(mail.to, ["a@example.org", "b@example.org"]);
    assert!(!mail.tls && mail.login.is_none());
    let message = mail.message();
    assert_eq!(
        message.header("subject"),
        Some("Mißrate — 42 %, and so long a subject that it must be folded over lines")
    );
    assert_eq!(
        message.part("text/plain"),
        "plain: grüße\n.dot at the start\n"
    );
    assert_eq!(message.part("text/html").trim(), "<b>html: grüße</b>");
}

#[test]
fn starttls_implicit_tls_and_login() {
    if !python::require() {
        return;
    }
    let context = "context = ssl.create_default_context(cafile=ca)\n";
    let smtp = Smtp::with(Protection::StartTls);
    let refused = send(&smtp, PLAIN).unwrap_err();
    assert!(refused.contains("530"), "{refused}");
    let program = format!(
        "{context}s = smtplib.SMTP('localhost', port, timeout=3)\ns.starttls(context=context)\n\
         s.login('me', 'pässword')\ns.send_message(m)\ns.quit()\n"
    )
    .replace("pässword", "password");
    send(&smtp, &program).unwrap();

    let implicit = Smtp::with(Protection::Implicit);
    let program = format!(
        "{context}s = smtplib.SMTP_SSL('localhost', port, timeout=3, context=context)\n\
         s.user, s.password = 'me', 'password'\ns.ehlo()\ns.auth('LOGIN', s.auth_login)\n\
         s.send_message(m)\ns.quit()\n"
    );
    send(&implicit, &program).unwrap();

    for server in [&smtp, &implicit] {
        let mail = server.wait_for(1, secs(5)).remove(0);
        assert!(mail.tls);
        assert_eq!(mail.login, Some(("me".into(), "password".into())));
    }
}

#[test]
fn misbehaves_as_told() {
    if !python::require() {
        return;
    }
    let smtp = Smtp::start();
    let fails_with = |text: &str| {
        let error = send(&smtp, PLAIN).unwrap_err();
        assert!(error.contains(text), "{error}");
    };
    smtp.next(Phase::Rcpt, Behaviour::Say("550 5.1.1 no such user"));
    smtp.next(Phase::Rcpt, Behaviour::Say("550 5.1.1 no such user"));
    fails_with("no such user");
    smtp.next(Phase::Body, Behaviour::Say("451 4.3.0 try later"));
    fails_with("try later");
    smtp.next(Phase::Mail, Behaviour::Close);
    fails_with("Connection unexpectedly closed");
    smtp.always(Phase::Connect, Behaviour::Silence);
    fails_with("timed out");
    assert!(smtp.mails().is_empty());
    smtp.behave();
    send(&smtp, PLAIN).unwrap();
    assert_eq!(smtp.wait_for(1, secs(5)).len(), 1);
}

#[test]
fn aiosmtpd_takes_mail_too() {
    if !python::require() {
        return;
    }
    let server = python::Aiosmtpd::start();
    let program = format!(
        "import smtplib\ns = smtplib.SMTP('127.0.0.1', {}, timeout=3)\n\
         s.sendmail('w@example.org', ['a@example.org'], 'Subject: x\\r\\n\\r\\nhello')\ns.quit()\n",
        server.port
    );
    python::run(&program, "").unwrap();
    let mail = eventually(secs(5), "the mail", || server.mails().pop());
    assert_eq!(mail["from"], "w@example.org");
    let message = mail::Message::parse(mail["raw"].as_str().unwrap());
    assert_eq!(message.part("text/plain").trim(), "hello");
}
