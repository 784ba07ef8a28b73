//! What a task is.

use std::{
    any::Any,
    cell::RefCell,
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A named type of work that a worker can do.
///
/// The type is never built: it stands for the name and the types of its input and output, so that
/// the coordinator and the worker agree on them at compile time.
///
/// ```
/// use parzen_worker::{Context, Task, TaskError};
///
/// enum Cube {}
///
/// impl Task for Cube {
///     const NAME: &'static str = "example.cube";
///     type Input = i64;
///     type Output = i64;
///
///     fn run(x: i64, _: &Context) -> Result<i64, TaskError> {
///         x.checked_pow(3).ok_or_else(|| TaskError::new(format!("the cube of {x} overflows")))
///     }
/// }
/// ```
pub trait Task: 'static {
    /// What crosses the wire in place of a function. Unique within a worker's registry.
    const NAME: &'static str;
    /// What the task is given.
    type Input: Serialize + DeserializeOwned + Send + 'static;
    /// What it gives back.
    ///
    /// The coordinator decodes it on an ordinary thread. If it is nested thousands of levels deep, as
    /// a list or a tree of boxes may be, that overflows the thread's stack and ends the coordinator.
    /// Sequences of items of no size, such as `Vec<()>`, are to be avoided: their length costs no
    /// bytes, so damaged ones may claim one that takes for ever to read.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Does the work. A panic is caught and reported; the worker lives on.
    ///
    /// # Errors
    ///
    /// Whatever the task itself calls a failure. It reaches the caller with its message, and is
    /// not tried again.
    fn run(input: Self::Input, context: &Context) -> Result<Self::Output, TaskError>;
}

/// A task's own error: a message and its causes, as text, because that survives any wire.
///
/// Any error converts into it, so `?` works inside [`Task::run`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TaskError {
    message: String,
    causes: Vec<String>,
}

impl TaskError {
    /// An error that says `message`: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new() }
    }

    /// What failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, outermost first.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.causes
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl<E: Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        Self { message: error.to_string(), causes: causes.map(ToString::to_string).collect() }
    }
}

/// How many values [`Context::keep`] holds before it lets go of the one longest unused.
const KEPT: usize = 32;

/// What a running task may know of the worker it runs in.
#[derive(Debug, Default)]
pub struct Context {
    worker: u32,
    attempt: u32,
    leaving: Arc<AtomicBool>,
    /// Key and value, the least recently used first.
    kept: RefCell<Vec<Kept>>,
}

/// A key and the value kept under it.
type Kept = (Box<dyn Any>, Arc<dyn Any + Send + Sync>);

impl Context {
    /// A context for worker number `worker`, which is asked to leave by setting `leaving`.
    #[must_use]
    pub fn new(worker: u32, leaving: Arc<AtomicBool>) -> Self {
        Self { worker, leaving, ..Self::default() }
    }

    pub(crate) fn set_attempt(&mut self, attempt: u32) {
        self.attempt = attempt;
    }

    /// Number of the worker process, never used twice in a pool.
    #[must_use]
    pub fn worker(&self) -> u32 {
        self.worker
    }

    /// How many crashes this job was charged with before: 0 at first. It is charged with the end of a
    /// worker that was running it, and may have been begun more often: what is lost because of
    /// another input of its message is run again and costs nothing.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the coordinator wants this worker to leave. A long task may stop early then.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// The value kept under `key`, made by `make` the first time.
    ///
    /// For what is costly to make and used by many jobs, such as a mapped file. The value goes when
    /// the worker ends, or when many others have been used since.
    ///
    /// # Errors
    ///
    /// Whatever `make` returns; then nothing is kept.
    pub fn keep<K, V, E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E>
    where
        K: Clone + Eq + 'static,
        V: Any + Send + Sync,
    {
        if let Some(value) = self.recall(key) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        let mut kept = self.kept.borrow_mut();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((Box::new(key.clone()), Arc::clone(&value) as Arc<dyn Any + Send + Sync>));
        Ok(value)
    }

    /// Finds the value under `key`, and moves it to the end, where the latest used stand.
    fn recall<K: Eq + 'static, V: Any + Send + Sync>(&self, key: &K) -> Option<Arc<V>> {
        let mut kept = self.kept.borrow_mut();
        let idx = kept
            .iter()
            .position(|(other, value)| value.is::<V>() && other.downcast_ref::<K>() == Some(key))?;
        kept[idx..].rotate_left(1);
        let (_, value) = kept.last()?;
        Arc::clone(value).downcast().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_kept_while_it_is_used() {
        let context = Context::default();
        let made = RefCell::new(Vec::new());
        let keep = |key: usize| {
            let value = context.keep(&key, || {
                made.borrow_mut().push(key);
                Ok::<_, ()>(key.to_string())
            });
            assert_eq!(*value.unwrap(), key.to_string());
        };
        (0..KEPT).for_each(keep);
        keep(0); // Now 1 is the one longest unused,
        keep(KEPT); // and goes.
        keep(0);
        keep(1);
        assert_eq!(*made.borrow(), (0..=KEPT).chain([1]).collect::<Vec<_>>());
    }

    #[test]
    fn equal_keys_of_different_types_are_different() {
        let context = Context::default();
        assert_eq!(*context.keep(&1_u8, || Ok::<_, ()>("byte")).unwrap(), "byte");
        assert_eq!(*context.keep(&1_u16, || Ok::<_, ()>("word")).unwrap(), "word");
        assert_eq!(*context.keep(&1_u8, || Ok::<_, ()>(7)).unwrap(), 7);
        assert_eq!(context.keep(&2_u8, || Err::<(), _>("not made")), Err("not made"));
    }

    #[test]
    fn any_error_becomes_a_task_error_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::num::ParseIntError);
        let error = TaskError::from(Outer("x".parse::<i32>().unwrap_err()));
        assert_eq!(error.message(), "outer");
        assert_eq!(error.causes().len(), 1);
        assert!(error.to_string().starts_with("outer: invalid digit"), "{error}");
    }
}
