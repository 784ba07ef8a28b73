//! Worker processes: started, fed, watched, replaced. Knows nothing of densities.
//!
//! [`Pool`] is Python's `multiprocessing.Pool` with crash recovery, [`Process`] its `Process`. A job
//! is one or more inputs of one [`Task`](parzen_worker::Task), given to one worker in one message.
//!
//! The decisions are in `scheduler`, which is pure: ids and times in, orders out. `driver` carries
//! them out. Each worker has a `pump`, a thread that starts it, reads what it sends and reaps it;
//! each pool has one `watch`, a thread for deadlines and for what pumps cannot see. `stream` feeds
//! inputs as there is room for them and hands out what comes back.
//!
//! A program that ignores SIGCHLD, or was started so, has its children buried by the system, which
//! then tells nobody how a worker ended: whoever makes a pool should not.

mod handle;
pub use handle::{Launch, Pool, SharedData, Stopper};

mod process;
pub use process::{Process, SpawnError};

mod settings;
pub use settings::{Batch, Builder};

mod program;
pub use program::{VARIABLE as PROGRAM_VARIABLE, WorkerProgram};

mod chaos;
pub use chaos::{Chaos, ChaosError};

mod pending;
pub use pending::Pending;

mod imap;
pub use imap::{Imap, ImapUnordered};

mod stream;
pub use stream::{Completed, Stream};

mod event;
pub use event::{Event, JobSummary};

mod orders;
mod packet;
pub use orders::{Outcome, Reason};

mod usage;
pub use usage::{Traffic, Usage, WorkerUsage};

mod error;
pub use error::{Error, StartError};

mod death;
pub use death::{CpuTime, Death};

mod child;
mod culprit;
mod descriptors;
mod door;
mod driver;
mod finished;
mod held;
mod herald;
mod job;
mod life;
mod pump;
mod rendezvous;
mod reorder;
mod scheduler;
mod sink;
mod state;
mod stderr;
mod storm;
mod watch;

#[cfg(test)]
mod sim;
