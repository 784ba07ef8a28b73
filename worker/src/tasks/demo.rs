//! Small tasks for demonstrations and tests: a cube, a sleep, and every way to go wrong.

use std::{process, thread, time::Duration};

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
            Way::Segfault => kill_process(getpid(), Signal::SEGV)?,
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
        Ok(part.iter().sum())
    }
}
