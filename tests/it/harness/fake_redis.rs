//! A server that speaks just enough RESP to be taken for a Redis, and then answers as it is told.
//!
//! It records every command, so that a test can say what a client must never ask.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::http::read_line;
use super::net::{Listener, Running};
use super::wait::secs;

/// How a command is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, one at a time.
    Drip(Vec<u8>, Duration),
    /// Nothing; the connection stays open.
    Never,
    /// The connection is closed.
    Close,
    /// As a small, healthy Redis would.
    Plausible,
}

impl Answer {
    /// `-LOADING …`, as while a dump is read.
    pub fn loading() -> Self {
        Self::error("LOADING Redis is loading the dataset in memory")
    }

    /// `-NOAUTH …`
    pub fn noauth() -> Self {
        Self::error("NOAUTH Authentication required.")
    }

    /// `-NOPERM …`
    pub fn noperm(command: &str) -> Self {
        Self::error(&format!(
            "NOPERM this user has no permissions to run the '{command}' command"
        ))
    }

    /// Any error, without its dash.
    pub fn error(text: &str) -> Self {
        Self::Bytes(format!("-{text}\r\n").into_bytes())
    }

    /// A bulk string, as INFO is answered.
    pub fn bulk(text: &str) -> Self {
        Self::Bytes(bulk(text))
    }

    /// A page, as a web server at the wrong port sends it.
    pub fn html() -> Self {
        let page = "<html><body><h1>400 Bad Request</h1></body></html>\n";
        Self::Bytes(
            format!(
                "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            )
            .into_bytes(),
        )
    }

    /// So many bytes of noise, always the same, among them line ends and bytes that mean something in RESP.
    pub fn garbage(size: usize) -> Self {
        let mut noise = fastrand::Rng::with_seed(7);
        Self::Bytes(std::iter::repeat_with(|| noise.u8(..)).take(size).collect())
    }
}

#[derive(Debug)]
struct State {
    answers: HashMap<String, Answer>,
    otherwise: Answer,
    info: String,
    commands: Vec<Vec<String>>,
}

/// The server.
#[derive(Debug)]
pub struct FakeRedis {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

impl FakeRedis {
    /// Answers every command in the same way.
    pub fn always(otherwise: Answer) -> Self {
        let state = Arc::new(Mutex::new(State {
            answers: HashMap::new(),
            otherwise,
            info: INFO.to_owned(),
            commands: Vec::new(),
        }));
        let theirs = Arc::clone(&state);
        let listener = Listener::start("fake-redis", move |stream, running| {
            serve(stream, running, &theirs);
        });
        Self { state, listener }
    }

    /// Answers as a small, healthy Redis would.
    pub fn plausible() -> Self {
        Self::always(Answer::Plausible)
    }

    /// Answers one command differently from now on: `fake.on("INFO", Answer::garbage(1_000_000))`.
    pub fn on(&self, command: &str, answer: Answer) {
        let mut state = self.state.lock().unwrap();
        state.answers.insert(command.to_ascii_uppercase(), answer);
    }

    /// Changes what a plausible INFO says. Lines end in `\n` here and in `\r\n` on the wire.
    pub fn set_info(&self, text: &str) {
        text.clone_into(&mut self.state.lock().unwrap().info);
    }

    /// All commands so far.
    pub fn commands(&self) -> Vec<Vec<String>> {
        self.state.lock().unwrap().commands.clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }
}

/// What a plausible INFO says for a start.
pub const INFO: &str = "# Server\nredis_version:7.0.15\nredis_mode:standalone\n\
run_id:0123456789abcdef0123456789abcdef01234567\ntcp_port:6379\nuptime_in_seconds:1000\nprocess_id:1\n\
# Clients\nconnected_clients:1\nblocked_clients:0\n\
# Memory\nused_memory:1000000\nmaxmemory:0\nmaxmemory_policy:noeviction\n\
# Stats\ntotal_connections_received:1\ntotal_commands_processed:1\nexpired_keys:0\nevicted_keys:0\n\
keyspace_hits:900\nkeyspace_misses:100\n# Replication\nrole:master\nconnected_slaves:0\n\
# CPU\nused_cpu_sys:1.0\nused_cpu_user:1.0\n# Keyspace\ndb0:keys=10,expires=0,avg_ttl=0\n";

fn serve(stream: TcpStream, running: &Running, state: &Mutex<State>) {
    stream.set_read_timeout(Some(secs(60))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(command) = read_command(&mut reader) {
        let name = command
            .first()
            .map(|c| c.to_ascii_uppercase())
            .unwrap_or_default();
        let (answer, info) = {
            let mut state = state.lock().unwrap();
            state.commands.push(command.clone());
            let answer = state.answers.get(&name).unwrap_or(&state.otherwise);
            (answer.clone(), state.info.clone())
        };
        if !running.yes() {
            return;
        }
        let sent = match answer {
            Answer::Bytes(bytes) => writer.write_all(&bytes),
            Answer::Drip(bytes, every) => bytes.iter().try_for_each(|byte| {
                running.pause(every);
                if running.yes() {
                    writer.write_all(&[*byte])
                } else {
                    Err(std::io::ErrorKind::Interrupted.into())
                }
            }),
            Answer::Never => {
                running.silence(&writer);
                return;
            }
            Answer::Close => return,
            Answer::Plausible => writer.write_all(&plausible(&name, &command, &info)),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// A command, as an array of bulk strings or as a line of words.
fn read_command(reader: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let line = read_line(reader).ok()?;
    let Some(count) = line.strip_prefix('*') else {
        return Some(line.split_whitespace().map(str::to_owned).collect());
    };
    (0..count.parse::<usize>().ok()?)
        .map(|_| {
            let length: usize = read_line(reader).ok()?.strip_prefix('$')?.parse().ok()?;
            let mut bytes = vec![0; length + 2];
            reader.read_exact(&mut bytes).ok()?;
            bytes.truncate(length);
            Some(String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

fn plausible(name: &str, command: &[String], info: &str) -> Vec<u8> {
    match name {
        "INFO" => bulk(&info.replace('\n', "\r\n")),
        "PING" => b"+PONG\r\n".to_vec(),
        // RESP2 only: a client must live with that.
        "HELLO" => b"-NOPROTO unsupported protocol version\r\n".to_vec(),
        "CONFIG" | "COMMAND" | "SLOWLOG" | "LATENCY" => b"*0\r\n".to_vec(),
        "DBSIZE" => b":10\r\n".to_vec(),
        "SUBSCRIBE" | "PSUBSCRIBE" => {
            let kind = name.to_ascii_lowercase();
            let mut out = Vec::new();
            for (i, channel) in command.iter().skip(1).enumerate() {
                out.extend_from_slice(format!("*3\r\n${}\r\n{kind}\r\n", kind.len()).as_bytes());
                out.extend_from_slice(&bulk(channel));
                out.extend_from_slice(format!(":{}\r\n", i + 1).as_bytes());
            }
            out
        }
        _ => b"+OK\r\n".to_vec(),
    }
}

fn bulk(text: &str) -> Vec<u8> {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}
