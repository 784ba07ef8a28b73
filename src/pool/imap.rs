//! Results one after another, in the order of their inputs or as they come.

use parzen_worker::Task;

use super::{error::Error, reorder::Reorder, stream::Stream};

/// Results in the order of their inputs. Made by [`Pool::imap`](super::Pool::imap).
#[derive(Debug)]
#[must_use = "inputs are taken as results are asked for"]
pub struct Imap<T: Task, I: Iterator<Item = T::Input>> {
    stream: Stream<T, I>,
    reorder: Reorder<Result<T::Output, Error>>,
}

impl<T: Task, I: Iterator<Item = T::Input>> Imap<T, I> {
    pub(super) fn new(stream: Stream<T, I>) -> Self {
        Self { stream, reorder: Reorder::new() }
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Iterator for Imap<T, I> {
    type Item = Result<T::Output, Error>;

    /// The next result. Blocks until it is there; later ones wait meanwhile, and no more inputs are
    /// begun than their room allows.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(result) = self.reorder.take() {
                return Some(result);
            }
            let completed = self.stream.next()?;
            let fresh = self.reorder.put(completed.index, completed.result);
            debug_assert!(fresh.is_ok(), "input {} finished twice", completed.index);
        }
    }
}

/// Results as they come, each with the index of its input. Made by
/// [`Pool::imap_unordered`](super::Pool::imap_unordered).
#[derive(Debug)]
#[must_use = "inputs are taken as results are asked for"]
pub struct ImapUnordered<T: Task, I: Iterator<Item = T::Input>> {
    stream: Stream<T, I>,
}

impl<T: Task, I: Iterator<Item = T::Input>> ImapUnordered<T, I> {
    pub(super) fn new(stream: Stream<T, I>) -> Self {
        Self { stream }
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Iterator for ImapUnordered<T, I> {
    type Item = (u64, Result<T::Output, Error>);

    /// The next result to come. Blocks until there is one.
    fn next(&mut self) -> Option<Self::Item> {
        self.stream.next().map(|completed| (completed.index, completed.result))
    }
}
