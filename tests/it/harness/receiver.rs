//! An HTTP receiver that records what it gets, as Slack or a webhook would, and misbehaves by script.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{self, Headers};
use super::net::{Listener, Running, reset};
use super::wait::{eventually, millis, now};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// POST
    pub method: String,
    /// `/services/x?y=z`
    pub path: String,
    /// In the order they came.
    pub headers: Headers,
    /// The body; what had arrived of it, if the client broke off.
    pub body: Vec<u8>,
    /// When it had arrived.
    pub at: Instant,
}

impl Request {
    /// A header, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http::header(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

/// How a request is answered. Each is recorded first.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A status and a body: `Say(200, "ok")`.
    Say(u16, String),
    /// The same with headers.
    With(u16, Headers, String),
    /// Nothing, until the client goes.
    Silence,
    /// The connection is reset.
    Reset,
    /// Half of the body, then the connection is closed.
    HalfBody,
    /// A body without end: this many bytes each time, forever.
    Drip(Vec<u8>, Duration),
    /// A body of so many bytes, as fast as it goes.
    Huge(usize),
    /// Another answer, this much later.
    Late(Duration, Box<Answer>),
    /// Bytes that are not HTTP.
    Raw(Vec<u8>),
}

impl Answer {
    /// `200 ok`, as Slack says it.
    pub fn ok() -> Self {
        Self::Say(200, "ok".into())
    }

    /// A status with an empty body.
    pub fn status(status: u16) -> Self {
        Self::Say(status, String::new())
    }

    /// A status with Retry-After.
    pub fn retry_after(status: u16, value: &str) -> Self {
        Self::With(
            status,
            vec![("Retry-After".into(), value.into())],
            String::new(),
        )
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::With(302, vec![("Location".into(), to.into())], String::new())
    }
}

#[derive(Debug)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Answer>,
    otherwise: Answer,
}

/// The receiver.
#[derive(Debug)]
pub struct Receiver {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

impl Receiver {
    /// Answers `200 ok` to everything.
    pub fn start() -> Self {
        Self::script([])
    }

    /// Answers the first requests as the script says, all others with `200 ok`.
    pub fn script(script: impl IntoIterator<Item = Answer>) -> Self {
        let state = Arc::new(Mutex::new(State {
            requests: Vec::new(),
            script: script.into_iter().collect(),
            otherwise: Answer::ok(),
        }));
        let theirs = Arc::clone(&state);
        let listener = Listener::start("receiver", move |stream, running| {
            serve(&stream, running, &theirs);
        });
        Self { state, listener }
    }

    /// What is answered when the script is at its end.
    pub fn set(&self, otherwise: Answer) {
        self.state.lock().unwrap().otherwise = otherwise;
    }

    /// Puts an answer at the end of the script.
    pub fn then(&self, answer: Answer) {
        self.state.lock().unwrap().script.push_back(answer);
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// `http://127.0.0.1:PORT/path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// How many connections were made, also those on which nothing was asked.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.state.lock().unwrap().requests.clear();
    }

    /// Waits until at least `n` have come.
    #[track_caller]
    pub fn wait_for(&self, n: usize, within: Duration) -> Vec<Request> {
        eventually(within, &format!("{n} requests at the receiver"), || {
            let all = self.requests();
            (all.len() >= n).then_some(all)
        })
    }
}

fn serve(stream: &TcpStream, running: &Running, state: &Mutex<State>) {
    stream.set_read_timeout(Some(http::READ_TIMEOUT)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let Ok(line) = http::read_line(&mut reader) else {
            return;
        };
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let Ok(headers) = http::read_headers(&mut reader) else {
            return;
        };
        let body = http::read_body(&mut reader, &headers, false).unwrap_or_default();
        let answer = {
            let mut state = state.lock().unwrap();
            state.requests.push(Request {
                method,
                path,
                headers,
                body,
                at: now(),
            });
            let next = state.script.pop_front();
            next.unwrap_or_else(|| state.otherwise.clone())
        };
        if !running.yes() || !reply(stream, running, answer) {
            return;
        }
    }
}

/// Answers; false when the connection is over.
fn reply(mut stream: &TcpStream, running: &Running, answer: Answer) -> bool {
    match answer {
        Answer::Say(status, body) => {
            return stream.write_all(&full(status, &Vec::new(), &body)).is_ok();
        }
        Answer::With(status, headers, body) => {
            return stream.write_all(&full(status, &headers, &body)).is_ok();
        }
        Answer::Late(time, then) => {
            running.pause(time);
            return running.yes() && reply(stream, running, *then);
        }
        Answer::Silence => running.silence(stream),
        Answer::Reset => {
            // No farewell below: the last handle that is dropped resets the connection.
            reset(stream.try_clone().unwrap());
            return false;
        }
        Answer::HalfBody => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"));
        }
        Answer::Drip(piece, every) => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
            let mut open = stream.write_all(head).is_ok();
            while running.yes() && open {
                open = stream.write_all(&piece).is_ok();
                running.pause(every.max(millis(1)));
            }
        }
        Answer::Huge(size) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
            drop(stream.write_all(&[head.as_bytes(), &vec![b'x'; size]].concat()));
        }
        Answer::Raw(bytes) => drop(stream.write_all(&bytes)),
    }
    // Other handles on the stream may still be open.
    drop(stream.shutdown(std::net::Shutdown::Both));
    false
}

fn full(status: u16, headers: &Headers, body: &str) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}
