//! A real PostgreSQL server of a test's own, on a unix socket in a temporary folder.

use std::path::PathBuf;
use std::process::Stdio;

use super::process::{self, Process};
use super::skip;

/// The server; it ends with the test.
#[derive(Debug)]
pub struct Postgres {
    folder: tempfile::TempDir,
    process: Option<Process>,
    programs: PathBuf,
}

/// Where Debian puts the newest one.
fn programs() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = folders
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// The server refuses to run as root.
fn command(program: PathBuf) -> std::process::Command {
    let id = std::process::Command::new("id").arg("-u").output();
    if !id.is_ok_and(|out| out.stdout == b"0\n") {
        return process::command(program);
    }
    let mut command = process::command("setpriv");
    command
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        // Changing the user takes the signal away.
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program);
    command
}

impl Postgres {
    /// An empty database; not running yet. `None`: there is no PostgreSQL here, and the test is skipped.
    #[track_caller]
    pub fn new() -> Option<Self> {
        let programs = programs();
        if !skip::have("PostgreSQL", programs.is_some()) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let server = Self {
            folder,
            process: None,
            programs: programs?,
        };
        let made = command(server.programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=cachewatch",
                "--no-sync",
                "--encoding=UTF8",
                "-D",
            ])
            .arg(server.folder.path().join("data"))
            .current_dir(server.folder.path())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Some(server)
    }

    /// Starts it, for the first time or again. Whoever connects waits until it answers.
    pub fn start(&mut self) {
        let mut command = command(self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(self.folder.path())
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Process::start("postgres", command));
    }

    /// kill -9.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// `postgres://…`
    pub fn url(&self) -> String {
        let socket = self.folder.path().display();
        format!("postgres://cachewatch:hunter2@localhost/postgres?host={socket}")
    }

    /// What `psql` says to a statement.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> String {
        let out = process::command(self.programs.join("psql"))
            .args(["-U", "cachewatch", "-d", "postgres", "-At", "-c", sql, "-h"])
            .arg(self.folder.path())
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
}
