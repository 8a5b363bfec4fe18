//! Other people's implementations as witnesses, from the Python environment that `make setup` makes.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use std::io::Write;

use super::net::free_port;
use super::process::{self, Process};
use super::skip;
use super::version::folder;
use super::wait::{eventually, secs};

/// The interpreter, if it is there.
pub fn interpreter() -> Option<PathBuf> {
    let path = folder().join("venv/bin/python");
    path.is_file().then_some(path)
}

/// True when it is there; otherwise the test is skipped loudly, or fails where nothing may be missing.
#[track_caller]
pub fn require() -> bool {
    skip::have("the Python environment", interpreter().is_some())
}

/// As [`require`], for Grafana's and Datadog's models, which are there on some machines only.
#[track_caller]
pub fn require_models() -> bool {
    let there = folder().join("venv/python-models.txt").is_file();
    skip::have("the Python packages of python-models.txt", there)
}

/// Feeds `input` to a program; gives its output, or what it complained of.
#[track_caller]
pub fn run(program: &str, input: &str) -> Result<String, String> {
    let mut child = Command::new(interpreter().expect("call require() first"))
        .args(["-I", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if out.status.success() {
        Ok(text(&out.stdout))
    } else {
        Err(text(&out.stderr))
    }
}

/// Reads an exposition with the reference parser of OpenMetrics.
#[track_caller]
pub fn check_openmetrics(text: &str) -> Result<(), String> {
    let program = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        print(len(list(parse(sys.stdin.read()))))";
    run(program, text).map(drop)
}

/// A real SMTP server, aiosmtpd, that keeps mails in memory and prints them as JSON lines.
#[derive(Debug)]
pub struct Aiosmtpd {
    process: Process,
    out: tempfile::NamedTempFile,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Aiosmtpd {
    /// Starts it without TLS and waits until it listens.
    #[track_caller]
    pub fn start() -> Self {
        let program = "
import asyncio, json, sys
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode('utf-8', 'replace')
        print(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'raw': text}), flush=True)
        return '250 OK'
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname='localhost'), '127.0.0.1', int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
";
        let port = free_port();
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut command = process::command(interpreter().expect("call require() first"));
        command
            .args(["-I", "-c", program, &port.to_string()])
            .stdout(out.reopen().unwrap())
            .stderr(Stdio::null());
        let process = Process::start("aiosmtpd", command);
        eventually(secs(20), "aiosmtpd listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { process, out, port }
    }

    /// All mails so far: objects with `from`, `to`, `raw`.
    pub fn mails(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.out.path()).unwrap();
        text.lines()
            .filter_map(|l| serde_json::from_str(l).ok())
            .collect()
    }
}
