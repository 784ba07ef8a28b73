//! The pool as its user sees it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytemuck::{AnyBitPattern, NoUninit};
use parzen_worker::{
    Task, panic,
    protocol::{Invitation, codec},
    shared::{Segment, Shared},
};

use super::{
    culprit::TaskType,
    descriptors,
    driver::{Driver, Threads, mark_own_thread},
    error::{Error, Kind, StartError},
    imap::{Imap, ImapUnordered, Inputs},
    job::{Job, Payload},
    orders::Event,
    pending::Pending,
    reorder::Reorder,
    settings::{Builder, Kept},
    sink::{Single, Slot},
    stream::Stream,
    usage::Usage,
};

/// Results held for a slow consumer of ordered results, counted in inputs.
const LOOKAHEAD: u64 = 1 << 16;

/// A pool of worker processes.
///
/// Jobs of any task that the workers know can be given to it, from any thread, as often as one
/// likes. A worker that dies is replaced, and its jobs are run again by others.
///
/// Dropping it stops it as [`terminate`](Self::terminate) does.
///
/// ```no_run
/// use parzen::pool::Pool;
/// use parzen_worker::tasks::demo::Cube;
///
/// let pool = Pool::builder().workers(4).start()?;
/// assert_eq!(pool.map::<Cube>(1..=6)?, [1, 8, 27, 64, 125, 216]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    driver: Arc<Driver>,
    threads: Option<Threads>,
    closed: AtomicBool,
    /// What [`Builder::on_launch`] gave.
    kept: Option<Kept>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Pool {
    /// Settings of a pool to be.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn launch(settings: Builder) -> Result<Launch, StartError> {
        if Invitation::is_set() {
            return Err(StartError::InsideWorker);
        }
        // Found before anything is started, so that a missing program costs nothing.
        settings.program.resolve()?;
        descriptors::make_room(settings.config.workers.get())?;
        let started = Driver::start(settings);
        let (driver, threads) = started.map_err(|error| StartError::Thread(Arc::new(error)))?;
        let closed = AtomicBool::new(false);
        let mut pool = Self { driver, threads: Some(threads), closed, kept: None };
        let hook = pool.driver.settings.on_launch.clone();
        pool.kept = hook.map(|hook| hook.call(pool.stopper()));
        pool.driver.feed(Event::Start);
        Ok(Launch(pool))
    }

    /// Runs one task and waits for its result.
    ///
    /// # Errors
    ///
    /// The task's own error, or why it could not be run.
    pub fn apply<T: Task>(&self, input: T::Input) -> Result<T::Output, Error> {
        self.apply_async::<T>(input)?.get()
    }

    /// Hands in one task and returns at once. The queue has no limit of its own: for many inputs
    /// [`imap`](Self::imap) takes them as the workers need them.
    ///
    /// # Errors
    ///
    /// Fails if the input cannot be sent, or the pool is closed.
    pub fn apply_async<T: Task>(&self, input: T::Input) -> Result<Pending<T::Output>, Error> {
        self.check_open()?;
        let mut bytes = Vec::new();
        codec::encode(&input, &mut bytes).map_err(Error::of_encoding)?;
        drop(input);
        let payload = Payload::new(bytes, self.driver.settings.max_inline())?;
        let slot = Slot::new();
        let sink = Arc::new(Single(Arc::clone(&slot)));
        let task = TaskType::of::<T>();
        let job = self.driver.submit(Job::new(task, payload, Vec::new(), 0, sink));
        let driver = Arc::clone(&self.driver);
        Ok(Pending::new(slot, Box::new(move || driver.feed(Event::Cancel(job)))))
    }

    /// Runs the task on each input and waits for all results, in the order of the inputs.
    ///
    /// Inputs are taken as there is room for them, as for [`imap`](Self::imap), and must not wait for
    /// results. Results are all kept, so however large they are, no input waits for that.
    ///
    /// # Errors
    ///
    /// The error of the first input, in their order, that failed. Inputs behind it may not have
    /// been run.
    pub fn map<T: Task>(
        &self,
        inputs: impl IntoIterator<Item = T::Input>,
    ) -> Result<Vec<T::Output>, Error> {
        self.check_open()?;
        map(Stream::<T, _>::new(Arc::clone(&self.driver), inputs.into_iter().fuse()).collected())
    }

    /// As [`map`](Self::map), but returns at once. Results are kept until they are asked for. The
    /// iterator is asked on a thread of the pool's own.
    ///
    /// # Errors
    ///
    /// Fails if the pool is closed, or the thread that feeds it cannot be started.
    pub fn map_async<T: Task>(
        &self,
        inputs: impl IntoIterator<Item = T::Input, IntoIter: Send + 'static>,
    ) -> Result<Pending<Vec<T::Output>>, Error> {
        self.check_open()?;
        let stream =
            Stream::<T, _>::new(Arc::clone(&self.driver), inputs.into_iter().fuse()).collected();
        let canceller = stream.canceller();
        let slot = Slot::new();
        let filled = Arc::clone(&slot);
        // From here on the pool is not done before this call is.
        let call = OpenCall::begin(Arc::clone(&self.driver));
        let feed = move || {
            // The iterator is the caller's, and who waits for the results must not wait for ever.
            let mapped = panic::catch(|| map(stream));
            let result =
                mapped.unwrap_or_else(|panic| Err(Error::new(Kind::Inputs(panic.message))));
            // Whoever joins the pool waits for the callback that is called here.
            mark_own_thread();
            filled.fill(result);
            drop(call);
        };
        let thread = thread::Builder::new().name("pool-map".to_owned()).spawn(feed);
        thread.map_err(|error| Error::new(Kind::Thread(error)))?;
        Ok(Pending::new(slot, canceller))
    }

    /// Results one after another, in the order of the inputs. Inputs are taken as there is room for
    /// them, so they may be endless. If the pool is closed, that is the only result.
    ///
    /// # Inputs
    ///
    /// The iterator is asked on the thread that asks for results, and for more than have results: as
    /// many as fill twice the prefetch and two messages for each worker, where a message may have
    /// thousands of small ones. So it must not wait for one of these results, which nobody would hand
    /// out meanwhile; [`stream`](Self::stream) takes inputs that depend on results.
    ///
    /// An iterator may be slow. Inputs that took longer than a millisecond to collect are sent as they
    /// are, unless their number in a message is [fixed](super::Batch::Fixed), and results that are
    /// ready then are handed out before it is asked again.
    ///
    /// # Memory
    ///
    /// No input is begun while what the call has takes 64 MiB: inputs without a result, results that
    /// wait for an earlier one or for whoever asks for them, and results still to come, each taken to
    /// be as large as those before it. All this counts as it is encoded; decoded, a value may take
    /// more, as a list of small numbers does.
    ///
    /// However large they are, as many inputs may be under way as the workers are given ahead of
    /// time ([`Builder::prefetch`] each), those included whose results wait for an earlier one: so
    /// workers may be idle while large results wait. Until the first result has come, as many batches
    /// may be, if their size is [fixed](super::Batch::Fixed). What was begun is not called back:
    /// if results are suddenly much larger than before, those on their way come all the same.
    ///
    /// Jobs are limited in number, too: until results are asked for, no more are begun than twice the
    /// prefetch and two for each worker. And no input is begun 65,536 or more ahead of the oldest
    /// unfinished one.
    pub fn imap<'a, T: Task>(
        &self,
        inputs: impl IntoIterator<Item = T::Input, IntoIter: 'a>,
    ) -> Imap<'a, T> {
        Imap::new(self.boxed_stream(inputs).map(|stream| stream.lookahead(LOOKAHEAD)))
    }

    /// Results as they come, each with the index of its input. Inputs are taken as there is room
    /// for them, so they may be endless. If the pool is closed, that is the only result.
    ///
    /// Inputs are asked for and memory is bounded as for [`imap`](Self::imap), but no result waits for
    /// an earlier one, and so no input is too far ahead of the oldest.
    pub fn imap_unordered<'a, T: Task>(
        &self,
        inputs: impl IntoIterator<Item = T::Input, IntoIter: 'a>,
    ) -> ImapUnordered<'a, T> {
        ImapUnordered::new(self.boxed_stream(inputs))
    }

    fn boxed_stream<'a, T: Task>(
        &self,
        inputs: impl IntoIterator<Item = T::Input, IntoIter: 'a>,
    ) -> Result<Stream<T, Inputs<'a, T>>, Error> {
        let inputs: Inputs<'a, T> = Box::new(inputs.into_iter().fuse());
        self.stream::<T, _>(inputs)
    }

    /// As [`imap_unordered`](Self::imap_unordered), with who ran each input and when.
    ///
    /// # Errors
    ///
    /// Fails if the pool is closed.
    pub fn stream<T: Task, I: IntoIterator<Item = T::Input>>(
        &self,
        inputs: I,
    ) -> Result<Stream<T, I::IntoIter>, Error> {
        self.check_open()?;
        Ok(Stream::new(Arc::clone(&self.driver), inputs.into_iter()))
    }

    /// Copies `numbers` once into memory that every worker of this machine can read in place.
    /// Send what [`SharedData::handle`] gives as part of an input.
    ///
    /// # Errors
    ///
    /// Fails if the system has no memory or descriptor left for it.
    pub fn share<T: AnyBitPattern + NoUninit>(
        &self,
        numbers: &[T],
    ) -> Result<SharedData<T>, Error> {
        let failed = |error| Error::new(Kind::Share(error));
        let segment = Segment::from_bytes(bytemuck::cast_slice(numbers)).map_err(failed)?;
        let handle = Shared::new(&segment)
            .ok_or_else(|| failed(std::io::Error::other("numbers of no size")))?;
        Ok(SharedData { _segment: segment, handle })
    }

    /// Takes no more jobs. Those that were handed in are still run; then the workers leave.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.driver.feed(Event::Close);
    }

    /// Closes the pool and waits until every job is done and every worker has left.
    ///
    /// On a thread of a pool's own, as in a callback, it does not wait.
    ///
    /// # Errors
    ///
    /// Says so if workers could not be started any more, so that jobs may have failed for that.
    pub fn join(mut self) -> Result<(), StartError> {
        self.close();
        self.finish();
        self.driver.breakdown().map_or(Ok(()), Err)
    }

    /// Stops at once: what is not finished ends as cancelled, and the workers are killed.
    pub fn terminate(mut self) {
        self.stop(None);
        self.finish();
    }

    /// A handle that can stop the pool from elsewhere, such as a thread that waits for signals.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.driver))
    }

    /// Waits until all workers are ready again, after some were replaced.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be started.
    pub fn wait_ready(&self) -> Result<(), StartError> {
        self.driver.wait_ready()
    }

    /// Process ids of the workers that run now.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.driver.pids()
    }

    /// What was sent and received so far, and what the workers that run now have used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.driver.usage()
    }

    /// How many workers it keeps running.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.driver.settings.config.workers.get()
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::new(Kind::Closed)) } else { Ok(()) }
    }

    fn stop(&self, grace: Option<Duration>) {
        self.closed.store(true, Ordering::Relaxed);
        self.driver.feed(Event::Stop { grace });
    }

    fn finish(&mut self) {
        let is_done = self.driver.wait_done(None);
        if is_done {
            // An iterator that outlives the pool must not start workers again.
            self.stop(Some(Duration::ZERO));
        }
        self.driver.abandon();
        if let Some(Threads { watch, telling }) = self.threads.take()
            && is_done
        {
            join_unless_own(watch);
            self.driver.fall_silent();
            telling.into_iter().for_each(join_unless_own);
        }
    }
}

/// Waits for the end of a thread of the pool's, unless it is this one: a listener may drop the pool.
fn join_unless_own(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() {
        // It cannot have panicked: it catches that where it runs somebody else's code.
        let _ = thread.join();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.threads.is_some() {
            self.stop(None);
            self.finish();
        }
    }
}

/// A pool whose workers are being started. Made by [`Builder::launch`].
#[derive(Debug)]
#[must_use = "the workers are killed when this is dropped"]
pub struct Launch(Pool);

impl Launch {
    /// What can stop the pool from now on.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.0.stopper()
    }

    /// Waits until all workers are ready.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be started, or do not say hello in time. No process is left then.
    pub fn ready(self) -> Result<Pool, StartError> {
        self.0.driver.wait_ready()?;
        Ok(self.0)
    }
}

/// Stops a [`Pool`] from elsewhere.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Driver>);

impl Stopper {
    /// Begins no more jobs. Those that run have `grace` to finish, then their workers are killed;
    /// what is not finished ends as cancelled. Returns at once.
    pub fn stop(&self, grace: Duration) {
        self.0.feed(Event::Stop { grace: Some(grace) });
    }

    /// As [`stop`](Self::stop), but kills the workers now.
    pub fn kill(&self) {
        self.0.feed(Event::Stop { grace: None });
    }

    /// Waits until every worker is gone, no longer than `timeout`. Says whether they are.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.0.wait_done(Some(timeout))
    }
}

/// Numbers in shared memory. It lives as long as this.
#[derive(Debug)]
#[must_use = "the memory goes when this is dropped"]
pub struct SharedData<T> {
    _segment: Segment,
    handle: Shared<T>,
}

impl<T> SharedData<T> {
    /// What is sent to workers in place of the numbers.
    #[must_use]
    pub fn handle(&self) -> Shared<T> {
        self.handle
    }
}

/// A call that will submit jobs on its own.
struct OpenCall(Arc<Driver>);

impl OpenCall {
    fn begin(driver: Arc<Driver>) -> Self {
        driver.feed(Event::CallBegan);
        Self(driver)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.feed(Event::CallEnded);
    }
}

/// Puts results in order, or finds the first error in the order of the inputs.
fn map<T: Task, I: Iterator<Item = T::Input>>(
    mut stream: Stream<T, I>,
) -> Result<Vec<T::Output>, Error> {
    let mut reorder = Reorder::new();
    let mut values = Vec::new();
    let mut first_error: Option<(u64, Error)> = None;
    while let Some(completed) = stream.next() {
        match completed.result {
            Ok(value) => {
                let fresh = reorder.put(completed.index, value);
                debug_assert!(fresh.is_ok(), "input {} finished twice", completed.index);
            }
            Err(error) => {
                stream.stop_feeding();
                if first_error.as_ref().is_none_or(|&(index, _)| completed.index < index) {
                    first_error = Some((completed.index, error));
                }
            }
        }
        values.extend(std::iter::from_fn(|| reorder.take()));
        // Which error is the first is known when everything before it was looked at.
        if first_error.as_ref().is_some_and(|&(index, _)| index < stream.seen_below()) {
            break;
        }
    }
    match first_error {
        Some((_, error)) => Err(error),
        None if stream.is_cancelled() => Err(Error::new(Kind::Cancelled)),
        None => Ok(values),
    }
}
