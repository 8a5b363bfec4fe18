//! Real Redis and Valkey servers, each in a temporary folder on a port of its own, gone when the test is over.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use super::net::free_port;
use super::process::{self, Process, tail};
use super::resp::{Client, Reply};
use super::tls::Pki;
use super::version::Version;
use super::wait::{eventually, secs, try_eventually};

/// How long a server may take to start or stop on a machine that is busy.
const PATIENCE: Duration = secs(20);

/// What a server is started with. Nothing is saved to disk unless an argument says so.
#[derive(Debug, Clone)]
pub struct Builder {
    version: Version,
    args: Vec<String>,
    unix_socket: bool,
    tls: bool,
    password: Option<String>,
}

impl Builder {
    /// Adds configuration, as on the command line: `["--maxmemory", "10mb"]`.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&a| a.to_owned()));
        self
    }

    /// Listens on a Unix socket too.
    pub fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Listens with TLS on a second port too, asking for no client certificate (add `--tls-auth-clients yes` for that).
    /// The version must support it.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Sets the default user's password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start(self) -> Server {
        let dir = tempfile::Builder::new()
            .prefix("cachewatch-it-")
            .tempdir()
            .unwrap();
        let pki = self.tls.then(|| Pki::new(dir.path()));
        let mut failure = String::new();
        // A port can be lost to another process between the look and the start: then another one is tried.
        for _ in 0..5 {
            let mut server = Server {
                version: self.version,
                port: free_port(),
                tls_port: self.tls.then(free_port),
                unix_socket: self.unix_socket.then(|| dir.path().join("socket")),
                password: self.password.clone(),
                args: self.args.clone(),
                pki: None,
                process: None,
                client: Mutex::new(None),
                dir: None,
            };
            match server.launch(dir.path(), pki.as_ref()) {
                Ok(()) => {
                    server.pki = pki;
                    server.dir = Some(dir);
                    return server;
                }
                Err(e) if e.contains("in use") || e.contains("bind") => failure = e,
                Err(e) => panic!("{} did not start: {e}", self.version),
            }
        }
        panic!("{} found no port: {failure}", self.version);
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    version: Version,
    port: u16,
    tls_port: Option<u16>,
    unix_socket: Option<PathBuf>,
    password: Option<String>,
    args: Vec<String>,
    pki: Option<Pki>,
    client: Mutex<Option<Client>>,
    // Before `dir`: the process goes first, then its folder.
    process: Option<Process>,
    dir: Option<TempDir>,
}

/// The server's own totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// keyspace_hits
    pub hits: u64,
    /// keyspace_misses
    pub misses: u64,
    /// expired_keys
    pub expired: u64,
    /// evicted_keys
    pub evicted: u64,
}

impl Server {
    /// Starts a server with arguments, as on the command line: `&["--maxmemory", "10mb"]`.
    #[track_caller]
    pub fn start(version: Version, args: &[&str]) -> Self {
        Self::builder(version).args(args).start()
    }

    /// For a server with a password, a Unix socket, TLS.
    pub fn builder(version: Version) -> Builder {
        Builder {
            version,
            args: Vec::new(),
            unix_socket: false,
            tls: false,
            password: None,
        }
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its port without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address without TLS.
    pub fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its port with TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port.expect("started without tls()")
    }

    /// Its Unix socket.
    pub fn unix_path(&self) -> &Path {
        self.unix_socket
            .as_deref()
            .expect("started without unix_socket()")
    }

    /// The certificates, where it was started with `tls()`.
    pub fn pki(&self) -> &Pki {
        self.pki.as_ref().expect("started without tls()")
    }

    /// `redis://127.0.0.1:PORT`, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:PORT`, as in the label `node`.
    pub fn node(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the server is stopped")
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().unwrap().path()
    }

    /// Its log.
    pub fn log(&self) -> String {
        tail(&self.dir().join("log"), usize::MAX)
    }

    /// A connection of its own, logged in.
    pub fn connect(&self) -> std::io::Result<Client> {
        let mut client = Client::connect(self.addr(), PATIENCE)?;
        if let Some(password) = &self.password {
            client.call(&["AUTH", password])?;
        }
        Ok(client)
    }

    /// Runs a command over a connection that is kept; an error of the server is a panic.
    #[track_caller]
    pub fn call(&self, command: &[&str]) -> Reply {
        let reply = self.try_call(command).unwrap_or_else(|e| {
            panic!("{} at {}: {command:?}: {e}", self.version, self.node());
        });
        assert!(!reply.is_error(), "{command:?}: {}", reply.text());
        reply
    }

    /// Runs a command; an error of the server is a reply.
    pub fn try_call(&self, command: &[&str]) -> std::io::Result<Reply> {
        let mut slot = self.client.lock().unwrap();
        let mut client = match slot.take() {
            Some(client) => client,
            None => self.connect()?,
        };
        // A connection that failed is not used again.
        let reply = client.call(command)?;
        *slot = Some(client);
        Ok(reply)
    }

    /// Runs a command and gives its answer as redis-cli would print it into a pipe.
    #[track_caller]
    pub fn cli(&self, command: &[&str]) -> String {
        self.call(command).text()
    }

    /// A field of INFO, if it is there.
    #[track_caller]
    pub fn info(&self, field: &str) -> Option<String> {
        let text = self.cli(&["INFO", "everything"]);
        text.lines()
            .find_map(|l| Some(l.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned()))
    }

    /// A field of INFO that is a number and must be there.
    #[track_caller]
    pub fn info_u64(&self, field: &str) -> u64 {
        let text = self
            .info(field)
            .unwrap_or_else(|| panic!("{}: INFO has no {field}", self.version));
        text.parse()
            .unwrap_or_else(|_| panic!("{}: {field}: {text:?} is no number", self.version))
    }

    /// The server's totals, in one reading.
    #[track_caller]
    pub fn counters(&self) -> Counters {
        let text = self.cli(&["INFO", "stats"]);
        let field = |name: &str| {
            let line = text
                .lines()
                .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_else(|| panic!("INFO has no {name}"))
                .trim()
                .parse()
                .unwrap()
        };
        Counters {
            hits: field("keyspace_hits"),
            misses: field("keyspace_misses"),
            expired: field("expired_keys"),
            evicted: field("evicted_keys"),
        }
    }

    /// Makes or changes an ACL user: `acl_user("watch", "pw", &["+info", "+ping"])`. Starts from no rights at all.
    #[track_caller]
    pub fn acl_user(&self, name: &str, password: &str, rules: &[&str]) {
        let password = format!(">{password}");
        let mut command = vec!["ACL", "SETUSER", name, "reset", "on", &password];
        command.extend(rules);
        self.call(&command);
    }

    /// Makes it a replica of another and waits until the link is up.
    #[track_caller]
    pub fn replicate_from(&self, primary: &Self) {
        self.call(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
        let what = format!("{} replicates from {}", self.node(), primary.node());
        eventually(PATIENCE, &what, || {
            (self.info("master_link_status")? == "up").then_some(())
        });
    }

    /// Stops it in good order; the port stays reserved for [`Server::restart`].
    #[track_caller]
    pub fn stop(&mut self) {
        *self.client.lock().unwrap() = None;
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.signal("TERM");
        if let Err(e) = process.wait(PATIENCE) {
            panic!("{e}\n{}", self.log());
        }
    }

    /// kill -9.
    pub fn kill9(&mut self) {
        *self.client.lock().unwrap() = None;
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// A new process on the same port, with the same arguments. Stops the old one if it still runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        let dir = self.dir.take().unwrap();
        let pki = self.pki.take();
        let outcome = self.launch(dir.path(), pki.as_ref());
        self.dir = Some(dir);
        self.pki = pki;
        if let Err(e) = outcome {
            panic!("{} did not start again: {e}", self.version);
        }
    }

    /// Freezes it: connections are accepted by the kernel, nothing is answered.
    pub fn sigstop(&self) {
        self.process().signal("STOP");
    }

    /// Thaws it.
    pub fn sigcont(&self) {
        self.process().signal("CONT");
    }

    fn launch(&mut self, dir: &Path, pki: Option<&Pki>) -> Result<(), String> {
        let binary = self
            .version
            .binary()
            .unwrap_or_else(|| panic!("{} is missing: run `make setup`", self.version));
        let log_path = dir.join("log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .unwrap();
        let mut command = process::command(binary);
        command
            .current_dir(dir)
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        if let Some(path) = &self.unix_socket {
            command.arg("--unixsocket").arg(path);
        }
        if let Some(password) = &self.password {
            command.args(["--requirepass", password, "--masterauth", password]);
        }
        if let (Some(port), Some(pki)) = (self.tls_port, pki) {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-ca-cert-file").arg(&pki.ca);
            command.arg("--tls-cert-file").arg(&pki.server_cert);
            command.arg("--tls-key-file").arg(&pki.server_key);
        }
        command.args(&self.args);
        let mut process = Process::start(self.version.name(), command);
        let pid = process.pid().to_string();
        let ready = try_eventually(PATIENCE, "it answers PING", || {
            if let Some(status) = process.ended() {
                return Some(Err(format!("{status}")));
            }
            // The process id: something else may answer on this port.
            let mut client = self.connect().ok()?;
            let info = client.call(&["INFO", "server"]).ok()?.text();
            let ours = info.contains(&format!("process_id:{pid}\r\n"));
            (ours && client.call(&["PING"]).ok()? == Reply::Simple("PONG".into())).then_some(Ok(()))
        });
        ready
            .flatten()
            .map_err(|e| format!("{e}\n{}", tail(&log_path, 15)))?;
        self.process = Some(process);
        Ok(())
    }
}
