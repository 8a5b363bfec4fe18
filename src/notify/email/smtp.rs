//! The conversation with a mail server, command by command, so that each failure says in which phase it happened.
//!
//! lettre's own transport is not used: its time-out covers only the connecting, one refused recipient stops the mail for
//! all, and it waits for the answer to QUIT, so that a server that falls silent after it took the mail makes it a failure.
//!
//! Invariant: an attempt ends within [`Deadlines::total`]; once the server has taken the mail it counts as delivered,
//! whatever comes after. Without TLS where TLS is asked for, nothing is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use lettre::transport::smtp::response::Response;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stream::Bounded;
use crate::config::{EmailConfig, SmtpSecurity};
use crate::notify::ChannelError;
use crate::notify::letter::Trace;
use crate::notify::outcome::Outcome;
use crate::notify::text::Redactor;
use crate::notify::tls::Trust;

/// How long an attempt may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// For the TCP connection.
    pub(crate) connect: Duration,
    /// For everything. Mail servers are slow on purpose: some greet only after 20 s.
    pub(crate) total: Duration,
    /// For the farewell after the mail was taken.
    pub(crate) quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_mins(1),
            quit: Duration::from_secs(2),
        }
    }
}

/// A mail server and how to speak to it.
pub(super) struct Server {
    host: String,
    port: u16,
    protection: Protection,
    credentials: Option<Credentials>,
    redactor: Redactor,
    deadlines: Deadlines,
}

enum Protection {
    Implicit(Arc<rustls::ClientConfig>, ServerName<'static>),
    Upgrade(TlsParameters),
    None,
}

/// Why an attempt failed, before it is known whether it is worth another one.
struct Failure {
    what: String,
    permanent: bool,
    /// What the server answered.
    code: Option<u16>,
}

impl Server {
    pub(super) fn new(
        config: &EmailConfig,
        trust: &Trust,
        deadlines: Deadlines,
    ) -> Result<Self, ChannelError> {
        let wrong = |what: &str, error: &dyn std::fmt::Display| {
            ChannelError::new(format!("{what}: {error}"))
        };
        let protection = match config.security {
            SmtpSecurity::None => Protection::None,
            SmtpSecurity::Implicit => Protection::Implicit(
                Arc::new(
                    trust
                        .client_config()
                        .map_err(|e| wrong("TLS cannot be set up", &e))?,
                ),
                ServerName::try_from(config.host.clone())
                    .map_err(|e| wrong("its host is not a valid name for TLS", &e))?,
            ),
            SmtpSecurity::StartTls => {
                let mut parameters = TlsParameters::builder(config.host.clone());
                for root in &trust.extra_roots {
                    let root = Certificate::from_der(root.to_vec())
                        .map_err(|e| wrong("an extra authority is not valid", &e))?;
                    parameters = parameters.add_root_certificate(root);
                }
                Protection::Upgrade(
                    parameters
                        .build()
                        .map_err(|e| wrong("TLS cannot be set up", &e))?,
                )
            }
        };
        let password = config.password.as_ref().map(|p| p.expose().to_owned());
        let username = config.username.clone().unwrap_or_default();
        Ok(Self {
            host: config.host.clone(),
            port: config.port,
            protection,
            redactor: Redactor::new(password.iter().flat_map(|p| wire_forms(&username, p))),
            credentials: password.map(|p| Credentials::new(username, p)),
            deadlines,
        })
    }

    /// Sends a mail, once.
    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8], trace: &Trace) -> Outcome {
        let phase = Phase(Mutex::new("connecting"));
        let (host, port) = (&self.host, self.port);
        trace.line(|| format!("* connecting to {host}:{port}"));
        let conversation = self.converse(envelope, mail, &phase, trace);
        match timeout(self.deadlines.total, conversation).await {
            Ok(Ok(())) => Outcome::Delivered,
            Ok(Err(failure)) => {
                if let Some(code) = failure.code {
                    trace.answered(code);
                }
                let why = format!("{}: {}", phase.get(), failure.what);
                trace.line(|| format!("! {why}"));
                if failure.permanent {
                    Outcome::permanent(why)
                } else {
                    Outcome::retry(why)
                }
            }
            Err(_) => Outcome::retry(format!(
                "{}: no answer from the mail server within {} s",
                phase.get(),
                self.deadlines.total.as_secs_f64()
            )),
        }
    }

    async fn converse(
        &self,
        envelope: &Envelope,
        mail: &[u8],
        phase: &Phase,
        trace: &Trace,
    ) -> Result<(), Failure> {
        let mut connection = self.connect(phase, trace).await?;
        if let Some(credentials) = &self.credentials {
            phase.set("logging in");
            trace.line(|| "> AUTH [REDACTED]".to_owned());
            let answer = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            self.heard(answer, trace)?;
        }
        phase.set("giving the sender");
        let mut parameters = Vec::new();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            // A server that cannot do it says so.
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let sender = Mail::new(envelope.from().cloned(), parameters);
        trace.line(|| format!("> {}", self.redactor.excerpt(&sender.to_string())));
        let answer = connection.command(sender).await;
        self.heard(answer, trace)?;

        phase.set("giving the recipients");
        let mut accepted = 0_usize;
        let mut refused: Vec<Failure> = Vec::new();
        for address in envelope.to() {
            let recipient = Rcpt::new(address.clone(), Vec::new());
            trace.line(|| format!("> {}", self.redactor.excerpt(&recipient.to_string())));
            let answer = connection.command(recipient).await;
            self.note(&answer, trace);
            match answer {
                Ok(_) => accepted += 1,
                Err(error) if error.status().is_some() => refused.push(self.failure(&error)),
                Err(error) => return Err(self.failure(&error)),
            }
        }
        if accepted == 0 {
            // One that may be taken later is reason enough to try again.
            let later = refused.iter().position(|f| !f.permanent).unwrap_or(0);
            return Err(refused.into_iter().nth(later).unwrap_or(Failure {
                what: "no recipient was accepted".to_owned(),
                permanent: true,
                code: None,
            }));
        }

        phase.set("sending the mail");
        trace.line(|| "> DATA".to_owned());
        let answer = connection.command(Data).await;
        self.heard(answer, trace)?;
        trace.line(|| format!("> ({} bytes)", mail.len()));
        let answer = connection.message(mail).await;
        let code = self.heard(answer, trace)?;
        trace.answered(code);

        if let Some(first) = refused.first() {
            tracing::warn!(
                accepted,
                refused = refused.len(),
                why = %first.what,
                "the mail server refused some of the recipients; the others get the mail"
            );
        }
        // Its answer changes nothing any more.
        if timeout(self.deadlines.quit, connection.command(Quit))
            .await
            .is_err()
        {
            tracing::debug!("the mail server did not answer QUIT");
        }
        Ok(())
    }

    async fn connect(&self, phase: &Phase, trace: &Trace) -> Result<AsyncSmtpConnection, Failure> {
        let refused = |what: String| Failure {
            what,
            permanent: false,
            code: None,
        };
        let tcp = timeout(
            self.deadlines.connect,
            TcpStream::connect((self.host.as_str(), self.port)),
        )
        .await
        .map_err(|_| refused("no connection within the time-out".to_owned()))?
        .map_err(|error| refused(error.to_string()))?;
        let peer = tcp
            .peer_addr()
            .map_err(|error| refused(error.to_string()))?;
        let stream: Box<dyn AsyncTokioStream> = match &self.protection {
            Protection::Implicit(config, name) => {
                phase.set("starting TLS");
                let tls = tokio_rustls::TlsConnector::from(Arc::clone(config))
                    .connect(name.clone(), Bounded::new(tcp, peer))
                    .await
                    .map_err(|error| refused(self.redactor.excerpt(&error.to_string())))?;
                Box::new(Bounded::new(tls, peer))
            }
            Protection::Upgrade(_) | Protection::None => Box::new(Bounded::new(tcp, peer)),
        };
        phase.set("greeting");
        let hello = ClientId::default();
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello)
            .await
            .map_err(|error| self.failure(&error))?;
        trace.line(|| {
            let name = connection.server_info().name();
            format!("< greeted by {}", self.redactor.excerpt(name))
        });
        if let Protection::Upgrade(parameters) = &self.protection {
            phase.set("starting TLS");
            if !connection.can_starttls() {
                return Err(Failure {
                    what: "the mail server does not offer STARTTLS, so nothing was sent; \
                           use smtps:// if it speaks TLS from the start"
                        .to_owned(),
                    permanent: true,
                    code: None,
                });
            }
            trace.line(|| "> STARTTLS".to_owned());
            connection
                .starttls(parameters.clone(), &hello)
                .await
                .map_err(|error| self.failure(&error))?;
            trace.line(|| "* TLS is on".to_owned());
        }
        Ok(connection)
    }

    /// Notes down an answer.
    fn note(&self, answer: &Result<Response, SmtpError>, trace: &Trace) {
        trace.line(|| match answer {
            Ok(response) => {
                let said: Vec<&str> = response.message().collect();
                let said = self.redactor.excerpt(&said.join(" "));
                format!("< {} {said}", response.code())
            }
            Err(error) => format!("< {}", self.redactor.excerpt(&error.to_string())),
        });
    }

    /// The code of an answer that lets us go on.
    fn heard(&self, answer: Result<Response, SmtpError>, trace: &Trace) -> Result<u16, Failure> {
        self.note(&answer, trace);
        let response = answer.map_err(|error| self.failure(&error))?;
        Ok(response.code().into())
    }

    fn failure(&self, error: &SmtpError) -> Failure {
        Failure {
            what: self.redactor.excerpt(&error.to_string()),
            // 5xx, and what no server will ever do: a log-in of a kind that it does not know.
            permanent: error.is_permanent() || error.is_client(),
            code: error.status().map(u16::from),
        }
    }
}

/// The password as it is written, and as it goes over the wire in AUTH LOGIN and AUTH PLAIN.
fn wire_forms(username: &str, password: &str) -> [String; 3] {
    [
        password.to_owned(),
        BASE64_STANDARD.encode(password),
        BASE64_STANDARD.encode(format!("\0{username}\0{password}")),
    ]
}

/// Where the conversation stands.
struct Phase(Mutex<&'static str>);

impl Phase {
    fn set(&self, phase: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn get(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
