//! A receiver of HTTP requests that can misbehave. Raw TCP, because a server library would not let it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers with this status, these header lines and this body. `{path}` stands for the path of the request,
    /// `{request}` for all of it, `{address}` for where it was sent.
    Answer(u16, &'static str, &'static str),
    /// Answers with a status and a body by the path of the request.
    By(fn(&str) -> (u16, &'static str)),
    /// Announces a longer body than it sends.
    HalfBody(u16),
    /// Sends 10 MB.
    HugeBody(u16),
    /// Resets the connection before it has read everything.
    Reset,
    /// Says nothing.
    Silence,
}

/// A running receiver; it ends when dropped.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    /// Starts one that treats all requests alike.
    pub(crate) async fn start(act: Act) -> Self {
        Self::listen(act, None).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(act: Act, tls: TlsAcceptor) -> Self {
        Self::listen(act, Some(tls)).await
    }

    async fn listen(act: Act, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let seen = Arc::clone(&requests);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (act, seen, tls) = (act.clone(), Arc::clone(&seen), tls.clone());
                connections.spawn(async move {
                    // A client that trusts nobody ends the handshake.
                    match tls {
                        None => serve(stream, act, seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, act, seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            requests,
            _tasks: tasks,
        }
    }

    /// The requests so far: head and body as one text.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve<S>(mut stream: S, act: Act, seen: Arc<Mutex<Vec<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if matches!(act, Act::Reset) {
        // To close with something unread makes the kernel reset the connection.
        stream.read_u8().await.unwrap();
        return;
    }
    let request = read_request(&mut stream).await;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = request.lines().find_map(|l| l.strip_prefix("host: "));
    let host = host.unwrap_or_default().to_owned();
    let whole = request.clone();
    seen.lock().unwrap().push(request);
    let act = match act {
        Act::By(answer) => {
            let (status, body) = answer(&path);
            Act::Answer(status, "", body)
        }
        act => act,
    };
    let answer = match act {
        Act::By(_) => unreachable!("it became an answer"),
        Act::Answer(status, headers, body) => {
            let body = body.replace("{request}", &whole).replace("{path}", &path);
            let body = body.replace("{address}", &host);
            format!(
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Act::HalfBody(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 99\r\n\r\no"),
        Act::HugeBody(status) => format!(
            "HTTP/1.1 {status} X\r\nContent-Length: 10000000\r\n\r\n{}",
            format!("{path} ").repeat(10_000_000 / (path.len() + 1))
        ),
        Act::Silence => return std::future::pending().await,
        Act::Reset => return,
    };
    // The client may have gone as soon as it knew enough.
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        stream.shutdown().await.unwrap_or_default();
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| {
                l.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.unwrap();
        assert!(n > 0, "the client closed in the middle of a request");
        bytes.extend_from_slice(&chunk[..n]);
    }
}
