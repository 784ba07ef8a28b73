//! From a `.npy` file to the [`Source`] that workers map.

use std::{
    fs::{self, File},
    path::Path,
};

use parzen_worker::samples::{Place, Source};

use super::{Header, NpyError};

/// Says where the samples in the file at `path` are. Only the header is read.
pub(crate) fn source(path: &Path) -> Result<Source, NpyError> {
    // Before opening, which would wait for somebody to write into a pipe.
    if !fs::metadata(path).map_err(NpyError::Read)?.is_file() {
        return Err(NpyError::NotRegular);
    }
    let file = File::open(path).map_err(NpyError::Read)?;
    let metadata = file.metadata().map_err(NpyError::Read)?;
    let header = Header::read(&file)?;
    let (needed, len) = (header.needed(), metadata.len());
    if len < needed {
        return Err(NpyError::Cut { needed, len });
    }
    Ok(Source {
        place: Place::of_file(path, &metadata).map_err(NpyError::Read)?,
        offset: header.offset,
        element: header.element,
        order: header.order,
        n: header.n,
        d: header.d,
    })
}

#[cfg(test)]
mod tests {
    use parzen_worker::samples::{Element, Order, Samples};

    use super::{super::header_bytes, *};

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".npy").unwrap();
        fs::write(&file, bytes).unwrap();
        file
    }

    #[test]
    fn a_file_is_mapped_where_it_lies() {
        let mut bytes = header_bytes(3, 2);
        (1..=6).for_each(|number| bytes.extend(f64::from(number).to_le_bytes()));
        let file = file(&bytes);
        let source = source(file.path()).unwrap();
        assert_eq!((source.element, source.order), (Element::F64, Order::RowMajor));
        let samples = Samples::open(&source).unwrap();
        assert_eq!((samples.n(), samples.d()), (3, 2));
        assert_eq!(samples.rows(0..3, &mut Vec::new()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn fortran_order_at_an_odd_offset_is_read_alike() {
        let text = b"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}\n";
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text);
        assert_eq!(bytes.len() % 4, 1);
        [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        let file = file(&bytes);
        let samples = Samples::open(&source(file.path()).unwrap()).unwrap();
        assert_eq!(samples.rows(0..2, &mut Vec::new()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused() {
        let mut bytes = header_bytes(3, 2);
        bytes.extend([0; 47]);
        let message = source(file(&bytes).path()).unwrap_err().to_string();
        let expected = "the file is cut off: its header asks for 176 bytes, and it has 175";
        assert_eq!(message, expected);
    }
}
