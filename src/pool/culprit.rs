//! The input with which a job failed for good, as people are shown it.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
};

use parzen_worker::{Task, panic, protocol::codec};

use super::job::Payload;

/// Bytes that are shown of the beginning of an input, and of its end.
const SHOWN: usize = 40;

/// Bytes of an input that are looked at.
const LONGEST: usize = 1 << 20;

/// A task, known by its name, that can show its inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskType {
    pub(super) name: &'static str,
    show: fn(&[u8]) -> String,
}

impl TaskType {
    pub(super) fn of<T: Task>() -> Self {
        Self { name: T::NAME, show: show::<T> }
    }
}

/// Which input it was.
pub(crate) struct Culprit {
    task: TaskType,
    item: u64,
    /// Encoded.
    input: Payload,
}

impl Culprit {
    /// Input number `item` of its call, alone in `input`.
    pub(super) fn new(task: TaskType, item: u64, input: Payload) -> Self {
        Self { task, item, input }
    }

    pub(super) fn task(&self) -> &'static str {
        self.task.name
    }

    pub(super) fn item(&self) -> u64 {
        self.item
    }

    pub(super) fn argument(&self) -> String {
        match &self.input {
            // Runs the user's code, over which no failure may be lost.
            Payload::Inline(bytes) => panic::catch(|| (self.task.show)(bytes))
                .unwrap_or_else(|_| "an input that cannot be shown".to_owned()),
            Payload::Segment(_) => {
                format!("an input of {} bytes", self.input.segment_len())
            }
        }
    }
}

impl fmt::Debug for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Culprit").field("task", &self.task.name).field("item", &self.item).finish()
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {} of `{}` ({})", self.item, self.task.name, self.argument())
    }
}

/// An encoded input of `T` as JSON; of a long one its two ends.
fn show<T: Task>(mut bytes: &[u8]) -> String {
    let Ok(input) = codec::decode::<T::Input>(&mut bytes) else {
        return "an input that cannot be read".to_owned();
    };
    let mut ends = Ends::default();
    let is_whole = serde_json::to_writer(&mut ends, &input).is_ok();
    let Ends { head, mut tail, left_out, .. } = ends;
    let (head, tail) =
        (String::from_utf8_lossy(&head), String::from_utf8_lossy(tail.make_contiguous()));
    if is_whole && !left_out {
        return [head, tail].concat();
    }
    // A character may be cut in two.
    let is_cut = |c| c == char::REPLACEMENT_CHARACTER;
    let tail = if is_whole { tail.trim_start_matches(is_cut) } else { "" };
    format!("{}…{tail}", head.trim_end_matches(is_cut))
}

/// Keeps the first and the last [`SHOWN`] bytes of what is written, and refuses what is too long.
#[derive(Default)]
struct Ends {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: bool,
    total: usize,
}

impl Write for Ends {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (first, rest) = bytes.split_at((SHOWN - self.head.len()).min(bytes.len()));
        self.head.extend(first);
        self.total += bytes.len();
        if LONGEST < self.total {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(SHOWN);
        self.left_out |= 0 < excess;
        self.tail.drain(..excess);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use parzen_worker::{Context, TaskError};
    use proptest::prelude::*;
    use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

    use super::*;

    struct Take<I>(I);

    impl<I: Serialize + DeserializeOwned + Send + 'static> Task for Take<I> {
        const NAME: &'static str = "take";
        type Input = I;
        type Output = ();

        fn run(_: I, _: &Context) -> Result<(), TaskError> {
            Ok(())
        }
    }

    fn shown<I: Serialize + DeserializeOwned + Send + 'static>(input: &I) -> String {
        let mut bytes = Vec::new();
        codec::encode(input, &mut bytes).unwrap();
        Culprit::new(TaskType::of::<Take<I>>(), 0, Payload::Inline(bytes)).argument()
    }

    /// Panics when it is read.
    #[derive(Serialize)]
    struct Bomb;

    impl<'de> Deserialize<'de> for Bomb {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("it went off")
        }
    }

    #[test]
    fn inputs_are_shown_and_long_ones_cut_short() {
        assert_eq!(shown(&(7, "x".to_owned())), "[7,\"x\"]");
        assert_eq!(shown(&f64::NAN), "null");
        let (head, tail) = ("x".repeat(39), "y".repeat(39));
        assert_eq!(shown(&format!("{head}{tail}")), format!("\"{head}{tail}\""));
        assert_eq!(shown(&format!("{head}-{tail}")), format!("\"{head}…{tail}\""));
        let cut = shown(&"ü".repeat(1000));
        assert_eq!(cut, format!("\"{}…{}\"", "ü".repeat(19), "ü".repeat(19)));
        assert_eq!(shown(&"x".repeat(LONGEST)), format!("\"{head}…"));
        // JSON has no such key.
        assert_eq!(shown(&BTreeMap::from([((1, 2), 3)])), "{…");
    }

    #[test]
    fn an_input_that_cannot_be_shown_is_no_reason_to_fail() {
        assert_eq!(shown(&Bomb), "an input that cannot be shown");
        let input = Payload::Inline(vec![253]);
        let culprit = Culprit::new(TaskType::of::<Take<u64>>(), 4, input);
        assert_eq!(culprit.to_string(), "input 4 of `take` (an input that cannot be read)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_shown(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let input = Payload::Inline(bytes);
            let task = TaskType::of::<Take<(String, Vec<f64>, Option<char>)>>();
            prop_assert!(Culprit::new(task, 0, input).argument().len() < 100);
        }
    }
}
