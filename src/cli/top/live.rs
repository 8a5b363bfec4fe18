//! The live view: keys and snapshots in, pictures out, until the person has seen enough.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ratatui::crossterm::event::Event;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::Engine;
use super::screen::Screen;
use super::state::State;
use super::terminal::{self, Taken};
use super::view;
use crate::model::snapshot::Snapshot;

/// How often it looks for a new snapshot.
const LOOK: Duration = Duration::from_millis(250);
/// Keys that may wait. Somebody who leans on a key loses nothing but repetitions.
const KEYS: usize = 64;

/// Shows the caches until a key or a signal ends it.
pub(super) async fn run(engine: &Engine) -> anyhow::Result<ExitCode> {
    let cancel = &engine.cancel;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut taken = Taken::new(cancel.clone())?;
    let (events, mut keys) = mpsc::channel(KEYS);
    terminal::read(events, cancel.clone()).context("cannot read keys")?;

    let mut state = State::default();
    let mut snapshot = engine.published.load_full();
    let mut screen = paint(&mut taken, &snapshot, &state)?;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !state.quit {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
            _ = interrupt.recv() => break,
            event = keys.recv() => match event {
                Some(Event::Key(key)) => state.key(key, screen.shown()),
                Some(Event::Resize(..)) => {}
                Some(_) => continue,
                // The terminal is gone.
                None => break,
            },
            _ = look.tick() => {
                let latest = engine.published.load();
                if state.paused || latest.sequence == snapshot.sequence {
                    continue;
                }
                snapshot = Arc::clone(&latest);
            }
        }
        screen = paint(&mut taken, &snapshot, &state)?;
    }
    if taken.is_lost() {
        anyhow::bail!("a task panicked; that is a bug in cachewatch");
    }
    Ok(ExitCode::SUCCESS)
}

fn paint(taken: &mut Taken, snapshot: &Snapshot, state: &State) -> anyhow::Result<Screen> {
    let screen = Screen::new(snapshot, state);
    taken
        .terminal
        .draw(|frame| view::paint(&screen, state, frame.area(), frame.buffer_mut()))
        .context("cannot write to the terminal")?;
    Ok(screen)
}
