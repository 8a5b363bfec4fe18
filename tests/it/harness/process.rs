//! Child processes that cannot outlive the test, whichever way it ends.
//!
//! Dropping a [`Process`] kills it. Against an abort or kill -9 of the test, the kernel does it: `setpriv --pdeathsig`.
//! That signal is tied to the *thread* that started the child, so one thread that lives as long as the test process
//! starts them all.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use super::wait::{eventually, try_eventually};

type Order = (Command, Sender<std::io::Result<Child>>);

static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, inbox) = channel::<Order>();
    std::thread::Builder::new()
        .name("starter".into())
        .spawn(move || {
            for (mut command, answer) in inbox {
                drop(answer.send(command.spawn()));
            }
        })
        .unwrap();
    Mutex::new(orders)
});

/// A command that dies with the test process. Standard input is empty.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = match find_in_path("setpriv") {
        Some(setpriv) => {
            let mut c = Command::new(setpriv);
            c.args(["--pdeathsig", "KILL", "--"]).arg(program);
            c
        }
        None => Command::new(program),
    };
    command.stdin(Stdio::null());
    command
}

/// A program of the PATH.
pub fn find_in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a command made by [`command`].
    #[track_caller]
    pub fn start(name: &str, command: Command) -> Self {
        let (answer, reply) = channel();
        STARTER.lock().unwrap().send((command, answer)).unwrap();
        let child = reply
            .recv()
            .unwrap()
            .unwrap_or_else(|e| panic!("cannot start {name}: {e}"));
        Self {
            child,
            name: name.to_owned(),
        }
    }

    /// Its process id. `setpriv` becomes the program, so this is the program's own.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its pipes, where there are any.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends a signal: "TERM", "HUP", "STOP".
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status()
            .unwrap();
        assert!(
            status.success(),
            "cannot send {name} to {} ({})",
            self.name,
            self.pid()
        );
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, String> {
        let what = format!("{} ({}) ends", self.name, self.pid());
        try_eventually(within, &what, || self.ended())
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) -> ExitStatus {
        drop(self.child.kill());
        self.child.wait().unwrap()
    }

    /// CPU time it has used so far, user and system, from /proc.
    pub fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The second field is the name in parentheses and may hold spaces.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // USER_HZ is 100 on every Linux that this runs on.
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in bytes, from /proc.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log file, for messages.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Waits until a process of that id is gone (also a zombie counts as gone).
#[track_caller]
pub fn wait_gone(pid: u32, within: Duration) {
    eventually(within, &format!("process {pid} is gone"), || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        match stat {
            None => Some(()),
            Some(s) => s.rsplit_once(") ")?.1.starts_with('Z').then_some(()),
        }
    });
}
