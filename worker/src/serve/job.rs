//! Runs one job: its items one after another, their outcomes in as few messages as is prompt.

use std::io;

use super::ServeError;
use crate::{
    beacon::Beacon,
    clock,
    protocol::{Body, JobHeader, MAX_INLINE, ResultHeader, codec},
    registry::{self, Registry},
    shared::Segment,
    task::Context,
};

/// Outcomes go back with the first item that ends this long after the first of them began, so that
/// little finished work is lost with a worker. They wait for a long item behind them: to send them
/// meanwhile would take a second thread that wakes for every message, and a lock for every item.
const FLUSH_AFTER_NS: u64 = 1_000_000;

/// The most that an encoded duration takes.
const DURATION_BYTES: usize = 9;

/// How a job ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All its outcomes were sent.
    Done,
    /// The worker is to leave; some items were not begun.
    Left,
}

/// Durations and encoded outcomes, where they can be sent from.
pub(super) enum Results {
    /// No more than [`MAX_INLINE`] bytes.
    Inline(Vec<u8>),
    /// One item's that are more.
    Segment(Segment),
}

/// Where results go.
pub(super) trait Outbox {
    /// Copies the outcome of one item to where it can be sent from.
    fn share(&mut self, outcome: &[u8]) -> io::Result<Segment> {
        Segment::from_bytes(outcome)
    }

    /// Sends one message of results.
    fn send(&mut self, header: ResultHeader, results: Results) -> Result<(), ServeError>;
}

/// Runs the items in `body` and sends their outcomes.
pub(super) fn run(
    registry: &Registry,
    header: &JobHeader<'_>,
    body: &[u8],
    context: &mut Context,
    beacon: &Beacon,
    outbox: &mut dyn Outbox,
) -> Result<End, ServeError> {
    context.set_attempt(header.attempt);
    let mut outcomes = Outcomes::new(header, beacon, outbox);
    let segment;
    let mut inputs = match &header.body {
        Body::Inline => body,
        Body::Segment(reference) => {
            // To read a large input is a part of running it.
            outcomes.begin();
            match reference.read() {
                Ok(bytes) => {
                    segment = bytes;
                    &segment
                }
                Err(error) => return outcomes.refuse_rest(&format!("the input: {error}")),
            }
        }
    };
    let mut outcome = Vec::new();
    for _ in 0..header.items {
        if context.is_leaving() {
            outcomes.flush()?;
            return Ok(End::Left);
        }
        outcomes.begin();
        if let Err(reason) = registry.run(&header.task, &mut inputs, &mut outcome, context) {
            return outcomes.refuse_rest(&reason);
        }
        outcomes.ran(&mut outcome, clock::now_ns())?;
    }
    Ok(End::Done)
}

/// Outcomes of one job on their way out.
struct Outcomes<'a> {
    header: ResultHeader,
    total: u32,
    /// When the item before the next one ended.
    last_ns: u64,
    /// Durations and encoded outcomes that are not sent yet: `header.items` of them, from `header.first` on.
    bytes: Vec<u8>,
    beacon: &'a Beacon,
    outbox: &'a mut dyn Outbox,
}

impl<'a> Outcomes<'a> {
    fn new(job: &JobHeader<'_>, beacon: &'a Beacon, outbox: &'a mut dyn Outbox) -> Self {
        let now = clock::now_ns();
        let header = ResultHeader {
            job: job.job,
            first: 0,
            items: 0,
            last: false,
            started_ns: now,
            body: Body::Inline,
        };
        Self { header, total: job.items, last_ns: now, bytes: Vec::new(), beacon, outbox }
    }

    /// Says that the next item is about to be run.
    fn begin(&self) {
        self.beacon.begin(self.header.job, self.header.first + self.header.items, self.last_ns);
    }

    /// Takes the outcome of the next item, which ended at `now`, out of its vector.
    fn ran(&mut self, outcome: &mut Vec<u8>, now: u64) -> Result<(), ServeError> {
        if MAX_INLINE < self.bytes.len() + DURATION_BYTES + outcome.len() {
            self.flush()?;
            // Where a large outcome takes more than there is, the item is why.
            self.begin();
        }
        let ran_ns = now.saturating_sub(self.last_ns);
        codec::encode(&ran_ns, &mut self.bytes).map_err(ServeError::Encode)?;
        self.bytes.append(outcome);
        self.header.items += 1;
        self.last_ns = now;
        let waited = now.saturating_sub(self.header.started_ns);
        let is_last = self.header.first + self.header.items == self.total;
        if is_last || FLUSH_AFTER_NS <= waited || MAX_INLINE < self.bytes.len() {
            return self.flush();
        }
        self.beacon.rest();
        Ok(())
    }

    /// Refuses every item that has no outcome yet: they cannot be told apart any more.
    fn refuse_rest(&mut self, reason: &str) -> Result<End, ServeError> {
        let mut outcome = Vec::new();
        while self.header.first + self.header.items < self.total {
            registry::refuse(reason, &mut outcome);
            self.ran(&mut outcome, clock::now_ns())?;
        }
        Ok(End::Done)
    }

    fn flush(&mut self) -> Result<(), ServeError> {
        if self.header.items == 0 {
            return Ok(());
        }
        let results = self.pack()?;
        // Whatever happens from here on is none of the item's doing.
        self.beacon.rest();
        let next = self.header.first + self.header.items;
        self.header.last = next == self.total;
        self.outbox.send(self.header, results)?;
        self.header.first = next;
        self.header.items = 0;
        self.header.started_ns = self.last_ns;
        Ok(())
    }

    /// Takes the outcomes, and puts one that is large where it can be sent from. If there is no room
    /// for it, it is refused, alone.
    fn pack(&mut self) -> Result<Results, ServeError> {
        let mut outcomes = std::mem::take(&mut self.bytes);
        if outcomes.len() <= MAX_INLINE {
            return Ok(Results::Inline(outcomes));
        }
        match self.outbox.share(&outcomes) {
            Ok(segment) => Ok(Results::Segment(segment)),
            Err(error) => {
                let ran_ns = self.last_ns.saturating_sub(self.header.started_ns);
                outcomes.clear();
                codec::encode(&ran_ns, &mut outcomes).map_err(ServeError::Encode)?;
                registry::refuse(&format!("no room for the output: {error}"), &mut outcomes);
                Ok(Results::Inline(outcomes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        cell::RefCell,
        path::Path,
        rc::Rc,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::{
        Task, TaskError,
        beacon::Position,
        protocol::{ItemOutcome, JobId, codec},
    };

    /// Sleeps so many milliseconds, then gives so many bytes.
    enum Make {}

    impl Task for Make {
        const NAME: &'static str = "make";
        type Input = (u64, usize);
        type Output = Vec<u8>;

        fn run((ms, bytes): (u64, usize), _: &Context) -> Result<Vec<u8>, TaskError> {
            std::thread::sleep(Duration::from_millis(ms));
            Ok(vec![7; bytes])
        }
    }

    struct Ran {
        end: End,
        messages: Vec<(ResultHeader, Vec<u8>)>,
    }

    fn run_items(task: &'static str, items: &[(u64, usize)], leaving: bool) -> Ran {
        run_within(task, items, leaving, usize::MAX)
    }

    fn run_within(task: &'static str, items: &[(u64, usize)], leaving: bool, room: usize) -> Ran {
        let mut body = Vec::new();
        items.iter().for_each(|item| codec::encode(item, &mut body).unwrap());
        let header = JobHeader {
            job: JobId::new(1),
            task: Cow::Borrowed(task),
            attempt: 2,
            items: u32::try_from(items.len()).unwrap(),
            body: Body::Inline,
        };
        let flag = Arc::new(AtomicBool::new(false));
        let mut context = Context::new(3, Arc::clone(&flag));
        flag.store(leaving, Ordering::Relaxed);
        let beacon = opened_beacon();
        let mut outbox = Watched { beacon: &beacon, room, messages: Vec::new() };
        let registry = Registry::new().with::<Make>();
        let end =
            super::run(&registry, &header, &body, &mut context, &beacon, &mut outbox).unwrap();
        assert_eq!((context.attempt(), beacon.read()), (2, Position::Resting));
        Ran { end, messages: outbox.messages }
    }

    /// Keeps what is sent, and demands that the beacon says what is true then.
    struct Watched<'a> {
        beacon: &'a Beacon,
        /// For large outcomes.
        room: usize,
        messages: Vec<(ResultHeader, Vec<u8>)>,
    }

    impl Outbox for Watched<'_> {
        fn share(&mut self, outcome: &[u8]) -> io::Result<Segment> {
            let next = self.messages.last().map_or(0, |(header, _)| header.first + header.items);
            match self.beacon.read() {
                Position::Running { item, .. } => assert_eq!(item, next),
                other => panic!("a large outcome is a part of its item: {other:?}"),
            }
            if self.room < outcome.len() {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Segment::from_bytes(outcome)
        }

        fn send(&mut self, header: ResultHeader, results: Results) -> Result<(), ServeError> {
            assert_eq!(self.beacon.read(), Position::Resting, "what is sent is not run any more");
            let bytes = match results {
                Results::Inline(bytes) => bytes,
                Results::Segment(segment) => segment.reference().read().unwrap(),
            };
            self.messages.push((header, bytes));
            Ok(())
        }
    }

    fn opened_beacon() -> Beacon {
        let (_, file) = Beacon::create().unwrap();
        Beacon::open(Path::new(&file.path())).unwrap()
    }

    thread_local! {
        static LOOKED_AT: RefCell<Option<Rc<Beacon>>> = const { RefCell::new(None) };
    }

    /// What its worker's beacon says.
    enum Look {}

    impl Task for Look {
        const NAME: &'static str = "look";
        type Input = ();
        type Output = u32;

        fn run((): (), _: &Context) -> Result<u32, TaskError> {
            let position = LOOKED_AT.with_borrow(|beacon| beacon.as_ref().unwrap().read());
            match position {
                Position::Running { job, item, since_ns } if job == JobId::new(1) => {
                    assert!(0 < since_ns && since_ns <= clock::now_ns());
                    Ok(item)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn each_item_is_told_before_it_is_begun() {
        let beacon = Rc::new(opened_beacon());
        LOOKED_AT.set(Some(Rc::clone(&beacon)));
        let body = Body::Inline;
        let header =
            JobHeader { job: JobId::new(1), task: "look".into(), attempt: 0, items: 3, body };
        let mut outbox = Watched { beacon: &beacon, room: 0, messages: Vec::new() };
        let registry = Registry::new().with::<Look>();
        let mut context = Context::default();
        super::run(&registry, &header, &[], &mut context, &beacon, &mut outbox).unwrap();
        let bodies: Vec<u8> = outbox.messages.into_iter().flat_map(|(_, body)| body).collect();
        let mut bytes = bodies.as_slice();
        for item in 0..3_u32 {
            let _ran_ns: u64 = codec::decode(&mut bytes).unwrap();
            assert_eq!(codec::decode(&mut bytes).ok(), Some(ItemOutcome::Value(item)));
        }
        assert_eq!(beacon.read(), Position::Resting);
    }

    #[test]
    fn an_item_that_is_done_and_not_sent_is_not_run_any_more() {
        let beacon = opened_beacon();
        let mut outbox = Watched { beacon: &beacon, room: 0, messages: Vec::new() };
        let (job, task, body) = (JobId::new(1), "make".into(), Body::Inline);
        let header = JobHeader { job, task, attempt: 0, items: 3, body };
        let mut outcomes = Outcomes::new(&header, &beacon, &mut outbox);
        let started_ns = outcomes.header.started_ns;
        for item in 0..2 {
            outcomes.begin();
            assert!(matches!(beacon.read(), Position::Running { item: at, .. } if at == item));
            outcomes.ran(&mut vec![7], started_ns).unwrap();
            assert_eq!(beacon.read(), Position::Resting);
        }
        assert!(outbox.messages.is_empty(), "they wait for the third");
    }

    /// First, items and `last` of each message.
    fn layout(ran: &Ran) -> Vec<(u32, u32, bool)> {
        ran.messages.iter().map(|(header, _)| (header.first, header.items, header.last)).collect()
    }

    #[test]
    fn short_items_share_a_message() {
        assert_eq!(layout(&run_items("make", &[(0, 1); 9], false)), [(0, 9, true)]);
    }

    #[test]
    fn what_is_done_does_not_wait_for_a_long_item() {
        let ran = run_items("make", &[(2, 1), (0, 1), (0, 1)], false);
        assert_eq!(layout(&ran), [(0, 1, false), (1, 2, true)]);
        let (first, rest) = (&ran.messages[0], &ran.messages[1]);
        let ran_ns: u64 = codec::decode(&mut first.1.as_slice()).unwrap();
        assert!(2_000_000 <= ran_ns, "{ran_ns}");
        assert_eq!(first.0.started_ns + ran_ns, rest.0.started_ns);
    }

    #[test]
    fn a_message_holds_what_fits_and_a_large_item_stands_alone() {
        let half = MAX_INLINE / 2;
        let ran = run_items("make", &[(0, half), (0, half), (0, 2 * MAX_INLINE), (0, 1)], false);
        let bytes: Vec<_> = ran.messages.iter().map(|(_, bytes)| bytes.len()).collect();
        assert!(
            bytes.iter().zip(layout(&ran)).all(|(&len, (_, n, _))| n == 1 || len <= MAX_INLINE)
        );
        assert_eq!(layout(&ran).iter().map(|&(_, n, _)| n).sum::<u32>(), 4);
        let large = ran.messages.iter().find(|(_, bytes)| MAX_INLINE < bytes.len()).unwrap();
        assert_eq!((large.0.first, large.0.items), (2, 1));
    }

    #[test]
    fn a_large_item_for_which_there_is_no_room_is_refused_alone() {
        let large = 2 * MAX_INLINE;
        let items = [(0, 1), (3, large), (0, 2 * large), (0, large), (0, 1)];
        let ran = run_within("make", &items, false, large + 99);
        assert_eq!((ran.end, layout(&ran).len()), (End::Done, 5));
        let outcome = |(_, bytes): &(ResultHeader, Vec<u8>)| {
            let mut bytes = bytes.as_slice();
            let _ran_ns: u64 = codec::decode(&mut bytes).unwrap();
            let outcome: ItemOutcome<Vec<u8>> = codec::decode(&mut bytes).unwrap();
            assert!(bytes.is_empty());
            outcome
        };
        let mut outcomes = ran.messages.iter().map(outcome);
        for (_, n_bytes) in items {
            match outcomes.next() {
                Some(ItemOutcome::Value(value)) => assert_eq!(value.len(), n_bytes),
                Some(ItemOutcome::Refused(reason)) => {
                    assert!(n_bytes == 2 * large && reason.contains("file too large"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_unknown_task_refuses_every_item() {
        let ran = run_items("unknown", &[(0, 1); 3], false);
        assert_eq!((ran.end, layout(&ran)), (End::Done, vec![(0, 3, true)]));
        let mut bytes = ran.messages[0].1.as_slice();
        for _ in 0..3 {
            let _ran_ns: u64 = codec::decode(&mut bytes).unwrap();
            let outcome: ItemOutcome<Vec<u8>> = codec::decode(&mut bytes).unwrap();
            assert!(matches!(outcome, ItemOutcome::Refused(_)), "{outcome:?}");
        }
    }

    #[test]
    fn a_worker_that_is_to_leave_begins_nothing() {
        let ran = run_items("make", &[(0, 1); 3], true);
        assert_eq!((ran.end, ran.messages.len()), (End::Left, 0));
    }
}
