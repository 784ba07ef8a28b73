//! Stub.

/// Stub.
pub fn serve() {}
