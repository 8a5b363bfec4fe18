//! A plain table for the terminal: columns as wide as their widest cell, two spaces between.

/// Renders rows; the first one is the heading.
pub(super) fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.chars().count()) + 2,
            ));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        let rows = vec![
            vec!["CACHE".to_owned(), "UP".to_owned()],
            vec!["é".to_owned(), "yes".to_owned()],
        ];
        assert_eq!(super::render(&rows), "CACHE  UP\né      yes\n");
    }
}
