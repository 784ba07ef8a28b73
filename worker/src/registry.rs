//! Finds a task by its name.

use std::{collections::BTreeMap, fmt};

use crate::{
    panic,
    protocol::{
        ItemOutcome,
        codec::{self, DecodeError},
    },
    task::{Context, Task},
};

/// Runs one item: takes its input from the front of the bytes, puts its outcome into the vector,
/// which is empty.
type Runner = fn(&mut &[u8], &mut Vec<u8>, &Context) -> Result<(), DecodeError>;

/// The tasks a worker can do, by name.
///
/// ```
/// # use parzen_worker::{Context, Task, TaskError};
/// use parzen_worker::Registry;
/// # enum Cube {}
/// # impl Task for Cube {
/// #     const NAME: &'static str = "example.cube";
/// #     type Input = i64;
/// #     type Output = i64;
/// #     fn run(x: i64, _: &Context) -> Result<i64, TaskError> {
/// #         Ok(x * x * x)
/// #     }
/// # }
/// let registry = Registry::new().with::<Cube>();
/// assert_eq!(registry.names().collect::<Vec<_>>(), ["example.cube"]);
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    runners: BTreeMap<&'static str, Runner>,
}

impl Registry {
    /// A registry without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task.
    ///
    /// # Panics
    ///
    /// If another task has the same name.
    #[must_use]
    pub fn with<T: Task>(mut self) -> Self {
        let old = self.runners.insert(T::NAME, run_item::<T>);
        assert!(old.is_none(), "two tasks are named `{}`", T::NAME);
        self
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.runners.keys().copied()
    }

    /// Runs one item of the task `name`: takes its input from the front of `bytes` and puts its
    /// encoded [`ItemOutcome`] into `outcome`, which is empty.
    ///
    /// # Errors
    ///
    /// The reason, as text, why the item and those behind it cannot be run.
    pub(crate) fn run(
        &self,
        name: &str,
        bytes: &mut &[u8],
        outcome: &mut Vec<u8>,
        context: &Context,
    ) -> Result<(), String> {
        let Some(runner) = self.runners.get(name) else {
            let names = self.names().collect::<Vec<_>>().join("`, `");
            return Err(format!("this worker has no task `{name}`; it has `{names}`"));
        };
        runner(bytes, outcome, context).map_err(|error| format!("the input of `{name}`: {error}"))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

fn run_item<T: Task>(
    bytes: &mut &[u8],
    outcome: &mut Vec<u8>,
    context: &Context,
) -> Result<(), DecodeError> {
    // Decoding and encoding run the user's code, too.
    let ran = panic::catch(|| {
        let input = codec::decode(bytes)?;
        let item = T::run(input, context).map_or_else(ItemOutcome::Error, ItemOutcome::Value);
        if let Err(error) = codec::encode(&item, outcome) {
            refuse(&format!("the output of `{}`: {error}", T::NAME), outcome);
        }
        Ok(())
    });
    ran.unwrap_or_else(|info| {
        outcome.clear();
        codec::encode(&ItemOutcome::<()>::Panic(info), outcome)
            .expect("text can always be encoded");
        Ok(())
    })
}

/// Appends the outcome of an item that was not run, or whose output cannot be sent.
pub(crate) fn refuse(reason: &str, outcome: &mut Vec<u8>) {
    codec::encode(&ItemOutcome::<()>::Refused(reason.to_owned()), outcome)
        .expect("text can always be encoded");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskError;

    enum Half {}

    impl Task for Half {
        const NAME: &'static str = "half";
        type Input = i64;
        type Output = i64;

        fn run(x: i64, _: &Context) -> Result<i64, TaskError> {
            match x {
                0 => panic!("nothing to halve"),
                x if x % 2 == 0 => Ok(x / 2),
                x => Err(TaskError::new(format!("{x} is odd"))),
            }
        }
    }

    fn run(name: &str, bytes: &[u8]) -> Result<ItemOutcome<i64>, String> {
        let mut outcome = Vec::new();
        let registry = Registry::new().with::<Half>();
        registry.run(name, &mut &*bytes, &mut outcome, &Context::default())?;
        Ok(codec::decode(&mut outcome.as_slice()).unwrap())
    }

    fn bytes(x: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec::encode(&x, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn values_errors_and_panics_are_outcomes() {
        assert_eq!(run("half", &bytes(8)), Ok(ItemOutcome::Value(4)));
        assert_eq!(run("half", &bytes(7)), Ok(ItemOutcome::Error(TaskError::new("7 is odd"))));
        match run("half", &bytes(0)) {
            Ok(ItemOutcome::Panic(info)) => assert_eq!(info.message, "nothing to halve"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_task_and_a_bad_input_are_named() {
        assert_eq!(
            run("third", &bytes(9)).unwrap_err(),
            "this worker has no task `third`; it has `half`"
        );
        assert!(run("half", &[]).unwrap_err().starts_with("the input of `half`: failed to decode"));
    }

    #[test]
    #[should_panic(expected = "two tasks are named `half`")]
    fn a_name_is_used_once() {
        let _ = Registry::new().with::<Half>().with::<Half>();
    }
}
