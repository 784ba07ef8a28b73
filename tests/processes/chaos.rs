//! The real program while its workers are struck at random.

use serde_json::Value;

use crate::{
    order::{all_bits, parse},
    program::{Ended, PARZEN, Program, command},
};

/// Some hundred jobs, which together last many times as long as a blow may be in coming.
const LINE: &str = "estimate --widths linspace:0.1:2:20 --grid -3:3:20 --method direct \
    --chunk-rows 500 --format jsonl";

fn run(chaos: &str, line: &str) -> Ended {
    let mut command = command(PARZEN, line);
    command.env("PARZEN_CHAOS", chaos).env("RUST_LOG", "parzen::pool=debug");
    Program::start_command(command).end()
}

#[test]
fn chaos_changes_no_bit_whatever_the_order() {
    let all = parse(&Program::start(&format!("{LINE} --backend serial")).end().stdout);
    let mut told = String::new();
    for (seed, order) in ["width", "completion"].into_iter().enumerate() {
        for rates in ["kill=0.05,stop=0.05", "kill=0.5,stop=0.2", "kill=0.01,stop=0.8"] {
            let line = format!("{LINE} -w 3 --order {order} --max-crashes 0");
            let ended = run(&format!("{rates},seed={seed}"), &line);
            assert!(ended.status.success(), "{rates}: {}", ended.stderr);
            let lines = parse(&ended.stdout);
            assert!(lines.len() == all.len() && all_bits(&lines) == all_bits(&all), "{rates}");
            told.push_str(&ended.stderr);
        }
    }
    assert!(told.contains("reason=Chaos") && told.contains("stopped worker="), "{told}");
}

#[test]
fn a_lesson_is_told_in_spite_of_chaos() {
    let quiet = Program::start("demo density --format json").end();
    let ended = run("kill=0.3,stop=0.3,seed=1", "demo density --format json");
    assert!(quiet.status.success() && ended.status.success(), "{}", ended.stderr);
    assert_eq!(quiet.stdout, ended.stdout);
}

/// What each call of `demo pool` gave, as JSON has it: in the order of the inputs.
fn cubes(json: &str) -> Vec<Vec<i64>> {
    let figures: Value = serde_json::from_str(json).unwrap();
    let calls = figures["pool"]["calls"].as_array().unwrap();
    let results = calls.iter().map(|call| {
        let mut results: Vec<i64> = serde_json::from_value(call["results"].clone()).unwrap();
        if call["name"] == "imap_unordered" {
            results.sort_unstable();
        }
        results
    });
    results.collect()
}

/// Its jobs wait 20 ms each, which no blow is in coming: so whatever the seed has in store for the
/// first of them falls, however fast or busy the machine is.
#[test]
fn a_lesson_that_lasts_is_struck_and_told() {
    let ended = run("kill=0.3,stop=0.3,seed=1", "demo pool --format json");
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(cubes(&ended.stdout), vec![[1, 8, 27, 64, 125, 216]; 6]);
    for blow in ["reason=Chaos", "stopped worker="] {
        assert!(ended.stderr.contains(blow), "no {blow}: {}", ended.stderr);
    }
}

#[test]
fn what_is_no_chaos_is_refused() {
    for command in ["estimate", "bench --quick", "demo pool"] {
        let ended = run("kill=1", command);
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""));
        let range = "`kill` and `stop` are probabilities from 0 that add up to less than 1";
        assert!(ended.stderr.contains(range), "{}", ended.stderr);
        assert!(ended.stderr.contains("`PARZEN_CHAOS`"), "{}", ended.stderr);
        let ended = run("maim=0.1", command);
        let accepted = "`maim=0.1` is none of `kill=P`, `stop=P` and `seed=N`";
        assert!(ended.stderr.contains(accepted), "{}", ended.stderr);
    }
}
