//! Threads of this process.

use std::{
    io,
    num::{NonZeroU32, NonZeroU64},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use parzen_worker::tasks::density::Opened;

use super::{Completed, Error, Executor, Stop, Work, window::Window};

/// Runs jobs on threads named `estimate-thread-0` and so on, started for each run.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    n_threads: NonZeroU32,
}

impl Threads {
    /// As many threads as said.
    #[must_use]
    pub fn new(n_threads: NonZeroU32) -> Self {
        Self { n_threads }
    }
}

impl Executor for Threads {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let opened = work.inputs.open().map_err(Error::Open)?;
        let queue = Queue::new(todo, work.window, work.stop);
        let common = Common { work, opened: &opened, queue: &queue };
        thread::scope(|scope| {
            // Closed however this ends, so that the scope does not wait for threads that wait.
            let closing = Closing(&queue);
            let (sender, completed) = mpsc::channel();
            let threads: Vec<_> = (0..self.n_threads.get())
                .map(|idx| start(scope, idx, common, sender.clone()))
                .collect::<Result<_, _>>()
                .map_err(Error::Thread)?;
            drop(sender);
            collect(&completed, &queue, sink)?;
            drop(closing);
            join(threads)
        })?;
        if queue.was_stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    fn workers(&self) -> u32 {
        self.n_threads.get()
    }
}

/// What all threads share.
#[derive(Clone, Copy)]
struct Common<'scope, 'todo> {
    work: Work<'scope>,
    opened: &'scope Opened,
    queue: &'scope Queue<'todo>,
}

fn start<'scope, 'todo: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    idx: u32,
    common: Common<'scope, 'todo>,
    sender: Sender<Completed>,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    let Common { work, opened, queue } = common;
    thread::Builder::new().name(format!("estimate-thread-{idx}")).spawn_scoped(scope, move || {
        // A thread that panics would keep its job in flight, and all others waiting for it.
        let _closing = Closing(queue);
        while let Some(job) = queue.take() {
            if sender.send(work.run_here(opened, job, idx)).is_err() {
                break;
            }
        }
    })
}

/// Hands over results until all threads are gone.
fn collect(
    completed: &Receiver<Completed>,
    queue: &Queue<'_>,
    sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
) -> Result<(), Error> {
    for completed in completed {
        let job = completed.job;
        sink(completed)?;
        queue.finish(job);
    }
    Ok(())
}

fn join(threads: Vec<ScopedJoinHandle<'_, ()>>) -> Result<(), Error> {
    // All of them, since the scope panics for one that panicked and was not joined.
    let n_panicked = threads.into_iter().filter_map(|thread| thread.join().err()).count();
    if n_panicked == 0 { Ok(()) } else { Err(Error::Panicked) }
}

/// Gives out jobs to threads.
struct Queue<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
    stop: &'a Stop,
}

struct State<'a> {
    todo: &'a mut (dyn Iterator<Item = u64> + Send),
    /// Taken from `todo`, but too far ahead as yet.
    held_back: Option<u64>,
    window: Window,
    is_closed: bool,
    was_stopped: bool,
}

impl<'a> Queue<'a> {
    fn new(
        todo: &'a mut (dyn Iterator<Item = u64> + Send),
        window: NonZeroU64,
        stop: &'a Stop,
    ) -> Self {
        let window = Window::new(window);
        let state = State { todo, held_back: None, window, is_closed: false, was_stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), stop }
    }

    /// The next job, as soon as it may be begun; `None` if there is none to begin any more.
    fn take(&self) -> Option<u64> {
        let mut state = self.lock();
        while !state.is_closed {
            let job = state.held_back.take().or_else(|| state.todo.next())?;
            if self.stop.is_raised() {
                state.was_stopped = true;
                return None;
            }
            if state.window.begin(job) {
                return Some(job);
            }
            state.held_back = Some(job);
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Says that the sink has `job`.
    fn finish(&self, job: u64) {
        self.lock().window.finish(job);
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn was_stopped(&self) -> bool {
        self.lock().was_stopped
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the queue when dropped.
struct Closing<'queue, 'todo>(&'queue Queue<'todo>);

impl Drop for Closing<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_too_far_ahead_waits_until_the_sink_has_the_oldest() {
        let mut todo = 0..4;
        let stop = Stop::new();
        let queue = Queue::new(&mut todo, NonZeroU64::new(2).unwrap(), &stop);
        assert_eq!((queue.take(), queue.take()), (Some(0), Some(1)));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.take());
            while queue.lock().held_back.is_none() {
                thread::yield_now();
            }
            queue.finish(1);
            assert!(!waiting.is_finished(), "0 is still out");
            queue.finish(0);
            assert_eq!(waiting.join().unwrap(), Some(2));
        });
        assert_eq!((queue.take(), queue.take()), (Some(3), None));
    }

    #[test]
    fn closing_wakes_those_that_wait() {
        let mut todo = 0..2;
        let stop = Stop::new();
        let queue = Queue::new(&mut todo, NonZeroU64::MIN, &stop);
        assert_eq!(queue.take(), Some(0));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.take());
            while queue.lock().held_back.is_none() {
                thread::yield_now();
            }
            drop(Closing(&queue));
            assert_eq!(waiting.join().unwrap(), None);
        });
        assert!(!queue.was_stopped());
    }
}
