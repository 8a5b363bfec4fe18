//! A Redis or Valkey of the demo's own, in a temporary folder, that ends with the demo.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

/// The names that are looked for, in this order.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// A running server.
pub(super) struct DemoServer {
    /// Ends the server when dropped.
    child: Child,
    /// Where it listens on loopback.
    pub(super) port: u16,
    /// Its file name, for the story.
    pub(super) program: String,
    folder: PathBuf,
}

impl DemoServer {
    /// Finds a server program, or takes the one that was named, and starts it.
    pub(super) async fn start(named: Option<&Path>, maxmemory: &str) -> anyhow::Result<Self> {
        let program = match named {
            Some(path) => path.to_owned(),
            None => find().with_context(|| {
                format!(
                    "found neither {} on the PATH; install one (Debian: apt-get install redis-server) or name it \
                     with --server-bin",
                    NAMES.join(" nor ")
                )
            })?,
        };
        let folder = private_folder()?;
        let port = free_port().await?;
        let child = Command::new(&program)
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ])
            .args(["--port", &port.to_string(), "--maxmemory", maxmemory])
            .args([
                "--maxmemory-policy",
                "allkeys-lru",
                "--notify-keyspace-events",
                "Exemg",
            ])
            .arg("--dir")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self {
            child,
            port,
            program: program.display().to_string(),
            folder,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Stops the server and removes its folder.
    pub(super) async fn stop(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "the demo's server had already ended");
        }
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        for _ in 0..200 {
            if let Some(status) = self
                .child
                .try_wait()
                .context("cannot look after the demo's server")?
            {
                bail!(
                    "{} ended at once ({status}); run it by hand to see why",
                    self.program
                );
            }
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        bail!(
            "{} did not listen on 127.0.0.1:{} within 5 s",
            self.program,
            self.port
        )
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        // What is left in the temporary folder is worth no more than a line in the log.
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::debug!(%error, folder = %self.folder.display(), "could not remove the demo's folder");
        }
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// A new folder that nobody else may enter. One that is there already is never used: it may be somebody's trap.
fn private_folder() -> anyhow::Result<PathBuf> {
    let name = format!("cachewatch-demo-{:016x}", fastrand::u64(..));
    let folder = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

async fn free_port() -> anyhow::Result<u16> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}
