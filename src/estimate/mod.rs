//! Densities at points, for many widths: plan, executors, merge.
//!
//! [`Plan`] cuts the work into jobs from the data's shape alone. An executor runs jobs in any
//! order, anywhere. A merge adds up their partials in chunk order and emits each tagged density as
//! soon as it is complete, so every executor gives the same bits.

mod plan;
pub use plan::{Block, MAX_PARTIAL, Plan, Shape};

mod density;
pub use density::{Density, Volume};
