//! Simulated servers behind one address, which know what they really counted, and the properties that follow.

use std::time::Duration;

use proptest::prelude::*;

use super::NodeCounters;
use crate::analyze::fixture;
use crate::model::reading::{Counters, Reading};
use crate::model::time::Now;

/// One server process.
#[derive(Debug, Clone)]
struct Server {
    run_id: String,
    started_ms: u64,
    counters: Counters,
}

/// What happens in the simulated world.
#[derive(Debug, Clone)]
enum Event {
    /// Time passes and the server behind the address counts.
    Traffic {
        ms: u64,
        hits: u64,
        misses: u64,
        connections: u64,
    },
    /// A server that is not behind the address now counts.
    Elsewhere {
        server: usize,
        hits: u64,
    },
    Poll,
    Restart,
    Resetstat,
    /// The address moves to a process that had been running long before, and has counters of its own.
    Newcomer {
        hits: u64,
        age_ms: u64,
    },
    /// The address moves to one of the processes that there are.
    Switch {
        server: usize,
    },
}

struct World {
    now_ms: u64,
    servers: Vec<Server>,
    current: usize,
    born: usize,
    with_run_id: bool,
    /// Lookups that were counted anywhere since the first poll.
    truth: u64,
    watched: bool,
    last_poll_ms: u64,
    counters: NodeCounters,
}

impl World {
    fn new(with_run_id: bool, already: u64) -> Self {
        let mut world = Self {
            now_ms: 100_000,
            servers: Vec::new(),
            current: 0,
            born: 0,
            with_run_id,
            truth: 0,
            watched: false,
            last_poll_ms: 0,
            counters: NodeCounters::new(),
        };
        let first = world.process(40_000, already);
        world.servers.push(first);
        world
    }

    fn process(&mut self, started_ms: u64, hits: u64) -> Server {
        self.born += 1;
        Server {
            run_id: format!("run{}", self.born),
            started_ms,
            counters: Counters {
                connections: Some(1),
                ..fixture::counters(hits, 0, hits)
            },
        }
    }

    fn server(&mut self) -> &mut Server {
        &mut self.servers[self.current]
    }

    fn count(&mut self, server: usize, hits: u64, misses: u64) {
        let counters = &mut self.servers[server].counters;
        *counters.hits.as_mut().unwrap() += hits;
        *counters.misses.as_mut().unwrap() += misses;
        *counters.commands.as_mut().unwrap() += hits + misses;
        if self.watched {
            self.truth += hits + misses;
        }
    }

    fn reading(&self) -> Reading {
        let server = &self.servers[self.current];
        // As Redis does it: a difference of two whole seconds.
        let uptime = self.now_ms / 1000 - server.started_ms / 1000;
        let run_id = self.with_run_id.then_some(server.run_id.as_str());
        fixture::reading(run_id, uptime, server.counters)
    }

    fn poll(&mut self) {
        let now = Now::ZERO.plus(Duration::from_millis(self.now_ms));
        let reading = self.reading();
        self.counters.observe(&reading, now);
        self.watched = true;
        self.last_poll_ms = self.now_ms;
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Traffic {
                ms,
                hits,
                misses,
                connections,
            } => {
                self.now_ms += ms;
                let current = self.current;
                self.count(current, hits, misses);
                *self.server().counters.connections.as_mut().unwrap() += connections;
            }
            Event::Elsewhere { server, hits } => {
                let server = server % self.servers.len();
                self.count(server, hits, 0);
            }
            Event::Poll => self.poll(),
            Event::Restart => {
                let fresh = self.process(self.now_ms, 0);
                *self.server() = fresh;
            }
            Event::Resetstat => {
                self.server().counters = Counters {
                    connections: Some(0),
                    ..fixture::counters(0, 0, 0)
                };
            }
            Event::Newcomer { hits, age_ms } => {
                // More than the slack before the last look: later ones count as started since.
                let started = self.last_poll_ms.saturating_sub(5_000 + age_ms);
                let newcomer = self.process(started, hits);
                self.servers.push(newcomer);
                self.current = self.servers.len() - 1;
            }
            Event::Switch { server } => self.current = server % self.servers.len(),
        }
    }

    fn total(&self) -> u64 {
        self.counters.totals().lookups().unwrap_or(0)
    }
}

fn traffic() -> impl Strategy<Value = Event> {
    (100_u64..20_000, 0_u64..500, 0_u64..500, 0_u64..3).prop_map(
        |(ms, hits, misses, connections)| Event::Traffic {
            ms,
            hits,
            misses,
            connections,
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => traffic(),
        4 => Just(Event::Poll),
        1 => (0_usize..8, 0_u64..1000).prop_map(|(server, hits)| Event::Elsewhere { server, hits }),
        1 => Just(Event::Restart),
        1 => Just(Event::Resetstat),
        1 => (0_u64..1_000_000_000, 0_u64..1_000_000)
            .prop_map(|(hits, age_ms)| Event::Newcomer { hits, age_ms }),
        1 => (0_usize..8).prop_map(|server| Event::Switch { server }),
    ]
}

/// What loses nothing when it comes right after a reading.
fn begin_anew() -> impl Strategy<Value = Event> {
    prop_oneof![Just(Event::Restart), Just(Event::Resetstat)]
}

proptest! {
    #[test]
    fn totals_are_monotone_and_never_exceed_the_truth(
        already in 0_u64..1_000_000_000,
        events in prop::collection::vec(any_event(), 1..80),
    ) {
        let mut world = World::new(true, already);
        let mut before = 0;
        for event in events.iter().chain([&Event::Poll]) {
            world.apply(event);
            prop_assert!(world.total() >= before);
            prop_assert!(world.total() <= world.truth, "{} > {}", world.total(), world.truth);
            before = world.total();
        }
    }

    #[test]
    fn nothing_is_lost_when_nothing_was_counted_after_the_last_reading(
        with_run_id: bool,
        already in 0_u64..1_000_000,
        rounds in prop::collection::vec((prop::option::of(begin_anew()), prop::collection::vec(traffic(), 1..4), any::<bool>()), 1..40),
    ) {
        let mut world = World::new(with_run_id, already);
        world.poll();
        for (reset, traffic, lost) in rounds {
            if let Some(reset) = reset {
                world.poll();
                world.apply(&reset);
                // Without a run_id a process is told by its start, to two seconds.
                world.now_ms += 4_000;
                if !with_run_id || matches!(reset, Event::Resetstat) {
                    world.poll();
                }
            }
            for event in &traffic {
                world.apply(event);
            }
            if !lost {
                world.poll();
            }
        }
        world.poll();
        prop_assert_eq!(world.total(), world.truth);
    }

    #[test]
    fn an_address_that_alternates_loses_nothing_and_invents_nothing(
        rounds in prop::collection::vec((0_usize..4, 0_u64..500, 0_u64..500), 1..60),
    ) {
        let mut world = World::new(true, 7);
        world.poll();
        for hits in [1_000_000, 5, 300] {
            world.apply(&Event::Newcomer { hits, age_ms: 60_000 });
            world.poll();
        }
        for (server, here, elsewhere) in rounds {
            world.apply(&Event::Switch { server });
            world.apply(&Event::Traffic { ms: 5_000, hits: here, misses: 1, connections: 0 });
            world.apply(&Event::Elsewhere { server: server + 1, hits: elsewhere });
            world.poll();
        }
        for server in 0..4 {
            world.apply(&Event::Switch { server });
            world.poll();
        }
        prop_assert_eq!(world.total(), world.truth);
    }

    #[test]
    fn a_server_that_lies_makes_nothing_go_back_or_explode(
        lies in prop::collection::vec(
            (prop::option::of("[ab]"), prop::option::of(any::<u64>()), prop::option::of(any::<u64>()), prop::option::of(any::<u64>()), 0_u64..100),
            1..50,
        ),
    ) {
        let mut counters = NodeCounters::new();
        let mut now = Now::ZERO;
        let mut before = 0;
        for (run_id, hits, uptime, commands, seconds) in lies {
            now = now.plus(Duration::from_secs(seconds));
            let mut reading = fixture::reading(run_id.as_deref(), 0, Counters { hits, commands, ..Counters::default() });
            reading.identity.uptime_seconds = uptime;
            let seen = counters.observe(&reading, now);
            let total = counters.totals().hits.unwrap_or(0);
            prop_assert!(total >= before);
            prop_assert_eq!(total - before, seen.delta.hits.unwrap_or(0));
            prop_assert!(total - before <= (now.mono.as_secs() + 3) * 1_000_000_000);
            before = total;
        }
    }
}
