//! Sends the demo's traffic: warm-up first, then batches of lookups at a steady pace until the end.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::phases::Phase;
use super::workload::{Command, Workload};
use crate::collect::redis::connection::{Batch, Connection, Reply};
use crate::collect::redis::dial::SystemRoots;
use crate::config::CacheConfig;
use crate::model::poll::PollError;

/// Batches per second.
const PACE: Duration = Duration::from_millis(20);
/// Lookups in a batch: 40 every 20 ms are 2,000 a second.
const LOOKUPS_PER_BATCH: usize = 40;
/// Commands sent at once while warming up.
const WARM_UP_BATCH: usize = 500;

/// Runs until cancelled. An error ends the traffic, not the demo: then one sees what cachewatch says about it.
pub(super) async fn run(
    cache: CacheConfig,
    workload: Workload,
    length: Duration,
    cancel: CancellationToken,
) {
    let story = tokio::select! {
        () = cancel.cancelled() => return,
        result = drive(&cache, workload, length) => result,
    };
    if let Err(error) = story {
        tracing::warn!(%error, "the demo's traffic ended");
    }
}

async fn drive(
    cache: &CacheConfig,
    mut workload: Workload,
    length: Duration,
) -> Result<(), PollError> {
    let mut connection = Connection::open(cache, &SystemRoots::default()).await?;
    send_all(&mut connection, &workload.warm_up()).await?;
    let start = Instant::now();
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut phase = None;
    loop {
        pace.tick().await;
        let now = Phase::at(start.elapsed(), length);
        if phase.replace(now) != Some(now) {
            tell(start.elapsed(), now);
            send_all(&mut connection, &workload.enter(now)).await?;
        }
        let keys = workload.lookups(LOOKUPS_PER_BATCH);
        let gets: Vec<Command> = keys.iter().map(|key| workload.get(*key)).collect();
        let replies = send(&mut connection, &gets).await?;
        let missed: Vec<_> = keys
            .iter()
            .zip(&replies)
            .filter(|(_, reply)| matches!(reply, Reply::Nil))
            .map(|(key, _)| *key)
            .collect();
        let stores = workload.stores(&missed, now);
        send_all(&mut connection, &stores).await?;
    }
}

async fn send_all(connection: &mut Connection, commands: &[Command]) -> Result<(), PollError> {
    for part in commands.chunks(WARM_UP_BATCH) {
        send(connection, part).await?;
    }
    Ok(())
}

async fn send(connection: &mut Connection, commands: &[Command]) -> Result<Vec<Reply>, PollError> {
    let mut batch = Batch::new();
    for command in commands {
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        batch.push(&args);
    }
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    connection.pipeline(&batch).await
}

#[expect(clippy::print_stdout, reason = "the demo tells its story on stdout")]
fn tell(elapsed: Duration, phase: Phase) {
    println!("[{:>3} s] {}", elapsed.as_secs(), phase.story());
}
