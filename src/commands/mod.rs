//! One file a subcommand: options in, results out. Nothing here prints or knows how an option is
//! spelled.

pub mod bench;
pub mod estimate;
pub mod generate;
pub mod info;
pub mod worker;

mod control;

pub use control::Control;
