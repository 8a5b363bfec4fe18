//! Families to bytes, at most once for each snapshot, format and encoding.
//!
//! A scrape between two ticks costs one lock and one clone of a [`Bytes`]. Families are made and written one after
//! the other, so that no more than one is in memory at a time.
//!
//! Invariant: what is returned was made from the snapshot that was passed.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;

use crate::model::snapshot::Snapshot;

use super::catalogue;
use super::families::family;
use super::negotiate::Format;
use super::openmetrics;

/// Why an exposition could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The encoder refused a family.
    #[error("a metric cannot be written as text")]
    Encode(#[from] prometheus::Error),
    /// The OpenMetrics encoder did.
    #[error("a metric cannot be written as OpenMetrics")]
    Write(#[from] std::fmt::Error),
    /// Compression failed.
    #[error("the exposition cannot be compressed")]
    Compress(#[from] std::io::Error),
}

/// Renders snapshots and keeps the last result of each kind.
#[derive(Debug)]
pub struct Renderer {
    process: ProcessCollector,
    text: Slots,
    openmetrics: Slots,
}

#[derive(Debug, Default)]
struct Slots {
    plain: Slot,
    gzip: Slot,
}

/// The sequence number of the snapshot, and what was made of it.
type Slot = Mutex<Option<(u64, Bytes)>>;

impl Default for Renderer {
    fn default() -> Self {
        Self::new()
    }
}

impl Renderer {
    /// A renderer that has rendered nothing yet.
    pub fn new() -> Self {
        Self {
            process: ProcessCollector::for_self(),
            text: Slots::default(),
            openmetrics: Slots::default(),
        }
    }

    /// The exposition of the snapshot. Others who ask for the same wait for the first one to finish.
    pub fn render(
        &self,
        snapshot: &Snapshot,
        format: Format,
        gzip: bool,
    ) -> Result<Bytes, RenderError> {
        let slots = match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.openmetrics,
        };
        let slot = if gzip { &slots.gzip } else { &slots.plain };
        // The slot is replaced as a whole, so a panic elsewhere cannot have left it half written.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sequence, bytes)) = slot.as_ref()
            && *sequence == snapshot.sequence
        {
            return Ok(bytes.clone());
        }
        let hint = slot.as_ref().map_or(16 * 1024, |(_, bytes)| bytes.len());
        let text = write(snapshot, format, self.process.collect(), hint)?;
        let bytes = if gzip {
            compress(&text)?
        } else {
            Bytes::from(text)
        };
        *slot = Some((snapshot.sequence, bytes.clone()));
        Ok(bytes)
    }
}

fn write(
    snapshot: &Snapshot,
    format: Format,
    process: Vec<MetricFamily>,
    size_hint: usize,
) -> Result<String, RenderError> {
    let encoder = prometheus::TextEncoder::new();
    let mut out = String::with_capacity(size_hint);
    for family in catalogue::all()
        .filter_map(|metric| family(metric, snapshot))
        .chain(process)
    {
        match format {
            Format::Text => encoder.encode_utf8(&[family], &mut out)?,
            Format::OpenMetrics => openmetrics::family(&mut out, &family)?,
        }
    }
    if format == Format::OpenMetrics {
        openmetrics::end(&mut out);
    }
    Ok(out)
}

fn compress(text: &str) -> std::io::Result<Bytes> {
    let out = Vec::with_capacity(text.len() / 8);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    encoder.write_all(text.as_bytes())?;
    Ok(Bytes::from(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;

    use super::*;
    use crate::export::sample;

    /// Compares with a golden file; `UPDATE_GOLDEN=1` writes it instead.
    fn golden(name: &str, text: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/export/testdata")
            .join(name);
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = text.lines().zip(expected.lines()).find(|(a, b)| a != b);
        assert!(
            text == expected,
            "{name} differs (first: {differs:?}); look at the difference, then run UPDATE_GOLDEN=1 cargo test"
        );
    }

    #[test]
    fn text_is_as_it_was() {
        golden(
            "exposition.txt",
            &write(&sample::rich(), Format::Text, vec![], 0).unwrap(),
        );
    }

    #[test]
    fn openmetrics_is_as_it_was() {
        let text = write(&sample::rich(), Format::OpenMetrics, vec![], 0).unwrap();
        assert!(text.ends_with("# EOF\n"));
        golden("exposition.om.txt", &text);
    }

    #[test]
    fn the_same_snapshot_is_rendered_once() {
        let (renderer, mut snapshot) = (Renderer::new(), sample::rich());
        let first = renderer.render(&snapshot, Format::Text, false).unwrap();
        let again = renderer.render(&snapshot, Format::Text, false).unwrap();
        assert_eq!(first.as_ptr(), again.as_ptr());
        snapshot.sequence += 1;
        let next = renderer.render(&snapshot, Format::Text, false).unwrap();
        assert_ne!(first.as_ptr(), next.as_ptr());
    }

    #[test]
    fn gzip_holds_the_same() {
        let (renderer, snapshot) = (Renderer::new(), sample::rich());
        let bytes = renderer
            .render(&snapshot, Format::OpenMetrics, true)
            .unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_ref())
            .read_to_string(&mut text)
            .unwrap();
        assert!(text.contains("cache_up{cache=\"sessions\""));
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn what_the_process_collector_says_is_in_the_catalogue() {
        let families = Renderer::new().process.collect();
        assert!(!families.is_empty());
        for family in families {
            let metric = catalogue::all().find(|m| m.name == family.name()).unwrap();
            assert_eq!(metric.help, family.help());
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            assert_eq!(metric.kind.as_str(), kind);
        }
    }
}
