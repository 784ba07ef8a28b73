//! Code of the caller's that the pool runs: when it panics, the pool lives on.

use std::{
    fs, panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use parzen::pool::Pool;
use parzen_worker::tasks::demo::{Cube, Hang, Sleep};
use rustix::process::Signal;

use crate::{
    actors::tasks::{Gate, Tell, Trap, Trapped, begun},
    support::{PATIENCE, Scripts, alone, builder, eventually, pool, send_signal, within},
};

/// Panics as expected are not to be taken for others in the output.
fn quiet() {
    panic::set_hook(Box::new(|_| {}));
}

#[test]
fn a_callback_that_panics_harms_nothing() {
    alone(|| {
        let pool = pool(1);
        let before = pool.pids();
        let hook = panic::take_hook();
        quiet();
        let pending = pool.apply_async::<Sleep>((1, Duration::from_millis(50))).unwrap();
        pending.on_done(|_| panic!("a callback that panics"));
        let result = pending.get_timeout(PATIENCE).expect("the result comes all the same");
        panic::set_hook(hook);
        assert_eq!(result.unwrap().0, 1);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        assert_eq!(pool.pids(), before);
        within(Duration::from_secs(5), || pool.join().unwrap());
    });
}

#[test]
fn a_callback_that_panics_at_a_failure_harms_nothing() {
    alone(|| {
        let pool = pool(2);
        let hook = panic::take_hook();
        quiet();
        let pending = pool.apply_async::<Hang>(false).unwrap();
        pending.on_done(|_| panic!("a callback that panics"));
        pending.cancel();
        let result = pending.get_timeout(PATIENCE).expect("the result comes all the same");
        assert!(result.unwrap_err().is_cancelled());
        let pending = pool.apply_async::<Hang>(false).unwrap();
        pending.on_done(|_| panic!("a callback that panics"));
        within(Duration::from_secs(5), || pool.terminate());
        panic::set_hook(hook);
        assert!(pending.get_timeout(PATIENCE).unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_callback_that_panics_on_the_callers_thread_panics_there() {
    alone(|| {
        let pool = pool(1);
        let pending = pool.apply_async::<Cube>(3).unwrap();
        eventually("the result", || pending.is_ready().then_some(()));
        let hook = panic::take_hook();
        quiet();
        let call = panic::AssertUnwindSafe(|| pending.on_done(|_| panic!("at home")));
        assert!(panic::catch_unwind(call).is_err());
        panic::set_hook(hook);
        assert_eq!(pending.get_timeout(PATIENCE).expect("it stays").unwrap(), 27);
        pool.join().unwrap();
    });
}

/// Whoever waits for the result may take it before the callback has seen it, or so it was once.
#[test]
fn every_callback_is_called_once() {
    alone(|| {
        let pool = pool(2);
        let calls = Arc::new(AtomicU32::new(0));
        for x in 0..2000 {
            let pending = pool.apply_async::<Cube>(x).unwrap();
            let counted = Arc::clone(&calls);
            pending.on_done(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(pending.get().unwrap(), x.pow(3));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 2000);
        pool.join().unwrap();
    });
}

#[test]
fn a_callback_may_use_the_pool() {
    alone(|| {
        let pool = Arc::new(pool(1));
        let (sender, receiver) = mpsc::channel();
        let again = Arc::clone(&pool);
        let pending = pool.apply_async::<Sleep>((1, Duration::from_millis(20))).unwrap();
        pending.on_done(move |_| {
            sender.send(again.apply_async::<Cube>(4).unwrap()).unwrap();
        });
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap().get().unwrap(), 64);
        assert_eq!(pending.get().unwrap().0, 1);
        // The callback's own handle of it goes with the callback.
        let pool = eventually("the callback is gone", {
            let mut pool = Some(pool);
            move || match Arc::try_unwrap(pool.take()?) {
                Ok(pool) => Some(pool),
                Err(shared) => {
                    pool = Some(shared);
                    None
                }
            }
        });
        pool.join().unwrap();
    });
}

#[test]
fn join_waits_for_the_callback_of_a_map() {
    alone(|| {
        let pool = pool(1);
        let (sender, receiver) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let pending = pool.map_async::<Sleep>([(1, Duration::from_millis(50))]).unwrap();
        pending.on_done(move |_| {
            sender.send(()).unwrap();
            // Long against what a pool that has nothing to do takes to end.
            thread::sleep(Duration::from_millis(500));
            over.store(true, Ordering::Relaxed);
        });
        receiver.recv_timeout(PATIENCE).unwrap();
        within(PATIENCE, || pool.join().unwrap());
        assert!(is_over.load(Ordering::Relaxed), "a process that ends now cuts it off");
    });
}

#[test]
fn the_callback_of_a_map_may_join_the_pool() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let own = Arc::new(Mutex::new(None));
        let (sender, receiver) = mpsc::channel();
        let pending = pool.map_async::<Gate>([(files.name("begun"), files.name("go"))]).unwrap();
        let joined = Arc::clone(&own);
        pending.on_done(move |_| {
            let pool: Option<Pool> = joined.lock().unwrap().take();
            sender.send(pool.map(Pool::join)).unwrap();
        });
        *own.lock().unwrap() = Some(pool);
        fs::write(files.path("go"), "").unwrap();
        receiver.recv_timeout(PATIENCE).unwrap().expect("the pool was there").unwrap();
        assert_eq!(pending.get_timeout(PATIENCE).unwrap().unwrap().len(), 1);
    });
}

/// The callback runs where the last worker's end was seen, and waits for who waits with a limit.
#[test]
fn a_wait_with_a_limit_is_not_for_callbacks() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).max_crashes(0).start().unwrap();
        let stopper = pool.stopper();
        let (sender, receiver) = mpsc::channel::<()>();
        let pending = pool.apply_async::<Gate>((files.name("begun"), files.name("go"))).unwrap();
        pending.on_done(move |_| receiver.recv().unwrap());
        let pid = eventually("the job begins", || begun(&files.path("begun")).pop());
        pool.close();
        send_signal(pid, Signal::KILL);
        let is_done = stopper.wait(PATIENCE);
        sender.send(()).unwrap();
        assert!(is_done);
        assert!(pending.get_timeout(PATIENCE).unwrap().unwrap_err().is_crash());
        pool.join().unwrap();
    });
}

#[test]
fn a_line_handler_that_panics_harms_nothing() {
    alone(|| {
        let files = Scripts::new();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let hook = panic::take_hook();
        quiet();
        let handler = move |_: u32, _: &str| {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a handler that panics")
        };
        let pool = files
            .builder(1)
            .on_stderr(handler)
            // Long for those that print, however busy the machine is.
            .job_timeout(Some(Duration::from_secs(3)))
            .start()
            .unwrap();
        for _ in 0..20 {
            pool.apply::<Tell>("x".repeat(10_000)).unwrap();
        }
        // Deadlines are watched by the same thread.
        let hung = pool.apply_async::<Hang>(false).unwrap();
        let result = hung.get_timeout(PATIENCE).expect("it times out");
        assert!(result.unwrap_err().is_timeout());
        within(PATIENCE, || pool.join().unwrap());
        panic::set_hook(hook);
        assert!(20 < calls.load(Ordering::Relaxed));
    });
}

/// A result whose decoding panics in the coordinator fails alone.
#[test]
fn a_result_that_panics_when_it_is_read_fails_alone() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        let hook = panic::take_hook();
        quiet();
        let bad = pool.apply_async::<Trap>(13).unwrap();
        let error = bad.get_timeout(PATIENCE).expect("it fails").unwrap_err();
        assert!(error.is_crash(), "{error}");
        let results: Vec<_> = pool.imap::<Trap>(0..30).collect();
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, Trapped(number)),
                Err(error) => assert!(number == 13 && error.is_crash(), "{number}: {error}"),
            }
        }
        panic::set_hook(hook);
        pool.join().unwrap();
    });
}

/// Inputs come from the caller's iterator, on the caller's thread.
#[test]
fn an_iterator_that_panics_panics_at_the_caller() {
    alone(|| {
        let pool = builder(1).start().unwrap();
        let hook = panic::take_hook();
        quiet();
        let inputs = (0..10).inspect(|&x| assert!(x < 5, "an iterator that panics"));
        let call = panic::AssertUnwindSafe(|| pool.map::<Cube>(inputs));
        assert!(panic::catch_unwind(call).is_err());
        let inputs = (0..10).inspect(|&x| assert!(x < 5, "an iterator that panics"));
        let pending = pool.map_async::<Cube>(inputs).unwrap();
        let result = pending.get_timeout(PATIENCE).expect("it ends");
        panic::set_hook(hook);
        assert!(result.is_err());
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}
