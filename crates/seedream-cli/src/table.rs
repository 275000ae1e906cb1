//! A text table: columns are aligned with spaces, and cells may have several lines.

use ::console::measure_text_width;

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

/// The fewest columns of the terminal to which a column of a table is shortened.
const NARROWEST: usize = 8;

/// What stands between two columns.
const GAP: usize = 2;

impl Table {
    /// The table, at most as wide as the terminal, if there is one. Cells are shortened in the middle, except those of the `whole`
    /// columns, which are copied: a cell that does not fit is printed below its row. On a narrow terminal each cell has a line.
    pub(crate) fn fitted(&self, width: Option<usize>, whole: &[&str]) -> String {
        let Some(width) = width else { return self.to_string() };
        if let Some(table) = self.shortened(width, whole) {
            return table.to_string();
        }
        let cells = |row: &[String], wanted: bool| -> Vec<String> {
            let cells = row.iter().enumerate().filter(|(column, _)| self.is_whole(*column, whole) == wanted);
            cells.map(|(_, cell)| cell.clone()).collect()
        };
        let beside = Self { rows: self.rows.iter().map(|row| cells(row, false)).collect() };
        let Some(beside) = beside.shortened(width, &[]) else { return self.list(width, whole) };
        let widths = beside.widths();
        let mut text = String::new();
        for (row, original) in beside.rows.iter().zip(&self.rows) {
            text.push_str(&row_text(row, &widths));
            let below = cells(original, true);
            let lines = below.iter().flat_map(|cell| cell.lines()).filter(|line| *line != "-");
            lines.for_each(|line| text.push_str(&format!("  {line}\n")));
        }
        text
    }

    fn is_whole(&self, column: usize, whole: &[&str]) -> bool {
        self.rows[0].get(column).is_some_and(|name| whole.contains(&name.as_str()))
    }

    /// The table with its cells shortened to this width, if they can be.
    fn shortened(&self, width: usize, whole: &[&str]) -> Option<Self> {
        let mut widths = self.widths();
        while total(&widths) > width {
            let columns =
                (0..widths.len()).filter(|column| !self.is_whole(*column, whole) && widths[*column] > NARROWEST);
            let widest = columns.max_by_key(|column| widths[*column])?;
            widths[widest] -= 1;
        }
        let rows = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths);
            cells
                .map(|(cell, width)| cell.lines().map(|line| shorten(line, *width)).collect::<Vec<_>>().join("\n"))
                .collect()
        });
        Some(Self { rows: rows.collect() })
    }

    /// Each cell in a line of its own, with the name of its column.
    fn list(&self, width: usize, whole: &[&str]) -> String {
        let (header, rows) =
            self.rows.split_first().map_or((&[][..], &[][..]), |(header, rows)| (header.as_slice(), rows));
        let names = header.iter().map(|name| measure_text_width(name)).max().unwrap_or_default();
        let mut texts = Vec::with_capacity(rows.len());
        for row in rows {
            let mut text = String::new();
            for (name, cell) in header.iter().zip(row) {
                let room = if whole.contains(&name.as_str()) { usize::MAX } else { width.saturating_sub(names + GAP) };
                for (number, line) in cell.lines().enumerate() {
                    let name = if number == 0 { name } else { "" };
                    text.push_str(&format!("{name:names$}  {}\n", shorten(line, room)));
                }
            }
            texts.push(text);
        }
        texts.join("\n")
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cell_width = |cell: &String| cell.lines().map(measure_text_width).max().unwrap_or_default();
        let of = |column| self.rows.iter().filter_map(|row| row.get(column)).map(cell_width).max().unwrap_or_default();
        (0..columns).map(of).collect()
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// A text of at most this width, with `…` in its middle if it is longer.
fn shorten(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let (head, tail) = (width.saturating_sub(1).div_ceil(2), width.saturating_sub(1) / 2);
    let beginning: String = within(text.chars(), head);
    let end: String = within(text.chars().rev(), tail).chars().rev().collect();
    format!("{beginning}…{end}")
}

/// The first characters that are at most so wide together.
fn within(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    characters
        .take_while(|character| {
            used += measure_text_width(character.encode_utf8(&mut [0; 4]));
            used <= width
        })
        .collect()
}

/// A row with its cells side by side.
fn row_text(row: &[String], widths: &[usize]) -> String {
    let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or_default().max(1);
    let mut text = String::new();
    for line in 0..height {
        let mut cells = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let part = cell.lines().nth(line).unwrap_or_default();
            let padding = width.saturating_sub(measure_text_width(part)) + GAP;
            cells.push_str(&format!("{part}{:padding$}", ""));
        }
        text.push_str(cells.trim_end());
        text.push('\n');
    }
    text
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let widths = self.widths();
        self.rows.iter().try_for_each(|row| f.write_str(&row_text(row, &widths)))
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

    #[test]
    fn a_table_fits_every_terminal() {
        let mut table = Table::new(&["PROVIDER", "MODEL", "IMAGES", "FILES"]);
        table.row(vec![
            "ark".into(),
            "doubao-seedream-4-0-250828".into(),
            "2/2".into(),
            "out/雾中的灯塔-0.jpg\nout/雾中的灯塔-1.jpg".into(),
        ]);
        table.row(vec!["evolink".into(), "一个很长的模型名字用来测试".into(), "0/1".into(), "-".into()]);
        let fitted = [80, 60, 48, 40, 24].map(|width| {
            let text = table.fitted(Some(width), &["FILES"]);
            assert!(width < 30 || text.lines().all(|line| measure_text_width(line) <= width), "{width}: {text}");
            text
        });
        insta::assert_snapshot!(fitted.join("----\n"));
    }

    #[test]
    fn a_text_is_shortened_in_its_middle() {
        assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
        assert_eq!(shorten("abcdefghij", 7), "abc…hij");
        assert_eq!(shorten("灯塔灯塔灯塔", 7), "灯…塔");
        assert_eq!(shorten("abc", 1), "…");
    }
}
