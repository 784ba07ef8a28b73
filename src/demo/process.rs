//! The `Process` class: one process for each task.

use std::time::Duration;

use parzen_worker::tasks::demo::{RandomString, StringOrder};
use serde::Serialize;

use super::{Error, Stage, count};
use crate::pool::Process;

/// Characters in a string, as in the notebook.
const LENGTH: usize = 5;

/// What four processes drew.
#[derive(Debug, Serialize)]
pub struct Strings {
    /// Where all random numbers began.
    pub seed: u64,
    /// Process ids, in the order the processes were started.
    pub pids: Vec<u32>,
    /// What each drew from a stream of its own.
    pub strings: Vec<String>,
    /// What each drew when all began from the same state.
    pub same_seed_strings: Vec<String>,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Strings, Error> {
    let number = stage.workers_or(4);
    let processes = count(number, "process", "processes");
    stage.say(format!("{processes}, each with one task: draw {LENGTH} random characters."));
    let (pids, strings) = draw(stage, (0..u64::from(number)).collect())?;
    for (pid, string) in pids.iter().zip(&strings) {
        stage.say(format!("  process {pid}: {string:?}"));
    }
    stage.say(format!("The results, as the notebook prints them: {strings:?}"));
    stage.say("");
    stage.say("Look at the process ids: each string was drawn in a process of its own.");
    stage.say(format!(
        "With --seed {} you get the same strings again: each process draws",
        stage.seed
    ));
    stage.say("from its own stream of that seed. Give them all the same stream instead:");
    let (_, same_seed_strings) = draw(stage, vec![0; strings.len()])?;
    stage.say(format!("  {same_seed_strings:?}"));
    stage.say("Separate processes are not separate dice. A seed must be shared out.");
    Ok(Strings { seed: stage.seed, pids, strings, same_seed_strings })
}

/// Starts a process for each stream, then waits for all of them.
fn draw(stage: &Stage<'_>, streams: Vec<u64>) -> Result<(Vec<u32>, Vec<String>), Error> {
    let start = |stream| {
        let order = StringOrder { seed: stage.seed, stream, length: LENGTH, time: Duration::ZERO };
        Process::<RandomString>::spawn_with(stage.settings(), order)
    };
    let processes = streams.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let pids = processes.iter().map(Process::id).collect();
    let strings = processes.into_iter().map(Process::join).collect::<Result<_, _>>()?;
    Ok((pids, strings))
}
