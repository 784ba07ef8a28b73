//! Stub.

/// Stub.
#[derive(Debug)]
pub struct Registry;
