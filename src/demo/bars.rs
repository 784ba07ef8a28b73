//! Horizontal bars, in characters.

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// To the left of it.
    pub(super) label: String,
    /// Its length.
    pub(super) value: f64,
    /// To the right of it.
    pub(super) note: String,
}

/// Characters across the longest bar.
const WIDTH: usize = 44;

/// A line for each bar, from zero, the longest across the whole width, and at `mark` a line through
/// all of them.
pub(super) fn draw(rows: &[Row], mark: Option<f64>) -> Vec<String> {
    let longest = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    // A character counts if the bar covers its middle; a NaN covers nothing.
    let column = |value: f64| {
        let is_covered = |&at: &usize| (at as f64 + 0.5) * longest < value * WIDTH as f64;
        (0..WIDTH).filter(is_covered).count()
    };
    let indent = rows.iter().map(|row| row.label.len()).max().unwrap_or(0);
    let notes = rows.iter().map(|row| row.note.len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let length = column(row.value).max(1);
        let mark = mark.map(|mark| column(mark).max(1));
        let cell = |at: usize| match (Some(at + 1) == mark, at < length) {
            (true, _) => '|',
            (false, true) => '#',
            (false, false) => ' ',
        };
        let bar: String = (0..WIDTH).map(cell).collect();
        format!("  {:>indent$} {bar} {:>notes$}", row.label, row.note)
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values_and_the_mark_crosses_them() {
        let row = |label: &str, value| Row { label: label.to_owned(), value, note: "n".to_owned() };
        let lines = draw(&[row("serial", 1.0), row("2", 0.5)], Some(1.0));
        assert_eq!(lines[0], format!("  serial {}| n", "#".repeat(43)));
        assert_eq!(lines[1], format!("       2 {}{}| n", "#".repeat(22), " ".repeat(21)));
        assert!(draw(&[], Some(1.0)).is_empty());
        assert_eq!(draw(&[row("x", f64::NAN), row("y", 0.0)], None).len(), 2);
    }
}
