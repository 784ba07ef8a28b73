//! Results one after another, in the order of their inputs or as they come.

use parzen_worker::Task;

use super::{error::Error, reorder::Reorder, stream::Stream};

/// Inputs of whatever kind, so that only the task need be named.
pub(super) type Inputs<'a, T> = Box<dyn Iterator<Item = <T as Task>::Input> + 'a>;

/// Results in the order of their inputs. Made by [`Pool::imap`](super::Pool::imap).
#[derive(Debug)]
#[must_use = "inputs are taken as results are asked for"]
pub struct Imap<'a, T: Task> {
    unordered: ImapUnordered<'a, T>,
    reorder: Reorder<Result<T::Output, Error>>,
}

impl<'a, T: Task> Imap<'a, T> {
    pub(super) fn new(stream: Result<Stream<T, Inputs<'a, T>>, Error>) -> Self {
        Self { unordered: ImapUnordered::new(stream), reorder: Reorder::new() }
    }
}

impl<T: Task> Iterator for Imap<'_, T> {
    type Item = Result<T::Output, Error>;

    /// The next result. Blocks until it is there; later ones wait meanwhile, and no more inputs are
    /// begun than there is room for their results, in number and in bytes.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(result) = self.reorder.take() {
                return Some(result);
            }
            let (index, result) = self.unordered.next()?;
            let fresh = self.reorder.put(index, result);
            debug_assert!(fresh.is_ok(), "input {index} finished twice");
        }
    }
}

/// Results as they come, each with the index of its input. Made by
/// [`Pool::imap_unordered`](super::Pool::imap_unordered).
#[derive(Debug)]
#[must_use = "inputs are taken as results are asked for"]
pub struct ImapUnordered<'a, T: Task> {
    /// Or why there is none, which is then the only result.
    stream: Result<Stream<T, Inputs<'a, T>>, Option<Error>>,
}

impl<'a, T: Task> ImapUnordered<'a, T> {
    pub(super) fn new(stream: Result<Stream<T, Inputs<'a, T>>, Error>) -> Self {
        Self { stream: stream.map_err(Some) }
    }
}

impl<T: Task> Iterator for ImapUnordered<'_, T> {
    type Item = (u64, Result<T::Output, Error>);

    /// The next result to come. Blocks until there is one.
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.stream {
            Ok(stream) => stream.next().map(|completed| (completed.index, completed.result)),
            Err(refusal) => refusal.take().map(|refusal| (0, Err(refusal))),
        }
    }
}
