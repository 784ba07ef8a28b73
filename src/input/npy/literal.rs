//! The Python dictionary in a header.
//!
//! Strict on purpose: a general parser of Python literals takes exponential time on nested
//! brackets, and NumPy writes only what is read here.

use super::NpyError;

/// What a header says, before anybody has judged it.
#[derive(Debug, PartialEq)]
pub(super) struct Fields<'a> {
    /// Type of the elements: the text between the quotes, or a whole list of a structure's fields.
    pub(super) descr: &'a str,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<u64>,
    /// The shape as it was written.
    pub(super) shape_text: &'a str,
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }`, the keys in any order.
pub(super) fn parse(text: &str) -> Result<Fields<'_>, NpyError> {
    let mut scanner = Scanner { text, at: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    scanner.expect('{', "`{`")?;
    while !scanner.take('}') {
        let key = scanner.string()?;
        scanner.expect(':', "`:`")?;
        match key {
            "descr" if descr.is_none() => descr = Some(scanner.descr()?),
            "fortran_order" if fortran_order.is_none() => fortran_order = Some(scanner.boolean()?),
            "shape" if shape.is_none() => shape = Some(scanner.shape()?),
            _ => return Err(scanner.malformed("each of the three keys once")),
        }
        if !scanner.take(',') {
            scanner.expect('}', "`,` or `}`")?;
            break;
        }
    }
    if !scanner.rest().is_empty() {
        return Err(scanner.malformed("the end"));
    }
    let (Some(descr), Some(fortran_order), Some((shape, shape_text))) =
        (descr, fortran_order, shape)
    else {
        return Err(scanner.malformed("each of the three keys"));
    };
    Ok(Fields { descr, fortran_order, shape, shape_text })
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// What is left, without white space in front.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_ascii_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Result<(), NpyError> {
        if self.take(character) { Ok(()) } else { Err(self.malformed(expected)) }
    }

    fn malformed(&self, expected: &'static str) -> NpyError {
        NpyError::Malformed { expected, at: self.at }
    }

    /// Takes the first `len` bytes of what is left.
    fn cut(&mut self, len: usize) -> &'a str {
        let taken = &self.rest()[..len];
        self.at += len;
        taken
    }

    fn string(&mut self) -> Result<&'a str, NpyError> {
        let quote = if self.take('\'') {
            '\''
        } else if self.take('"') {
            '"'
        } else {
            return Err(self.malformed("a string"));
        };
        // Not `rest`, which would skip spaces inside the string.
        let Some(len) = self.text[self.at..].find(quote) else {
            return Err(self.malformed("the end of a string"));
        };
        let string = &self.text[self.at..self.at + len];
        self.at += len + quote.len_utf8();
        Ok(string)
    }

    /// A string; or the list that describes a structure, taken whole because it is only shown.
    fn descr(&mut self) -> Result<&'a str, NpyError> {
        let rest = self.rest();
        if !rest.starts_with('[') {
            return self.string();
        }
        let Some(end) = rest.rfind(']') else {
            return Err(self.malformed("`]`"));
        };
        Ok(self.cut(end + 1))
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        let rest = self.rest();
        for (word, value) in [("True", true), ("False", false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.malformed("`True` or `False`"))
    }

    fn shape(&mut self) -> Result<(Vec<u64>, &'a str), NpyError> {
        let begin = self.text.len() - self.rest().len();
        self.expect('(', "`(`")?;
        let mut shape = Vec::new();
        while !self.take(')') {
            shape.push(self.length()?);
            if !self.take(',') {
                self.expect(')', "`,` or `)`")?;
                break;
            }
        }
        Ok((shape, &self.text[begin..self.at]))
    }

    /// A length along one dimension; Python 2 wrote an `L` behind it.
    fn length(&mut self) -> Result<u64, NpyError> {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let length = rest[..digits].parse().map_err(|_| self.malformed("a length below 2^64"))?;
        self.at += digits;
        self.take('L');
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let check = |text: &str, descr: &str, fortran_order: bool, shape: &[u64]| {
            let fields = parse(text).unwrap();
            assert_eq!((fields.descr, fields.fortran_order), (descr, fortran_order), "{text}");
            assert_eq!(fields.shape, shape, "{text}");
        };
        check("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", "<f8", false, &[3, 2]);
        check("{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }   \n", "<f4", true, &[3]);
        check("{'shape':(),\"descr\":'|O','fortran_order':False}", "|O", false, &[]);
        check("{'descr': '>i4', 'fortran_order': False, 'shape': (3L, 2L)}", ">i4", false, &[3, 2]);
        check(
            "{'descr': [('a', '<f8'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (1,)}",
            "[('a', '<f8'), ('b', '<i4', (2,))]",
            false,
            &[1],
        );
    }

    #[test]
    fn anything_else_is_refused_with_the_place() {
        let check = |text: &str, message: &str| {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.ends_with(message), "{text}: {error}");
        };
        check("", "`{` should be at byte 0 of it");
        check("[]", "`{` should be at byte 0 of it");
        check("{}", "each of the three keys should be at byte 2 of it");
        check("{descr: 1}", "a string should be at byte 1 of it");
        check("{'descr", "the end of a string should be at byte 2 of it");
        check("{'descr' '<f8'}", "`:` should be at byte 9 of it");
        check("{'descr': '<f8' 'shape': (1,)}", "`,` or `}` should be at byte 16 of it");
        check(
            "{'descr': '<f8', 'descr': '<f8'}",
            "each of the three keys once should be at byte 25 of it",
        );
        check("{'other': 1}", "each of the three keys once should be at byte 9 of it");
        check("{'descr': [1}", "`]` should be at byte 10 of it");
        check("{'fortran_order': 1}", "`True` or `False` should be at byte 18 of it");
        check("{'shape': 3}", "`(` should be at byte 10 of it");
        check("{'shape': (-3,)}", "a length below 2^64 should be at byte 11 of it");
        check(
            "{'shape': (99999999999999999999,)}",
            "a length below 2^64 should be at byte 11 of it",
        );
        check("{'shape': (1 2)}", "`,` or `)` should be at byte 13 of it");
        check(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x",
            "the end should be at byte 56 of it",
        );
    }
}
