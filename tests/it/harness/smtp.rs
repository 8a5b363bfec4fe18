//! An SMTP server that records mails, with STARTTLS, implicit TLS and AUTH, and misbehaves by script.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

use super::http::read_line;
use super::mail::Message;
use super::net::{Listener, Running};
use super::tls::Pki;
use super::wait::{eventually, now, secs};

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

#[derive(Debug)]
enum Wire {
    Plain(BufReader<TcpStream>),
    Secured(Box<BufReader<StreamOwned<ServerConnection, TcpStream>>>),
}

impl Wire {
    fn secured(stream: TcpStream, config: &Arc<rustls::ServerConfig>) -> Self {
        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
        Self::Secured(Box::new(BufReader::new(StreamOwned::new(
            connection, stream,
        ))))
    }

    fn line(&mut self) -> std::io::Result<String> {
        match self {
            Self::Plain(s) => read_line(s),
            Self::Secured(s) => read_line(s),
        }
    }

    fn say(&mut self, text: &str) -> std::io::Result<()> {
        let bytes = format!("{text}\r\n").into_bytes();
        match self {
            Self::Plain(s) => s.get_mut().write_all(&bytes),
            Self::Secured(s) => {
                s.get_mut().write_all(&bytes)?;
                s.get_mut().flush()
            }
        }
    }
}

struct Session<'a> {
    // `None` only while STARTTLS swaps it.
    wire: Option<Wire>,
    raw: TcpStream,
    running: &'a Running,
    state: &'a Mutex<State>,
    tls: Option<&'a Arc<rustls::ServerConfig>>,
    login: Option<(String, String)>,
}

impl Session<'_> {
    fn run(&mut self) -> std::io::Result<()> {
        if !self.answer(Phase::Connect, "220 localhost ESMTP")? {
            return Ok(());
        }
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = self.wire().line()?;
            if !self.running.yes() {
                return Ok(());
            }
            let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
            let locked = self.tls.is_some() && !self.secured();
            let open = match verb.as_str() {
                "EHLO" | "HELO" => {
                    let extra = if locked { "250-STARTTLS\r\n" } else { "" };
                    let text =
                        format!("250-localhost\r\n{extra}250-8BITMIME\r\n250 AUTH PLAIN LOGIN");
                    self.answer(Phase::Ehlo, &text)?
                }
                "STARTTLS" => self.start_tls()?,
                "MAIL" | "AUTH" if locked => {
                    self.wire()
                        .say("530 5.7.0 Must issue a STARTTLS command first")?;
                    true
                }
                "AUTH" => self.auth(&line)?,
                "MAIL" => {
                    from = address(&line);
                    to.clear();
                    self.answer(Phase::Mail, "250 2.1.0 Ok")?
                }
                "RCPT" => {
                    to.push(address(&line));
                    self.answer(Phase::Rcpt, "250 2.1.5 Ok")?
                }
                "DATA" => self.data(&from, &to)?,
                "QUIT" => {
                    self.answer(Phase::Quit, "221 2.0.0 Bye")?;
                    false
                }
                "RSET" | "NOOP" => self.wire().say("250 2.0.0 Ok").map(|()| true)?,
                _ => self.wire().say("502 5.5.2 Unknown").map(|()| true)?,
            };
            if !open {
                return Ok(());
            }
        }
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().unwrap()
    }

    fn secured(&self) -> bool {
        matches!(self.wire, Some(Wire::Secured(_)))
    }

    /// Answers a phase well or as scripted; false when the connection is over.
    fn answer(&mut self, phase: Phase, well: &str) -> std::io::Result<bool> {
        Ok(self.answered(phase, well)?.is_some())
    }

    /// As `answer`; tells whether it was answered well, `None` when the connection is over.
    fn answered(&mut self, phase: Phase, well: &str) -> std::io::Result<Option<bool>> {
        let misbehaviour = self.state.lock().unwrap().misbehaviour(phase);
        match misbehaviour {
            None => self.wire().say(well).map(|()| Some(true)),
            Some(Behaviour::Say(line)) => self.wire().say(line).map(|()| Some(false)),
            Some(Behaviour::Close) => Ok(None),
            Some(Behaviour::Silence) => {
                self.running.silence(&self.raw);
                Ok(None)
            }
        }
    }

    fn start_tls(&mut self) -> std::io::Result<bool> {
        let Some(config) = self.tls else {
            return self.wire().say("502 5.5.1 Not offered").map(|()| true);
        };
        let answered = self.answered(Phase::StartTls, "220 2.0.0 Ready to start TLS")?;
        if answered == Some(true) {
            self.wire = Some(Wire::secured(self.raw.try_clone()?, config));
        }
        Ok(answered.is_some())
    }

    fn auth(&mut self, line: &str) -> std::io::Result<bool> {
        let mut words = line.split(' ').skip(1);
        let method = words.next().unwrap_or("").to_ascii_uppercase();
        let first = words.next().map(str::to_owned);
        let login = if method == "PLAIN" {
            let text = match first {
                Some(text) => text,
                None => self.challenge("")?,
            };
            let text = decode(&text);
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            (
                parts.next().unwrap_or_default(),
                parts.next().unwrap_or_default(),
            )
        } else {
            let user = match first {
                Some(text) => text,
                None => self.challenge("VXNlcm5hbWU6")?,
            };
            (decode(&user), decode(&self.challenge("UGFzc3dvcmQ6")?))
        };
        let answered = self.answered(Phase::Auth, "235 2.7.0 Authentication successful")?;
        if answered == Some(true) {
            self.login = Some(login);
        }
        Ok(answered.is_some())
    }

    fn challenge(&mut self, text: &str) -> std::io::Result<String> {
        self.wire().say(&format!("334 {text}"))?;
        self.wire().line()
    }

    fn data(&mut self, from: &str, to: &[String]) -> std::io::Result<bool> {
        match self.answered(Phase::Data, "354 End data with <CR><LF>.<CR><LF>")? {
            None => return Ok(false),
            Some(false) => return Ok(true),
            Some(true) => {}
        }
        let mut raw = String::new();
        loop {
            let line = self.wire().line()?;
            if line == "." {
                break;
            }
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push_str("\r\n");
        }
        let answered = self.answered(Phase::Body, "250 2.0.0 Ok: queued")?;
        // A mail that was refused was not received.
        if answered == Some(true) {
            let mail = Mail {
                from: from.to_owned(),
                to: to.to_vec(),
                raw,
                login: self.login.clone(),
                tls: self.secured(),
                at: now(),
            };
            self.state.lock().unwrap().mails.push(mail);
        }
        Ok(answered.is_some())
    }
}

/// The address of `MAIL FROM:<a@b> …`.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, l)| l.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

fn decode(base64: &str) -> String {
    String::from_utf8_lossy(&super::mail::base64(base64.as_bytes())).into_owned()
}
