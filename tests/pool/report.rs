//! What is told of a job that failed for good.

use std::time::Duration;

use parzen::pool::Batch;
use parzen_worker::tasks::demo::{Crash, Way};

use crate::{
    actors::tasks::Spend,
    support::{Scripts, alone, builder},
};

#[test]
fn the_task_the_input_and_the_argument_are_named() {
    alone(|| {
        let ten = Batch::Fixed(10.try_into().unwrap());
        let pool = builder(2).batch(ten).max_crashes(1).start().unwrap();
        let way = |number| if number == 137 { Way::Kill } else { Way::None };
        let inputs = (100..180).map(|number| (number, way(number)));
        let error = pool.map::<Crash>(inputs).unwrap_err();
        assert_eq!((error.task(), error.item()), (Some("demo.crash"), Some(37)));
        assert_eq!(error.argument().unwrap(), r#"[137,"Kill"]"#);
        assert_eq!(error.crashes(), Some(2));
        let death = error.exit().unwrap();
        assert!(death.signal() == Some(9) && !death.out_of_memory, "{death:?}");
        let start =
            r#"2 workers died running input 37 of `demo.crash` ([137,"Kill"]); the last was "#;
        assert!(error.to_string().starts_with(start), "{error}");
        pool.join().unwrap();
    });
}

#[test]
fn what_the_last_worker_used_and_said_is_told() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).max_crashes(0).start().unwrap();
        let (time, bytes) = (Duration::from_millis(50), 200 << 20);
        let words = format!("{}\nthe end", "x".repeat(5000));
        let error = pool.apply::<Spend>((time, bytes, words)).unwrap_err();
        let death = error.exit().unwrap();
        assert!(time <= death.cpu.unwrap().total(), "{death:?}");
        assert!(!death.out_of_memory, "{error}");
        let peak = death.peak_memory.unwrap();
        assert!((200 << 20..300 << 20).contains(&peak), "{peak}");
        assert!(death.stderr.len() == 4096 && death.stderr.ends_with("xx\nthe end\n"));
        let text = error.to_string();
        assert!(text.contains("SIGABRT (6), saying `the end`, having used "), "{text}");
        assert!(text.ends_with(" MiB of memory"), "{text}");
        pool.join().unwrap();
    });
}

#[test]
fn an_argument_in_shared_memory_is_told_by_its_size() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).max_crashes(0).start().unwrap();
        let words = "x".repeat(1 << 20);
        let error = pool.apply::<Spend>((Duration::ZERO, 0, words)).unwrap_err();
        let argument = error.argument().unwrap();
        assert!(argument.starts_with("an input of 10485") && argument.ends_with(" bytes"));
        pool.join().unwrap();
    });
}
