//! Stub.

mod quote;
mod spacing;

mod widths;
pub use widths::{MAX_WIDTHS, SpecError, Widths};

mod points;
pub use points::{MAX_NUMBERS, PointError, Points};

mod point_spec;
pub use point_spec::{Grid, Point};
