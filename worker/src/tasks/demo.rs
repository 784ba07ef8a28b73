//! Small tasks for demonstrations and tests: a cube, a sleep, and every way to go wrong.

use std::{process, thread, time::Duration};

use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::{
    shared::Shared,
    task::{Context, Task, TaskError},
};

/// `x³`, as in the notebook.
#[derive(Debug)]
pub enum Cube {}

impl Task for Cube {
    const NAME: &'static str = "demo.cube";
    type Input = i64;
    type Output = i64;

    fn run(x: i64, _: &Context) -> Result<i64, TaskError> {
        x.checked_pow(3).ok_or_else(|| TaskError::new(format!("the cube of {x} overflows")))
    }
}

/// `x³`, and how long that takes: the notebook's cube with something to wait for.
#[derive(Debug)]
pub enum SlowCube {}

impl Task for SlowCube {
    const NAME: &'static str = "demo.slow-cube";
    type Input = (i64, Duration);
    type Output = i64;

    fn run((x, time): (i64, Duration), context: &Context) -> Result<i64, TaskError> {
        thread::sleep(time);
        Cube::run(x, context)
    }
}

/// Sleeps, then gives its number and the id of the process that slept.
#[derive(Debug)]
pub enum Sleep {}

impl Task for Sleep {
    const NAME: &'static str = "demo.sleep";
    type Input = (u64, Duration);
    type Output = (u64, u32);

    fn run((number, time): (u64, Duration), _: &Context) -> Result<(u64, u32), TaskError> {
        thread::sleep(time);
        Ok((number, process::id()))
    }
}

/// Gives back so many bytes after those it was given.
#[derive(Debug)]
pub enum Echo {}

impl Task for Echo {
    const NAME: &'static str = "demo.echo";
    type Input = (serde_bytes::ByteBuf, usize);
    type Output = serde_bytes::ByteBuf;

    fn run(
        (mut bytes, more): (serde_bytes::ByteBuf, usize),
        _: &Context,
    ) -> Result<serde_bytes::ByteBuf, TaskError> {
        let len = bytes.len() + more;
        bytes.resize(len, 0xAB);
        Ok(bytes)
    }
}

/// A way for a task to end that is not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// It does not: the task succeeds.
    None,
    /// An error of its own.
    Error,
    /// A panic.
    Panic,
    /// `abort`, as a failed assertion in C does.
    Abort,
    /// SIGKILL, as the kernel does when memory runs out.
    Kill,
    /// SIGSEGV.
    Segfault,
    /// `exit` with this code, as careless libraries do.
    Exit(i32),
    /// A recursion without end.
    StackOverflow,
}

/// Ends in the way it is told, or gives its number.
#[derive(Debug)]
pub enum Crash {}

impl Task for Crash {
    const NAME: &'static str = "demo.crash";
    type Input = (u64, Way);
    type Output = u64;

    fn run((number, way): (u64, Way), _: &Context) -> Result<u64, TaskError> {
        match way {
            Way::None => {}
            Way::Error => return Err(TaskError::new(format!("task {number} failed"))),
            Way::Panic => panic!("task {number} panicked"),
            Way::Abort => process::abort(),
            Way::Kill => kill_process(getpid(), Signal::KILL)?,
            Way::Segfault => {
                // Rust's own handler, which looks for stack overflows, takes the first and resigns.
                kill_process(getpid(), Signal::SEGV)?;
                kill_process(getpid(), Signal::SEGV)?;
            }
            #[expect(clippy::disallowed_methods, reason = "this is what it shows")]
            Way::Exit(code) => process::exit(code),
            Way::StackOverflow => return Ok(descend(number)),
        }
        Ok(number)
    }
}

#[expect(unconditional_recursion, reason = "this is what it shows")]
fn descend(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    descend(frame[0] + 1) + frame[63]
}

/// Never ends; spins if it is told so, and sleeps if not.
#[derive(Debug)]
pub enum Hang {}

impl Task for Hang {
    const NAME: &'static str = "demo.hang";
    type Input = bool;
    type Output = ();

    fn run(spins: bool, _: &Context) -> Result<(), TaskError> {
        loop {
            if spins {
                std::hint::spin_loop();
            } else {
                thread::sleep(Duration::from_secs(3600));
            }
        }
    }
}

/// The sum of shared numbers from one index to another.
#[derive(Debug)]
pub enum Sum {}

impl Task for Sum {
    const NAME: &'static str = "demo.sum";
    type Input = (Shared<f64>, usize, usize);
    type Output = f64;

    fn run(
        (numbers, from, to): (Shared<f64>, usize, usize),
        context: &Context,
    ) -> Result<f64, TaskError> {
        let numbers = context.keep(&numbers, || numbers.open())?;
        let part = numbers.get(from..to).ok_or_else(|| {
            TaskError::new(format!("{from}..{to} is outside of {} numbers", numbers.len()))
        })?;
        Ok(sum(part))
    }
}

/// What [`Sum`] gives, for whoever has the numbers.
#[must_use]
pub fn sum(numbers: &[f64]) -> f64 {
    numbers.iter().sum()
}

/// A random string: which seed, which stream of that seed, how long, and how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringOrder {
    /// One seed gives one family of streams.
    pub seed: u64,
    /// Each stream gives a string of its own.
    pub stream: u64,
    /// Characters.
    pub length: usize,
    /// Time it pretends to need.
    pub time: Duration,
}

/// A string of letters and digits, as in the notebook, but one that can be had again.
#[derive(Debug)]
pub enum RandomString {}

impl Task for RandomString {
    const NAME: &'static str = "demo.random-string";
    type Input = StringOrder;
    type Output = String;

    fn run(order: StringOrder, _: &Context) -> Result<String, TaskError> {
        thread::sleep(order.time);
        let mut rng = ChaCha12Rng::seed_from_u64(order.seed);
        rng.set_stream(order.stream);
        let mut character = || char::from(CHARACTERS[rng.random_range(..CHARACTERS.len())]);
        Ok((0..order.length).map(|_| character()).collect())
    }
}

/// What random strings are made of.
pub const CHARACTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Counts the primes below a number by trial division: work for the processor and nothing else.
#[derive(Debug)]
pub enum CountPrimes {}

impl Task for CountPrimes {
    const NAME: &'static str = "demo.count-primes";
    type Input = u32;
    type Output = u32;

    fn run(below: u32, _: &Context) -> Result<u32, TaskError> {
        let is_prime = |n: &u32| {
            let divisors = (2_u32..).take_while(|&divisor| divisor <= *n / divisor);
            divisors.into_iter().all(|divisor| !n.is_multiple_of(divisor))
        };
        let count = (2..below).filter(is_prime).count();
        Ok(u32::try_from(count)?)
    }
}

/// Allocates so many bytes and forgets them. Gives how much memory the process has resident then.
#[derive(Debug)]
pub enum Leak {}

impl Task for Leak {
    const NAME: &'static str = "demo.leak";
    type Input = usize;
    type Output = u64;

    fn run(bytes: usize, _: &Context) -> Result<u64, TaskError> {
        // Written to, or the system would not give it.
        std::mem::forget(vec![1_u8; bytes]);
        let statm = std::fs::read_to_string("/proc/self/statm")?;
        let pages: u64 = statm.split_whitespace().nth(1).unwrap_or_default().parse()?;
        Ok(pages * rustix::param::page_size() as u64)
    }
}

/// Sleeps, then gives its number and how often it had been begun and lost before.
#[derive(Debug)]
pub enum Attempt {}

impl Task for Attempt {
    const NAME: &'static str = "demo.attempt";
    type Input = (u64, Duration);
    type Output = (u64, u32);

    fn run((number, time): (u64, Duration), context: &Context) -> Result<(u64, u32), TaskError> {
        thread::sleep(time);
        Ok((number, context.attempt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(seed: u64, stream: u64, length: usize) -> String {
        let order = StringOrder { seed, stream, length, time: Duration::ZERO };
        RandomString::run(order, &Context::default()).unwrap()
    }

    #[test]
    fn a_string_can_be_had_again_and_streams_differ() {
        assert_eq!(string(123, 0, 5), string(123, 0, 5));
        assert_ne!(string(123, 0, 5), string(123, 1, 5));
        assert_ne!(string(123, 0, 5), string(124, 0, 5));
        assert!(string(7, 7, 1000).bytes().all(|byte| CHARACTERS.contains(&byte)));
    }

    #[test]
    fn primes_are_counted() {
        let count = |below| CountPrimes::run(below, &Context::default()).unwrap();
        assert_eq!([0, 2, 3, 10, 100, 1000].map(count), [0, 0, 1, 4, 25, 168]);
    }

    #[test]
    fn what_is_leaked_is_resident() {
        let before = Leak::run(0, &Context::default()).unwrap();
        let after = Leak::run(64 << 20, &Context::default()).unwrap();
        assert!(before + (60 << 20) < after, "{before} {after}");
    }
}
