//! A TCP proxy between a client and a server that passes, delays, cuts, half-opens, throttles or lies.
//!
//! A change of mode reaches connections that are open within 20 ms or so.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::net::{Listener, Running, reset, timed_out};
use super::wait::{millis, secs};

/// What it does with bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Passes them on.
    Pass,
    /// Passes each piece on this much later, in both directions.
    Delay(Duration),
    /// Resets every open connection and each new one.
    Cut,
    /// Accepts, and forwards nothing.
    HalfOpen,
    /// Passes so many bytes a second (at least 1) to the client; requests pass at full speed.
    Throttle(u32),
    /// Answers each piece that the client sends with these bytes instead of the server's.
    Garbage(Vec<u8>),
}

#[derive(Debug)]
struct Shared {
    upstream: Mutex<SocketAddr>,
    mode: Mutex<Mode>,
    open: AtomicUsize,
}

impl Shared {
    fn mode(&self) -> Mode {
        self.mode.lock().unwrap().clone()
    }
}

/// The proxy.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    listener: Listener,
}

impl Proxy {
    /// Passes everything to `upstream`, for a start.
    pub fn start(upstream: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            mode: Mutex::new(Mode::Pass),
            open: AtomicUsize::new(0),
        });
        let theirs = Arc::clone(&shared);
        let listener = Listener::start("proxy", move |client, running| {
            theirs.open.fetch_add(1, Ordering::SeqCst);
            serve(&client, running, &theirs);
            if theirs.mode() == Mode::Cut {
                reset(client);
            }
            theirs.open.fetch_sub(1, Ordering::SeqCst);
        });
        Self { shared, listener }
    }

    /// Changes what it does.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// Sends new connections elsewhere; open ones stay. A name that points to another server, after a failover say.
    pub fn redirect(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock().unwrap() = upstream;
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// How many connections were made in all.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// How many are open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }
}

fn serve(client: &TcpStream, running: &Running, shared: &Shared) {
    if shared.mode() == Mode::Cut {
        return;
    }
    let upstream = *shared.upstream.lock().unwrap();
    let Ok(server) = TcpStream::connect_timeout(&upstream, secs(2)) else {
        // As if there were no proxy.
        reset(client.try_clone().unwrap());
        return;
    };
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    std::thread::scope(|scope| {
        scope.spawn(|| pump(client, &server, running, shared, Direction::ToServer));
        pump(&server, client, running, shared, Direction::ToClient);
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Moves bytes one way until either side ends. Then both are shut, so that the other way ends too.
fn pump(mut from: &TcpStream, to: &TcpStream, running: &Running, shared: &Shared, way: Direction) {
    drop(from.set_read_timeout(Some(millis(20))));
    let mut buffer = [0; 16 * 1024];
    while running.yes() && shared.mode() != Mode::Cut {
        // While nothing is forwarded, nothing is read: the peer's buffers fill, as with a peer that hangs.
        if shared.mode() == Mode::HalfOpen {
            running.pause(millis(20));
            continue;
        }
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if timed_out(&e) => continue,
            Err(_) => break,
        };
        if !forward(from, to, running, shared, way, &buffer[..n]) {
            break;
        }
    }
    // A cut ends in a reset, which the owner of the connection does; a farewell before it would spoil that.
    if shared.mode() != Mode::Cut {
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    }
}

/// Does with a piece what the mode says now, which may be another than when the read began. False: it is over.
fn forward(
    mut from: &TcpStream,
    mut to: &TcpStream,
    running: &Running,
    shared: &Shared,
    way: Direction,
    mut piece: &[u8],
) -> bool {
    while !piece.is_empty() {
        let mut count = piece.len();
        let sent = match (shared.mode(), way) {
            (Mode::Cut, _) => return false,
            (Mode::HalfOpen, _) => {
                running.pause(millis(20));
                if !running.yes() {
                    return false;
                }
                continue;
            }
            (Mode::Throttle(rate), Direction::ToClient) => {
                running.pause(secs(1) / rate.max(1));
                count = 1;
                to.write_all(&piece[..1])
            }
            (Mode::Delay(time), _) => {
                running.pause(time);
                to.write_all(piece)
            }
            (Mode::Garbage(bytes), Direction::ToServer) => from.write_all(&bytes),
            (Mode::Garbage(_), Direction::ToClient) => Ok(()),
            _ => to.write_all(piece),
        };
        if sent.is_err() || !running.yes() {
            return false;
        }
        piece = &piece[count..];
    }
    true
}
