//! A steady stream of look-ups on a thread of its own.
//!
//! Which look-up misses is not random: it follows the asked ratio as evenly as whole numbers allow, so that a short window
//! shows the same ratio as a long one. The stream survives a server that dies, hangs or comes back empty.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Truth;
use crate::harness::resp::Client;
use crate::harness::servers::Server;
use crate::harness::wait::{millis, now, pause, secs};

#[derive(Debug)]
struct Shared {
    rate: f64,
    miss_ratio: f64,
    stop: bool,
    truth: Truth,
}

/// A running stream.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// `rate` look-ups a second, of which `miss_ratio` (0 to 1) find nothing. For servers without a password.
    pub fn start(server: &Server, rate: f64, miss_ratio: f64) -> Self {
        Self::on(server.addr(), rate, miss_ratio)
    }

    /// The same on any address, a proxy's for example.
    pub fn on(addr: SocketAddr, rate: f64, miss_ratio: f64) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            rate,
            miss_ratio,
            stop: false,
            truth: Truth::default(),
        }));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || drive(addr, &theirs))
            .unwrap();
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Changes the share of misses from now on.
    pub fn set_miss_ratio(&self, miss_ratio: f64) {
        self.shared.lock().unwrap().miss_ratio = miss_ratio;
    }

    /// Changes the pace from now on; 0 is a pause.
    pub fn set_rate(&self, rate: f64) {
        self.shared.lock().unwrap().rate = rate;
    }

    /// What was sent and answered so far. May be some milliseconds old.
    pub fn truth(&self) -> Truth {
        self.shared.lock().unwrap().truth
    }

    /// Stops; what comes back is final.
    pub fn stop(mut self) -> Truth {
        self.halt();
        self.truth()
    }

    fn halt(&mut self) {
        self.shared.lock().unwrap().stop = true;
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            if !std::thread::panicking() {
                outcome.unwrap();
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.halt();
    }
}

fn drive(addr: SocketAddr, shared: &Mutex<Shared>) {
    let mut client = None;
    let (mut owed, mut misses_owed) = (0.0_f64, 0.0_f64);
    let mut serial = 0_u64;
    let mut last = now();
    loop {
        pause(millis(20));
        let (rate, miss_ratio, stop) = {
            let s = shared.lock().unwrap();
            (s.rate, s.miss_ratio, s.stop)
        };
        if stop {
            return;
        }
        let at = now();
        // After a hang it goes on at its pace; it does not catch up.
        owed += (at - last).min(secs(1)).as_secs_f64() * rate;
        last = at;
        let batch: Vec<[String; 2]> = std::iter::from_fn(|| {
            (owed >= 1.0).then(|| {
                owed -= 1.0;
                misses_owed += miss_ratio;
                serial += 1;
                let key = if misses_owed >= 1.0 - 1e-9 {
                    misses_owed -= 1.0;
                    format!("load:absent:{serial}")
                } else {
                    "load:present".to_owned()
                };
                ["GET".to_owned(), key]
            })
        })
        .collect();
        if batch.is_empty() {
            continue;
        }
        let Some(connection) = client.take().or_else(|| connect(addr)) else {
            continue;
        };
        let mut connection: Client = connection;
        let answered = connection.pipeline(&batch);
        let truth = &mut shared.lock().unwrap().truth;
        match answered {
            Ok(replies) => {
                let misses = replies.iter().filter(|r| r.is_nil()).count() as u64;
                let errors = replies.iter().filter(|r| r.is_error()).count() as u64;
                truth.misses += misses;
                truth.hits += replies.len() as u64 - misses - errors;
                client = Some(connection);
            }
            Err(_) => truth.unanswered += batch.len() as u64,
        }
    }
}

/// Connects and sees to it that the key for hits is there: the server may have come back empty.
fn connect(addr: SocketAddr) -> Option<Client> {
    let mut client = Client::connect(addr, secs(2)).ok()?;
    let reply = client.call(&["SET", "load:present", "v"]).ok()?;
    (!reply.is_error()).then_some(client)
}
