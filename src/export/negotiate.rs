//! Which format a scraper gets: content negotiation on `Accept` and `Accept-Encoding`.
//!
//! Deliberately absent: protobuf, OpenMetrics 0.0.1 and 2.0, text 1.0.0; who prefers them gets the next one on his list.
//!
//! Invariant: whatever the headers say there is an answer; the last resort is text 0.0.4.

/// A format of the exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Chooses by the values of all `Accept` headers: the highest quality wins, the earlier one among equals.
    /// Without any: text 0.0.4.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = (0, Self::Text);
        for range in accept.into_iter().flat_map(|header| header.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let (mut version, mut quality) = (None, 1000);
            for (name, value) in parts.filter_map(|p| p.split_once('=')) {
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "version" => version = Some(value),
                    "q" => quality = thousandths(value),
                    _ => {}
                }
            }
            let format = match (media.to_ascii_lowercase().as_str(), version) {
                ("application/openmetrics-text", None | Some("1.0.0")) => Self::OpenMetrics,
                ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Self::Text,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The `Content-Type` that goes with it. No name here needs escaping, so `underscores`, the default, is true
    /// whatever was asked for.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
        }
    }
}

/// Whether the values of all `Accept-Encoding` headers allow gzip.
pub fn accepts_gzip<'a>(accept_encoding: impl IntoIterator<Item = &'a str>) -> bool {
    let mut any = false;
    for coding in accept_encoding
        .into_iter()
        .flat_map(|header| header.split(','))
    {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(1000, thousandths);
        match name.trim() {
            "gzip" | "x-gzip" => return quality > 0,
            "*" => any = quality > 0,
            _ => {}
        }
    }
    any
}

/// A quality value in thousandths; what is none counts as 0, so that nobody gets what he may not have meant.
fn thousandths(quality: &str) -> u16 {
    let value: f32 = quality.parse().unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..1 before"
    )]
    {
        (value.clamp(0.0, 1.0) * 1000.0).round() as u16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_scraper_gets_what_it_wants() {
        for (accept, expected) in [
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Prometheus 3 with native histograms: protobuf first
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Datadog, and Datadog with use_latest_spec
            ("text/plain", Format::Text),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1",
                Format::OpenMetrics,
            ),
            // curl and browsers
            ("*/*", Format::Text),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Text,
            ),
            ("", Format::Text),
            ("application/json", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            (
                "text/plain;version=0.0.4;q=0.4,application/openmetrics-text;q=0.5",
                Format::OpenMetrics,
            ),
            (
                "Application/OpenMetrics-Text; Version=\"1.0.0\"",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(Format::negotiate([accept]), expected, "{accept}");
        }
        assert_eq!(Format::negotiate([]), Format::Text);
    }

    #[test]
    fn gzip_only_for_those_who_read_it() {
        for yes in ["gzip", "deflate, gzip;q=0.5", "*", "br , x-gzip"] {
            assert!(accepts_gzip([yes]), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "*;q=0", "br"] {
            assert!(!accepts_gzip([no]), "{no}");
        }
    }

    proptest! {
        #[test]
        fn nonsense_has_an_answer(accept in "\\PC{0,200}") {
            let _format = Format::negotiate([accept.as_str()]);
            let _gzip = accepts_gzip([accept.as_str()]);
        }
    }
}
