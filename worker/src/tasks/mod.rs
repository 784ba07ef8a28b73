//! The tasks that ship with the worker.

pub mod demo;
pub mod density;

use crate::registry::Registry;

/// All of them.
#[must_use]
pub fn registry() -> Registry {
    Registry::new()
        .with::<density::DensityTile>()
        .with::<demo::Cube>()
        .with::<demo::SlowCube>()
        .with::<demo::Sleep>()
        .with::<demo::Echo>()
        .with::<demo::Crash>()
        .with::<demo::Hang>()
        .with::<demo::Sum>()
        .with::<demo::RandomString>()
        .with::<demo::CountPrimes>()
        .with::<demo::Leak>()
        .with::<demo::Attempt>()
}
