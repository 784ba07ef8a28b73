//! Which inputs of a call are finished.

use std::collections::BTreeMap;

/// A set of indices that grows from below, mostly. Kept as runs: an input that takes its time costs
/// no memory for all that overtake it.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// Every index below this one is in the set.
    below: u64,
    /// Runs above, by their first index: where each ends.
    ahead: BTreeMap<u64, u64>,
}

impl Finished {
    /// Every index below this is in the set.
    pub(super) fn below(&self) -> u64 {
        self.below
    }

    /// Adds `index`. Says whether it is new.
    pub(super) fn insert(&mut self, index: u64) -> bool {
        if index < self.below {
            return false;
        }
        let before = self.ahead.range(..=index).next_back().map(|(&start, &end)| (start, end));
        if before.is_some_and(|(_, end)| index < end) {
            return false;
        }
        let end = self.ahead.remove(&(index + 1)).unwrap_or(index + 1);
        match before {
            _ if index == self.below => self.below = end,
            Some((start, end_before)) if end_before == index => {
                self.ahead.insert(start, end);
            }
            Some(_) | None => {
                self.ahead.insert(index, end);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_overtakes_costs_nothing() {
        let mut finished = Finished::default();
        assert!((1..10_000).all(|index| finished.insert(index)));
        assert_eq!((finished.below(), finished.ahead.len()), (0, 1));
        assert!(finished.insert(0));
        assert_eq!((finished.below(), finished.ahead.len()), (10_000, 0));
    }

    proptest! {
        #[test]
        fn it_is_a_set(indices in prop::collection::vec(0..40_u64, 0..80)) {
            let mut finished = Finished::default();
            let mut set = BTreeSet::new();
            for index in indices {
                prop_assert_eq!(finished.insert(index), set.insert(index));
                let below = (0..).find(|index| !set.contains(index));
                prop_assert_eq!(Some(finished.below()), below);
            }
        }
    }
}
