//! The server versions that every promise is tested on.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::skip;

/// A server that `make setup` brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Redis 6.2.14. No class `n` of events, no TLS in this build.
    Redis62,
    /// Redis 7.0.15, Debian's; with TLS.
    Redis70,
    /// Redis 8.2.3.
    Redis82,
    /// Valkey 8.1.8.
    Valkey81,
    /// Valkey 9.1.2.
    Valkey91,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Redis62,
        Self::Redis70,
        Self::Redis82,
        Self::Valkey81,
        Self::Valkey91,
    ];

    /// For tests that need a server but not all versions: the most widespread one.
    pub const USUAL: Self = Self::Redis70;

    /// The name of its folder: `redis-6.2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis62 => "redis-6.2",
            Self::Redis70 => "redis-7.0",
            Self::Redis82 => "redis-8.2",
            Self::Valkey81 => "valkey-8.1",
            Self::Valkey91 => "valkey-9.1",
        }
    }

    /// Whether it is Valkey.
    pub fn is_valkey(self) -> bool {
        matches!(self, Self::Valkey81 | Self::Valkey91)
    }

    /// Its full version: `7.0.15`.
    pub fn number(self) -> &'static str {
        match self {
            Self::Redis62 => "6.2.14",
            Self::Redis70 => "7.0.15",
            Self::Redis82 => "8.2.3",
            Self::Valkey81 => "8.1.8",
            Self::Valkey91 => "9.1.2",
        }
    }

    /// Its binary, if it is there.
    pub fn binary(self) -> Option<PathBuf> {
        let file = if self.is_valkey() {
            "valkey-server"
        } else {
            "redis-server"
        };
        let path = folder().join(self.name()).join(file);
        path.is_file().then_some(path)
    }

    /// Whether it is there.
    pub fn available(self) -> bool {
        self.binary().is_some()
    }

    /// True when it is there; otherwise the test is skipped loudly, or fails where nothing may be missing.
    #[track_caller]
    pub fn require(self) -> bool {
        skip::have(self.name(), self.available())
    }

    /// The same, and that it can do TLS.
    #[track_caller]
    pub fn require_tls(self) -> bool {
        self.require() && skip::have(&format!("{self} with TLS"), self.supports_tls())
    }

    /// Whether this build can do TLS. Asked of the binary: one that can stumbles over the missing certificate, one that
    /// cannot never looks for it. Neither starts.
    pub fn supports_tls(self) -> bool {
        let Some(binary) = self.binary() else {
            return false;
        };
        let out = Command::new(binary)
            .args(["--port", "0", "--tls-port", "0", "--tls-replication", "yes"])
            .args([
                "--tls-cert-file",
                "/nonexistent",
                "--tls-key-file",
                "/nonexistent",
            ])
            .args(["--tls-ca-cert-file", "/nonexistent"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).contains("Failed to load certificate")
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where `make setup` puts servers and the Python environment: CACHEWATCH_SERVERS_DIR, or `servers` in the target folder.
pub fn folder() -> PathBuf {
    std::env::var_os("CACHEWATCH_SERVERS_DIR").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("servers"),
        PathBuf::from,
    )
}
