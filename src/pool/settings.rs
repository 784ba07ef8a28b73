//! What a pool is told when it is built.

use std::{
    any::Any,
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    thread,
    time::Duration,
};

use parzen_worker::{
    Task,
    protocol::{MAX_INLINE, WorkerId, codec},
};

use super::{
    Launch, Pool, Stopper,
    chaos::Chaos,
    error::{Error, Kind, StartError},
    event::Event,
    herald::Listener,
    orders::Config,
    program::WorkerProgram,
    stderr::LineHandler,
};

/// A socket takes a message, whoever reads or not, while less than about 200 KB wait in it; what a
/// message counts for there is up to twice its size and some. Jobs that may wait at a worker share
/// this many bytes, so that giving out a job never blocks.
const WAITING_BYTES: usize = 96 * 1024;

/// How many inputs of `map` and its kin share a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batch {
    /// As many as are done in about a millisecond, as measured while they run. Those that took longer
    /// than that to collect are sent as they are.
    #[default]
    Auto,
    /// So many at the most; fewer, if inputs or results are large. With 1, each input is a job of its
    /// own.
    Fixed(NonZeroU32),
}

/// Settings of a [`Pool`] to be. Made by [`Pool::builder`].
#[derive(Clone, Debug)]
#[must_use = "a pool exists once it is started"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) program: WorkerProgram,
    pub(super) batch: Batch,
    pub(super) initializer: Option<Initializer>,
    pub(super) on_stderr: LineHandler,
    pub(super) on_event: Option<Listener>,
    pub(super) on_launch: Option<LaunchHook>,
    pub(super) nice: i32,
    pub(super) pinned: bool,
    pub(super) chaos: Option<Chaos>,
}

/// A task that each worker runs before it is ready.
#[derive(Clone, Debug)]
pub(super) struct Initializer {
    pub(super) task: &'static str,
    pub(super) input: Arc<[u8]>,
}

/// Is given what can stop a pool; what it gives is kept as long as the pool.
#[derive(Clone)]
pub(super) struct LaunchHook(Arc<dyn Fn(Stopper) -> Kept + Send + Sync>);

/// Something of the user's.
pub(super) type Kept = Box<dyn Any + Send + Sync>;

impl LaunchHook {
    pub(super) fn call(&self, stopper: Stopper) -> Kept {
        (self.0)(stopper)
    }
}

impl fmt::Debug for LaunchHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaunchHook")
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let config = Config {
            workers: NonZeroU32::try_from(cores).unwrap_or(NonZeroU32::MIN),
            depth: NonZeroU32::MIN.saturating_add(1),
            max_crashes: 2,
            max_failed_starts: 2,
            start_timeout: Duration::from_secs(10),
            job_timeout: None,
            stop_grace: Duration::from_secs(2),
            jobs_per_worker: None,
            once: false,
        };
        Self {
            config,
            program: WorkerProgram::default(),
            batch: Batch::default(),
            initializer: None,
            on_stderr: LineHandler::default(),
            on_event: None,
            on_launch: None,
            nice: 0,
            pinned: false,
            chaos: None,
        }
    }

    /// Processes to keep running. Default: one for each core this process may use, its affinity and
    /// its control group's quota counted. 0 counts as 1.
    pub fn workers(mut self, workers: u32) -> Self {
        self.config.workers = NonZeroU32::new(workers).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Jobs sent to a worker ahead of time, the running one counted, so that it need not wait for
    /// the next. Default 2; from 1 to 16.
    pub fn prefetch(mut self, jobs: u32) -> Self {
        self.config.depth = NonZeroU32::new(jobs.clamp(1, 16)).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// How many inputs share a message. Default [`Batch::Auto`]. With a time limit for jobs, or a
    /// number of jobs for each worker, every input is a job of its own.
    pub fn batch(mut self, batch: Batch) -> Self {
        self.batch = batch;
        self
    }

    /// Crashes an input may be running through and still be run again. Default 2: it fails with the
    /// third. As many workers and two more may be lost with it before they begin it. Only the input that was running is charged with the end of its worker; those that
    /// shared its message or waited behind it are run again, and that does not count. If it cannot
    /// be learned which of several was running, none is charged, and they are run again one by one.
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.config.max_crashes = crashes;
        self
    }

    /// Time a job may run, from when it is begun. A job that takes longer fails, its worker is killed
    /// and replaced, and nothing else is harmed. A worker that has not begun a job in this time,
    /// although it was free for it, is killed and replaced too, and the job is run by another, unless that has
    /// come to it too often. Default: no limit.
    pub fn job_timeout(mut self, limit: Option<Duration>) -> Self {
        self.config.job_timeout = limit;
        self
    }

    /// Time a new process has to say hello, and to run its initializer. Default 10 s.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.config.start_timeout = limit;
        self
    }

    /// Time a worker that is asked to leave has before it is killed. Default 2 s. One that has closed
    /// its channels, as it does when [`serve`](parzen_worker::serve()) returns, has no more than half a
    /// second from then on.
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.config.stop_grace = grace;
        self
    }

    /// Jobs after which a worker is replaced by a fresh process, against tasks that leak. Default:
    /// never. 0 counts as never.
    pub fn jobs_per_worker(mut self, jobs: u32) -> Self {
        self.config.jobs_per_worker = NonZeroU32::new(jobs);
        self
    }

    /// What is started as a worker. Default [`WorkerProgram::Find`].
    pub fn worker_program(mut self, program: WorkerProgram) -> Self {
        self.program = program;
        self
    }

    /// Niceness added to the workers' own, as `nice` counts: 0 to 19 lets others go first.
    /// Default 0.
    pub fn nice(mut self, nice: i32) -> Self {
        self.nice = nice.clamp(0, 19);
        self
    }

    /// Whether each worker is bound to one core, in turn of those this process may use, so that its
    /// caches stay warm. On a machine with other work this makes workers wait. Default false.
    pub fn pinned(mut self, pinned: bool) -> Self {
        self.pinned = pinned;
        self
    }

    /// A task that each worker runs before it gets any job. If it fails, so does that worker's
    /// start.
    ///
    /// # Errors
    ///
    /// Fails if `input` cannot be encoded, or is too large for one message.
    pub fn initializer<T: Task>(mut self, input: &T::Input) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        codec::encode(input, &mut bytes).map_err(Error::of_encoding)?;
        if MAX_INLINE < bytes.len() {
            return Err(Error::new(Kind::TooLarge(MAX_INLINE)));
        }
        self.initializer = Some(Initializer { task: T::NAME, input: bytes.into() });
        Ok(self)
    }

    /// Is given each line that a worker writes to its standard output or error, with the number of
    /// the worker. Default: an event of `tracing` with the target `parzen::worker`. Called on a
    /// thread of the pool, which it must not hold up.
    pub fn on_stderr(mut self, handler: impl Fn(u32, &str) + Send + Sync + 'static) -> Self {
        let handler = move |worker: WorkerId, line: &str| handler(worker.number(), line);
        self.on_stderr = LineHandler(Arc::new(handler));
        self
    }

    /// Is told what happens in the pool, event by event, in order: which worker was started, was
    /// given which inputs, was lost, and what became of its jobs. Default: nobody; `tracing` has
    /// the same events under the target `parzen::pool`.
    ///
    /// Called on a thread of its own, with nothing locked, so it may take its time: events wait for
    /// it in memory. Whoever joins, terminates or drops the pool waits until all were told, so it
    /// must not wait for that. A panic in it is logged, and the next event is told.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Listener(Arc::new(listener)));
        self
    }

    /// Is given what can stop the pool before any worker is started, so that there is no moment at
    /// which there are workers and nobody who could end them. What `hook` returns is dropped with
    /// the pool. Default: none.
    ///
    /// If it stops the pool, no worker is started, and the start fails as
    /// [`Stopped`](StartError::Stopped).
    pub fn on_launch<K: Send + Sync + 'static>(
        mut self,
        hook: impl Fn(Stopper) -> K + Send + Sync + 'static,
    ) -> Self {
        self.on_launch = Some(LaunchHook(Arc::new(move |stopper| Box::new(hook(stopper)))));
        self
    }

    /// Has workers killed and stopped at random while they work, to see that nothing is lost.
    /// Default: none. No result is another for it, unless time is up for a job meanwhile: a stop,
    /// of at most 20 ms, counts towards a job's time limit.
    pub fn chaos(mut self, chaos: Option<Chaos>) -> Self {
        self.chaos = chaos;
        self
    }

    /// Starts the workers, and returns when all are ready.
    ///
    /// # Errors
    ///
    /// Fails if there is no worker program, or it cannot be started, or does not say hello in time.
    /// No process is left then.
    pub fn start(self) -> Result<Pool, StartError> {
        self.launch()?.ready()
    }

    /// Orders the workers to be started, and returns without waiting for them.
    ///
    /// # Errors
    ///
    /// Fails if there is no worker program, or the system gives the pool no thread.
    pub fn launch(self) -> Result<Launch, StartError> {
        Pool::launch(self)
    }

    /// Has a job fail with its worker, whatever that ended of.
    pub(super) fn once(mut self) -> Self {
        self.config.once = true;
        self
    }

    /// Inputs up to this size travel in their message.
    pub(super) fn max_inline(&self) -> usize {
        (WAITING_BYTES / self.config.depth.get() as usize).min(MAX_INLINE)
    }

    /// How many inputs share a message, given the other settings.
    pub(super) fn effective_batch(&self) -> Batch {
        // These count jobs, not inputs.
        if self.config.job_timeout.is_some() || self.config.jobs_per_worker.is_some() {
            Batch::Fixed(NonZeroU32::MIN)
        } else {
            self.batch
        }
    }
}
