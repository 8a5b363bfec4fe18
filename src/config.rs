//! The configuration as the rest of the program sees it: checked, complete, with secrets wrapped.
//!
//! `raw` is the file as people write it; `load` merges defaults < file < environment < flags, checks everything and
//! reports all errors at once; `watch` and `diff` are what reloading needs. No other room reads a file or a variable to learn what it should do.
//!
//! Invariant: a [`Config`] that exists is valid; no further check is needed where it is used.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

mod address;
pub mod attribution;
pub mod cache;
pub mod channel;
pub mod diff;
pub mod env;
mod error;
pub mod heartbeat;
mod load;
pub mod maintenance;
mod raw;
pub mod redacted;
pub mod routing;
pub mod rule;
pub mod sampling;
pub mod signal;
pub mod template;
pub mod watch;

pub use attribution::{AttributionConfig, MAX_NAMESPACES, NamespaceConfig, Notifications};
pub use cache::{CacheConfig, Password, TlsConfig, Transport};
pub use channel::{
    AlertmanagerConfig, ChannelConfig, ChannelKind, EmailConfig, OnResolved, PagerDutyConfig,
    SlackBotConfig, SmtpSecurity,
};
pub use error::{ConfigError, ConfigErrors, MAX_ERRORS};
pub use heartbeat::HeartbeatConfig;
pub use load::{Inputs, Overrides, load};
pub use routing::{QuietHours, Routing};
pub use rule::{
    BaselineRule, DEFAULT_WARM_UP, Detector, DownRule, Inhibition, LimitRule, MAX_SUBJECTS,
    MissRatioRule, Rule, Scope, Signal,
};
pub use sampling::MonitorSampling;

/// Where it listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:9721";
/// How often a node is polled when nothing else is said.
pub const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest poll interval.
pub const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The longest poll interval.
pub const MAX_POLL_INTERVAL: Duration = Duration::from_mins(5);

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file it came from.
    pub file: Option<PathBuf>,
    /// Where the HTTP server listens. A change of it needs a restart.
    pub listen: SocketAddr,
    /// Where state is kept; `None`: in memory only.
    pub data_dir: Option<PathBuf>,
    /// The PostgreSQL database where state is kept instead of the folder: `postgres://…`. A change needs a restart.
    pub store: Option<crate::model::secret::Secret>,
    /// How people reach the page, for links in messages: `https://cachewatch.example.org`, without a slash at the end.
    pub external_url: Option<String>,
    /// Where a dashboard of a cache is, for links in messages; `{cache}` stands for its name.
    pub dashboard_url: Option<String>,
    /// What a request must bring that changes something; `None`: none of them is let in.
    pub api_token: Option<crate::model::secret::Secret>,
    /// The caches, at least one, names unique.
    pub caches: Vec<CacheConfig>,
    /// The channels, names unique.
    pub channels: Vec<ChannelConfig>,
    /// Whom to call as long as all is well; `None`: nobody.
    pub heartbeat: Option<HeartbeatConfig>,
    /// The rules, names unique, the two default ones included unless they were switched off.
    pub rules: Vec<Rule>,
    /// When nobody is to be told, names unique.
    pub maintenance: Vec<maintenance::Maintenance>,
    /// Which incident silences which others, beside a cache that is down.
    pub inhibitions: Vec<Inhibition>,
    /// The files that it was read from and that it names, as they were then; see [`watch`].
    pub files: Vec<watch::SeenFile>,
}
