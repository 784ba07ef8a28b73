//! Feeds the inputs of one call to the pool as it can take them, and hands out results as they come.
//!
//! Everything is bounded, in jobs and in bytes: inputs are taken from their iterator only when there
//! is room for them, so it may be endless, and its consumer may be slow. `held` says what room there
//! is. A pump never waits for a consumer, since it would hold up all other calls: what was begun
//! comes, and is kept.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use parzen_worker::{Task, clock, protocol::codec};
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::de::DeserializeOwned;

use super::{
    culprit::TaskType,
    driver::Driver,
    error::{BadResult, Error, Kind},
    finished::Finished,
    held::{Held, Reader, smoothed},
    job::{Job, Payload},
    orders::Event,
    settings::Batch,
    sink::{self, Later, Ran, Sink},
};

/// A batch should be done in about this time: long against a message, short against a person.
const BATCH_NS: u64 = 1_000_000;

/// How many times as large as the one before a batch may be.
const GROWTH: u32 = 4;

/// Inputs in a message at the most.
const LARGEST_BATCH: u32 = 1 << 14;

/// The result of one input.
#[derive(Debug)]
pub struct Completed<T> {
    /// Which input, counted from 0.
    pub index: u64,
    /// What came of it.
    pub result: Result<T, Error>,
    /// The worker that ran it; `None` if it was lost or never run.
    pub worker: Option<u32>,
    /// When it began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When it ended.
    pub finished_ns: u64,
}

/// Results on their way from the pumps to the caller.
struct Collector<T> {
    state: Mutex<Collected<T>>,
    arrived: Condvar,
}

struct Collected<T> {
    ready: VecDeque<Completed<T>>,
    finished: Finished,
    held: Held,
    /// Measured time for an input, smoothed; `None` until the first came back.
    item_ns: Option<u64>,
    is_cancelled: bool,
}

/// Cancels a call.
pub(super) type Canceller = Box<dyn Fn() + Send + Sync>;

impl<T> Collector<T> {
    fn new(held: Held) -> Self {
        let (ready, finished) = (VecDeque::new(), Finished::default());
        let state = Collected { ready, finished, held, item_ns: None, is_cancelled: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Collected<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Collected<T> {
    /// Takes in the results of `items`, except for inputs that have one: it may come just as the
    /// pool is stopped, and then the first to be told is what counts.
    fn put(&mut self, items: &Range<u64>, results: impl IntoIterator<Item = Completed<T>>) {
        let n_before = self.ready.len();
        for completed in results {
            if self.finished.insert(completed.index) {
                self.ready.push_back(completed);
            }
        }
        self.held.finish(items, (self.ready.len() - n_before) as u64);
    }

    fn measure(&mut self, ran_ns: u64, items: u64) {
        self.item_ns = Some(smoothed(self.item_ns, ran_ns / items.max(1)));
    }
}

impl<T: DeserializeOwned + Send + 'static> Sink for Collector<T> {
    fn accept(&self, items: Range<u64>, bytes: &[u8], ran: Ran) -> Result<(), BadResult> {
        // All are decoded before any is passed on: a worker that sends nonsense has sent nothing.
        let n_items = items.end - items.start;
        let mut started_ns = ran.started_ns;
        let mut left = bytes;
        let completed = |index| {
            let item = sink::decode(&mut left)?;
            let finished_ns = started_ns.saturating_add(item.ran_ns);
            let worker = Some(ran.worker.number());
            let result = item.result;
            let completed = Completed { index, result, worker, started_ns, finished_ns };
            started_ns = finished_ns;
            Ok(completed)
        };
        let decoded: Vec<Completed<T>> =
            items.clone().map(completed).collect::<Result<_, BadResult>>()?;
        if !left.is_empty() {
            return Err(BadResult::Trailing(left.len()));
        }
        let mut state = self.lock();
        state.measure(started_ns - ran.started_ns, n_items);
        state.put(&items, decoded);
        let below = state.finished.below();
        state.held.hold(&items, bytes.len() as u64, below);
        self.arrived.notify_all();
        Ok(())
    }

    fn fail(&self, items: Range<u64>, error: &Error) -> Option<Later> {
        let mut state = self.lock();
        // Only a stop of all ends jobs so: what is not submitted yet would end the same way.
        state.is_cancelled |= error.is_cancelled();
        let failed = |index| {
            let result = Err(error.clone());
            Completed { index, result, worker: None, started_ns: 0, finished_ns: 0 }
        };
        state.put(&items, items.clone().map(failed));
        self.arrived.notify_all();
        None
    }
}

/// Results in completion order, with who ran them and when. Made by
/// [`Pool::stream`](super::Pool::stream).
///
/// An iterator of inputs that ends is asked again after the next result, as long as results are on
/// their way: so it can hold inputs back until it has seen what came of others.
///
/// Dropping it withdraws what no worker has been given yet.
#[must_use = "inputs are taken as results are asked for"]
pub struct Stream<T: Task, I: Iterator<Item = T::Input>> {
    driver: Arc<Driver>,
    collector: Arc<Collector<T::Output>>,
    inputs: I,
    batcher: Batcher,
    /// No more inputs are to be taken.
    is_fed: bool,
    /// Results taken from the collector together.
    taken: VecDeque<Completed<T::Output>>,
}

/// Puts inputs together into messages.
struct Batcher {
    batch: Batch,
    max_inline: usize,
    /// Inputs in the batch before, or that it should have had, if they came fast enough.
    last: u32,
    /// Index of the next input.
    next: u64,
    /// An encoded input that had no room in the batch before.
    carried: Option<Vec<u8>>,
    /// To collect the batch before took longer than one is meant to take.
    is_slow: bool,
}

impl<T: Task, I: Iterator<Item = T::Input>> std::fmt::Debug for Stream<T, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("task", &T::NAME).field("next", &self.batcher.next).finish()
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Stream<T, I> {
    pub(super) fn new(driver: Arc<Driver>, inputs: I) -> Self {
        let settings = &driver.settings;
        let batcher = Batcher {
            batch: settings.effective_batch(),
            max_inline: settings.max_inline(),
            last: 1,
            next: 0,
            carried: None,
            is_slow: false,
        };
        let held = Held::new(&settings.config, Reader::AsTheyCome);
        Self {
            collector: Arc::new(Collector::new(held)),
            inputs,
            batcher,
            is_fed: false,
            taken: VecDeque::new(),
            driver,
        }
    }

    /// Begins no input that is `inputs` or more ahead of the oldest unfinished one, so that whoever
    /// puts results in order need hold no more than that. Results that came before an earlier one
    /// then count as held, too, see [`Pool::imap`](super::Pool::imap). Default: no limit.
    pub fn lookahead(self, inputs: u64) -> Self {
        self.read_by(Reader::InOrder(inputs.max(1)))
    }

    /// For a caller who keeps all results: however large they are, no input waits for that.
    pub(super) fn collected(self) -> Self {
        self.read_by(Reader::Collects)
    }

    fn read_by(self, reader: Reader) -> Self {
        self.collector.lock().held.reader = reader;
        self
    }

    /// Takes no more inputs.
    pub(super) fn stop_feeding(&mut self) {
        self.is_fed = true;
    }

    /// What cancels all of it from another thread.
    pub(super) fn canceller(&self) -> Canceller {
        let collector = Arc::clone(&self.collector);
        let driver = Arc::clone(&self.driver);
        Box::new(move || {
            collector.lock().is_cancelled = true;
            let sink: Arc<dyn Sink> = Arc::clone(&collector) as _;
            driver.end_call(&sink, Event::Cancel);
            collector.arrived.notify_all();
        })
    }

    /// The result of every input below this index was handed out.
    pub(super) fn seen_below(&self) -> u64 {
        let state = self.collector.lock();
        let unseen = self.taken.iter().chain(&state.ready).map(|completed| completed.index);
        unseen.chain([state.finished.below()]).min().unwrap_or(0)
    }

    /// Whether it was cancelled, so that results may be missing.
    pub(super) fn is_cancelled(&self) -> bool {
        self.collector.lock().is_cancelled
    }

    /// Submits as many inputs as there is room for. A slow source is not asked while there are
    /// results to hand out.
    fn feed(&mut self) {
        while !self.is_fed {
            let hint = self.inputs.size_hint();
            let room = {
                let state = self.collector.lock();
                if state.is_cancelled {
                    drop(state);
                    self.cut_off();
                    return;
                }
                if self.batcher.is_slow && !state.ready.is_empty() {
                    return;
                }
                let size = self.batcher.size(state.item_ns, hint, &self.driver);
                state.held.room(u64::from(size), state.finished.below())
            };
            if room == 0 || !self.submit_batch(room) {
                return;
            }
        }
    }

    /// Takes no more inputs, as the call was cancelled. There may be none left, but then there may be
    /// one: what was done so far must not pass for everything.
    fn cut_off(&mut self) {
        self.is_fed = true;
        if self.batcher.carried.is_none() && self.inputs.next().is_none() {
            return;
        }
        self.fail_next(&Error::new(Kind::Cancelled));
    }

    /// Fails the next input, which cannot be submitted. It takes its index all the same.
    fn fail_next(&mut self, error: &Error) {
        let items = self.batcher.next..self.batcher.next + 1;
        self.batcher.next = items.end;
        self.collector.lock().held.begin(items.clone(), 0, 0);
        self.collector.fail(items, error);
    }

    /// Takes up to `size` inputs and submits them as one job. Says whether there may be more.
    fn submit_batch(&mut self, size: u64) -> bool {
        let first = self.batcher.next;
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        let mut more = true;
        let mut failure = None;
        let mut collecting = Stopwatch::start();
        while more && (ends.len() as u64) < size {
            match self.batcher.take_next::<T, I>(&mut self.inputs, &mut bytes) {
                Taken::One => {
                    ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                    if self.batcher.batch == Batch::Auto && collecting.is_late() {
                        break;
                    }
                }
                Taken::Full => break,
                Taken::End => more = false,
                Taken::Failed(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.batcher.is_slow = collecting.is_late();
        // The next may then be half as large, at the least: one batch that is late by chance must not
        // take away the room for all that keeps the workers busy.
        let reached = (ends.len() as u64).max(size / u64::from(2 * GROWTH)).max(1);
        let reached = if self.batcher.is_slow { reached } else { size };
        self.batcher.last = u32::try_from(reached).unwrap_or(LARGEST_BATCH);
        self.batcher.next = first + ends.len() as u64;
        self.submit(bytes, ends, first);
        if let Some(error) = failure {
            self.fail_next(&error);
        }
        more
    }

    fn submit(&mut self, bytes: Vec<u8>, ends: Vec<u32>, first: u64) {
        let items = ends.len() as u64;
        if items == 0 {
            return;
        }
        let (items, n_bytes) = (first..first + items, bytes.len() as u64);
        let payload = Payload::new(bytes, self.batcher.max_inline);
        let descriptors = u64::from(matches!(payload, Ok(Payload::Segment(_))));
        self.collector.lock().held.begin(items.clone(), n_bytes, descriptors);
        let payload = match payload {
            Ok(payload) => payload,
            Err(error) => {
                self.collector.fail(items, &error);
                return;
            }
        };
        let ends = if ends.len() == 1 { Vec::new() } else { ends };
        let sink: Arc<dyn Sink> = Arc::clone(&self.collector) as _;
        let job = self.driver.submit(Job::new(TaskType::of::<T>(), payload, ends, first, sink));
        // It may have been cancelled since it was last looked at.
        if self.collector.lock().is_cancelled {
            self.driver.feed(Event::Cancel(job));
        }
    }
}

/// What came of taking one more input.
enum Taken {
    One,
    /// It did not fit, and is carried to the next batch.
    Full,
    /// There is none.
    End,
    Failed(Error),
}

impl Batcher {
    /// How many inputs the next batch should have.
    fn size(&self, item_ns: Option<u64>, hint: (usize, Option<usize>), driver: &Driver) -> u32 {
        match (self.batch, item_ns) {
            (Batch::Fixed(size), _) => size.get().min(LARGEST_BATCH),
            (Batch::Auto, None) => 1,
            (Batch::Auto, Some(each)) => {
                let wanted = u32::try_from(BATCH_NS / each.max(1)).unwrap_or(LARGEST_BATCH);
                // What is left should go round, so that all workers end together.
                let shares = u64::from(driver.settings.config.workers.get()) * 4;
                let left = hint.1.map_or(u64::MAX, |left| (left as u64 / shares).max(1));
                let left = u32::try_from(left).unwrap_or(LARGEST_BATCH);
                wanted.min(self.last.saturating_mul(GROWTH)).min(LARGEST_BATCH).min(left).max(1)
            }
        }
    }

    /// Appends the next input to `bytes`, if there is one and it fits.
    fn take_next<T: Task, I: Iterator<Item = T::Input>>(
        &mut self,
        inputs: &mut I,
        bytes: &mut Vec<u8>,
    ) -> Taken {
        let before = bytes.len();
        if let Some(carried) = self.carried.take() {
            *bytes = carried;
        } else {
            let Some(input) = inputs.next() else { return Taken::End };
            if let Err(error) = codec::encode(&input, bytes) {
                return Taken::Failed(Error::of_encoding(error));
            }
        }
        if self.max_inline < bytes.len() && 0 < before {
            self.carried = Some(bytes.split_off(before));
            return Taken::Full;
        }
        Taken::One
    }
}

/// Tells when something takes longer than a batch is meant to take. It is asked for every input, so
/// it looks at the exact clock only when the coarse one, which costs a tenth, has moved: that is,
/// every few milliseconds.
struct Stopwatch {
    began_ns: u64,
    coarse: Timespec,
    is_late: bool,
}

impl Stopwatch {
    fn start() -> Self {
        let coarse = clock_gettime(ClockId::MonotonicCoarse);
        Self { began_ns: clock::now_ns(), coarse, is_late: false }
    }

    fn is_late(&mut self) -> bool {
        let coarse = clock_gettime(ClockId::MonotonicCoarse);
        if !self.is_late && coarse != self.coarse {
            self.coarse = coarse;
            self.is_late = BATCH_NS <= clock::now_ns().saturating_sub(self.began_ns);
        }
        self.is_late
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Iterator for Stream<T, I> {
    type Item = Completed<T::Output>;

    /// The next result, in completion order. Blocks until there is one; `None` when all inputs are
    /// done.
    fn next(&mut self) -> Option<Completed<T::Output>> {
        loop {
            if let Some(completed) = self.taken.pop_front() {
                return Some(completed);
            }
            self.feed();
            let mut state = self.collector.lock();
            if state.ready.is_empty() && 0 < state.held.outstanding() {
                let waited = self.collector.arrived.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut self.taken, &mut state.ready);
            let below = state.finished.below();
            state.held.take(below);
            // With nothing on its way there was room to feed, and nothing to feed.
            if self.taken.is_empty() && state.held.outstanding() == 0 {
                return None;
            }
        }
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Drop for Stream<T, I> {
    fn drop(&mut self) {
        if self.collector.lock().held.outstanding() == 0 {
            return;
        }
        let sink: Arc<dyn Sink> = Arc::clone(&self.collector) as _;
        self.driver.end_call(&sink, Event::Withdraw);
    }
}

#[cfg(test)]
mod tests {
    use parzen_worker::protocol::{ItemOutcome, WorkerId};

    use super::{super::settings::Builder, *};

    #[test]
    fn an_input_has_one_result_whoever_else_reports_on_it() {
        let mut held = Held::new(&Builder::new().config, Reader::AsTheyCome);
        held.begin(0..4, 4, 0);
        let collector = Collector::<u8>::new(held);
        let mut bytes = Vec::new();
        for x in 0..2_u8 {
            codec::encode(&(10 + u64::from(x)), &mut bytes).unwrap();
            codec::encode(&ItemOutcome::Value(x), &mut bytes).unwrap();
        }
        let ran = Ran { worker: WorkerId::new(0), started_ns: 5 };
        collector.accept(1..3, &bytes, ran).unwrap();
        // The pool was stopped between the arrival of these two and their leaving the books.
        collector.fail(0..4, &Error::new(Kind::Cancelled));
        collector.accept(1..3, &bytes, ran).unwrap();
        let state = collector.lock();
        assert_eq!(state.held.outstanding(), 4);
        let results = state.ready.iter().map(|one| (one.index, one.result.is_ok()));
        let results: Vec<_> = results.collect();
        assert_eq!(results, [(1, true), (2, true), (0, false), (3, false)]);
        let times: Vec<_> =
            state.ready.iter().map(|one| (one.started_ns, one.finished_ns)).collect();
        assert_eq!(times[..2], [(5, 15), (15, 26)], "one begins when the one before it ends");
    }
}
