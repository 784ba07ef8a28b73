//! Drives a [`Scheduler`] through a simulated world: processes that start, crash, hang, misbehave
//! and answer late, in an order drawn from a seed.
//!
//! After every event the world compares what the scheduler ordered with what it knows itself: who
//! may be killed, who may wait, which deadline is next. `scripts/mutants` plants bugs in the
//! scheduler, one after another, and this must notice each.

mod burial;
mod process;
mod scenarios;
mod world;

use std::{collections::BTreeMap, time::Duration};

use parzen_worker::protocol::JobId;

use self::world::World;
use super::orders::{Event, Outcome};

/// Whatever may happen, happens.
fn run_chaos(world: &mut World, cancelled: &mut Vec<JobId>) {
    match world.rng.below(20) {
        // A caller may have been about to submit as another closed the pool.
        0..4 if world.next_job < 60 && (!world.closed || world.rng.one_in(8)) => world.submit(),
        4 if 0 < world.next_job && world.rng.one_in(3) => {
            let job = JobId::new(world.rng.below(world.next_job));
            cancelled.push(job);
            let kind = if world.rng.one_in(2) { Event::Cancel } else { Event::Withdraw };
            world.feed(kind(job));
        }
        5 if !world.stale.is_empty() => {
            let at = usize::try_from(world.rng.below(world.stale.len() as u64)).unwrap();
            let event = world.stale[at];
            world.feed(event);
        }
        6 if world.rng.one_in(4) && 0 < world.next_job => {
            // A confused worker names a job it was not given, or not yet.
            if let Some((&id, _)) = world.processes.iter().find(|(_, process)| process.ready) {
                let wrong = JobId::new(world.rng.below(world.next_job));
                if world.processes[&id].inbox.front() != Some(&wrong) {
                    assert!(!world.scheduler.is_running(id, wrong));
                    world.feed(Event::Returned(id, wrong));
                }
            }
        }
        6 | 7 => {
            world.now += Duration::from_millis(500);
            if world.scheduler.poll_timeout().is_some_and(|deadline| deadline <= world.now) {
                world.feed(Event::Timeout);
            }
        }
        8 if world.rng.one_in(60) => world.feed(Event::Close),
        9 if world.rng.one_in(20) && !world.closed => world.feed(Event::CallBegan),
        9 if world.rng.one_in(10) && 0 < world.open_calls => world.feed(Event::CallEnded),
        _ => {
            world.step(true);
        }
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    let mut cancelled = Vec::new();
    for _ in 0..world.rng.below(600) {
        run_chaos(&mut world, &mut cancelled);
    }
    // Some owners stop the pool in the middle of it all, and some of them lose their patience.
    let leave_early = world.rng.one_in(4);
    while leave_early && (!world.stopped || world.rng.one_in(3)) {
        let seconds = 1 + world.rng.below(6);
        let grace = world.rng.one_in(2).then_some(Duration::from_secs(seconds));
        world.feed(Event::Stop { grace });
        for _ in 0..world.rng.below(30) {
            run_chaos(&mut world, &mut cancelled);
            if world.rng.one_in(10) {
                world.wait();
            }
            if world.rng.one_in(20) {
                world.feed(Event::Close);
            }
        }
    }
    // Calm: nothing crashes unasked. Whatever was submitted must now finish.
    for _ in 0..20_000 {
        let is_alone = !world.step(false);
        if world.n_unfinished() == 0 || (is_alone && world.scheduler.poll_timeout().is_none()) {
            break;
        }
        if is_alone || world.rng.one_in(50) {
            world.wait();
        }
    }
    assert_eq!(world.n_unfinished(), 0, "jobs were lost");
    for (&job, &outcome) in &world.finished {
        match outcome {
            Outcome::Cancelled => {
                assert!(leave_early || cancelled.contains(&job), "nobody cancelled {job:?}");
            }
            Outcome::Returned => {
                let poisoned = world.poison.contains_key(&job);
                let fails = poisoned || world.cursed.contains_key(&job);
                assert!(!fails || world.divisible.contains_key(&job), "{job:?} kills");
            }
            Outcome::Crashed(_) | Outcome::Lost(_) | Outcome::TimedOut | Outcome::NotBegun => {}
            Outcome::NoWorkers => {}
        }
    }
    if !leave_early {
        world.feed(Event::Close);
    }
    world.end_calls();
    for _ in 0..2_000 {
        world.step(false);
        if world.rng.one_in(50) {
            world.wait();
        }
    }
    assert!(world.scheduler.is_done(), "a process was left");
    world
}

/// As [`run`], but says which seed failed.
fn run_told(seed: u64) -> World {
    std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|_| panic!("seed {seed}"))
}

#[test]
fn every_job_finishes_once_whatever_crashes() {
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2_000);
    let mut counts = BTreeMap::new();
    for seed in 0..seeds {
        let world = run_told(seed);
        for outcome in world.finished.into_values() {
            *counts.entry(format!("{outcome:?}")).or_insert(0_u64) += 1;
        }
        for line in world.trace {
            let action = line.trim_start().split(['(', ' ']).next().unwrap_or_default().to_owned();
            *counts.entry(action).or_insert(0) += 1;
        }
    }
    // The simulation must reach everything, or it tests less than it claims.
    for name in [
        "Returned",
        "Crashed(1)",
        "Crashed(3)",
        "Lost(3)",
        "TimedOut",
        "NotBegun",
        "Cancelled",
        "NoWorkers",
    ] {
        assert!(counts.contains_key(name), "no run ended a job as {name}: {counts:?}");
    }
    for name in ["Spawn", "Assign", "Kill", "Leave", "Divide", "Finish"] {
        assert!(counts.contains_key(name), "no run had {name}: {counts:?}");
    }
    for name in [
        "Misbehaved",
        "Undelivered",
        "Gone",
        "Struck",
        "Withdraw",
        "Began",
        "CallBegan",
        "CallEnded",
    ] {
        assert!(counts.contains_key(name), "no run had {name}: {counts:?}");
    }
}

#[test]
fn one_seed_gives_one_history() {
    let [first, second] = [run(7), run(7)];
    assert_eq!(first.trace, second.trace);
}
