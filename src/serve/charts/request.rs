//! What is asked for by the address of a chart. Pure.
//!
//! Invariant: only what is listed here is understood; all else is refused with a sentence that says what may stand there.

use std::time::Duration;

use jiff::Timestamp;

use crate::chart::{Look, Theme};

/// The usual size in CSS pixels.
const SIZE: (u32, u32) = (720, 260);
/// Widths and heights that may be asked for, in CSS pixels.
const WIDTHS: (u32, u32) = (200, 2000);
const HEIGHTS: (u32, u32) = (80, 1200);

/// Why a chart is refused. It repeats nothing of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::serve) enum RequestError {
    #[error(
        "there is no such chart: charts are hit_ratio, lookups, evictions, expirations and memory, each as .svg or .png"
    )]
    Signal,
    #[error(
        "a chart knows the parameters range, width, height, theme, scale and until, each at most once"
    )]
    Parameter,
    #[error("range must be 15m, 1h, 6h, 24h or 7d")]
    Range,
    #[error("width must be a whole number from {} to {}", WIDTHS.0, WIDTHS.1)]
    Width,
    #[error("height must be a whole number from {} to {}", HEIGHTS.0, HEIGHTS.1)]
    Height,
    #[error("theme must be light or dark")]
    Theme,
    #[error("scale must be 1 or 2")]
    Scale,
    #[error("until must be a time in seconds since 1970")]
    Until,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::serve) enum Signal {
    HitRatio,
    Lookups,
    Evictions,
    Expirations,
    Memory,
}

impl Signal {
    pub(in crate::serve) const ALL: [Self; 5] = [
        Self::HitRatio,
        Self::Lookups,
        Self::Evictions,
        Self::Expirations,
        Self::Memory,
    ];

    pub(in crate::serve) fn as_str(self) -> &'static str {
        match self {
            Self::HitRatio => "hit_ratio",
            Self::Lookups => "lookups",
            Self::Evictions => "evictions",
            Self::Expirations => "expirations",
            Self::Memory => "memory",
        }
    }
}

/// Over how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(in crate::serve) enum Range {
    Quarter,
    #[default]
    Hour,
    SixHours,
    Day,
    Week,
}

impl Range {
    pub(in crate::serve) const ALL: [Self; 5] = [
        Self::Quarter,
        Self::Hour,
        Self::SixHours,
        Self::Day,
        Self::Week,
    ];

    pub(in crate::serve) fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    pub(in crate::serve) fn words(self) -> &'static str {
        match self {
            Self::Quarter => "15\u{a0}min",
            Self::Hour => "1\u{a0}h",
            Self::SixHours => "6\u{a0}h",
            Self::Day => "24\u{a0}h",
            Self::Week => "7\u{a0}days",
        }
    }

    pub(in crate::serve) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == text)
    }

    pub(in crate::serve) fn span(self) -> Duration {
        match self {
            Self::Quarter => Duration::from_mins(15),
            Self::Hour => Duration::from_hours(1),
            Self::SixHours => Duration::from_hours(6),
            Self::Day => Duration::from_hours(24),
            Self::Week => Duration::from_hours(24 * 7),
        }
    }

    /// How far the right edge moves at a time, in seconds: there is nothing to be seen of less.
    pub(in crate::serve) fn slot(self) -> u64 {
        match self {
            Self::Quarter | Self::Hour => 10,
            Self::SixHours => 60,
            Self::Day => 300,
            Self::Week => 900,
        }
    }

    /// The newest right edge at `now`.
    pub(in crate::serve) fn edge(self, now: Timestamp) -> Timestamp {
        let slot = i64::try_from(self.slot()).unwrap_or(1);
        let second = now.as_second().div_euclid(slot).saturating_add(1) * slot;
        Timestamp::from_second(second).unwrap_or(now)
    }
}

/// How it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::serve) enum Form {
    Svg,
    Png,
}

impl Form {
    pub(in crate::serve) fn content_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

/// All of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) struct Request {
    pub(in crate::serve) signal: Signal,
    pub(in crate::serve) form: Form,
    pub(in crate::serve) range: Range,
    pub(in crate::serve) look: Look,
    /// The right edge; `None`: now.
    pub(in crate::serve) until: Option<Timestamp>,
}

impl Request {
    /// From the last part of the path and the query.
    pub(in crate::serve) fn parse(file: &str, query: &str) -> Result<Self, RequestError> {
        let (signal, ending) = file.rsplit_once('.').ok_or(RequestError::Signal)?;
        let signal = Signal::ALL.into_iter().find(|s| s.as_str() == signal);
        let mut request = Self {
            signal: signal.ok_or(RequestError::Signal)?,
            form: match ending {
                "svg" => Form::Svg,
                "png" => Form::Png,
                _ => return Err(RequestError::Signal),
            },
            range: Range::default(),
            look: Look::new(SIZE.0, SIZE.1),
            until: None,
        };
        let mut seen = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(RequestError::Parameter);
            }
            request.set(&name, &value)?;
            seen.push(name);
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), RequestError> {
        let number = |(least, most): (u32, u32)| {
            let number = value.parse().ok();
            number.filter(|n| (least..=most).contains(n))
        };
        match name {
            "range" => self.range = Range::parse(value).ok_or(RequestError::Range)?,
            "width" => self.look.width = number(WIDTHS).ok_or(RequestError::Width)?,
            "height" => self.look.height = number(HEIGHTS).ok_or(RequestError::Height)?,
            "scale" => self.look.scale = number((1, 2)).ok_or(RequestError::Scale)?,
            "theme" => {
                self.look.theme = match value {
                    "light" => Theme::Light,
                    "dark" => Theme::Dark,
                    _ => return Err(RequestError::Theme),
                }
            }
            "until" => {
                let seconds = value.parse().map_err(|_| RequestError::Until)?;
                let until = Timestamp::from_second(seconds).map_err(|_| RequestError::Until)?;
                self.until = Some(until);
            }
            _ => return Err(RequestError::Parameter),
        }
        Ok(())
    }

    /// The right edge of the chart. What lies ahead is not drawn.
    pub(in crate::serve) fn edge(&self, now: Timestamp) -> Timestamp {
        let newest = self.range.edge(now);
        self.until.map_or(newest, |until| until.min(newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_understood() {
        let query = "range=7d&width=640&height=200&theme=dark&scale=2&until=600";
        let request = Request::parse("memory.png", query).unwrap();
        assert_eq!(request.signal, Signal::Memory);
        assert_eq!(request.form, Form::Png);
        assert_eq!(request.range, Range::Week);
        let look = request.look;
        assert_eq!((look.width, look.height, look.scale), (640, 200, 2));
        assert_eq!(look.theme, Theme::Dark);
        let now = Timestamp::from_second(10_000).unwrap();
        assert_eq!(request.edge(now).as_second(), 600);
        for signal in Signal::ALL {
            let file = format!("{}.svg", signal.as_str());
            assert_eq!(Request::parse(&file, "").unwrap().signal, signal);
        }
    }

    #[test]
    fn all_else_is_refused() {
        for (file, query, error) in [
            ("hit_ratio", "", RequestError::Signal),
            ("hit_ratio.gif", "", RequestError::Signal),
            ("<b>.svg", "", RequestError::Signal),
            ("lookups.svg", "range=2h", RequestError::Range),
            ("lookups.svg", "range=1h&range=1h", RequestError::Parameter),
            ("lookups.svg", "cache-buster=1", RequestError::Parameter),
            ("lookups.svg", "width=199", RequestError::Width),
            ("lookups.svg", "width=99999999999", RequestError::Width),
            ("lookups.svg", "height=-1", RequestError::Height),
            ("lookups.svg", "theme=", RequestError::Theme),
            ("lookups.svg", "scale=3", RequestError::Scale),
            ("lookups.svg", "until=soon", RequestError::Until),
            (
                "lookups.svg",
                "until=9223372036854775807",
                RequestError::Until,
            ),
        ] {
            assert_eq!(Request::parse(file, query), Err(error), "{file}?{query}");
        }
    }

    #[test]
    fn the_edge_is_just_ahead_and_stands_still_for_a_slot() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(Range::Hour.edge(at(1000)), at(1010));
        assert_eq!(Range::Hour.edge(at(1009)), at(1010));
        assert_eq!(Range::Week.edge(at(1000)), at(1800));
        let request = Request::parse("memory.svg", "until=99999999").unwrap();
        assert_eq!(request.edge(at(1000)), at(1010), "nothing lies ahead");
    }
}
