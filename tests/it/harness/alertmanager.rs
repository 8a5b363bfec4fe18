//! A real Alertmanager, with a receiver that tells nobody.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;

use super::http;
use super::net::free_port;
use super::process::{self, Process, find_in_path};
use super::skip;
use super::wait::{eventually, secs};

/// As Debian calls it, and as its authors do.
const NAMES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

fn program() -> Option<std::path::PathBuf> {
    NAMES.iter().find_map(|name| find_in_path(name))
}

/// True when Alertmanager is there; otherwise the test is skipped loudly, or fails where nothing may be missing.
#[track_caller]
pub fn require() -> bool {
    skip::have("prometheus-alertmanager", program().is_some())
}

/// A running Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    /// Where it listens.
    pub addr: SocketAddr,
    // Before `dir`: the process goes first, then its folder.
    _process: Process,
    _dir: TempDir,
}

impl Alertmanager {
    /// Starts one that is no member of a cluster, and waits until it is ready.
    #[track_caller]
    pub fn start() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("cachewatch-it-")
            .tempdir()
            .unwrap();
        let config = dir.path().join("alertmanager.yml");
        std::fs::write(
            &config,
            "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        )
        .unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = process::command(program().expect("call require() first"));
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.path={}",
                dir.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={addr}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(log);
        let process = Process::start("alertmanager", command);
        eventually(secs(30), "Alertmanager is ready", || {
            http::get(addr, "/-/ready").ok().filter(|r| r.status == 200)
        });
        Self {
            addr,
            _process: process,
            _dir: dir,
        }
    }

    /// The alerts that it shows: those that fire.
    pub fn alerts(&self) -> Vec<serde_json::Value> {
        let answer = http::get(self.addr, "/api/v2/alerts").unwrap().json();
        answer.as_array().unwrap().clone()
    }
}
