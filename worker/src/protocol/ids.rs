//! Ids of workers and jobs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
        )]
        pub struct $name($inner);

        impl $name {
            /// The id with this number. Only its owner makes ids.
            #[must_use]
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// Its number, for people and files.
            #[must_use]
            pub const fn number(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One worker process. A process started in place of another has a new id, so an old process's
    /// messages cannot be mistaken for its successor's.
    WorkerId(u32)
}

id! {
    /// One job of a pool: one or more inputs of one task, given to one worker in one message.
    JobId(u64)
}
