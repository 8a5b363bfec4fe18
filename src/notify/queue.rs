//! What waits for one channel: first in, first out, bounded.
//!
//! When the queue is full something has to go, and what goes must not mislead anybody. To lose a `firing` is bad; to lose
//! the `resolved` of a `firing` that people have seen is worse, because they go on believing that it burns. So:
//! 1. the oldest incident of which both messages are waiting: nobody has heard of it, and it is over;
//! 2. the oldest `firing`: its `resolved` will still come, and tells the whole story;
//! 3. the oldest message.
//!
//! Invariant: never more than the bound is waiting; whatever is cut is counted.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::incident::{Notification, Transition};
use crate::model::stats::ChannelStats;
use crate::model::time::Now;

/// How many messages may wait for one channel.
pub(crate) const CAPACITY: usize = 1000;

/// A notification that waits.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// What is to be said.
    pub(crate) notification: Arc<Notification>,
    /// When it was put into the queue.
    pub(crate) queued: Now,
}

/// The queue of one channel.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    stats: Arc<ChannelStats>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Whether one is under way.
    busy: bool,
    /// Whether nothing more is taken in.
    closed: bool,
}

impl Queue {
    /// An empty queue that counts into `stats`.
    pub(crate) fn new(capacity: usize, stats: Arc<ChannelStats>) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            stats,
            capacity,
        }
    }

    /// Puts a notification into the queue. Returns how many were cut for it.
    pub(crate) fn push(&self, job: Job) -> usize {
        let mut state = self.lock();
        let cut = if state.closed {
            1
        } else {
            state.waiting.push_back(job);
            let mut cut = 0;
            while state.waiting.len() > self.capacity {
                cut += make_room(&mut state.waiting);
            }
            cut
        };
        self.stats.dropped.add(cut as u64);
        self.count(&state);
        drop(state);
        self.changed.notify_one();
        cut
    }

    /// Waits for the next one. It counts as under way until [`Queue::done`]. `None`: closed and empty. For one reader.
    pub(crate) async fn pop(&self) -> Option<Job> {
        loop {
            {
                let mut state = self.lock();
                if let Some(job) = state.waiting.pop_front() {
                    state.busy = true;
                    return Some(job);
                }
                if state.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The one that was under way has come to its end.
    pub(crate) fn done(&self) {
        let mut state = self.lock();
        state.busy = false;
        self.count(&state);
    }

    /// Takes in nothing more; what is there can still be taken out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Closes, throws away what is left, and returns how many that were, the one under way included. Counts them.
    pub(crate) fn abandon(&self) -> usize {
        let mut state = self.lock();
        let left = state.waiting.len() + usize::from(state.busy);
        state.waiting.clear();
        state.busy = false;
        state.closed = true;
        self.stats.dropped.add(left as u64);
        self.count(&state);
        drop(state);
        self.changed.notify_one();
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, state: &State) {
        let pending = state.waiting.len() + usize::from(state.busy);
        self.stats.pending.set(pending as u64);
    }
}

/// Cuts by the rules above. Returns how many: one or two, none only from an empty queue.
fn make_room(waiting: &mut VecDeque<Job>) -> usize {
    let before = waiting.len();
    if let Some(incident) = oldest_untold(waiting) {
        waiting.retain(|job| job.notification.incident != incident);
    } else {
        let firing = |job: &Job| job.notification.transition == Transition::Firing;
        let at = waiting.iter().position(firing).unwrap_or(0);
        waiting.remove(at);
    }
    before - waiting.len()
}

/// The incident whose both messages are waiting, the one that was resolved first.
fn oldest_untold(waiting: &VecDeque<Job>) -> Option<String> {
    let mut fired = HashSet::new();
    waiting.iter().find_map(|job| {
        let n = &job.notification;
        match n.transition {
            Transition::Firing => {
                fired.insert(n.incident.as_str());
                None
            }
            Transition::Resolved => fired
                .contains(n.incident.as_str())
                .then(|| n.incident.clone()),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::testing::notification;

    fn job(incident: &str, transition: Transition) -> Job {
        let mut n = notification::miss_firing();
        incident.clone_into(&mut n.incident);
        n.transition = transition;
        Job {
            notification: Arc::new(n),
            queued: Now::ZERO,
        }
    }

    fn queue(capacity: usize) -> (Queue, Arc<ChannelStats>) {
        let stats = Arc::new(ChannelStats::default());
        (Queue::new(capacity, Arc::clone(&stats)), stats)
    }

    fn contents(queue: &Queue) -> String {
        let name = |job: &Job| {
            let sign = if job.notification.transition == Transition::Firing {
                '+'
            } else {
                '-'
            };
            format!("{sign}{}", job.notification.incident)
        };
        queue
            .lock()
            .waiting
            .iter()
            .map(name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn fill(capacity: usize, jobs: &str) -> (String, u64) {
        let (queue, stats) = queue(capacity);
        for word in jobs.split(' ') {
            let (sign, incident) = word.split_at(1);
            let transition = if sign == "+" {
                Transition::Firing
            } else {
                Transition::Resolved
            };
            queue.push(job(incident, transition));
        }
        (contents(&queue), stats.dropped.get())
    }

    #[test]
    fn what_nobody_knows_of_goes_first() {
        assert_eq!(fill(4, "-a +b -b +c -c"), ("-a +c -c".to_owned(), 2));
    }

    #[test]
    fn then_a_firing_whose_resolved_will_come() {
        assert_eq!(fill(3, "-a +b +c +d"), ("-a +c +d".to_owned(), 1));
        // Its resolved came, and stands alone.
        assert_eq!(fill(2, "-a +b +c -b"), ("-a -b".to_owned(), 2));
    }

    #[test]
    fn then_the_oldest() {
        assert_eq!(fill(2, "-a -b -c"), ("-b -c".to_owned(), 1));
    }

    #[tokio::test]
    async fn a_closed_queue_can_be_emptied_but_not_filled() {
        let (queue, stats) = queue(9);
        assert_eq!(queue.push(job("a", Transition::Firing)), 0);
        queue.close();
        assert_eq!(queue.push(job("b", Transition::Firing)), 1);
        assert_eq!(queue.pop().await.unwrap().notification.incident, "a");
        assert_eq!(stats.pending.get(), 1, "under way");
        queue.done();
        assert_eq!(stats.pending.get(), 0);
        assert!(queue.pop().await.is_none());
    }

    #[tokio::test]
    async fn what_is_abandoned_is_counted() {
        let (queue, stats) = queue(9);
        queue.push(job("a", Transition::Firing));
        queue.push(job("b", Transition::Firing));
        queue.pop().await.unwrap();
        assert_eq!(queue.abandon(), 2);
        assert_eq!((stats.dropped.get(), stats.pending.get()), (2, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_uncounted(pushes in proptest::collection::vec((0_u8..6, any::<bool>()), 0..60), capacity in 0_usize..6) {
            let (queue, stats) = queue(capacity);
            for (incident, firing) in &pushes {
                let transition = if *firing { Transition::Firing } else { Transition::Resolved };
                queue.push(job(&incident.to_string(), transition));
                prop_assert!(queue.lock().waiting.len() <= capacity);
            }
            let left = queue.lock().waiting.len() as u64;
            prop_assert_eq!(left + stats.dropped.get(), pushes.len() as u64);
            prop_assert_eq!(stats.pending.get(), left);
        }
    }
}
