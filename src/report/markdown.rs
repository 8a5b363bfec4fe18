//! Markdown with tables, as GitHub and most others read it.
//!
//! Invariant: text from elsewhere cannot begin a tag, a link, a cell or a line: each character that could is escaped.

use std::fmt::Write as _;

use super::numbers::Report;
use super::view::{CacheView, View};
use super::words::NONE;

pub(super) fn render(report: &Report) -> String {
    let view = View::of(report);
    let mut out = Writer(String::new());
    out.line("# Cache report");
    out.gap();
    out.line(&format!(
        "{} ({}).",
        escape(&view.period),
        escape(&view.compared)
    ));
    out.gap();
    out.line(&format!("**{}**", escape(&view.lead)));
    out.gap();
    if !view.fleet.is_empty() {
        out.table(
            "Cache | Hit ratio | 98 % bounds | Change | Lookups | Misses | Evictions | Incidents | Covered",
            "lrrlrrrlr",
            view.fleet.iter().map(|row| {
                [
                    &row.name,
                    &row.ratio,
                    &row.bounds,
                    &row.change.text,
                    &row.lookups,
                    &row.misses,
                    &row.evictions,
                    &row.incidents,
                    &row.covered,
                ]
                .map(|text| escape(text))
                .to_vec()
            }),
        );
    }
    for cache in &view.caches {
        one(&mut out, cache);
    }
    out.line("---");
    out.gap();
    out.line(&escape(&view.rests_on));
    out.0
}

struct Writer(String);

impl Writer {
    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        writeln!(self.0, "{text}").ok();
    }

    fn gap(&mut self) {
        self.line("");
    }

    /// `aligned`: a letter a column, `l` or `r`. Cells are escaped already.
    fn table(&mut self, head: &str, aligned: &str, rows: impl Iterator<Item = Vec<String>>) {
        self.line(&format!("| {head} |"));
        let rule: Vec<_> = aligned
            .chars()
            .map(|c| if c == 'r' { "---:" } else { "---" })
            .collect();
        self.line(&format!("| {} |", rule.join(" | ")));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        self.gap();
    }
}

fn one(out: &mut Writer, cache: &CacheView) {
    let name = escape(&cache.name);
    match &cache.url {
        Some(url) => out.line(&format!("## [{name}](<{url}>)")),
        None => out.line(&format!("## {name}")),
    }
    out.gap();
    for caveat in &cache.caveats {
        out.line(&format!("> {}", escape(caveat)));
        out.gap();
    }
    if !cache.empty {
        out.line(&format!(
            "**Hit ratio {}** {}.",
            escape(&cache.ratio),
            escape(&cache.basis)
        ));
        if let Some(before) = &cache.before {
            out.line(&format!(
                "{}; {}.",
                escape(&cache.change.text),
                escape(before)
            ));
        }
        out.gap();
        out.table(
            " | | ",
            "lrr",
            cache.tiles.iter().map(|tile| {
                vec![
                    tile.name.to_owned(),
                    escape(&tile.value),
                    escape(&tile.note),
                ]
            }),
        );
        if !cache.advice.is_empty() {
            out.line("### What would help");
            out.gap();
            for advice in &cache.advice {
                out.line(&format!(
                    "- **{}.** {}",
                    escape(&advice.verdict),
                    escape(&advice.reason)
                ));
            }
            out.gap();
        }
        namespaces(out, cache);
    }
    incidents(out, cache);
    hours(out, cache);
}

fn namespaces(out: &mut Writer, cache: &CacheView) {
    out.line("### Namespaces");
    out.gap();
    if !cache.namespaces.is_empty() {
        let ratios = cache.shows.ratios;
        let columns = [
            ("Namespace", 'l', true),
            ("Hit ratio", 'r', ratios),
            ("98 % bounds", 'r', ratios),
            ("Change", 'l', ratios),
            ("Lookups", 'r', ratios),
            ("Misses", 'r', true),
            ("Share", 'r', true),
            ("Against before", 'r', true),
            ("Causes", 'l', true),
            ("Evictions", 'r', true),
            ("Expirations", 'r', true),
            ("Cost", 'r', cache.shows.costs),
            ("Saved", 'r', cache.shows.savings),
        ];
        let shown = |cells: [String; 13]| -> Vec<String> {
            let cells = cells.into_iter().zip(&columns);
            let cells = cells.filter(|(_, (_, _, shown))| *shown);
            cells.map(|(cell, _)| cell).collect()
        };
        let rows = cache.namespaces.iter().map(|row| {
            let causes: Vec<_> = row
                .causes
                .iter()
                .map(|cause| format!("{} {}", cause.words, escape(&cause.percent)))
                .collect();
            let saved = match &row.saved_bounds {
                Some(bounds) => format!("{} ({bounds})", row.saved),
                None => row.saved.clone(),
            };
            shown([
                escape(&row.name),
                escape(&row.ratio),
                escape(row.bounds.as_deref().unwrap_or(NONE)),
                escape(&row.trend.text),
                escape(&row.lookups),
                escape(&row.misses),
                escape(&row.share),
                escape(&row.change),
                causes.join(", "),
                escape(&row.evictions),
                escape(&row.expirations),
                escape(&row.cost),
                escape(&saved),
            ])
        });
        let together = cache.together.iter().map(|sum| {
            let mut cells: [String; 13] = Default::default();
            let sums = [
                (0, "*together*".to_owned()),
                (5, escape(&sum.misses)),
                (11, escape(&sum.cost)),
                (12, escape(&sum.saved)),
            ];
            for (i, text) in sums {
                if let Some(cell) = cells.get_mut(i) {
                    *cell = text;
                }
            }
            shown(cells)
        });
        let visible = columns.iter().filter(|(_, _, shown)| *shown);
        let head: Vec<_> = visible.clone().map(|(name, ..)| *name).collect();
        let aligned: String = visible.map(|(_, aligned, _)| *aligned).collect();
        let rows: Vec<_> = rows.chain(together).collect();
        out.table(&head.join(" | "), &aligned, rows.into_iter());
    }
    out.line(&escape(&cache.namespaces_note));
    out.gap();
}

fn incidents(out: &mut Writer, cache: &CacheView) {
    out.line("### Incidents");
    out.gap();
    out.line(&escape(&cache.incidents_lead));
    out.gap();
    if !cache.incidents.is_empty() {
        let rows = cache.incidents.iter().map(|row| {
            let rule = match &row.url {
                Some(url) => format!("[{}](<{url}>)", escape(&row.rule)),
                None => escape(&row.rule),
            };
            let lasted = if row.open { ", open" } else { "" };
            vec![
                escape(&row.started),
                format!("{}{lasted}", escape(&row.lasted)),
                row.severity.to_owned(),
                rule,
                escape(&row.subject),
                escape(&row.headline),
            ]
        });
        out.table(
            "Began (UTC) | Lasted | Severity | Rule | Of | What",
            "lrllll",
            rows,
        );
    }
    if let Some(more) = &cache.incidents_left_out {
        out.line(more);
        out.gap();
    }
}

fn hours(out: &mut Writer, cache: &CacheView) {
    let Some(hours) = &cache.hours else { return };
    out.line(&format!(
        "### Miss ratio by hour, in percent ({})",
        escape(&hours.zone)
    ));
    out.gap();
    if !hours.worst.is_empty() {
        let worst: Vec<_> = hours.worst.iter().map(|text| escape(text)).collect();
        out.line(&format!("Worst: {}.", worst.join("; ")));
        out.gap();
    }
    let head: Vec<_> = (0..24).map(|hour| format!("{hour:02}")).collect();
    let rows = hours.rows.iter().map(|(day, hours)| {
        let cells = hours.iter().map(|hour| hour.text.clone());
        std::iter::once((*day).to_owned()).chain(cells).collect()
    });
    out.table(
        &format!(" | {}", head.join(" | ")),
        &format!("l{}", "r".repeat(24)),
        rows,
    );
}

/// Every character that Markdown or HTML could take for more than itself.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    // A bare address would become a link of its own.
    out.replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            super::escape("a|b\\ [x](http://y) <b>*_`\n# www.x"),
            "a\\|b\\\\ \\[x\\](http:&#47;&#47;y) &lt;b&gt;\\*\\_\\` \\# www&#46;x"
        );
    }
}
