//! The two texts of a mail. HTML with inline styles and tables only: that is what mail clients show alike.
//!
//! Invariant: in HTML, everything that is not written here is escaped.

use std::fmt::Write as _;

use crate::model::incident::{Severity, Transition};
use crate::notify::message::Message;

/// The chart, which is another part of the mail. Addresses with `data:` are shown by few clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a> {
    /// Its Content-ID.
    pub(super) cid: &'a str,
    /// What is to be seen.
    pub(super) alt: &'a str,
}

/// The plain text.
pub(super) fn text(message: &Message) -> String {
    let mut out = format!("{}\n\n", message.headline);
    if let Some(chart) = &message.chart {
        line(&mut out, &chart.bars);
        line(&mut out, &chart.caption);
        line(&mut out, "");
    }
    for sentence in &message.summary {
        line(&mut out, sentence);
    }
    line(&mut out, "");
    for (name, value) in &message.fields {
        line(&mut out, &format!("{:<16}{value}", format!("{name}:")));
    }
    line(&mut out, "");
    for link in &message.links {
        line(&mut out, &format!("{}: {}", link.label, link.url));
    }
    // The customary mark of a signature, so that clients fold it away in replies.
    line(&mut out, "-- ");
    line(&mut out, &message.footer);
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// The HTML.
pub(super) fn html(message: &Message, image: Option<Image<'_>>) -> String {
    let color = match (message.status, message.severity) {
        (Transition::Resolved, _) => "#2e7d32",
        (Transition::Firing, Severity::Critical) => "#d32f2f",
        (Transition::Firing, Severity::Warning) => "#b26a00",
        (Transition::Firing, Severity::Info) => "#1565c0",
    };
    let mut out = String::with_capacity(4096);
    out.push_str("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    escape(&mut out, &message.headline);
    out.push_str("</title></head>\n<body style=\"margin:0;padding:16px;font-family:sans-serif;font-size:15px;color:#222\">\n");
    tag(
        &mut out,
        "h1",
        &format!(
            "margin:0 0 12px;padding:8px 12px;font-size:18px;border-left:6px solid {color};background:#f5f5f5"
        ),
        &message.headline,
    );
    if let Some(image) = image {
        out.push_str("<p style=\"margin:0 0 12px\"><img src=\"cid:");
        escape(&mut out, image.cid);
        out.push_str("\" width=\"640\" style=\"max-width:100%;height:auto\" alt=\"");
        escape(&mut out, image.alt);
        out.push_str("\"></p>\n");
    } else if let Some(chart) = &message.chart {
        tag(
            &mut out,
            "div",
            "font-family:monospace;font-size:18px",
            &chart.bars,
        );
        tag(
            &mut out,
            "p",
            "margin:0 0 12px;font-size:12px;color:#666",
            &chart.caption,
        );
    }
    for sentence in &message.summary {
        tag(&mut out, "p", "margin:0 0 6px", sentence);
    }
    out.push_str("<table style=\"margin:12px 0;border-collapse:collapse\">\n");
    for (name, value) in &message.fields {
        out.push_str("<tr>");
        tag(&mut out, "td", "padding:2px 16px 2px 0;color:#666", name);
        tag(&mut out, "td", "padding:2px 0", value);
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
    for link in &message.links {
        out.push_str("<p style=\"margin:0 0 6px\"><a href=\"");
        escape(&mut out, &link.url);
        out.push_str("\">");
        escape(&mut out, link.label);
        out.push_str("</a></p>\n");
    }
    tag(
        &mut out,
        "p",
        "margin:16px 0 0;font-size:12px;color:#666",
        &message.footer,
    );
    out.push_str("</body></html>\n");
    out
}

fn tag(out: &mut String, name: &str, style: &str, text: &str) {
    // Writing to a String cannot fail.
    write!(out, "<{name} style=\"{style}\">").unwrap_or_default();
    escape(out, text);
    writeln!(out, "</{name}>").unwrap_or_default();
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
