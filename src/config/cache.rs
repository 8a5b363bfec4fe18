//! What is known of a cache before it is asked: where it is, who we are there, how often to ask.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::attribution::AttributionConfig;
use crate::model::name::{CacheName, NodeName};
use crate::model::secret::Secret;

/// One cache.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheConfig {
    /// Its name.
    pub name: CacheName,
    /// How to reach its node.
    pub transport: Transport,
    /// The ACL user; `None`: the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Password>,
    /// How often it is polled: 1 s to 5 min.
    pub poll_interval: Duration,
    /// How long connecting may take, TLS and authentication included.
    pub connect_timeout: Duration,
    /// How long a complete answer may take.
    pub response_timeout: Duration,
    /// Whether to subscribe to keyspace events.
    pub events: bool,
    /// How its misses are attributed to namespaces and causes.
    pub attribution: AttributionConfig,
    /// How lookups are sampled; `None`: they are not.
    pub sampling: Option<super::MonitorSampling>,
    /// Labels that are put on its alerts and shown on its page. Names are Prometheus label names; `cache`, `node` and
    /// `alertname` are taken.
    pub labels: BTreeMap<String, String>,
}

impl CacheConfig {
    /// The name of the node that the configuration names.
    pub fn node(&self) -> NodeName {
        self.transport.node()
    }
}

/// How to reach a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// `redis://host:port` or, with TLS, `rediss://host:port`.
    Tcp {
        /// A host name or an address, IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
        /// TLS, if so.
        tls: Option<TlsConfig>,
    },
    /// `unix:///path/to/socket`.
    Unix {
        /// The socket.
        path: PathBuf,
    },
}

impl Transport {
    /// The name of the node there.
    pub fn node(&self) -> NodeName {
        match self {
            Self::Tcp { host, port, .. } => NodeName::tcp(host, *port),
            Self::Unix { path } => NodeName::unix(&path.to_string_lossy()),
        }
    }
}

/// How TLS is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// A PEM file of authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate (PEM), where the server wants one.
    pub cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
    /// The name that the server's certificate must bear, if not the host's.
    pub server_name: Option<String>,
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// Given by the environment or the file.
    Inline(Secret),
    /// In a file of its own, read anew at each connection so that it may be rotated; trailing white space is cut.
    File(PathBuf),
}
