//! A text table: columns are aligned with spaces, and cells may have several lines.

/// A table with a header row.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table with these column names.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|name| (*name).to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cell_width = |cell: &String| cell.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(cell_width).max().unwrap_or_default())
            .collect();
        for row in &self.rows {
            let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or_default().max(1);
            for line in 0..height {
                let mut text = String::new();
                for (cell, width) in row.iter().zip(&widths) {
                    let part = cell.lines().nth(line).unwrap_or_default();
                    text.push_str(&format!("{part:width$}  "));
                }
                writeln!(f, "{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// A cell of one line, without control characters.
pub(crate) fn cell(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    if text.is_empty() { "-".to_owned() } else { text.replace(|c: char| c.is_control(), " ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cells_may_have_several_lines() {
        let mut table = Table::new(&["a", "files", "b"]);
        table.row(vec!["long cell".into(), "one\nthree four".into(), "x".into()]);
        table.row(vec![cell(""), cell("li\nne"), "y".into()]);
        insta::assert_snapshot!(table.to_string(), @r"
        a          files       b
        long cell  one         x
                   three four
        -          li ne       y
        ");
    }
}
