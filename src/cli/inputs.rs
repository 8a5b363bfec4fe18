//! What `serve` and `check` share: where the configuration comes from.

use std::path::PathBuf;

use crate::config::{Inputs, Overrides, env};

/// Where the configuration comes from. Precedence: defaults < file < environment < flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConfigArgs {
    /// Caches to watch: `redis://host:6379`, `rediss://user@host`, `unix:///path`, or `name=redis://…`
    /// [env: CACHEWATCH_REDIS_URL]
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// The configuration file [env: CACHEWATCH_CONFIG]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How often each node is polled, 1s to 5m [env: CACHEWATCH_POLL_INTERVAL] [default: 5s]
    #[arg(long, value_name = "DURATION")]
    poll_interval: Option<String>,
}

impl ConfigArgs {
    /// As the configuration room wants it, with the process environment.
    pub(super) fn inputs(
        self,
        listen: Option<String>,
        data_dir: Option<PathBuf>,
    ) -> Inputs<'static> {
        Inputs {
            config_file: self.config,
            urls: self.urls,
            flags: Overrides {
                listen,
                poll_interval: self.poll_interval,
                data_dir,
            },
            env: &env::process,
        }
    }
}
