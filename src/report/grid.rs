//! Rows and columns of words.

use std::io::{self, Write};

/// The column of names, wherever it stands.
const NAME: &str = "case";

/// A table of text: the first column and that of names stand left, the others, numbers, right.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(super) fn new(header: impl Into<Vec<&'static str>>) -> Self {
        Self { header: header.into(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.header.len(), "a cell for each column");
        self.rows.push(row);
    }

    pub(super) fn header(&self) -> &[&'static str] {
        &self.header
    }

    pub(super) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Without the columns that have nothing in them.
    pub(super) fn compact(self) -> Self {
        let is_used = |column: usize| self.rows.iter().any(|row| !row[column].is_empty());
        let used: Vec<usize> = (0..self.header.len()).filter(|&column| is_used(column)).collect();
        let pick = |row: &Vec<String>| used.iter().map(|&column| row[column].clone()).collect();
        Self {
            header: used.iter().map(|&column| self.header[column]).collect(),
            rows: self.rows.iter().map(pick).collect(),
        }
    }

    /// Aligned columns.
    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths();
        let header = self.header.iter().map(|name| (*name).to_owned()).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                let gap = if column == 0 { "" } else { "  " };
                if column == 0 || self.header[column] == NAME {
                    line.extend([gap, cell, &padding]);
                } else {
                    line.extend([gap, &padding, cell]);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// A table of Markdown.
    pub(super) fn write_markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "| {} |", self.header.join(" | "))?;
        let rule: Vec<&str> =
            (0..self.header.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
        writeln!(out, "| {} |", rule.join(" | "))?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.header[column].chars().count()]).max().unwrap_or(0)
        };
        (0..self.header.len()).map(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(["case", "none", "µ"]);
        grid.push(vec!["a|b".to_owned(), String::new(), "1".to_owned()]);
        grid.push(vec!["longer".to_owned(), String::new(), "23".to_owned()]);
        grid.compact()
    }

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut out = Vec::new();
        grid().write_text(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "case     µ\na|b      1\nlonger  23\n");
    }

    #[test]
    fn markdown_escapes_its_bars() {
        let mut out = Vec::new();
        grid().write_markdown(&mut out).unwrap();
        let expected = "| case | µ |\n| --- | ---: |\n| a\\|b | 1 |\n| longer | 23 |\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
