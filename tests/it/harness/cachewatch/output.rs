//! What a process prints, kept line by line while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::harness::process::Process;

type Lines = Arc<Mutex<Vec<String>>>;

/// What a process has printed so far.
#[derive(Debug)]
pub struct Output {
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
}

impl Output {
    /// Reads both pipes of a process from now on.
    pub fn capture(process: &mut Process) -> Self {
        let mut readers = Vec::new();
        let mut follow = |pipe: Box<dyn Read + Send>| {
            let lines = Lines::default();
            let theirs = Arc::clone(&lines);
            readers.push(std::thread::spawn(move || {
                let mut reader = BufReader::new(pipe);
                let mut bytes = Vec::new();
                while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
                    let text = String::from_utf8_lossy(&bytes);
                    theirs.lock().unwrap().push(text.trim_end().to_owned());
                    bytes.clear();
                }
            }));
            lines
        };
        let child = process.child();
        Self {
            stdout: follow(Box::new(child.stdout.take().unwrap())),
            stderr: follow(Box::new(child.stderr.take().unwrap())),
            readers,
        }
    }

    /// Waits until everything is read; the process must be dead.
    pub fn finish(&mut self) {
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
    }

    /// What it printed so far.
    pub fn stdout_lines(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    /// What it complained of so far.
    pub fn stderr_lines(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    /// Both, for messages.
    pub fn show(&self) -> String {
        format!(
            "--- standard output of cachewatch\n{}\n--- its log\n{}",
            self.stdout_lines().join("\n"),
            self.stderr_lines().join("\n")
        )
    }
}
