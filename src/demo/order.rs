//! How to retrieve results in a particular order.

use std::{num::NonZeroU32, time::Duration};

use parzen_worker::tasks::demo::{RandomString, StringOrder};
use serde::Serialize;

use super::{
    Error, Stage, count,
    timeline::{self, Bar},
};
use crate::pool::Batch;

/// As many as in the notebook.
const STRINGS: u64 = 4;

/// How long each position takes, over and over: the first comes last.
const TIMES_MS: [u64; 4] = [90, 30, 70, 50];

/// Strings and where they belong.
#[derive(Debug, Serialize)]
pub struct Order {
    /// Where all random numbers began.
    pub seed: u64,
    /// Position and string, as they arrived.
    pub arrived: Vec<(u64, String)>,
    /// The same, sorted by position.
    pub sorted: Vec<(u64, String)>,
    /// The strings alone, in order.
    pub strings: Vec<String>,
    /// Whether they arrived in another order than they were asked for.
    pub arrived_out_of_order: bool,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Order, Error> {
    let workers = stage.workers_or(4);
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = settings.prefetch(1).start()?;
    let processes = count(workers, "process", "processes");
    stage.say(format!("{STRINGS} random strings from {processes}, but each now carries its"));
    stage.say("position, and they do not all take the same time.");
    let order = |stream: u64| {
        let time = Duration::from_millis(TIMES_MS[usize::try_from(stream % 4).unwrap_or(0)]);
        StringOrder { seed: stage.seed, stream, length: 5, time }
    };
    let mut arrived = Vec::new();
    let mut bars = Vec::new();
    for completed in pool.stream::<RandomString, _>((0..STRINGS).map(order))? {
        let (started_ns, finished_ns) = (completed.started_ns, completed.finished_ns);
        let label = char::from(b'0' + u8::try_from(completed.index % 10).unwrap_or(0));
        let worker = completed.worker.unwrap_or_default();
        bars.push(Bar { worker, label, started_ns, finished_ns });
        arrived.push((completed.index, completed.result?));
    }
    let mut sorted = arrived.clone();
    sorted.sort();
    let strings: Vec<String> = sorted.iter().map(|(_, string)| string.clone()).collect();
    stage.say(format!("  as they arrived:      {arrived:?}"));
    stage.say(format!("  sorted by position:   {sorted:?}"));
    stage.say(format!("  without the position: {strings:?}"));
    stage.say("");
    stage.say("Who worked when, each bar showing its position:");
    timeline::draw(&bars).iter().for_each(|line| stage.say(line));
    stage.say("");
    let arrived_out_of_order = !arrived.is_sorted();
    stage.say(if arrived_out_of_order {
        "What was done first came first, whatever its position. Where order matters, send"
    } else {
        "This time they came in order, but nothing made them. Where order matters, send"
    });
    stage.say("the position along and sort, or let `map` and `imap` do it.");
    Ok(Order { seed: stage.seed, arrived, sorted, strings, arrived_out_of_order })
}
