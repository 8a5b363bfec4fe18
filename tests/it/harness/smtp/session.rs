//! One conversation with an SMTP client, over TLS or not.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::{ServerConnection, StreamOwned};

use super::{Behaviour, Mail, Phase, State};
use crate::harness::http::read_line;
use crate::harness::mail;
use crate::harness::net::Running;
use crate::harness::wait::now;

#[derive(Debug)]
pub enum Wire {
    Plain(BufReader<TcpStream>),
    Secured(Box<BufReader<StreamOwned<ServerConnection, TcpStream>>>),
}

impl Wire {
    pub fn secured(stream: TcpStream, config: &Arc<rustls::ServerConfig>) -> Self {
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

pub struct Session<'a> {
    // `None` only while STARTTLS swaps it.
    pub wire: Option<Wire>,
    pub raw: TcpStream,
    pub running: &'a Running,
    pub state: &'a Mutex<State>,
    pub tls: Option<&'a Arc<rustls::ServerConfig>>,
    pub login: Option<(String, String)>,
}

impl Session<'_> {
    pub fn run(&mut self) -> std::io::Result<()> {
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
    String::from_utf8_lossy(&mail::base64(base64.as_bytes())).into_owned()
}
