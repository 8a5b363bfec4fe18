//! What tests of this folder share: configurations, servers that misbehave, and a real one.
//!
//! The real server is `redis-server` of this machine; where there is none, tests that need it say so and pass.

use std::collections::BTreeMap;
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::connection::Connection;
use super::dial::SystemRoots;
use crate::config::{CacheConfig, Password, TlsConfig, Transport};
use crate::model::name::CacheName;
use crate::model::secret::Secret;

/// A cache on a local port, with short time-outs.
pub(crate) fn cache(port: u16) -> CacheConfig {
    CacheConfig {
        name: CacheName::new("sessions").unwrap(),
        transport: Transport::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
            tls: None,
        },
        username: None,
        password: None,
        poll_interval: Duration::from_secs(1),
        connect_timeout: Duration::from_millis(400),
        response_timeout: Duration::from_millis(400),
        events: false,
        attribution: crate::config::AttributionConfig::default(),
        sampling: None,
        labels: BTreeMap::new(),
    }
}

pub(crate) fn with_tls(cache: CacheConfig, tls: TlsConfig) -> CacheConfig {
    let Transport::Tcp { host, port, .. } = cache.transport else {
        panic!("TLS needs TCP");
    };
    let transport = Transport::Tcp {
        host,
        port,
        tls: Some(tls),
    };
    CacheConfig { transport, ..cache }
}

pub(crate) fn with_login(cache: CacheConfig, user: Option<&str>, password: &str) -> CacheConfig {
    CacheConfig {
        username: user.map(str::to_owned),
        password: Some(Password::Inline(Secret::new(password.to_owned()))),
        ..cache
    }
}

/// A port of this machine on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A free port below those that the system gives out, so that no other test's listener or connection takes it between
/// here and the start of the server. Tests run in processes and in threads of one process.
fn server_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1000 {
        let n = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 7;
        let port = 20_000 + u16::try_from(n % 10_000).unwrap();
        if StdListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// What a misbehaving server does when it is asked something.
#[derive(Debug, Clone)]
pub(crate) enum Misbehaviour {
    /// Says this and waits.
    Say(Vec<u8>),
    /// Says this and closes.
    SayAndClose(Vec<u8>),
    /// Says this one byte at a time, slowly.
    Drip(Vec<u8>),
    /// Answers each question with what this makes of it; with nothing: is silent.
    Script(fn(&str) -> &'static [u8]),
}

/// Runs `client` against a server that answers the first question (CLIENT SETNAME) with OK and misbehaves at the next,
/// on every connection.
pub(crate) async fn against<T>(
    misbehaviour: Misbehaviour,
    client: impl AsyncFnOnce(CacheConfig) -> T,
) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = cache(listener.local_addr().unwrap().port());
    let server = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that hangs up is no failure of the server's.
            drop(misbehave(stream, &misbehaviour).await);
        }
    };
    tokio::select! {
        () = server => unreachable!("the server goes on for ever"),
        out = client(config) => out,
    }
}

async fn misbehave(mut stream: TcpStream, how: &Misbehaviour) -> std::io::Result<()> {
    let mut question = [0; 4096];
    if stream.read(&mut question).await? == 0 {
        return Ok(());
    }
    stream.write_all(b"+OK\r\n").await?;
    if stream.read(&mut question).await? == 0 {
        return Ok(());
    }
    match how {
        Misbehaviour::Script(script) => loop {
            let asked = String::from_utf8_lossy(&question).into_owned();
            stream.write_all(script(&asked)).await?;
            question.fill(0);
            if stream.read(&mut question).await? == 0 {
                return Ok(());
            }
        },
        Misbehaviour::Say(words) => stream.write_all(words).await?,
        Misbehaviour::SayAndClose(words) => return stream.write_all(words).await,
        Misbehaviour::Drip(words) => {
            for byte in words {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Until the client hangs up.
    while stream.read(&mut question).await? > 0 {}
    Ok(())
}

/// A real server in a folder of its own; killed when dropped.
pub(crate) struct RealServer {
    child: Child,
    port: u16,
    // Held so that the folder lives as long as the server.
    _folder: tempfile::TempDir,
}

impl RealServer {
    /// Starts one, with more settings (`["--requirepass", "x"]`), and waits until it accepts connections. `None`, said
    /// loudly, when this machine has none.
    pub(crate) async fn start(settings: &[&str]) -> Option<Self> {
        for _ in 0..5 {
            if let Some(server) = Self::start_on(server_port(), settings).await? {
                return Some(server);
            }
        }
        panic!("redis-server does not start");
    }

    /// The same on a port that is given; the inner `None` when it does not come up there.
    pub(crate) async fn start_on(port: u16, settings: &[&str]) -> Option<Option<Self>> {
        let binary = PathBuf::from("/usr/bin/redis-server");
        if !binary.exists() {
            eprintln!("SKIPPED: {} is missing", binary.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(&binary)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .args(settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            port,
            _folder: folder,
        };
        Some(server.accepts().await.then_some(server))
    }

    async fn accepts(&mut self) -> bool {
        for _ in 0..500 {
            // Somebody else may have taken the port in between.
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            // A connection alone is not enough: it exits after it has bound its port if a setting is wrong.
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
                let mut answer = [0; 64];
                if stream.write_all(b"PING\r\n").await.is_ok()
                    && stream.read(&mut answer).await.is_ok_and(|n| n > 0)
                {
                    return true;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Its configuration, with time-outs that a busy machine keeps.
    pub(crate) fn cache(&self) -> CacheConfig {
        CacheConfig {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
            ..cache(self.port)
        }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A connection as the default user.
    pub(crate) async fn admin(&self) -> Connection {
        Connection::open(&self.cache(), &SystemRoots::default())
            .await
            .unwrap()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
