//! One file a subcommand: options in, results out. Nothing here prints or knows how an option is
//! spelled.

pub mod estimate;
pub mod generate;
pub mod worker;

mod control;

pub use control::Control;
