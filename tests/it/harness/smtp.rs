//! An SMTP server that records mails, with STARTTLS, implicit TLS and AUTH, and misbehaves by script.

mod session;

use std::collections::HashMap;
use std::io::BufReader;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::mail::Message;
use super::net::Listener;
use super::tls::Pki;
use super::wait::{eventually, secs};
use session::{Session, Wire};

/// A moment of the conversation at which the server can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The greeting.
    Connect,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO, each.
    Rcpt,
    /// DATA, before the text.
    Data,
    /// The end of the text.
    Body,
    /// QUIT.
    Quit,
}

/// How it misbehaves.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// A line instead of the right one: `Say("451 4.3.0 try later")`.
    Say(&'static str),
    /// Nothing, until the client goes.
    Silence,
    /// The connection is closed.
    Close,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all; STARTTLS is not offered.
    None,
    /// STARTTLS is offered, and mail is refused before it.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The text with its headers, dots unstuffed.
    pub raw: String,
    /// User and password, if the client logged in.
    pub login: Option<(String, String)>,
    /// Whether it came over TLS.
    pub tls: bool,
    /// When it had arrived.
    pub at: Instant,
}

impl Mail {
    /// Headers and parts, decoded.
    #[track_caller]
    pub fn message(&self) -> Message {
        Message::parse(&self.raw)
    }
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    script: HashMap<Phase, Vec<Behaviour>>,
    always: HashMap<Phase, Behaviour>,
}

impl State {
    fn misbehaviour(&mut self, phase: Phase) -> Option<Behaviour> {
        match self.script.get_mut(&phase) {
            Some(all) if !all.is_empty() => Some(all.remove(0)),
            _ => self.always.get(&phase).cloned(),
        }
    }
}

/// The server.
#[derive(Debug)]
pub struct Smtp {
    state: Arc<Mutex<State>>,
    listener: Listener,
    pki: Option<(Pki, tempfile::TempDir)>,
}

impl Smtp {
    /// Without TLS.
    pub fn start() -> Self {
        Self::with(Protection::None)
    }

    /// With a certificate for `localhost` from an authority of its own, see [`Smtp::pki`].
    pub fn with(protection: Protection) -> Self {
        let pki = (protection != Protection::None).then(|| {
            let dir = tempfile::tempdir().unwrap();
            (Pki::new(dir.path()), dir)
        });
        let tls = pki.as_ref().map(|(pki, _)| pki.server_config());
        let state = Arc::new(Mutex::new(State::default()));
        let theirs = Arc::clone(&state);
        let listener = Listener::start("smtp", move |stream, running| {
            stream.set_read_timeout(Some(secs(60))).unwrap();
            let raw = stream.try_clone().unwrap();
            let wire = match (&tls, protection) {
                (Some(config), Protection::Implicit) => Wire::secured(stream, config),
                _ => Wire::Plain(BufReader::new(stream)),
            };
            let mut session = Session {
                wire: Some(wire),
                raw,
                running,
                state: &theirs,
                tls: tls.as_ref().filter(|_| protection == Protection::StartTls),
                login: None,
            };
            // A connection that breaks is the client's affair.
            drop(session.run());
        });
        Self {
            state,
            listener,
            pki,
        }
    }

    /// The next time that `phase` comes, it behaves so. Several calls are worked off in order.
    pub fn next(&self, phase: Phase, behaviour: Behaviour) {
        let mut state = self.state.lock().unwrap();
        state.script.entry(phase).or_default().push(behaviour);
    }

    /// Whenever `phase` comes and nothing is scripted, it behaves so.
    pub fn always(&self, phase: Phase, behaviour: Behaviour) {
        self.state.lock().unwrap().always.insert(phase, behaviour);
    }

    /// Back to good manners.
    pub fn behave(&self) {
        let mut state = self.state.lock().unwrap();
        state.script.clear();
        state.always.clear();
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// Its port. With TLS, connect to `localhost`.
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// The certificates.
    pub fn pki(&self) -> &Pki {
        &self.pki.as_ref().expect("started without TLS").0
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// All mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.state.lock().unwrap().mails.clone()
    }

    /// Waits until at least `n` have come.
    #[track_caller]
    pub fn wait_for(&self, n: usize, within: Duration) -> Vec<Mail> {
        eventually(within, &format!("{n} mails at the server"), || {
            let all = self.mails();
            (all.len() >= n).then_some(all)
        })
    }
}
