//! Reading rows.

use std::{io::Read, str};

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::{
    Cell, Columns, CsvError, Delimiter,
    text::{MAX_ROW, Text},
};

/// What a table turned out to be: `n` ≥ 1 rows of `d` ≥ 1 numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) n: usize,
    pub(crate) d: usize,
    /// Names of the columns that were read, if there is a header.
    pub(crate) names: Option<Vec<String>>,
}

/// Reads all rows, and calls `sink` with the numbers of each: of the `columns` asked for, or of
/// all. Every number is finite, and every row has the same number of them.
///
/// The first row is a header if none of its fields is a number. Blank lines are skipped, white
/// space around fields is ignored, and fields may stand in double quotes.
pub(crate) fn read(
    reader: impl Read,
    delimiter: Delimiter,
    columns: Option<&Columns>,
    mut sink: impl FnMut(&[f64]) -> Result<(), CsvError>,
) -> Result<Table, CsvError> {
    let mut rows = Rows::new(reader, delimiter)?;
    let mut record = ByteRecord::new();
    if !rows.next(&mut record)? {
        return Err(CsvError::Empty);
    }
    let layout = Layout::new(&record, columns, rows.line)?;
    if layout.names.is_some() {
        rows.row = 0;
        if !rows.next(&mut record)? {
            return Err(CsvError::HeaderOnly);
        }
    }
    let mut numbers = Vec::with_capacity(layout.chosen.len());
    let mut n = 0;
    loop {
        layout.numbers(&record, rows.row, rows.line, &mut numbers)?;
        sink(&numbers)?;
        n += 1;
        if !rows.next(&mut record)? {
            return Ok(Table { n, d: layout.chosen.len(), names: layout.chosen_names() });
        }
    }
}

/// The rows of a text, with their numbers and lines.
struct Rows<R> {
    reader: Reader<Text<R>>,
    /// The row read last, from 1.
    row: u64,
    /// The line it begins on, from 1.
    line: u64,
}

impl<R: Read> Rows<R> {
    fn new(reader: R, delimiter: Delimiter) -> Result<Self, CsvError> {
        let text = Text::new(reader).map_err(CsvError::Read)?;
        let delimiter = delimiter.byte(text.begin());
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // A carriage return is trimmed like other white space. Left to itself, the reader ends
            // a row there, and counts the line feed behind it to the next one.
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(64 << 10)
            .from_reader(text);
        Ok(Self { reader, row: 0, line: 0 })
    }

    /// Reads the next row that is not blank. False if there is none.
    fn next(&mut self, record: &mut ByteRecord) -> Result<bool, CsvError> {
        loop {
            self.reader.get_mut().row_ended();
            match self.reader.read_byte_record(record) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(_) if self.reader.get_ref().is_exhausted() => {
                    return Err(CsvError::RowTooLong { row: self.row + 1, accepted: MAX_ROW });
                }
                Err(error) => return Err(CsvError::Read(error.into())),
            }
            if record.len() == 1 && record[0].trim_ascii().is_empty() {
                continue;
            }
            self.row += 1;
            // A quote that is left open takes the end of its row in.
            let begun = record.position().map_or(1, csv::Position::line);
            self.line = first_line(record, self.reader.position().line()).max(begun);
            return Ok(true);
        }
    }
}

/// The line `record` begins on, if the one behind it is `next`. The reader's own notion of where
/// a record begins is before the blank lines in front of it.
fn first_line(record: &ByteRecord, next: u64) -> u64 {
    let inside = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
    next.saturating_sub(inside + 1).max(1)
}

/// What the first row says about all others.
struct Layout {
    /// Fields in each row.
    width: usize,
    /// Names of all columns, if there is a header.
    names: Option<Vec<String>>,
    /// Indices of the columns to read.
    chosen: Vec<usize>,
}

impl Layout {
    fn new(first: &ByteRecord, columns: Option<&Columns>, line: u64) -> Result<Self, CsvError> {
        let width = first.len();
        let names = match first.iter().any(|field| number(field).is_some()) {
            true => None,
            false => Some(header(first, line)?),
        };
        let chosen = match columns {
            Some(columns) => columns.find(names.as_deref(), width)?,
            None => (0..width).collect(),
        };
        Ok(Self { width, names, chosen })
    }

    /// Reads the chosen fields of `record` into `numbers`.
    fn numbers(
        &self,
        record: &ByteRecord,
        row: u64,
        line: u64,
        numbers: &mut Vec<f64>,
    ) -> Result<(), CsvError> {
        if record.len() != self.width {
            let (found, expected) = (record.len(), self.width);
            return Err(CsvError::Ragged { row, line, found, expected });
        }
        numbers.clear();
        for &idx in &self.chosen {
            match number(&record[idx]) {
                Some(number) if number.is_finite() => numbers.push(number),
                Some(_) | None => return Err(self.problem(&record[idx], row, line, idx)),
            }
        }
        Ok(())
    }

    /// Says why `field` is no finite number.
    fn problem(&self, field: &[u8], row: u64, line: u64, idx: usize) -> CsvError {
        let name = self.names.as_ref().map(|names| names[idx].clone());
        let cell = Cell { row, line, column: idx + 1, name };
        match str::from_utf8(field.trim_ascii()) {
            Err(_) => CsvError::NotUtf8(cell),
            Ok("") => CsvError::EmptyField(cell),
            Ok(text) if number(field).is_some() => {
                CsvError::NotFinite { cell, text: text.to_owned() }
            }
            Ok(text) => CsvError::NotANumber { cell, text: text.to_owned() },
        }
    }

    fn chosen_names(&self) -> Option<Vec<String>> {
        let names = self.names.as_ref()?;
        Some(self.chosen.iter().map(|&idx| names[idx].clone()).collect())
    }
}

fn header(record: &ByteRecord, line: u64) -> Result<Vec<String>, CsvError> {
    let name = |(idx, field): (usize, &[u8])| {
        let cell = || Cell { row: 0, line, column: idx + 1, name: None };
        let name = str::from_utf8(field.trim_ascii()).map_err(|_| CsvError::NotUtf8(cell()))?;
        Ok(name.to_owned())
    };
    record.iter().enumerate().map(name).collect()
}

fn number(field: &[u8]) -> Option<f64> {
    str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All numbers, and what the table is; or the message.
    fn read_all(
        text: &[u8],
        delimiter: Delimiter,
        columns: Option<&str>,
    ) -> Result<(Vec<f64>, Table), String> {
        let columns: Option<Columns> = columns.map(|typed| typed.parse().unwrap());
        let mut all = Vec::new();
        let table = read(text, delimiter, columns.as_ref(), |row| {
            all.extend_from_slice(row);
            Ok(())
        });
        table.map(|table| (all, table)).map_err(|error| error.to_string())
    }

    #[test]
    fn tables_are_read() {
        let check = |text: &str, names: Option<&[&str]>, n: usize, numbers: &[f64]| {
            let (all, table) = read_all(text.as_bytes(), Delimiter::Comma, None).unwrap();
            assert_eq!(all, numbers, "{text:?}");
            assert_eq!((table.n, table.d), (n, numbers.len() / n), "{text:?}");
            let names = names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(table.names, names, "{text:?}");
        };
        check("1,2\n3,4\n", None, 2, &[1.0, 2.0, 3.0, 4.0]);
        check("1,2\n3,4", None, 2, &[1.0, 2.0, 3.0, 4.0]);
        check("x,y\n1,2\n", Some(&["x", "y"]), 1, &[1.0, 2.0]);
        check("x,y\r\n1,2\r\n3,4\r\n", Some(&["x", "y"]), 2, &[1.0, 2.0, 3.0, 4.0]);
        check("\u{feff}x,y\n1,2\n", Some(&["x", "y"]), 1, &[1.0, 2.0]);
        check("\u{feff}1,2\n", None, 1, &[1.0, 2.0]);
        check("\n\r\n1,2\n\n   \n3,4\n\n", None, 2, &[1.0, 2.0, 3.0, 4.0]);
        check(" 1 ,\t2 \n", None, 1, &[1.0, 2.0]);
        check("\"x, in m\",\"y\"\n\"1\",2\n", Some(&["x, in m", "y"]), 1, &[1.0, 2.0]);
        check("\"a\nb\",y\n1,2\n", Some(&["a\nb", "y"]), 1, &[1.0, 2.0]);
        check("5\n\n6\n", None, 2, &[5.0, 6.0]);
        check("h\n-1e-3\n+.5\n", Some(&["h"]), 2, &[-0.001, 0.5]);
        check("0.1\n5e-324\n1.7976931348623157e308\n", None, 3, &[0.1, 5e-324, f64::MAX]);
    }

    #[test]
    fn the_first_row_is_a_header_if_nothing_in_it_is_a_number() {
        let check = |text: &str, is_header: bool| {
            let table = read_all(text.as_bytes(), Delimiter::Comma, Some("1"));
            assert_eq!(table.is_ok_and(|(_, table)| table.names.is_some()), is_header, "{text:?}");
        };
        check("x,y\n1,2\n", true);
        check("x,\n1,2\n", true);
        check("x,1\n1,2\n", false);
        check("nan,nan\n1,2\n", false);
    }

    #[test]
    fn chosen_columns_are_read_in_the_order_given_and_others_may_hold_anything() {
        let check = |text: &[u8], columns: &str, numbers: &[f64]| {
            let (all, table) = read_all(text, Delimiter::Comma, Some(columns)).unwrap();
            assert_eq!((all.as_slice(), table.d), (numbers, columns.split(',').count()));
        };
        check(b"id,x,y\nfoo,1,2\nb\xffr,3,4\n", "y,x", &[2.0, 1.0, 4.0, 3.0]);
        check(b"id,x,y\nfoo,1,2\n", "3", &[2.0]);
        check(b"foo,1,2\nbar,3,\n", "2", &[1.0, 3.0]);
        let (_, table) = read_all(b"id,x,y\n7,1,2\n", Delimiter::Comma, Some("y,1")).unwrap();
        assert_eq!(table.names, Some(vec!["y".to_owned(), "id".to_owned()]));
    }

    #[test]
    fn the_delimiter_is_as_told_or_guessed_from_the_first_line() {
        let check = |text: &str, delimiter: Delimiter, numbers: &[f64]| {
            let (all, _) = read_all(text.as_bytes(), delimiter, None).unwrap();
            assert_eq!(all, numbers, "{text:?}");
        };
        check("1\t2\n", Delimiter::Tab, &[1.0, 2.0]);
        check("1\t2\n", Delimiter::Guess, &[1.0, 2.0]);
        check("\n1\t2\n", Delimiter::Guess, &[1.0, 2.0]);
        check("1,2\n", Delimiter::Guess, &[1.0, 2.0]);
        check("1,\t2\n", Delimiter::Guess, &[1.0, 2.0]);
        check("1\n2\n", Delimiter::Guess, &[1.0, 2.0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let check = |text: &[u8], message: &str| {
            let read = read_all(text, Delimiter::Comma, None);
            assert_eq!(read, Err(message.to_owned()), "{}", String::from_utf8_lossy(text));
        };
        check(b"", "it has no rows");
        check(b"\n \r\n\n", "it has no rows");
        check(b"\xef\xbb\xbf", "it has no rows");
        check(b"x,y\n", "it has a header but no rows");
        check(b"x,y\n\n", "it has a header but no rows");
        check(b"1,2\n3\n", "row 2 (line 2) has 1 fields, but the first row has 2");
        check(b"x,y\n1,2\n\n3,4,5\n", "row 2 (line 4) has 3 fields, but the first row has 2");
        check(b"x,y\n1,a\n", "row 1 (line 2), column 2 (`y`) is `a`; a number should be there");
        check(
            b"1,2\r\n\r\n3,a b\r\n",
            "row 2 (line 3), column 2 is `a b`; a number should be there",
        );
        check(b"1,2\n3,", "row 2 (line 2), column 2 is empty; a number should be there");
        check(b"1,2\n , 3\n", "row 2 (line 2), column 1 is empty; a number should be there");
        check(b"1\n2\nNaN\n", "row 3 (line 3), column 1 is `NaN`; a finite number should be there");
        check(
            b"x\n-inf",
            "row 1 (line 2), column 1 (`x`) is `-inf`; a finite number should be there",
        );
        check(b"1e999\n", "row 1 (line 1), column 1 is `1e999`; a finite number should be there");
        check(b"1,2\n3,\xff\n", "row 2 (line 2), column 2 is not UTF-8");
        check(b"x,\xff\n1,2\n", "the header (line 1), column 2 is not UTF-8");
        check(
            b"\"a\nb\",y\n1,z\n",
            "row 1 (line 3), column 2 (`y`) is `z`; a number should be there",
        );
        check(b"1,2\n\"3,4\n", "row 2 (line 2) has 1 fields, but the first row has 2");
        check(b"1\n2\n\"3\n4", "row 3 (line 3), column 1 is `3\\n4`; a number should be there");
        check(b"1\n2\n\"3\n4\"", "row 3 (line 3), column 1 is `3\\n4`; a number should be there");
        check(b"1;2\n", "it has a header but no rows");
        check(b"x;y\n1;2\n", "row 1 (line 2), column 1 (`x;y`) is `1;2`; a number should be there");
    }

    #[test]
    fn a_row_without_end_is_refused() {
        let check = |text: &mut dyn Read, row: u64| {
            let error = read(text, Delimiter::Comma, None, |_| Ok(())).unwrap_err();
            let message = error.to_string();
            let expected = format!("row {row} is longer than 64 MiB; is a quote left open?");
            assert_eq!(message, expected);
        };
        check(&mut std::io::repeat(b'7'), 1);
        check(&mut b"1\n2\n\"".chain(std::io::repeat(b'\n')), 3);
    }

    #[test]
    fn an_error_of_the_sink_ends_the_reading() {
        let mut rows = 0;
        let result = read(&b"1\n2\n3\n"[..], Delimiter::Comma, None, |_| {
            rows += 1;
            Err(CsvError::TooMany { accepted: 0 })
        });
        assert!(matches!(result, Err(CsvError::TooMany { accepted: 0 })));
        assert_eq!(rows, 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>, guess: bool) {
            let delimiter = if guess { Delimiter::Guess } else { Delimiter::Comma };
            let _ = read_all(&text, delimiter, None);
            let _ = read_all(&text, delimiter, Some("1"));
        }

        #[test]
        fn anything_like_a_table_is_read_or_refused(text in "([-0-9.,\t\r\n\" x]|nan){0,60}") {
            if let Ok((all, table)) = read_all(text.as_bytes(), Delimiter::Guess, None) {
                prop_assert_eq!(all.len(), table.n * table.d);
                prop_assert!(!all.is_empty() && all.iter().all(|number| number.is_finite()));
            }
        }

        #[test]
        fn numbers_keep_their_bits(numbers in proptest::collection::vec(-1e300..1e300, 1..20)) {
            let text: String = numbers.iter().map(|number: &f64| format!("{number:?},1\n")).collect();
            let (all, _) = read_all(text.as_bytes(), Delimiter::Comma, Some("1")).unwrap();
            prop_assert_eq!(all, numbers);
        }
    }
}
