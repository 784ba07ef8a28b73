//! The bytes below a table.

use std::io::{self, Read};

/// Most bytes that may be read before a row ends.
pub(super) const MAX_ROW: u64 = 64 << 20;

/// Bytes looked at to find out about the first line.
const PEEKED: u64 = 64 << 10;

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// `,`
    Comma,
    /// A tab.
    Tab,
    /// A tab if the first line has tabs and no commas, else a comma.
    Guess,
}

impl Delimiter {
    /// The byte, for a text that begins with `begin`.
    pub(super) fn byte(self, begin: &[u8]) -> u8 {
        let line = begin.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Guess if line.contains(&b'\t') && !line.contains(&b',') => b'\t',
            Self::Guess => b',',
        }
    }
}

/// Text without its byte order mark and with a line feed behind it, which fails to be read if a row
/// does not end.
///
/// The line feed makes all rows end in the same way, so that lines can be counted.
#[derive(Debug)]
pub(super) struct Text<R> {
    inner: io::Chain<io::Chain<io::Cursor<Vec<u8>>, R>, &'static [u8]>,
    /// Bytes that may still be read before [`row_ended`](Self::row_ended) is called.
    allowance: u64,
}

impl<R: Read> Text<R> {
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let mut begin = Vec::new();
        reader.by_ref().take(PEEKED).read_to_end(&mut begin)?;
        if begin.starts_with(b"\xef\xbb\xbf") {
            begin.drain(..3);
        }
        let inner = io::Cursor::new(begin).chain(reader).chain(&b"\n"[..]);
        Ok(Self { inner, allowance: MAX_ROW })
    }

    /// What the text begins with: all of it, or a good deal.
    pub(super) fn begin(&self) -> &[u8] {
        self.inner.get_ref().0.get_ref().0.get_ref()
    }

    /// Allows the next row to be read.
    pub(super) fn row_ended(&mut self) {
        self.allowance = MAX_ROW;
    }

    /// Whether reading failed because a row did not end.
    pub(super) fn is_exhausted(&self) -> bool {
        self.allowance == 0
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let read = self.inner.read(buffer)?;
        self.allowance = self.allowance.saturating_sub(read as u64);
        Ok(read)
    }
}
