//! A mail server that takes everything, but for the phases where it is told to do something else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::tls::acceptor;

/// A phase of the conversation: what the server answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
    Quit,
}

impl Phase {
    pub(crate) const ALL: [Self; 9] = [
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::Quit,
    ];
}

/// What it does in a phase.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers this. `{line}` stands for what the client sent.
    Reply(&'static str),
    /// Says nothing.
    Silence,
    /// Closes the connection.
    Close,
    /// Sends without end.
    Flood,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    Implicit,
    StartTls,
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Its certificate, which is its own authority.
    pub(crate) root: CertificateDer<'static>,
    seen: Arc<Mutex<Seen>>,
    _tasks: JoinSet<()>,
}

/// What was received.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) commands: Vec<String>,
    pub(crate) mails: Vec<String>,
}

struct Script {
    acts: HashMap<Phase, Act>,
    security: Security,
    tls: TlsAcceptor,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) async fn start(
        security: Security,
        acts: impl IntoIterator<Item = (Phase, Act)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tls, root) = acceptor();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script = Arc::new(Script {
            acts: acts.into_iter().collect(),
            security,
            tls,
            seen: Arc::clone(&seen),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = Arc::clone(&script);
                connections.spawn(async move {
                    // Ends with the connection, however that happens.
                    if script.security == Security::Implicit {
                        if let Ok(stream) = script.tls.accept(stream).await {
                            talk(stream, &script, true).await;
                        }
                    } else if let Some(stream) = talk(stream, &script, true).await
                        && let Ok(stream) = script.tls.accept(stream).await
                    {
                        talk(stream, &script, false).await;
                    }
                });
            }
        });
        Self {
            address,
            root,
            seen,
            _tasks: tasks,
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// One conversation. Returns the stream when the client wants TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    greet: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if greet {
        act(&mut stream, script, Phase::Greeting, "", "220 test ESMTP").await?;
    }
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        script
            .seen
            .lock()
            .unwrap()
            .commands
            .push(line.trim_end().to_owned());
        let ehlo = if script.security == Security::StartTls && greet {
            "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN"
        } else {
            "250-test\r\n250 AUTH PLAIN LOGIN"
        };
        let (phase, reply) = match line.split([' ', '\r']).next()? {
            "EHLO" => (Phase::Ehlo, ehlo),
            "STARTTLS" => (Phase::StartTls, "220 go ahead"),
            "AUTH" => (Phase::Auth, "235 welcome"),
            "MAIL" => (Phase::Mail, "250 ok"),
            "RCPT" => (Phase::Rcpt, "250 ok"),
            "DATA" => (Phase::Data, "354 go ahead"),
            "QUIT" => (Phase::Quit, "221 bye"),
            _ => return None,
        };
        let went_well = act(&mut stream, script, phase, &line, reply).await?;
        match phase {
            Phase::StartTls if went_well => return Some(stream.into_inner()),
            Phase::Data if went_well => {
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail).await.ok().filter(|n| *n > 0)?;
                }
                script.seen.lock().unwrap().mails.push(mail);
                act(&mut stream, script, Phase::Body, "", "250 taken").await?;
            }
            _ => {}
        }
    }
}

/// Does what the script says, or else gives the usual reply. `None`: the conversation is over; `false`: refused.
async fn act<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    script: &Script,
    phase: Phase,
    line: &str,
    usual: &str,
) -> Option<bool> {
    let reply = match script.acts.get(&phase) {
        None => usual.to_owned(),
        Some(Act::Reply(text)) => text.replace("{line}", line.trim_end()),
        Some(Act::Silence) => std::future::pending().await,
        Some(Act::Close) => return None,
        Some(Act::Flood) => loop {
            stream.write_all(&[b'x'; 4096]).await.ok()?;
        },
    };
    stream
        .write_all(format!("{reply}\r\n").as_bytes())
        .await
        .ok()?;
    stream.flush().await.ok()?;
    Some(!reply.starts_with(['4', '5']))
}
