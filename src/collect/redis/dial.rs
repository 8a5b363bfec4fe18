//! Opens a byte stream to a node: resolve, connect, TLS.
//!
//! Deliberately absent: the Redis protocol, authentication, retries. Whoever dials speaks the protocol and decides
//! when to dial again.
//!
//! Invariant: [`dial`] ends within the connect time-out, whatever the network and the peer do.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};

use super::error::{fail, printable, spoken};
use crate::config::{CacheConfig, TlsConfig, Transport};
use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};

mod paced;
mod stream;
mod tls;

use paced::Paced;
pub use stream::Stream;
pub use tls::SystemRoots;

/// Connects to a cache's node, TLS included, within [`CacheConfig::connect_timeout`].
///
/// `roots` keeps the system's authorities once they have been loaded; whoever dials again and again keeps one.
/// Dropping the future gives up the attempt and leaves nothing behind.
pub async fn dial(cache: &CacheConfig, roots: &SystemRoots) -> Result<Stream, PollError> {
    let node = cache.node();
    connect(&node, cache, roots)
        .await
        .map_err(|error| match error {
            DialError::Ready(error) => error,
            DialError::TimedOut(what) => fail(
                PollErrorKind::ConnectTimeout,
                format!(
                    "no connection to {node} within {}: {what}",
                    spoken(cache.connect_timeout)
                ),
            ),
        })
}

async fn connect(
    node: &NodeName,
    cache: &CacheConfig,
    roots: &SystemRoots,
) -> Result<Stream, DialError> {
    let deadline = Instant::now() + cache.connect_timeout;
    let (host, port, tls) = match &cache.transport {
        Transport::Unix { path } => return dial_unix(node, path, deadline).await,
        Transport::Tcp { host, port, tls } => (host.as_str(), *port, tls),
    };
    let tcp = dial_tcp(node, (host, port), deadline).await?;
    match tls {
        None => Ok(Stream::Tcp(Paced::new(tcp))),
        Some(config) => dial_tls(node, (config, host), tcp, roots, deadline).await,
    }
}

/// Why dialling failed; a time-out learns its length where the configuration is at hand.
enum DialError {
    /// As it is.
    Ready(PollError),
    /// The time was over while doing this.
    TimedOut(&'static str),
}

impl From<PollError> for DialError {
    fn from(error: PollError) -> Self {
        Self::Ready(error)
    }
}

async fn dial_unix(node: &NodeName, path: &Path, deadline: Instant) -> Result<Stream, DialError> {
    match timeout_at(deadline, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => Ok(Stream::Unix(Paced::new(stream))),
        Ok(Err(error)) => Err(connect_error(node, &error).into()),
        Err(_) => Err(DialError::TimedOut(
            "the server does not accept connections; is it hung?",
        )),
    }
}

async fn dial_tcp(
    node: &NodeName,
    address: (&str, u16),
    deadline: Instant,
) -> Result<TcpStream, DialError> {
    let unresolved = |why: &str| {
        fail(
            PollErrorKind::Resolve,
            format!(
                "cannot find an address for {node}: {why}; check the host name and this machine's DNS"
            ),
        )
    };
    let found: Vec<SocketAddr> = match timeout_at(deadline, tokio::net::lookup_host(address)).await
    {
        Ok(Ok(found)) => found.take(MAX_ADDRESSES).collect(),
        Ok(Err(error)) => {
            return Err(unresolved(&printable(error.to_string().as_bytes())).into());
        }
        Err(_) => return Err(DialError::TimedOut("the DNS did not answer")),
    };

    let mut last = DialError::Ready(unresolved("the DNS knows none"));
    for (tried, addr) in found.iter().enumerate() {
        // One address that swallows packets must not eat the time of the others.
        let left = deadline.saturating_duration_since(Instant::now());
        let others = u32::try_from(found.len() - tried).unwrap_or(1).max(1);
        let until = Instant::now() + left / others;
        last = match timeout_at(until, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => {
                // Best effort: without it, an answer is at worst some milliseconds late.
                stream.set_nodelay(true).unwrap_or_default();
                return Ok(stream);
            }
            Ok(Err(error)) => connect_error(node, &error).into(),
            Err(_) => DialError::TimedOut(
                "no answer to the TCP handshake; is a firewall in between, or the server hung?",
            ),
        };
    }
    Err(last)
}

/// How many addresses of one name are tried.
const MAX_ADDRESSES: usize = 8;

async fn dial_tls(
    node: &NodeName,
    (config, host): (&TlsConfig, &str),
    tcp: TcpStream,
    roots: &SystemRoots,
    deadline: Instant,
) -> Result<Stream, DialError> {
    match timeout_at(deadline, tls::handshake(node, (config, host), tcp, roots)).await {
        Ok(done) => Ok(Stream::Tls(Box::new(done?))),
        Err(_) => Err(DialError::TimedOut(
            "connected, but the TLS handshake did not end; does this port speak TLS?",
        )),
    }
}

/// A failure of connect(2).
fn connect_error(node: &NodeName, error: &io::Error) -> PollError {
    let system = printable(error.to_string().as_bytes());
    match error.kind() {
        io::ErrorKind::ConnectionRefused => fail(
            PollErrorKind::Refused,
            format!("connection refused by {node}: is the server running, and is this its port?"),
        ),
        io::ErrorKind::NotFound => fail(
            PollErrorKind::Refused,
            format!("there is no socket {node}: is the server running, and is `unixsocket` set?"),
        ),
        io::ErrorKind::TimedOut => fail(
            PollErrorKind::ConnectTimeout,
            format!("no connection to {node}: {system}"),
        ),
        io::ErrorKind::PermissionDenied => fail(
            PollErrorKind::Io,
            format!(
                "cannot connect to {node}: {system}; check the socket's permissions (`unixsocketperm`) or the firewall"
            ),
        ),
        _ => fail(
            PollErrorKind::Io,
            format!("cannot connect to {node}: {system}"),
        ),
    }
}

#[cfg(test)]
mod tests;
