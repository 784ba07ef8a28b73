//! Ways to fail × phases of a worker's life.

use std::time::Duration;

use parzen::pool::{Batch, Builder, Pool, StartError};
use parzen_worker::tasks::demo::Cube;

use crate::{
    actor::{Fault, Phase, Way, script},
    support::{PATIENCE, Scripts, alone, within},
};

/// Inputs of each pool: some jobs of some items each.
const INPUTS: i64 = 20;

/// Far longer than a worker of a debug build takes to say hello on a busy machine.
const START: Duration = Duration::from_secs(10);

/// How long a job may run, where jobs may hang. The worker that does the rest has the same limit,
/// and must keep it on a busy machine.
const JOB: Duration = Duration::from_secs(2);

/// Limits of a worker that hangs when it is to say hello or to leave, one after the other: within
/// the first, one on a busy machine may not even come to that.
const HANGING_MS: [u64; 4] = [200, 1000, 4000, 16_000];

/// The one worker of the pool fails once, the one after it does not. With just one it is certain
/// who gets which job.
fn builder(files: &Scripts, fault: &Fault) -> Builder {
    // An address space of 2 GB is plenty, and not without end.
    let program = files.script("worker.sh", &script(fault, "ulimit -v 2000000"));
    let batch = Batch::Fixed(4.try_into().unwrap());
    let settings = Pool::builder().workers(1).worker_program(program).batch(batch);
    settings.start_timeout(START).stop_grace(START)
}

/// What is to become of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Every input has its cube.
    AllRight,
    /// There is no pool, because nobody says hello.
    NoStart,
    /// One input has run too long, every other has its cube.
    OneLate,
}

fn check(way: Way, phase: Phase) {
    check_within(way, phase, None, Expected::AllRight);
}

fn check_with_limit(way: Way, phase: Phase, expected: Expected) {
    check_within(way, phase, Some(JOB), expected);
}

fn check_within(way: Way, phase: Phase, limit: Option<Duration>, expected: Expected) {
    let files = Scripts::new();
    let fault = Fault { way, phase, struck: files.path("struck") };
    // Only an input that is run is charged with a death.
    let crashes = u32::from(phase == Phase::Job);
    let builder = builder(&files, &fault).max_crashes(crashes).job_timeout(limit);
    check_with(builder, &fault, expected);
    assert!(fault.struck.exists(), "{way:?} {phase:?}: the fault did not strike");
}

/// With a limit of the phase that is set by `with_limit`, and as short as may be.
fn check_hanging(
    way: Way,
    phase: Phase,
    expected: Expected,
    with_limit: fn(Builder, Duration) -> Builder,
) {
    let has_struck = HANGING_MS.into_iter().map(Duration::from_millis).any(|limit| {
        let files = Scripts::new();
        let fault = Fault { way, phase, struck: files.path("struck") };
        check_with(with_limit(builder(&files, &fault), limit), &fault, expected);
        fault.struck.exists()
    });
    assert!(has_struck, "{way:?} {phase:?}: the fault did not strike");
}

fn check_with(builder: Builder, fault: &Fault, expected: Expected) {
    let row = format!("{:?} {:?}", fault.way, fault.phase);
    let pool = match within(PATIENCE, || builder.start()) {
        Ok(pool) => pool,
        Err(error) => {
            assert_eq!(expected, Expected::NoStart, "{row}: {error}");
            assert!(matches!(error, StartError::TimedOut { .. }), "{row}: {error}");
            return;
        }
    };
    within(PATIENCE, || {
        let results: Vec<_> = pool.imap::<Cube>(0..INPUTS).collect();
        let late = results.iter().filter(|result| match result {
            Ok(_) => false,
            Err(error) => {
                assert!(error.is_timeout(), "{row}: {error}");
                true
            }
        });
        let late = late.count();
        assert_eq!(late, usize::from(expected == Expected::OneLate), "{row}");
        let right = (0..INPUTS).zip(&results);
        let right = right.filter(|(x, result)| result.as_ref().is_ok_and(|cube| *cube == x.pow(3)));
        assert_eq!(right.count() + late, results.len(), "{row}");
        assert_eq!(results.len(), usize::try_from(INPUTS).unwrap(), "{row}: results are lost");
        pool.join().unwrap();
    });
    assert_ne!(expected, Expected::NoStart, "{row}: it started");
}

const PHASES: [Phase; 7] = [
    Phase::Start,
    Phase::Hello,
    Phase::Idle,
    Phase::Job,
    Phase::Done,
    Phase::Results,
    Phase::Leaving,
];

/// One that dies, or says what no worker says and is killed: another does what it has not done.
fn dies(way: Way) {
    PHASES.into_iter().for_each(|phase| check(way, phase));
}

/// One that goes on for ever: its job fails alone, if there is a limit, and another does the one that
/// it did not begin. Not between the results of a job: where there is a limit each input is a job of
/// its own, and where there is none nothing ends the wait.
fn hangs(way: Way) {
    never_says_hello(way);
    check_with_limit(way, Phase::Idle, Expected::AllRight);
    check_with_limit(way, Phase::Job, Expected::OneLate);
    check_with_limit(way, Phase::Done, Expected::AllRight);
    never_leaves(way);
}

fn never_says_hello(way: Way) {
    for phase in [Phase::Start, Phase::Hello] {
        check_hanging(way, phase, Expected::NoStart, Builder::start_timeout);
    }
}

fn never_leaves(way: Way) {
    check_hanging(way, Phase::Leaving, Expected::AllRight, Builder::stop_grace);
}

macro_rules! rows {
    ($($name:ident: $check:ident($way:ident),)*) => {
        $(
            #[test]
            fn $name() {
                alone(|| $check(Way::$way));
            }
        )*
    };
}

rows! {
    sigkill: dies(Kill),
    sigsegv: dies(Segfault),
    abort: dies(Abort),
    exit_with_success: dies(ExitWithSuccess),
    exit_with_a_code: dies(ExitWithCode),
    panic_outside_a_task: dies(Panic),
    stack_overflow: dies(StackOverflow),
    out_of_memory: dies(OutOfMemory),
    garbage: dies(Garbage),
    a_result_of_no_job: dies(ResultOfNoJob),
    a_length_that_is_only_claimed: dies(ClaimedLength),
    a_flood: dies(Flood),
    sigstop: hangs(Stop),
    an_infinite_loop: hangs(Spin),
}

#[test]
fn channels_closed_by_one_that_lives() {
    alone(|| {
        never_says_hello(Way::CloseChannels);
        for phase in [Phase::Idle, Phase::Job, Phase::Done, Phase::Results] {
            check(Way::CloseChannels, phase);
        }
        never_leaves(Way::CloseChannels);
    });
}
