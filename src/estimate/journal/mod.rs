//! The checkpoint file of an estimate: finished partials survive whatever ends the program.
//!
//! A journal is a header, which says what estimate it is of, and a record for each finished job, in
//! completion order. A record is handed to the system with one `write` before anybody sees a result
//! that needs it, so neither a panic nor `kill -9` loses what was shown. Nothing is synchronised to
//! the disk: what a power failure takes away, usually the last half minute, is found out by its
//! checksum and computed again.
//!
//! Every record has its length and a checksum, which also depends on where it stands and on the
//! header, so that neither a torn record nor one of another place or journal is taken for sound.
//! From the first that is not sound, the file is cut off.
//!
//! `header.rs`, `record.rs` and `index.rs` turn bytes into values and values into bytes; only
//! `file.rs` and `lock.rs` know a file.

mod header;

mod record;

mod index;

mod fingerprint;

mod lock;

mod file;
pub use file::{Journal, JournalFile};

mod error;
pub use error::JournalError;
