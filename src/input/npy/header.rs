//! What a header means.

use std::io::{ErrorKind, Read};

use parzen_worker::samples::{Element, Order};

use super::{NpyError, literal};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header read; NumPy itself reads 10,000 bytes unless told otherwise.
const MAX_HEADER: u64 = 65536;

/// What the header of a `.npy` file says: `n`×`d` elements, none of which is zero, that begin
/// `offset` bytes into the file and whose bytes can be counted by a `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) order: Order,
    pub(crate) n: usize,
    pub(crate) d: usize,
    pub(crate) offset: u64,
}

impl Header {
    /// Reads and judges the header at the beginning of `reader`.
    pub(crate) fn read(mut reader: impl Read) -> Result<Self, NpyError> {
        let mut start = [0; 8];
        fill(&mut reader, &mut start, NpyError::NotNpy)?;
        let [magic @ .., major, minor] = start;
        if magic != *MAGIC {
            return Err(NpyError::NotNpy);
        }
        let (len, before) = match (major, minor) {
            (1, 0) => (u64::from(u16::from_le_bytes(array(&mut reader)?)), 10),
            (2 | 3, 0) => (u64::from(u32::from_le_bytes(array(&mut reader)?)), 12),
            _ => return Err(NpyError::Version { major, minor }),
        };
        if MAX_HEADER < len {
            return Err(NpyError::HeaderTooLong { len, accepted: MAX_HEADER });
        }
        let mut text = Vec::new();
        reader.take(len).read_to_end(&mut text).map_err(NpyError::Read)?;
        if (text.len() as u64) < len {
            return Err(NpyError::HeaderCut);
        }
        // Only names of a structure's fields, which are refused anyway, may be other than ASCII.
        Self::judge(&String::from_utf8_lossy(&text), before + len)
    }

    /// Bytes of header and elements together.
    pub(crate) fn needed(&self) -> u64 {
        self.offset + self.n as u64 * self.d as u64 * self.element.size() as u64
    }

    fn judge(text: &str, offset: u64) -> Result<Self, NpyError> {
        let fields = literal::parse(text)?;
        let element = element(fields.descr)?;
        let (n, d) = match fields.shape[..] {
            [n] => (n, 1),
            [n, d] => (n, d),
            _ => {
                return Err(NpyError::Dimensions {
                    shape: fields.shape_text.to_owned(),
                    dimensions: fields.shape.len(),
                });
            }
        };
        if n == 0 || d == 0 {
            return Err(NpyError::Empty { n, d });
        }
        let too_large = |_| NpyError::TooLarge { n, d };
        let order = match fields.fortran_order {
            // A single column lies the same way in both orders.
            true if 1 < d => Order::ColumnMajor,
            true | false => Order::RowMajor,
        };
        // Eight bytes each, even if they are four, so that reading them as f64 fits as well.
        let bytes = n.checked_mul(d).and_then(|elements| elements.checked_mul(8));
        if bytes.and_then(|bytes| bytes.checked_add(offset)).is_none_or(|b| isize::MAX as u64 <= b)
        {
            return Err(NpyError::TooLarge { n, d });
        }
        let (n, d) = (n.try_into().map_err(too_large)?, d.try_into().map_err(too_large)?);
        Ok(Self { element, order, n, d, offset })
    }
}

fn array<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], NpyError> {
    let mut bytes = [0; N];
    fill(reader, &mut bytes, NpyError::HeaderCut)?;
    Ok(bytes)
}

fn fill(reader: &mut impl Read, bytes: &mut [u8], at_end: NpyError) -> Result<(), NpyError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => at_end,
        _ => NpyError::Read(error),
    })
}

fn element(descr: &str) -> Result<Element, NpyError> {
    match descr {
        "<f8" => return Ok(Element::F64),
        "<f4" => return Ok(Element::F32),
        "=f8" if cfg!(target_endian = "little") => return Ok(Element::F64),
        "=f4" if cfg!(target_endian = "little") => return Ok(Element::F32),
        _ => {}
    }
    let kind = descr.trim_start_matches(['<', '>', '=', '|']).chars().next();
    let what = match kind {
        _ if descr.starts_with('[') => "a structure with fields",
        Some('f') if descr.starts_with('>') => "big-endian floats",
        Some('f') => "floats of another size",
        Some('i' | 'u') => "integers",
        Some('c') => "complex numbers",
        Some('b' | '?') => "truth values",
        Some('O') => "Python objects",
        Some('S' | 'U' | 'a') => "strings",
        Some('M' | 'm') => "dates or times",
        Some('V') => "raw bytes",
        _ => "of an unknown type",
    };
    Err(NpyError::Element { descr: descr.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(version: (u8, u8), text: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version.0, version.1]);
        match version.0 {
            1 => bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes()),
            _ => bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes()),
        }
        bytes.extend(text.as_bytes());
        bytes
    }

    fn dictionary(descr: &str, fortran_order: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n")
    }

    fn read(bytes: &[u8]) -> Result<Header, String> {
        Header::read(bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn accepted_headers_are_understood() {
        let check = |descr: &str, fortran: &str, shape: &str, expected| {
            for (version, before) in [((1, 0), 10), ((2, 0), 12), ((3, 0), 12)] {
                let text = dictionary(descr, fortran, shape);
                let header = read(&file(version, &text)).unwrap();
                let offset = before + text.len() as u64;
                let (element, order, n, d) = expected;
                assert_eq!(header, Header { element, order, n, d, offset });
            }
        };
        check("'<f8'", "False", "(3, 2)", (Element::F64, Order::RowMajor, 3, 2));
        check("'<f4'", "True", "(3, 2)", (Element::F32, Order::ColumnMajor, 3, 2));
        check("'<f8'", "True", "(3, 1)", (Element::F64, Order::RowMajor, 3, 1));
        check("'<f8'", "True", "(3,)", (Element::F64, Order::RowMajor, 3, 1));
        #[cfg(target_endian = "little")]
        check("'=f8'", "False", "(3,)", (Element::F64, Order::RowMajor, 3, 1));
    }

    #[test]
    fn the_bytes_that_are_needed_are_counted() {
        let text = dictionary("'<f4'", "False", "(3, 2)");
        let header = read(&file((1, 0), &text)).unwrap();
        assert_eq!(header.needed(), 10 + text.len() as u64 + 24);
    }

    #[test]
    fn other_elements_are_named() {
        let check = |descr: &str, what: &str| {
            let message = read(&file((1, 0), &dictionary(descr, "False", "(3, 2)"))).unwrap_err();
            let shown = descr.trim_matches('\'');
            let expected =
                format!("the elements are `{shown}` ({what}); accepted are `<f8` and `<f4`");
            assert_eq!(message, expected);
        };
        check("'>f8'", "big-endian floats");
        check("'<f2'", "floats of another size");
        check("'<f16'", "floats of another size");
        check("'<i8'", "integers");
        check("'|u1'", "integers");
        check("'<c16'", "complex numbers");
        check("'|b1'", "truth values");
        check("'|O'", "Python objects");
        check("'<U5'", "strings");
        check("'|S5'", "strings");
        check("'<M8[ns]'", "dates or times");
        check("'|V8'", "raw bytes");
        check("''", "of an unknown type");
        check("[('a', '<f8')]", "a structure with fields");
    }

    #[test]
    fn other_shapes_are_refused() {
        let check = |shape: &str, message: &str| {
            let read = read(&file((1, 0), &dictionary("'<f8'", "False", shape)));
            assert_eq!(read.unwrap_err(), message);
        };
        check("()", "the shape `()` has 0 dimensions; accepted are (n,) and (n, d)");
        check("(2, 3, 4)", "the shape `(2, 3, 4)` has 3 dimensions; accepted are (n,) and (n, d)");
        let empty = "has no elements; at least one row and one column are needed";
        check("(0,)", &format!("the shape (0, 1) {empty}"));
        check("(0, 2)", &format!("the shape (0, 2) {empty}"));
        check("(3, 0)", &format!("the shape (3, 0) {empty}"));
        let too_large = "is too large for this machine";
        check(
            "(4611686018427387904, 4)",
            &format!("the shape (4611686018427387904, 4) {too_large}"),
        );
        check("(1152921504606846975,)", &format!("the shape (1152921504606846975, 1) {too_large}"));
    }

    #[test]
    fn other_files_are_refused() {
        let check = |bytes: &[u8], begin: &str| {
            let message = read(bytes).unwrap_err();
            assert!(message.starts_with(begin), "{message}");
        };
        let good = file((1, 0), &dictionary("'<f8'", "False", "(3, 2)"));
        check(b"", "this is no .npy file");
        check(b"x,y\n1,2\n3,4\n", "this is no .npy file: it does not begin with `\\x93NUMPY`");
        check(&good[..7], "this is no .npy file");
        check(&good[..9], "the file ends inside the header");
        check(&good[..30], "the file ends inside the header");
        check(&file((4, 0), ""), "this is version 4.0 of the .npy format; accepted are 1.0, 2.0");
        check(&file((1, 1), ""), "this is version 1.1");
        check(&file((1, 0), "nonsense"), "the header is not a dictionary");
        check(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "the header claims 4294967295 bytes; at most");
    }

    #[test]
    fn deep_nesting_is_refused_at_once() {
        for open in ["[", "(", "{"] {
            let text = format!("{{'descr': {}", open.repeat(60_000));
            assert!(read(&file((1, 0), &text)).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            as_npy: bool
        ) {
            if as_npy {
                bytes.splice(0..bytes.len().min(8), *b"\x93NUMPY\x01\x00");
            }
            let _ = read(&bytes);
        }

        #[test]
        fn any_dictionary_is_read_or_refused(text in "\\PC*", at in 0usize..80) {
            let _ = read(&file((3, 0), &text));
            let mut good = dictionary("'<f8'", "False", "(3, 2)");
            if good.is_char_boundary(at.min(good.len())) {
                good.insert_str(at.min(good.len()), &text);
            }
            let _ = read(&file((3, 0), &good));
        }
    }
}
