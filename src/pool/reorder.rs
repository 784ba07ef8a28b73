//! Puts results that finish in any order back into the order of their inputs.

use std::collections::VecDeque;

/// Holds results that came early. Its owner lets no more than a window of inputs be outstanding, and
/// begins none while those that are held take too much, so memory is bounded.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    /// Index of the slot at the front.
    next: u64,
    slots: VecDeque<Option<T>>,
}

impl<T> Reorder<T> {
    /// Creates an empty buffer that awaits index 0.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { next: 0, slots: VecDeque::new() }
    }

    /// Stores the result for `index`.
    ///
    /// # Errors
    ///
    /// Returns the value back when `index` has its result already.
    pub(crate) fn put(&mut self, index: u64, value: T) -> Result<(), T> {
        let offset = index.checked_sub(self.next).and_then(|offset| usize::try_from(offset).ok());
        let Some(offset) = offset else { return Err(value) };
        if self.slots.len() <= offset {
            self.slots.resize_with(offset + 1, || None);
        }
        let slot = &mut self.slots[offset];
        if slot.is_some() {
            return Err(value);
        }
        *slot = Some(value);
        Ok(())
    }

    /// Takes the next result in order, if it has come.
    pub(crate) fn take(&mut self) -> Option<T> {
        let value = self.slots.front_mut()?.take()?;
        self.slots.pop_front();
        self.next += 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn results_come_out_in_order() {
        let mut buffer = Reorder::new();
        assert_eq!(buffer.put(2, 'c'), Ok(()));
        assert_eq!(buffer.take(), None, "`a` has not come");
        assert_eq!(buffer.put(0, 'a'), Ok(()));
        assert_eq!(buffer.put(0, 'x'), Err('x'), "`a` came already");
        assert_eq!(buffer.take(), Some('a'));
        assert_eq!(buffer.put(0, 'x'), Err('x'), "`a` was taken already");
        assert_eq!(buffer.put(1, 'b'), Ok(()));
        assert_eq!((buffer.take(), buffer.take(), buffer.take()), (Some('b'), Some('c'), None));
    }

    proptest! {
        #[test]
        fn it_is_the_inverse_of_any_permutation(
            order in Just((0..50_u64).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let mut buffer = Reorder::new();
            let mut out = Vec::new();
            for index in order {
                buffer.put(index, index).unwrap();
                out.extend(std::iter::from_fn(|| buffer.take()));
            }
            prop_assert_eq!(out, (0..50).collect::<Vec<_>>());
        }
    }
}
