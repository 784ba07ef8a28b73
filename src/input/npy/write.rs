//! Writing `.npy` headers.

/// The header of `n`×`d` little-endian doubles in C order, as NumPy writes it: version 1.0, padded
/// so that the elements begin at a multiple of 64 bytes.
pub(crate) fn header_bytes(n: u64, d: u64) -> Vec<u8> {
    let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let len = u16::try_from(text.len()).expect("two numbers take less than 64 KiB");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(len.to_le_bytes());
    bytes.extend(text.into_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use parzen_worker::samples::{Element, Order};

    use super::{super::Header, *};

    #[test]
    fn a_header_reads_back() {
        for (n, d) in [(1, 1), (10_000, 2), (u64::from(u32::MAX), 1_000_000)] {
            let bytes = header_bytes(n, d);
            let header = Header::read(&bytes[..]).unwrap();
            let shape = (header.n as u64, header.d as u64);
            assert_eq!(
                (header.element, header.order, shape),
                (Element::F64, Order::RowMajor, (n, d))
            );
            assert_eq!(header.offset, bytes.len() as u64);
            assert_eq!(header.offset % 64, 0);
        }
    }
}
