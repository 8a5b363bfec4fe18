//! The real program, run as its users run it: arguments, environment, a configuration file, signals, HTTP.
//!
//! It runs in a temporary folder with an environment of its own, so that nothing of this machine leaks in. What it prints
//! is kept, and shown when a test fails.

mod output;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::http::{self, Response};
use super::metrics::Metrics;
use super::process::{self, Process};
use super::wait::{secs, try_eventually};
use output::Output;

/// How long it may take to start or stop on a machine that is busy.
const PATIENCE: Duration = secs(20);

/// What it says when it is ready to be asked; the address follows.
const LISTENING: &str = "listening on http://";

/// What it is run with.
#[derive(Debug)]
pub struct Builder {
    binary: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    dir: TempDir,
    config: Option<PathBuf>,
}

impl Builder {
    /// Adds arguments: `["serve", "redis://…"]`.
    pub fn args<S: AsRef<str>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes `cachewatch.yaml` into its folder and passes it with `--config`.
    pub fn config(mut self, text: &str) -> Self {
        let path = self.dir.path().join("cachewatch.yaml");
        std::fs::write(&path, text).unwrap();
        self.config = Some(path);
        self
    }

    /// Writes another file into its folder; its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Another program in its place, for tests of this harness.
    pub fn binary(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.binary);
        self
    }

    fn spawn(&self, more: &[&str]) -> Process {
        let mut command = process::command(&self.binary);
        command.env_clear().envs(&self.env).current_dir(self.dir());
        command
            .args(&self.args)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(path) = &self.config {
            command.arg("--config").arg(path);
        }
        Process::start("cachewatch", command)
    }

    /// Starts `serve` (or whatever command was given first) on a free port, and waits until it listens.
    #[track_caller]
    pub fn start(mut self) -> Cachewatch {
        if self.args.first().is_none_or(|a| a.contains(':')) {
            self.args.insert(0, "serve".into());
        }
        let mut process = self.spawn(&["--listen", "127.0.0.1:0"]);
        let mut output = Output::capture(&mut process);
        let addr = try_eventually(PATIENCE, "it says where it listens", || {
            if let Some(status) = process.ended() {
                output.finish();
                return Some(Err(format!("it ended: {status}")));
            }
            output.stderr_lines().iter().find_map(|line| {
                let after = line.split_once(LISTENING)?.1;
                let addr: String = after
                    .chars()
                    .take_while(|c| !c.is_whitespace() && *c != '/' && *c != '"')
                    .collect();
                addr.parse().ok().map(Ok)
            })
        });
        match addr.and_then(|inner: Result<SocketAddr, String>| inner) {
            Ok(addr) => Cachewatch {
                process,
                output,
                addr,
                builder: self,
            },
            Err(e) => panic!("cachewatch did not start: {e}\n{}", output.show()),
        }
    }

    /// Runs a command that ends by itself, within a minute.
    #[track_caller]
    pub fn run_to_end(self) -> Finished {
        self.run_to_end_within(secs(60))
    }

    /// Runs a command that ends by itself, within this time.
    #[track_caller]
    pub fn run_to_end_within(self, limit: Duration) -> Finished {
        let mut process = self.spawn(&[]);
        let mut output = Output::capture(&mut process);
        let outcome = process.wait(limit);
        process.kill();
        output.finish();
        match outcome {
            Ok(status) => Finished {
                status,
                stdout: output.stdout_lines().join("\n"),
                stderr: output.stderr_lines().join("\n"),
            },
            Err(e) => panic!("{e}\n{}", output.show()),
        }
    }
}

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Finished {
    /// The exit code; a death by signal is a panic.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("died: {:?}\n{}", self.status, self.stderr))
    }

    /// Asserts the exit code, showing what was printed.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        let shown = format!("stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert_eq!(self.code(), code, "exit code; {shown}");
        self
    }
}

/// A running cachewatch.
#[derive(Debug)]
pub struct Cachewatch {
    process: Process,
    output: Output,
    addr: SocketAddr,
    builder: Builder,
}

impl Cachewatch {
    /// The binary of this build.
    pub fn builder() -> Builder {
        let env = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("NO_COLOR", "1".into()),
            ("RUST_BACKTRACE", "1".into()),
        ];
        let dir = tempfile::Builder::new()
            .prefix("cachewatch-it-")
            .tempdir()
            .unwrap();
        let mut env: BTreeMap<_, _> = env.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        env.insert("HOME".into(), dir.path().to_string_lossy().into_owned());
        Builder {
            binary: env!("CARGO_BIN_EXE_cachewatch").into(),
            args: Vec::new(),
            env,
            dir,
            config: None,
        }
    }

    /// `cachewatch serve` with these arguments.
    #[track_caller]
    pub fn serve(args: &[&str]) -> Self {
        Self::builder().args(["serve"]).args(args).start()
    }

    /// `cachewatch serve` with a configuration file.
    #[track_caller]
    pub fn with_config(text: &str) -> Self {
        Self::builder().args(["serve"]).config(text).start()
    }

    /// Runs a command that ends by itself: `run(&["check", "redis://…"])`.
    #[track_caller]
    pub fn run(args: &[&str]) -> Finished {
        Self::builder().args(args).run_to_end()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.builder.dir()
    }

    /// Its process, for CPU time and memory.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Writes the configuration file anew, as an editor does: beside it, then renamed over it.
    pub fn rewrite_config(&self, text: &str) {
        let new = self.builder.file("cachewatch.yaml.new", text);
        std::fs::rename(new, self.dir().join("cachewatch.yaml")).unwrap();
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        match http::get(self.addr, path) {
            Ok(response) => response,
            Err(e) => panic!("GET {path}: {e}\n{}", self.output.show()),
        }
    }

    /// `/metrics`, parsed; anything but a good answer is a panic.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "{}", response.text());
        Metrics::parse(&response.text()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Waits until a metric is there and `good`; its value.
    #[track_caller]
    pub fn wait_metric(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        good: impl Fn(f64) -> bool,
        within: Duration,
    ) -> f64 {
        self.wait_metrics(&format!("{name}{labels:?}"), within, |m| {
            m.value(name, labels).filter(|v| good(*v))
        })
    }

    /// Waits until the metrics together satisfy a condition; the last look is shown when they never do.
    #[track_caller]
    pub fn wait_metrics<T>(
        &self,
        what: &str,
        within: Duration,
        mut probe: impl FnMut(&Metrics) -> Option<T>,
    ) -> T {
        let outcome = try_eventually(within, what, || probe(&self.metrics()));
        outcome.unwrap_or_else(|e| {
            let last = self.get("/metrics").text();
            panic!("{e}\n{}\n--- /metrics\n{last}", self.output.show())
        })
    }

    /// All it has written to standard error so far.
    pub fn log(&self) -> String {
        self.output.stderr_lines().join("\n")
    }

    /// All it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.output.stdout_lines().join("\n")
    }

    /// Waits for a line of the log that contains a text; the line.
    #[track_caller]
    pub fn wait_log(&self, text: &str, within: Duration) -> String {
        let lines = || self.output.stderr_lines();
        let found = try_eventually(within, &format!("{text:?} in the log"), || {
            lines().into_iter().find(|l| l.contains(text))
        });
        found.unwrap_or_else(|e| panic!("{e}\n{}", self.output.show()))
    }

    /// Sends a signal: "HUP".
    #[track_caller]
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Ends it in good order; anything but exit code 0 is a panic. Its log.
    #[track_caller]
    pub fn stop(mut self) -> String {
        self.process.signal("TERM");
        let outcome = self.process.wait(PATIENCE);
        self.output.finish();
        match outcome {
            Ok(status) if status.success() => self.log(),
            Ok(status) => panic!(
                "cachewatch ended with {status} (signal {:?})\n{}",
                status.signal(),
                self.output.show()
            ),
            Err(e) => panic!("after TERM: {e}\n{}", self.output.show()),
        }
    }

    /// Waits until it dies by a signal of its own making; what to start it again with, in the same folder.
    #[track_caller]
    pub fn crashed(mut self, within: Duration) -> Builder {
        match self.process.wait(within) {
            Ok(status) if status.signal().is_some() => {}
            Ok(status) => panic!("it ended with {status}, but should have crashed"),
            Err(e) => panic!("it should have crashed: {e}\n{}", self.log()),
        }
        let empty = Cachewatch::builder();
        std::mem::replace(&mut self.builder, empty)
    }

    /// kill -9; what to start it again with, in the same folder.
    pub fn kill9(mut self) -> Builder {
        self.process.kill();
        if std::thread::panicking() {
            self.output.finish();
        }
        let empty = Cachewatch::builder();
        std::mem::replace(&mut self.builder, empty)
    }
}

impl Drop for Cachewatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.process.kill();
            self.output.finish();
            eprintln!("{}", self.output.show());
        }
    }
}
