//! Load whose outcome is known without asking the server's counters.
//!
//! [`Workload`] does bounded amounts and keeps the sum; [`Load`] runs at a steady pace on a thread of its own. Truth comes
//! from what was sent and answered, never from INFO.

mod load;

use super::resp::{Client, Reply};
use super::servers::{Counters, Server};
use super::wait::{eventually, secs};

pub use load::Load;

/// What has happened, to the lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truth {
    /// Look-ups that found something.
    pub hits: u64,
    /// Look-ups that found nothing.
    pub misses: u64,
    /// Keys that ran out of time.
    pub expired: u64,
    /// Keys that were pushed out.
    pub evicted: u64,
    /// Look-ups that were sent and never answered: the server died or hung, and nobody can know.
    pub unanswered: u64,
}

impl Truth {
    /// Look-ups that were answered.
    pub fn lookups(&self) -> u64 {
        self.hits + self.misses
    }

    /// As the server's counters must stand, if they began at zero and nobody else did anything.
    pub fn counters(&self) -> Counters {
        Counters {
            hits: self.hits,
            misses: self.misses,
            expired: self.expired,
            evicted: self.evicted,
        }
    }
}

/// Does known amounts of known things.
#[derive(Debug)]
pub struct Workload<'a> {
    server: &'a Server,
    client: Client,
    truth: Truth,
    next: u64,
}

impl<'a> Workload<'a> {
    /// Connects.
    pub fn new(server: &'a Server) -> Self {
        Self {
            server,
            client: server.connect().unwrap(),
            truth: Truth::default(),
            next: 0,
        }
    }

    /// What it has done so far.
    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// `n` look-ups of a key that is there.
    #[track_caller]
    pub fn hits(&mut self, n: u64) {
        self.run(&[["SET", "hit:1", "v"]]);
        let replies = self.run(&vec![["GET", "hit:1"]; usize::try_from(n).unwrap()]);
        assert!(replies.iter().all(|r| !r.is_nil()), "the key went away");
        self.truth.hits += n;
    }

    /// `n` look-ups of keys that never were.
    #[track_caller]
    pub fn misses(&mut self, n: u64) {
        let keys = self.fresh("absent", n);
        let gets: Vec<_> = keys.iter().map(|k| ["GET", k]).collect();
        let replies = self.run(&gets);
        assert!(replies.iter().all(Reply::is_nil), "an absent key is there");
        self.truth.misses += n;
    }

    /// `n` keys that expire at once; returns when the server has removed them all. No look-ups.
    #[track_caller]
    pub fn expire(&mut self, n: u64) {
        let before = self.size();
        let keys = self.fresh("short", n);
        let sets: Vec<_> = keys.iter().map(|k| ["SET", k, "v", "PX", "1"]).collect();
        self.run(&sets);
        let what = format!("{n} keys expire");
        // The server's active cycle removes them; DBSIZE counts what is left and looks nothing up.
        eventually(secs(20), &what, || (self.size() <= before).then_some(()));
        self.truth.expired += n;
    }

    /// `n` keys that expire and are then looked up: `n` misses and `n` expirations, whoever removes them.
    #[track_caller]
    pub fn expire_and_miss(&mut self, n: u64) {
        let keys = self.fresh("short", n);
        let sets: Vec<_> = keys.iter().map(|k| ["SET", k, "v", "PX", "1"]).collect();
        self.run(&sets);
        super::wait::pause(super::wait::millis(5));
        let gets: Vec<_> = keys.iter().map(|k| ["GET", k]).collect();
        let replies = self.run(&gets);
        assert!(replies.iter().all(Reply::is_nil), "a key outlived its time");
        self.truth.expired += n;
        self.truth.misses += n;
    }

    /// Fills the cache until at least `n` keys were pushed out, under a limit of 4 MB and `allkeys-lru`; then lifts the
    /// limit, so that nothing more is evicted. No look-ups.
    ///
    /// What was evicted is known as what was written less what is left.
    #[track_caller]
    pub fn evict(&mut self, n: u64) {
        let used = self.server.info_u64("used_memory");
        let limit = (used + 4_000_000).to_string();
        self.run(&[["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]]);
        self.run(&[["CONFIG", "SET", "maxmemory", &limit]]);
        let value = "x".repeat(4000);
        let before = self.size();
        let mut written = 0;
        eventually(secs(30), &format!("{n} keys are evicted"), || {
            let keys = self.fresh("filler", 500);
            let sets: Vec<_> = keys.iter().map(|k| ["SET", k, &value]).collect();
            self.run(&sets);
            written += 500;
            (before + written - self.size() >= n).then_some(())
        });
        self.run(&[["CONFIG", "SET", "maxmemory", "0"]]);
        self.truth.evicted += before + written - self.size();
    }

    /// Any commands; what they look up is not in the truth.
    #[track_caller]
    pub fn run<C: AsRef<[P]>, P: AsRef<[u8]>>(&mut self, commands: &[C]) -> Vec<Reply> {
        let replies = self.client.pipeline(commands).unwrap();
        if let Some(Reply::Error(e)) = replies.iter().find(|r| r.is_error()) {
            panic!("{}: {e}", self.server.version());
        }
        replies
    }

    fn size(&mut self) -> u64 {
        match self.run(&[["DBSIZE"]]).pop() {
            Some(Reply::Int(n)) => u64::try_from(n).unwrap(),
            other => panic!("DBSIZE: {other:?}"),
        }
    }

    fn fresh(&mut self, family: &str, n: u64) -> Vec<String> {
        let first = self.next;
        self.next += n;
        (first..self.next)
            .map(|i| format!("{family}:{i}"))
            .collect()
    }
}
