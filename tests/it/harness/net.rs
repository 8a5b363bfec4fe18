//! Ports, and threads that serve connections until they are told to stop.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::wait::{millis, pause};

/// A port that was free a moment ago, for programs that must be told one.
///
/// Below the range from which the system takes ports for outgoing connections: a server that is down for a while in a
/// test must find its port free when it comes back.
pub fn free_port() -> u16 {
    for _ in 0..1000 {
        let port = fastrand::u16(10_000..22_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port found in 1000 tries");
}

/// Closes with a reset instead of a farewell, once the last handle on the stream is dropped.
pub fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(stream);
}

/// Whether the listener that a connection belongs to still runs.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<AtomicBool>);

impl Running {
    /// False once the listener was dropped; then connections end.
    pub fn yes(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// Stays silent until the peer has gone or the listener ends.
    pub fn silence(&self, stream: &TcpStream) {
        stream.set_read_timeout(Some(millis(20))).unwrap();
        let mut sink = [0; 4096];
        while self.yes() {
            match std::io::Read::read(&mut &*stream, &mut sink) {
                Ok(0) => return,
                Ok(_) => {}
                Err(e) if timed_out(&e) => {}
                Err(_) => return,
            }
        }
    }

    /// Lets time pass, but not beyond the listener's end.
    pub fn pause(&self, time: Duration) {
        let mut left = time;
        while self.yes() && !left.is_zero() {
            let step = left.min(millis(20));
            pause(step);
            left -= step;
        }
    }
}

/// Whether a read ended for lack of data rather than for a fault.
pub fn timed_out(e: &std::io::Error) -> bool {
    matches!(
        e.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    )
}

/// Accepts connections on a port of 127.0.0.1, a thread for each, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    addr: SocketAddr,
    running: Running,
    accepted: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves every connection with `serve`.
    pub fn start(name: &str, serve: impl Fn(TcpStream, &Running) + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        let running = Running::default();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (flag, count, serve) = (running.clone(), Arc::clone(&accepted), Arc::new(serve));
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for stream in socket.incoming() {
                    if !flag.yes() {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    count.fetch_add(1, Ordering::SeqCst);
                    let (flag, serve) = (flag.clone(), Arc::clone(&serve));
                    std::thread::spawn(move || serve(stream, &flag));
                }
            })
            .unwrap();
        Self {
            addr,
            running,
            accepted,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.running.0.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
