//! What the person at the keyboard has chosen, and what each key changes. Pure.
//!
//! Deliberately absent: numbers of rows. What is chosen is remembered by name, so that it stays chosen while rows come
//! and go around it.
//!
//! Invariant: a key changes nothing but the state; Ctrl-C quits whatever else is going on.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The longest filter, in characters.
const MAX_FILTER: usize = 64;
/// Rows that Page Up and Page Down skip.
const PAGE: usize = 10;

/// Where the up and down keys work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pane {
    /// The caches.
    #[default]
    Caches,
    /// The namespaces of the chosen cache.
    Namespaces,
}

/// In what order namespaces are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Most misses first.
    #[default]
    Misses,
    /// Most evictions first.
    Evictions,
    /// Most expirations first.
    Expirations,
    /// By name.
    Name,
    /// Most cost first.
    Cost,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Misses => Self::Evictions,
            Self::Evictions => Self::Expirations,
            Self::Expirations => Self::Name,
            Self::Name => Self::Cost,
            Self::Cost => Self::Misses,
        }
    }

    /// In a word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Misses => "misses",
            Self::Evictions => "evictions",
            Self::Expirations => "expirations",
            Self::Name => "name",
            Self::Cost => "cost",
        }
    }
}

/// The names of the rows that are shown, in their order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    /// The caches.
    pub(super) caches: &'a [String],
    /// Which of them is chosen.
    pub(super) cache: usize,
    /// The namespaces.
    pub(super) namespaces: &'a [String],
    /// Which of them is chosen.
    pub(super) namespace: usize,
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// They are commands.
    #[default]
    Command,
    /// They go into the filter.
    Typing,
    /// The keys are explained; any key goes back.
    Help,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// Where the up and down keys work.
    pub(super) pane: Pane,
    /// The cache; `None`: the one that needs a look most.
    pub(super) cache: Option<String>,
    /// The namespace; `None`: the first.
    pub(super) namespace: Option<String>,
    /// The order of namespaces.
    pub(super) sort: Sort,
    /// Only caches whose name contains this are shown.
    pub(super) cache_filter: String,
    /// Only namespaces whose name contains this are shown.
    pub(super) namespace_filter: String,
    /// Where keys go.
    pub(super) mode: Mode,
    /// Whether the numbers stand still.
    pub(super) paused: bool,
    /// Whether it is over.
    pub(super) quit: bool,
}

impl State {
    /// The filter of the pane where the keys work.
    pub(super) fn filter(&self) -> &str {
        match self.pane {
            Pane::Caches => &self.cache_filter,
            Pane::Namespaces => &self.namespace_filter,
        }
    }

    fn filter_mut(&mut self) -> &mut String {
        match self.pane {
            Pane::Caches => &mut self.cache_filter,
            Pane::Namespaces => &mut self.namespace_filter,
        }
    }

    /// Takes in a key.
    pub(super) fn key(&mut self, event: KeyEvent, shown: Shown<'_>) {
        if event.kind == KeyEventKind::Release {
            return;
        }
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        if control && event.code == KeyCode::Char('c') {
            self.quit = true;
            return;
        }
        let mode = self.mode;
        match mode {
            Mode::Help => self.mode = Mode::Command,
            _ if self.moved(event.code, shown) => {}
            Mode::Typing => self.typed(event.code, control),
            Mode::Command if !control => self.command(event.code, shown),
            Mode::Command => {}
        }
    }

    /// Keys that move, also while typing.
    fn moved(&mut self, code: KeyCode, shown: Shown<'_>) -> bool {
        match code {
            KeyCode::Up => self.step(shown, |at| at.saturating_sub(1)),
            KeyCode::Down => self.step(shown, |at| at + 1),
            KeyCode::PageUp => self.step(shown, |at| at.saturating_sub(PAGE)),
            KeyCode::PageDown => self.step(shown, |at| at + PAGE),
            KeyCode::Home => self.step(shown, |_| 0),
            KeyCode::End => self.step(shown, |_| usize::MAX),
            _ => return false,
        }
        true
    }

    fn step(&mut self, shown: Shown<'_>, to: impl Fn(usize) -> usize) {
        let (names, at) = match self.pane {
            Pane::Caches => (shown.caches, shown.cache),
            Pane::Namespaces => (shown.namespaces, shown.namespace),
        };
        let Some(name) = names.get(to(at).min(names.len().saturating_sub(1))) else {
            return;
        };
        match self.pane {
            Pane::Namespaces => self.namespace = Some(name.clone()),
            Pane::Caches => {
                if names.get(at) != Some(name) {
                    self.namespace = None;
                }
                self.cache = Some(name.clone());
            }
        }
    }

    fn typed(&mut self, code: KeyCode, control: bool) {
        match code {
            KeyCode::Enter | KeyCode::Tab => self.mode = Mode::Command,
            KeyCode::Esc => {
                self.mode = Mode::Command;
                self.filter_mut().clear();
            }
            KeyCode::Backspace => {
                self.filter_mut().pop();
            }
            KeyCode::Char('u') if control => self.filter_mut().clear(),
            KeyCode::Char(c) if !control && !c.is_control() => self.append(c),
            _ => {}
        }
    }

    fn append(&mut self, c: char) {
        if self.filter().chars().count() < MAX_FILTER {
            self.filter_mut().push(c);
        }
    }

    fn command(&mut self, code: KeyCode, shown: Shown<'_>) {
        match code {
            KeyCode::Char('q') => self.quit = true,
            KeyCode::Esc if self.filter().is_empty() => self.quit = true,
            KeyCode::Esc => self.filter_mut().clear(),
            KeyCode::Char('k') => self.step(shown, |at| at.saturating_sub(1)),
            KeyCode::Char('j') => self.step(shown, |at| at + 1),
            KeyCode::Tab | KeyCode::BackTab => {
                self.pane = match self.pane {
                    Pane::Caches => Pane::Namespaces,
                    Pane::Namespaces => Pane::Caches,
                };
            }
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('/') => self.mode = Mode::Typing,
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Char('?' | 'h') => self.mode = Mode::Help,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
