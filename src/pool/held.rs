//! What one call has on its way and in memory, and how many inputs that leaves room for.
//!
//! Pure: it counts what it is told. Inputs count from when they are begun as one job until the last
//! result of that comes, as long as they were encoded, unless they are small; a result from when it
//! comes until it is handed out, as long as its message was. Results that are still to come count as
//! long as those before them.

use std::{collections::BTreeMap, ops::Range};

use super::orders::Config;

/// Bytes of inputs and results of one call, held or expected, beyond which no input is begun.
const HELD_BYTES: u64 = 64 << 20;

/// Jobs with fewer bytes than this are bounded by their number, and not worth a look at a map.
const SMALL: u64 = 1 << 10;

/// What becomes of results that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// They are taken as they come.
    AsTheyCome,
    /// They are taken in the order of their inputs, and held until it is their turn. No input is
    /// begun this far ahead of the oldest unfinished one.
    InOrder(u64),
    /// All are kept, so that nothing is gained by waiting.
    Collects,
}

/// A measured value that forgets: three quarters old, one quarter new.
pub(super) fn smoothed(old: Option<u64>, new: u64) -> u64 {
    old.map_or(new, |old| old - old / 4 + new / 4)
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(super) struct Held {
    pub(super) reader: Reader,
    /// Jobs that workers can have at a time.
    at_workers: u64,
    /// Jobs that may be begun and not handed out yet: those at the workers, as many again queued so
    /// that no worker waits, and room for results that nobody has asked for.
    jobs_ahead: u64,
    /// Inputs that were begun, which are those below this index.
    begun: u64,
    /// Those of them that have no result.
    in_flight: u64,
    /// Jobs in flight that are not small, by the index of their first input.
    jobs: BTreeMap<u64, HeldJob>,
    input_bytes: u64,
    /// Descriptors that they take.
    descriptors: u64,
    /// Results that have come since the last were taken.
    ready: u64,
    /// Bytes of those for whom nobody waits in front.
    ready_bytes: u64,
    /// Results that came before their turn: bytes, by where they end.
    early: BTreeMap<u64, u64>,
    early_bytes: u64,
    /// What was taken last is handed out, and this is the first result in order that was not.
    handed_out: u64,
    /// Bytes of a result, smoothed; `None` until the first came.
    result_bytes: Option<u64>,
}

/// A job in flight.
#[derive(Debug)]
struct HeldJob {
    end: u64,
    /// Inputs without a result.
    left: u64,
    bytes: u64,
    descriptors: u64,
}

impl Held {
    pub(super) fn new(config: &Config, reader: Reader) -> Self {
        let (workers, depth) = (u64::from(config.workers.get()), u64::from(config.depth.get()));
        Self {
            reader,
            at_workers: workers * depth,
            jobs_ahead: workers * (2 * depth + 2),
            begun: 0,
            in_flight: 0,
            jobs: BTreeMap::new(),
            input_bytes: 0,
            descriptors: 0,
            ready: 0,
            ready_bytes: 0,
            early: BTreeMap::new(),
            early_bytes: 0,
            handed_out: 0,
            result_bytes: None,
        }
    }

    /// Inputs that were begun and whose results were not taken yet.
    pub(super) fn outstanding(&self) -> u64 {
        self.in_flight + self.ready
    }

    /// The next inputs are begun, as one job that takes so many bytes and descriptors.
    pub(super) fn begin(&mut self, items: Range<u64>, bytes: u64, descriptors: u64) {
        let left = items.end - items.start;
        self.begun = items.end;
        self.in_flight += left;
        if SMALL <= bytes {
            self.input_bytes += bytes;
            self.descriptors += descriptors;
            self.jobs.insert(items.start, HeldJob { end: items.end, left, bytes, descriptors });
        }
    }

    /// `items`, all of one job, are finished; for `fresh` of them that is news.
    pub(super) fn finish(&mut self, items: &Range<u64>, fresh: u64) {
        self.in_flight -= fresh;
        self.ready += fresh;
        let Some((&first, job)) = self.jobs.range_mut(..=items.start).next_back() else { return };
        if job.end <= items.start {
            return;
        }
        job.left = job.left.saturating_sub(fresh);
        if job.left == 0
            && let Some(done) = self.jobs.remove(&first)
        {
            self.input_bytes -= done.bytes;
            self.descriptors -= done.descriptors;
        }
    }

    /// Their results take `bytes` bytes together. Every input below `below` is finished.
    pub(super) fn hold(&mut self, items: &Range<u64>, bytes: u64, below: u64) {
        match self.reader {
            Reader::Collects => return,
            Reader::InOrder(_) if below < items.end => {
                *self.early.entry(items.end).or_default() += bytes;
                self.early_bytes += bytes;
            }
            Reader::InOrder(_) | Reader::AsTheyCome => self.ready_bytes += bytes,
        }
        let each = bytes / (items.end - items.start).max(1);
        self.result_bytes = Some(smoothed(self.result_bytes, each));
    }

    /// All that came is taken. It will have been handed out, as far as the order allows, before
    /// anybody asks for room again.
    pub(super) fn take(&mut self, below: u64) {
        self.ready = 0;
        self.ready_bytes = 0;
        self.handed_out = below;
        while let Some(first) = self.early.first_entry()
            && *first.key() <= below
        {
            self.early_bytes -= first.remove();
        }
    }

    /// How many inputs may be begun as one job, `size` at the most; 0 if a result is to come first.
    /// Every input below `below` is finished.
    ///
    /// If nothing is on its way and nothing waits to be taken there is always room: so whatever the
    /// sizes are, the next result in order comes.
    pub(super) fn room(&self, size: u64, below: u64) -> u64 {
        let size = self.batch(size);
        let window = (size * self.jobs_ahead).saturating_sub(self.outstanding());
        let ahead = match self.reader {
            Reader::InOrder(lookahead) => lookahead.saturating_sub(self.begun - below),
            Reader::AsTheyCome | Reader::Collects => u64::MAX,
        };
        // Room in the window grows, and a whole batch is worth waiting for.
        if window.min(ahead) < size {
            return 0;
        }
        let held = self.bytes();
        let is_within = match self.expected() {
            Some(each) => held.saturating_add(size.saturating_mul(each)) <= HELD_BYTES,
            // Nobody knows yet how large results are: so the workers get jobs, and none is queued.
            None => held < HELD_BYTES && self.outstanding() + size <= size * self.at_workers,
        };
        if is_within && self.descriptors < self.jobs_ahead {
            return size;
        }
        // However large they are, as many may be under way as all workers can have.
        size.min(self.at_workers.saturating_sub(self.under_way()))
    }

    /// Inputs that were begun and not handed out.
    fn under_way(&self) -> u64 {
        match self.reader {
            Reader::InOrder(_) => self.begun - self.handed_out,
            Reader::AsTheyCome | Reader::Collects => self.outstanding(),
        }
    }

    /// Inputs in a message, at the most `size`: so that all jobs together are within what may be
    /// held.
    fn batch(&self, size: u64) -> u64 {
        let size = match self.reader {
            Reader::InOrder(lookahead) => size.min(lookahead),
            Reader::AsTheyCome | Reader::Collects => size,
        };
        let each = self.expected().unwrap_or(0).max(1);
        size.min(HELD_BYTES / self.jobs_ahead / each).max(1)
    }

    /// Bytes of the next result, if that can be told.
    fn expected(&self) -> Option<u64> {
        if self.reader == Reader::Collects { Some(0) } else { self.result_bytes }
    }

    /// Bytes that are held, or will be when all that is on its way has come.
    fn bytes(&self) -> u64 {
        let to_come = self.in_flight.saturating_mul(self.expected().unwrap_or(0));
        (self.input_bytes + self.ready_bytes + self.early_bytes).saturating_add(to_come)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, num::NonZeroU32};

    use proptest::prelude::*;

    use super::{
        super::{finished::Finished, settings::Builder},
        *,
    };

    const MB: u64 = 1_000_000;

    fn held(workers: u32, depth: u32, reader: Reader) -> Held {
        let workers = NonZeroU32::new(workers).unwrap();
        let depth = NonZeroU32::new(depth).unwrap();
        Held::new(&Config { workers, depth, ..Builder::new().config }, reader)
    }

    #[test]
    fn failures_before_the_first_result_hold_up_nobody() {
        let mut held = held(2, 2, Reader::InOrder(1000));
        (0..4).for_each(|input| held.begin(input..input + 1, 10, 0));
        assert_eq!(held.room(1, 0), 0);
        (1..4).for_each(|input| held.finish(&(input..input + 1), 1));
        held.take(0);
        assert_eq!(held.room(1, 0), 1);
    }

    /// A call whose inputs are begun as soon as there is room, and whose jobs go on in any order.
    struct World {
        held: Held,
        finished: Finished,
        /// Inputs in a message.
        size: u64,
        /// Bytes of inputs and of their results, again and again.
        bytes: Vec<(u64, u64)>,
        /// Jobs in flight: what they were, and from where on there is no result.
        jobs: Vec<(Range<u64>, u64)>,
        ready: Vec<u64>,
        /// Taken, and not handed out.
        early: BTreeSet<u64>,
        n_handed_out: u64,
    }

    impl World {
        fn new(held: Held, size: u64, bytes: &[(u64, u64)]) -> Self {
            let bytes = bytes.to_vec();
            let (finished, jobs, ready) = (Finished::default(), Vec::new(), Vec::new());
            let early = BTreeSet::new();
            let mut world =
                Self { held, finished, size, bytes, jobs, ready, early, n_handed_out: 0 };
            world.feed();
            world
        }

        fn bytes_of(&self, items: Range<u64>) -> (u64, u64) {
            let one = |index| self.bytes[usize::try_from(index).unwrap() % self.bytes.len()];
            items.map(one).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        }

        fn feed(&mut self) {
            loop {
                let room = self.held.room(self.size, self.finished.below());
                assert!(room <= self.size);
                if room == 0 {
                    return;
                }
                let items = self.held.begun..self.held.begun + room;
                self.held.begin(items.clone(), self.bytes_of(items.clone()).0, 0);
                self.jobs.push((items.clone(), items.start));
            }
        }

        /// Results of up to `n` inputs of a job come.
        fn finish(&mut self, job: usize, n: u64) {
            if self.jobs.is_empty() {
                return;
            }
            let job = job % self.jobs.len();
            let (whole, done) = &mut self.jobs[job];
            let items = *done..whole.end.min(*done + n);
            *done = items.end;
            if *done == whole.end {
                self.jobs.remove(job);
            }
            let fresh = items.clone().filter(|&index| self.finished.insert(index)).count() as u64;
            self.held.finish(&items, fresh);
            self.held.hold(&items, self.bytes_of(items.clone()).1, self.finished.below());
            self.ready.extend(items);
        }

        /// Its reader takes what is there, hands out what it can while other things happen, and asks
        /// for more.
        fn read(&mut self, meanwhile: impl FnOnce(&mut Self)) {
            self.held.take(self.finished.below());
            self.early.extend(self.ready.drain(..));
            let is_ordered = matches!(self.held.reader, Reader::InOrder(_));
            while let Some(&first) = self.early.first()
                && (!is_ordered || first == self.n_handed_out)
            {
                self.early.remove(&first);
                self.n_handed_out += 1;
            }
            meanwhile(self);
            self.feed();
            assert!(!self.jobs.is_empty() || !self.ready.is_empty(), "nothing is on its way");
        }

        /// Bytes that there are, and that will come.
        fn total(&self) -> u64 {
            let inputs = self.jobs.iter().map(|(whole, _)| self.bytes_of(whole.clone()).0);
            let to_come = self.jobs.iter().map(|(job, done)| self.bytes_of(*done..job.end).1);
            let here = self.ready.iter().chain(&self.early);
            let here = here.map(|&index| self.bytes_of(index..index + 1).1);
            inputs.sum::<u64>() + to_come.sum::<u64>() + here.sum::<u64>()
        }
    }

    #[test]
    fn results_that_wait_for_an_earlier_one_count() {
        let mut world = World::new(held(2, 2, Reader::InOrder(1 << 16)), 1, &[(0, MB)]);
        // All but the first, which stays where it is.
        while 1 < world.jobs.len() {
            world.finish(1, 1);
            world.read(|_| ());
        }
        assert_eq!((world.held.begun, world.jobs.len()), (67, 1));
        world.finish(0, 1);
        world.read(|_| ());
        assert_eq!((world.n_handed_out, world.early.len()), (67, 0));
        assert_eq!(world.held.begun, 67 + 12, "as many as if nothing had been");
    }

    #[test]
    fn results_that_nobody_takes_count() {
        let mut world = World::new(held(2, 2, Reader::AsTheyCome), 100, &[(0, MB)]);
        assert_eq!(world.held.begun, 400, "their size is not known, so what workers can have");
        world.finish(0, 100);
        world.read(|_| ());
        assert_eq!(world.held.begun, 400);
        while !world.jobs.is_empty() {
            world.finish(0, 100);
        }
        world.read(|_| ());
        let sizes: Vec<u64> = world.jobs.iter().map(|(job, _)| job.end - job.start).collect();
        assert_eq!(sizes, [5; 12]);
    }

    #[test]
    fn results_that_came_while_others_were_handed_out_count() {
        let mut world = World::new(held(2, 2, Reader::AsTheyCome), 1, &[(0, 10 * MB)]);
        world.finish(0, 1);
        world.read(|_| ());
        assert_eq!((world.held.begun, world.jobs.len()), (7, 6));
        world.read(|world| (0..6).for_each(|_| world.finish(0, 1)));
        assert_eq!(world.held.begun, 7);
        world.read(|_| ());
        assert_eq!((world.held.begun, world.jobs.len()), (13, 6));
    }

    #[test]
    fn workers_have_their_due_however_large_it_is() {
        for reader in [Reader::AsTheyCome, Reader::InOrder(100)] {
            let mut world = World::new(held(3, 2, reader), 1, &[(0, 1000 * MB)]);
            assert_eq!(world.held.begun, 6);
            for n in 1..50 {
                world.finish(0, 1);
                world.read(|_| ());
                assert_eq!((world.n_handed_out, world.held.begun), (n, n + 6));
            }
        }
    }

    #[test]
    fn inputs_count_until_their_last_result_comes() {
        let mut held = held(2, 2, Reader::Collects);
        held.begin(0..10, 70 * MB, 0);
        held.finish(&(0..4), 4);
        held.finish(&(5..10), 5);
        assert_eq!(held.room(1, 4), 0);
        held.finish(&(3..5), 1);
        assert_eq!((held.input_bytes, held.jobs.len()), (0, 0));
        held.take(10);
        assert_eq!(held.room(1, 10), 1);
    }

    #[test]
    fn no_more_descriptors_are_open_than_jobs_may_be_ahead() {
        let mut held = held(2, 2, Reader::Collects);
        for job in 0..12 {
            assert_eq!(held.room(9, 0), 9);
            held.begin(job..job + 1, 100_000, 1);
        }
        assert_eq!(held.room(9, 0), 0);
        held.finish(&(7..8), 1);
        assert_eq!(held.room(9, 0), 9);
    }

    #[test]
    fn who_collects_results_is_not_kept_waiting_for_their_size() {
        let mut world = World::new(held(1, 1, Reader::Collects), 7, &[(0, 1000 * MB)]);
        assert_eq!(world.held.begun, 28);
        world.finish(0, 7);
        world.read(|_| ());
        assert_eq!(world.held.begun, 35);
    }

    fn reader() -> impl Strategy<Value = Reader> {
        let lookahead = (1..2000_u64).prop_map(Reader::InOrder);
        prop_oneof![Just(Reader::AsTheyCome), lookahead, Just(Reader::Collects)]
    }

    fn bytes() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), SMALL..100_000, 100_000..10 * MB, 10 * MB..1000 * MB]
    }

    proptest! {
        #[test]
        fn it_goes_on_whatever_the_sizes_are(
            (workers, depth, reader, size) in (1..5_u32, 1..5_u32, reader(), 1..60_u64),
            bytes in prop::collection::vec((bytes(), bytes()), 1..9),
            steps in prop::collection::vec((any::<usize>(), 1..300_u64, any::<bool>()), 0..100),
        ) {
            let mut world = World::new(held(workers, depth, reader), size, &bytes);
            for (job, n, reads) in steps {
                if reads {
                    world.read(|world| world.finish(job, n));
                } else {
                    world.finish(job, n);
                }
            }
            let goal = world.held.begun + 100;
            for _ in 0..500 {
                // The first job always ends at last.
                world.finish(0, size);
                world.read(|_| ());
            }
            prop_assert!(goal <= world.n_handed_out);
            while let Some(last) = world.jobs.len().checked_sub(1) {
                world.finish(last, size);
                world.held.take(world.finished.below());
            }
            let held = &world.held;
            prop_assert_eq!((held.outstanding(), held.bytes(), held.early.len()), (0, 0, 0));
        }

        #[test]
        fn what_is_held_is_bounded(
            (workers, depth, size) in (1..5_u32, 1..5_u32, 1..60_u64),
            lookahead in prop::option::of(1..100_000_u64),
            bytes in (bytes(), bytes()),
            steps in prop::collection::vec((any::<usize>(), 1..300_u64, any::<bool>()), 0..100),
        ) {
            let reader = lookahead.map_or(Reader::AsTheyCome, Reader::InOrder);
            let mut world = World::new(held(workers, depth, reader), size, &[bytes]);
            // Before the first result jobs are as large as they may be, and one is over the limit.
            let due = world.held.at_workers * size * bytes.1 + (world.held.at_workers + size) * bytes.0;
            prop_assert!(world.total() <= HELD_BYTES + due);
            for (job, n, reads) in steps {
                if reads {
                    world.read(|world| world.finish(job, n));
                } else {
                    world.finish(job, n);
                }
                prop_assert!(world.total() <= HELD_BYTES + due, "{} MB", world.total() / MB);
            }
        }
    }
}
