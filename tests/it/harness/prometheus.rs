//! A real Prometheus, scraping every second, and promtool.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::http;
use super::net::free_port;
use super::process::{self, Process, find_in_path, tail};
use super::skip;
use super::wait::{eventually, secs, try_eventually};

/// True when Prometheus and promtool are there; otherwise the test is skipped loudly, or fails where nothing may be
/// missing.
#[track_caller]
pub fn require() -> bool {
    let there = find_in_path("prometheus").is_some() && find_in_path("promtool").is_some();
    skip::have("prometheus (with promtool)", there)
}

/// A series of a query's result: its labels and its value.
pub type Series = (BTreeMap<String, String>, f64);

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    addr: SocketAddr,
    // Before `dir`: the process goes first, then its folder.
    process: Process,
    dir: TempDir,
}

impl Prometheus {
    /// Scrapes `/metrics` of these addresses each second, in the job `cachewatch`, with `honor_labels` off.
    #[track_caller]
    pub fn scraping(targets: &[SocketAddr]) -> Self {
        let targets: Vec<String> = targets.iter().map(|t| format!("'{t}'")).collect();
        Self::with_config(&format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             scrape_configs:\n  - job_name: cachewatch\n    static_configs: [{{targets: [{}]}}]\n",
            targets.join(", ")
        ))
    }

    /// Runs with a configuration of the test's; relative paths in it start from the repository.
    #[track_caller]
    pub fn with_config(config: &str) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("cachewatch-it-")
            .tempdir()
            .unwrap();
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let mut failure = String::new();
        for _ in 0..5 {
            let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
            match launch(addr, &file, dir.path()) {
                Ok(process) => return Self { addr, process, dir },
                Err(e) if e.contains("in use") => failure = e,
                Err(e) => panic!("prometheus did not start: {e}"),
            }
        }
        panic!("prometheus found no port: {failure}");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its log.
    pub fn log(&self) -> String {
        tail(&self.dir.path().join("log"), usize::MAX)
    }

    /// An instant query, now. Of a scalar: one series without labels.
    #[track_caller]
    pub fn query(&self, promql: &str) -> Vec<Series> {
        let path = format!("/api/v1/query?query={}", encode(promql));
        let json = http::get(self.addr, &path).unwrap().json();
        assert_eq!(json["status"], "success", "{promql}: {json}");
        let number = |pair: &serde_json::Value| {
            let text = pair[1].as_str().unwrap();
            text.parse::<f64>().unwrap_or_else(|_| match text {
                "+Inf" => f64::INFINITY,
                "-Inf" => f64::NEG_INFINITY,
                _ => panic!("{promql}: {text:?} is no number"),
            })
        };
        let data = &json["data"];
        if data["resultType"] == "scalar" {
            return vec![(BTreeMap::new(), number(&data["result"]))];
        }
        let series = data["result"].as_array().unwrap().iter().map(|s| {
            let labels = s["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()));
            (labels.collect(), number(&s["value"]))
        });
        series.collect()
    }

    /// The value of a query that has exactly one series.
    #[track_caller]
    pub fn value(&self, promql: &str) -> Option<f64> {
        let series = self.query(promql);
        assert!(series.len() <= 1, "{promql} is not one series: {series:?}");
        series.first().map(|s| s.1)
    }

    /// Waits until a query of one series has a value that is `good`.
    #[track_caller]
    pub fn wait_value(&self, promql: &str, good: impl Fn(f64) -> bool, within: Duration) -> f64 {
        let mut last = None;
        let outcome = try_eventually(within, promql, || {
            last = self.value(promql);
            last.filter(|v| good(*v))
        });
        outcome.unwrap_or_else(|e| panic!("{e}; it is {last:?}\n{}", self.log()))
    }

    /// Waits until every target was scraped with success.
    #[track_caller]
    pub fn wait_up(&self, targets: usize, within: Duration) {
        eventually(within, &format!("{targets} targets are up"), || {
            let up = self.query("up == 1").len();
            (up >= targets).then_some(())
        });
    }
}

fn launch(addr: SocketAddr, config: &Path, dir: &Path) -> Result<Process, String> {
    let log_path = dir.join("log");
    let log = File::create(&log_path).unwrap();
    let mut command = process::command("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            dir.join("data").display()
        ))
        .arg(format!("--web.listen-address={addr}"))
        .arg("--log.level=warn")
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let mut process = Process::start("prometheus", command);
    let ready = try_eventually(secs(30), "prometheus is ready", || {
        if let Some(status) = process.ended() {
            return Some(Err(format!("{status}")));
        }
        let response = http::get(addr, "/-/ready").ok()?;
        (response.status == 200).then_some(Ok(()))
    });
    ready
        .flatten()
        .map_err(|e| format!("{e}\n{}", tail(&log_path, 15)))?;
    Ok(process)
}

/// `promtool check metrics`: what it has to complain of, warnings included.
#[track_caller]
pub fn check_metrics(text: &str) -> Result<(), String> {
    promtool(&["check", "metrics"], text)
}

/// `promtool check rules`.
#[track_caller]
pub fn check_rules(file: &Path) -> Result<(), String> {
    promtool(&["check", "rules", file.to_str().unwrap()], "")
}

/// `promtool test rules`.
#[track_caller]
pub fn test_rules(file: &Path) -> Result<(), String> {
    promtool(&["test", "rules", file.to_str().unwrap()], "")
}

/// `promtool check config`.
#[track_caller]
pub fn check_config(file: &Path) -> Result<(), String> {
    promtool(&["check", "config", file.to_str().unwrap()], "")
}

#[track_caller]
fn promtool(args: &[&str], input: &str) -> Result<(), String> {
    let mut child = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    if out.status.success() {
        return Ok(());
    }
    Err(format!(
        "promtool {}: {}{}",
        args.join(" "),
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    ))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
