//! Shared memory: what is written is read, and a reference that lies is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    error::Error,
    fs::{File, OpenOptions},
    io::Write,
    os::fd::{AsRawFd, OwnedFd},
    os::unix::fs::MetadataExt,
};

use parzen_worker::shared::{OpenError, Segment, SegmentRef, Shared};
use rustix::fs::{MemfdFlags, SealFlags};
use serde_json::{Value, json};

/// A reference as it may come over a wire: `field` says `value`.
fn forged(reference: SegmentRef, field: &str, value: impl Into<Value>) -> SegmentRef {
    let mut fields = serde_json::to_value(reference).unwrap();
    fields[field] = value.into();
    serde_json::from_value(fields).unwrap()
}

/// A truthful reference to any open file.
fn reference_to(file: &File) -> SegmentRef {
    let metadata = file.metadata().unwrap();
    serde_json::from_value(json!({
        "pid": std::process::id(),
        "fd": file.as_raw_fd(),
        "device": metadata.dev(),
        "inode": metadata.ino(),
        "len": metadata.len(),
    }))
    .unwrap()
}

fn shared(reference: SegmentRef) -> Shared<f64> {
    serde_json::from_value(json!({ "segment": reference, "element": null })).unwrap()
}

/// Both ways in refuse `reference`, for the reason given.
fn check_refused(reference: SegmentRef, is_reason: fn(&OpenError) -> bool) {
    let error = reference.read().unwrap_err();
    assert!(is_reason(&error), "{error:?}");
    let error = shared(reference).open().unwrap_err();
    assert!(is_reason(&error), "{error:?}");
}

fn memfd() -> File {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    File::from(rustix::fs::memfd_create(c"test", flags).unwrap())
}

#[test]
fn what_is_written_is_read() {
    let numbers = [1.0, -0.0, f64::MIN_POSITIVE, 1e300];
    let segment = Segment::from_bytes(bytemuck::cast_slice(&numbers)).unwrap();
    assert_eq!(segment.reference().len(), 32);
    assert_eq!(segment.reference().pid(), std::process::id());
    assert_eq!(segment.reference().read().unwrap(), bytemuck::cast_slice::<_, u8>(&numbers));

    let shared = Shared::<f64>::new(&segment).unwrap();
    assert_eq!(shared.len(), 4);
    let slice = shared.open().unwrap();
    assert_eq!(*slice.clone(), numbers);
    assert_eq!(format!("{slice:?}"), "SharedSlice { bytes: 32, .. }");
}

#[test]
fn a_segment_is_filled_piece_by_piece() {
    let mut writer = Segment::writer().unwrap();
    for piece in [&[1_u8, 2][..], &[], &[3]] {
        writer.write_all(piece).unwrap();
    }
    writer.flush().unwrap();
    assert_eq!(writer.finish().unwrap().reference().read().unwrap(), [1, 2, 3]);
}

#[test]
fn a_segment_may_be_empty() {
    let segment = Segment::from_bytes(&[]).unwrap();
    assert!(segment.reference().is_empty());
    assert!(segment.reference().read().unwrap().is_empty());
    let shared = Shared::<f64>::new(&segment).unwrap();
    assert!(shared.is_empty());
    assert!(shared.open().unwrap().is_empty());
}

#[test]
fn a_mapping_outlives_the_handle() {
    let segment = Segment::from_bytes(&[7; 5000]).unwrap();
    let slice = Shared::<u8>::new(&segment).unwrap().open().unwrap();
    drop(segment);
    assert_eq!(*slice, [7; 5000]);
}

#[test]
fn a_segment_cannot_be_changed() {
    let segment = Segment::from_bytes(b"parzen").unwrap();
    let path = segment.reference().to_string();
    let writable = OpenOptions::new().write(true).open(path).unwrap();
    assert!((&writable).write_all(b"x").is_err());
    assert!(writable.set_len(0).is_err());
    assert!(writable.set_len(100).is_err());
}

#[test]
fn a_length_that_is_no_multiple_is_refused() {
    let segment = Segment::from_bytes(&[0; 12]).unwrap();
    assert!(Shared::<f64>::new(&segment).is_none());
    assert_eq!(Shared::<f32>::new(&segment).unwrap().len(), 3);

    let shared = shared(segment.reference());
    assert_eq!(shared.len(), 1);
    assert!(matches!(shared.open(), Err(OpenError::Ragged(..))));
}

#[test]
fn another_file_is_refused() {
    let segment = Segment::from_bytes(&[0; 16]).unwrap();
    let reference = segment.reference();
    let is_mismatch = |error: &OpenError| matches!(error, OpenError::Mismatch(_));
    let inode = serde_json::to_value(reference).unwrap()["inode"].as_u64().unwrap();
    check_refused(forged(reference, "inode", inode + 1), is_mismatch);
    check_refused(forged(reference, "device", u64::MAX), is_mismatch);
    check_refused(forged(reference, "len", 8), is_mismatch);
    check_refused(forged(reference, "len", SegmentRef::MAX_READ), is_mismatch);
}

#[test]
fn a_dead_owner_or_handle_is_refused() {
    let segment = Segment::from_bytes(&[0; 16]).unwrap();
    let reference = segment.reference();
    let is_gone = |error: &OpenError| matches!(error, OpenError::Open { .. });
    // Above the highest process id that Linux gives.
    check_refused(forged(reference, "pid", (1 << 22) + 1), is_gone);
    check_refused(forged(reference, "pid", u32::MAX), is_gone);
    check_refused(forged(reference, "fd", -1), is_gone);
    check_refused(forged(reference, "fd", i32::MAX), is_gone);

    let error = forged(reference, "fd", -1).read().unwrap_err();
    let message = format!("failed to open shared memory `/proc/{}/fd/-1`", std::process::id());
    assert_eq!(error.to_string(), message);
    assert!(error.source().is_some());
}

#[test]
fn a_dropped_segment_is_not_mistaken_for_the_next_one() {
    let segment = Segment::from_bytes(&[0; 16]).unwrap();
    let reference = segment.reference();
    drop(segment);
    // Likely to get the same number, now that it is free.
    let next = Segment::from_bytes(&[0; 16]).unwrap();
    assert!(reference.read().is_err());
    assert!(next.reference().read().is_ok());
}

#[test]
fn what_is_not_sealed_is_refused() {
    let is_unsealed = |error: &OpenError| matches!(error, OpenError::Unsealed(_));
    check_refused(reference_to(&tempfile::tempfile().unwrap()), is_unsealed);

    let memory = memfd();
    memory.set_len(16).unwrap();
    check_refused(reference_to(&memory), is_unsealed);
    rustix::fs::fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::WRITE).unwrap();
    check_refused(reference_to(&memory), is_unsealed);
    rustix::fs::fcntl_add_seals(&memory, SealFlags::GROW | SealFlags::SEAL).unwrap();
    assert_eq!(reference_to(&memory).read().unwrap(), [0; 16]);
}

#[test]
fn a_pipe_neither_hangs_nor_opens() {
    let (reader, writer): (OwnedFd, OwnedFd) = rustix::pipe::pipe().unwrap();
    // Without a writer, a plain open would wait for one.
    drop(writer);
    check_refused(reference_to(&File::from(reader)), |error| {
        matches!(error, OpenError::Unsealed(_))
    });
}

#[test]
fn what_is_too_long_is_not_read() {
    let memory = memfd();
    // Sparse: it takes no memory until it is read.
    memory.set_len(SegmentRef::MAX_READ + 1).unwrap();
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals).unwrap();
    let reference = reference_to(&memory);
    assert!(matches!(reference.read(), Err(OpenError::TooLong(_))));
    assert!(matches!(forged(reference, "len", u64::MAX).read(), Err(OpenError::TooLong(_))));
    // Mapping needs no such limit.
    let bytes: Shared<u8> =
        serde_json::from_value(json!({ "segment": reference, "element": null })).unwrap();
    assert_eq!(bytes.open().unwrap().len(), bytes.len());
}
