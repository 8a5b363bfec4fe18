//! Rows and columns laid out in a width: what does not fit is left out, the least important first. Pure.
//!
//! Deliberately absent: colours, and what the columns mean.
//!
//! Invariant: the first column is always there; all others are there whole or not at all.

use ratatui::text::Span;

/// Columns are so far apart.
pub(super) const GAP: usize = 2;
/// The first column gives way down to this before others are left out.
const FIRST_AT_LEAST: usize = 24;
/// And takes at most this when there is room.
const FIRST_AT_MOST: usize = 60;

/// One column.
pub(super) struct Column<R> {
    /// Its heading.
    pub(super) title: &'static str,
    /// Whether it is flush right, as numbers are.
    pub(super) right: bool,
    /// The higher, the sooner it is left out.
    pub(super) rank: u8,
    /// Its cell; `None`: not known.
    pub(super) cell: fn(&R) -> Option<String>,
    /// Whether it is left out when no row has a value.
    pub(super) optional: bool,
}

/// What is shown of a column.
pub(super) struct Heading {
    /// Its heading.
    pub(super) title: &'static str,
    /// Whether it is flush right.
    pub(super) right: bool,
    /// Its width on the screen.
    pub(super) width: usize,
}

/// A table that fits.
pub(super) struct Grid {
    /// The columns.
    pub(super) headings: Vec<Heading>,
    /// The cells, one for each column.
    pub(super) rows: Vec<Vec<String>>,
}

/// How many columns of the screen a text takes.
pub(super) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Lays out rows in a width.
pub(super) fn lay_out<R>(columns: &[Column<R>], rows: &[R], available: usize) -> Grid {
    let mut shown: Vec<_> = columns
        .iter()
        .map(|column| {
            let cells: Vec<_> = rows.iter().map(column.cell).collect();
            let widest = cells.iter().flatten().map(|c| width(c)).max();
            (column, cells, widest)
        })
        .filter(|(column, _, widest)| !column.optional || widest.is_some())
        .map(|(column, cells, widest)| {
            let width = widest.unwrap_or_default().max(width(column.title));
            (column, cells, width)
        })
        .collect();
    let first = shown.first().map_or(0, |(_, _, width)| *width);
    let first = first.min(FIRST_AT_MOST);
    let others = |shown: &[(_, _, usize)]| shown.iter().skip(1).map(|(_, _, w)| w + GAP).sum();
    let mut needed: usize = others(&shown);
    while needed + first.min(FIRST_AT_LEAST) > available && shown.len() > 1 {
        let ranks = shown.iter().enumerate().skip(1);
        let least = ranks.max_by_key(|(_, (column, ..))| column.rank);
        let Some((at, _)) = least else { break };
        shown.remove(at);
        needed = others(&shown);
    }
    let first = first.min(available.saturating_sub(needed));
    let headings = shown
        .iter()
        .enumerate()
        .map(|(i, (column, _, width))| Heading {
            title: column.title,
            right: column.right,
            width: if i == 0 { first } else { *width },
        });
    let headings = headings.collect();
    let row = |at: usize| {
        let cell = |cells: &Vec<Option<String>>| cells.get(at).cloned().flatten();
        let known = shown.iter().map(|(_, cells, _)| cell(cells));
        known
            .map(|cell| cell.unwrap_or_else(|| super::words::UNKNOWN.to_owned()))
            .collect()
    };
    Grid {
        headings,
        rows: (0..rows.len()).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (String, Option<u64>);

    fn row(name: &str, n: Option<u64>) -> Row {
        (name.to_owned(), n)
    }

    const COLUMNS: [Column<Row>; 3] = [
        Column {
            title: "NAME",
            right: false,
            rank: 0,
            optional: false,
            cell: |r| Some(r.0.clone()),
        },
        Column {
            title: "N",
            right: true,
            rank: 1,
            optional: false,
            cell: |r| r.1.map(|n| n.to_string()),
        },
        Column {
            title: "COST",
            right: true,
            rank: 2,
            optional: true,
            cell: |r| r.1.filter(|n| *n > 99).map(|n| format!("{n}.00")),
        },
    ];

    fn titles(grid: &Grid) -> Vec<(&str, usize)> {
        grid.headings.iter().map(|h| (h.title, h.width)).collect()
    }

    #[test]
    fn what_does_not_fit_is_left_out_by_rank() {
        let rows = [
            row("user:*", Some(7)),
            row("セッション", Some(123)),
            row("x", None),
        ];
        let grid = lay_out(&COLUMNS, &rows, 80);
        assert_eq!(titles(&grid), [("NAME", 10), ("N", 3), ("COST", 6)]);
        assert_eq!(grid.rows[0], ["user:*", "7", "–"]);
        assert_eq!(grid.rows[2], ["x", "–", "–"]);
        let grid = lay_out(&COLUMNS, &rows, 22);
        assert_eq!(titles(&grid), [("NAME", 10), ("N", 3)]);
        assert_eq!(titles(&lay_out(&COLUMNS, &rows, 3)), [("NAME", 3)]);
        assert_eq!(titles(&lay_out(&COLUMNS, &rows, 0)), [("NAME", 0)]);
    }

    #[test]
    fn a_column_that_nobody_knows_anything_for_is_left_out() {
        let grid = lay_out(&COLUMNS, &[row("a", Some(7))], 80);
        assert_eq!(titles(&grid), [("NAME", 4), ("N", 1)]);
    }

    #[test]
    fn a_long_name_gives_way_first() {
        let long = "x".repeat(99);
        let rows = [row(&long, Some(100))];
        let grid = lay_out(&COLUMNS, &rows, 200);
        assert_eq!(titles(&grid)[0], ("NAME", FIRST_AT_MOST));
        let grid = lay_out(&COLUMNS, &rows, 40);
        assert_eq!(titles(&grid), [("NAME", 27), ("N", 3), ("COST", 6)]);
    }
}
