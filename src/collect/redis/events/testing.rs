//! For tests of this room: a peer that follows a script, and a real server in a temporary folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::command::encode;
use crate::config::{CacheConfig, Transport};
use crate::model::name::Name;

/// A cache with everything at its default.
pub(in crate::collect::redis) fn config(transport: Transport) -> CacheConfig {
    CacheConfig {
        name: Name::new("test").unwrap(),
        transport,
        username: None,
        password: None,
        poll_interval: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(10),
        response_timeout: Duration::from_secs(10),
        events: true,
        attribution: crate::config::AttributionConfig {
            deletions: false,
            ..crate::config::AttributionConfig::default()
        },
        sampling: None,
        labels: BTreeMap::new(),
    }
}

/// Waits for a condition, and gives up loudly.
pub(in crate::collect::redis) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A message as RESP2.
pub(in crate::collect::redis) fn message(channel: &str, key: &[u8]) -> Vec<u8> {
    encode(&[b"message", channel.as_bytes(), key])
}

/// The server's end of a connection.
pub(in crate::collect::redis) struct Peer<S>(pub(in crate::collect::redis) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// The next command; `None` when the client has gone.
    pub(in crate::collect::redis) async fn command(&mut self) -> Option<Vec<String>> {
        let mut arguments = Vec::new();
        let count = self.number(b'*').await?;
        for _ in 0..count {
            let length = self.number(b'$').await?;
            let mut bytes = vec![0; length + 2];
            self.0.read_exact(&mut bytes).await.ok()?;
            bytes.truncate(length);
            arguments.push(String::from_utf8(bytes).unwrap());
        }
        Some(arguments)
    }

    async fn number(&mut self, lead: u8) -> Option<usize> {
        let mut line = vec![self.0.read_u8().await.ok()?];
        while !line.ends_with(b"\r\n") {
            line.push(self.0.read_u8().await.ok()?);
        }
        assert_eq!(line[0], lead);
        Some(
            String::from_utf8_lossy(&line[1..line.len() - 2])
                .parse()
                .unwrap(),
        )
    }

    /// Says these bytes; false when the client has gone.
    pub(in crate::collect::redis) async fn say(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// Answers what comes before SUBSCRIBE, and returns the channels of SUBSCRIBE.
    pub(in crate::collect::redis) async fn log_in(&mut self, databases: &str) -> Vec<String> {
        loop {
            let mut command = self.command().await.unwrap();
            match command[0].as_str() {
                "AUTH" | "CLIENT" => assert!(self.say(b"+OK\r\n").await),
                "HELLO" => assert!(self.say(b"-ERR unknown command 'HELLO'\r\n").await),
                "CONFIG" => assert!(self.say(databases.as_bytes()).await),
                "SUBSCRIBE" => return command.split_off(1),
                other => panic!("{other}"),
            }
        }
    }

    /// Logs in with one database and acknowledges its three channels.
    pub(in crate::collect::redis) async fn subscribe(&mut self) {
        let channels = self.log_in("*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n").await;
        for (index, channel) in channels.iter().enumerate() {
            let ack = format!(
                "*3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:{}\r\n",
                channel.len(),
                index + 1
            );
            assert!(self.say(ack.as_bytes()).await);
        }
    }
}

/// A real server, killed when dropped.
pub(in crate::collect::redis) struct Redis {
    dir: tempfile::TempDir,
    program: PathBuf,
    args: Vec<&'static str>,
    child: Option<Child>,
}

impl Redis {
    /// Starts the machine's redis-server; `None`, with a loud word, where there is none.
    pub(in crate::collect::redis) async fn start(args: &[&'static str]) -> Option<Self> {
        Self::start_program("redis-server".into(), args).await
    }

    /// Starts this one.
    pub(in crate::collect::redis) async fn start_program(
        program: PathBuf,
        args: &[&'static str],
    ) -> Option<Self> {
        let mut server = Self {
            dir: tempfile::tempdir().unwrap(),
            program,
            args: args.to_vec(),
            child: None,
        };
        server.launch().await.then_some(server)
    }

    /// Starts it anew, after [`Self::kill`].
    pub(in crate::collect::redis) async fn launch(&mut self) -> bool {
        let command = Command::new(&self.program)
            .current_dir(self.dir.path())
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(self.socket())
            .args(["--notify-keyspace-events", "Exem"])
            .args(&self.args)
            .stdout(Stdio::null())
            .spawn();
        match command {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                eprintln!("SKIPPED: this test needs redis-server, which did not start: {error}");
                return false;
            }
        }
        until("redis-server answers", || {
            self.client().get_connection().is_ok_and(|mut connection| {
                redis::cmd("PING").query::<String>(&mut connection).is_ok()
            })
        })
        .await;
        true
    }

    pub(in crate::collect::redis) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(in crate::collect::redis) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    pub(in crate::collect::redis) fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis+unix://{}", self.socket().display())).unwrap()
    }

    pub(in crate::collect::redis) fn config(&self) -> CacheConfig {
        config(Transport::Unix {
            path: self.socket(),
        })
    }

    pub(in crate::collect::redis) fn shared_config(&self) -> Arc<CacheConfig> {
        Arc::new(self.config())
    }

    /// Runs commands one after the other, each a line of words, on one connection.
    pub(in crate::collect::redis) fn run(&self, commands: &[&str]) -> redis::Value {
        let mut connection = self.client().get_connection().unwrap();
        let mut last = redis::Value::Nil;
        for command in commands {
            let mut words = command.split(' ');
            let mut cmd = redis::cmd(words.next().unwrap());
            last = words
                .fold(&mut cmd, |cmd, word| cmd.arg(word))
                .query(&mut connection)
                .unwrap();
        }
        last
    }

    /// Writes so many keys `name:<n>` of 500 bytes.
    pub(in crate::collect::redis) fn fill(&self, name: &str, keys: u32, expire_ms: Option<u32>) {
        let mut connection = self.client().get_connection().unwrap();
        let mut pipe = redis::pipe();
        for n in 0..keys {
            let cmd = pipe
                .cmd("SET")
                .arg(format!("{name}:{n}"))
                .arg("x".repeat(500));
            if let Some(ms) = expire_ms {
                cmd.arg("PX").arg(ms);
            }
            cmd.ignore();
        }
        pipe.query::<()>(&mut connection).unwrap();
    }

    /// A counter of INFO.
    pub(in crate::collect::redis) fn info(&self, field: &str) -> u64 {
        let mut connection = self.client().get_connection().unwrap();
        let text: String = redis::cmd("INFO").query(&mut connection).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap().parse().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
