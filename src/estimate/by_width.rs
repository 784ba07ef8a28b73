//! Sorts results while they arrive.

use std::collections::{BTreeMap, VecDeque};

use super::Density;

/// A buffer that takes densities as they arrive and gives them back with widths ascending and, for
/// each width, points in the order given: each as soon as all before it are there.
///
/// [`push`](Self::push) one, then [`pop`](Self::pop) until there is none.
/// Time: `O(log r)` a density, where r runs wait. Memory: 16 bytes for each density that waits.
///
/// ```
/// use parzen::estimate::{ByWidth, Density};
///
/// let arrived = |seq, width_idx| Density {
///     h: width_idx as f64, width_idx, point_idx: 0, count: 0, density: 0.0,
///     seq, worker: 0, started_ns: 0, finished_ns: 0,
/// };
/// let mut by_width = ByWidth::new(1);
/// by_width.push(arrived(0, 1));
/// assert!(by_width.pop().is_none());
/// by_width.push(arrived(1, 0));
/// let widths: Vec<_> = std::iter::from_fn(|| by_width.pop()).map(|density| density.h).collect();
/// assert_eq!(widths, [0.0, 1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct ByWidth {
    n_points: usize,
    /// Width and point of the density to give back next.
    next: (usize, usize),
    /// By width and point of their first density.
    waiting: BTreeMap<(usize, usize), Run>,
    /// Where in `waiting` the density that arrived last is.
    newest: (usize, usize),
}

/// Densities of one width that arrived one after the other, point after point. A block arrives as
/// such runs, so that all but two numbers of each density need to be kept only once.
#[derive(Clone, Debug)]
struct Run {
    first: Density,
    /// Count and density of the first and of those after it.
    values: VecDeque<(u64, f64)>,
}

impl ByWidth {
    /// An empty buffer for `n_points` points.
    #[must_use]
    pub fn new(n_points: usize) -> Self {
        Self { n_points, next: (0, 0), waiting: BTreeMap::new(), newest: (0, 0) }
    }

    /// Takes the density that arrived next.
    pub fn push(&mut self, density: Density) {
        if let Some(run) = self.waiting.get_mut(&self.newest)
            && run.is_continued_by(&density)
        {
            run.values.push_back((density.count, density.density));
            return;
        }
        self.newest = (density.width_idx, density.point_idx);
        let values = VecDeque::from([(density.count, density.density)]);
        self.waiting.insert(self.newest, Run { first: density, values });
    }

    /// Gives back the next density in order, if it has arrived.
    pub fn pop(&mut self) -> Option<Density> {
        if *self.waiting.first_key_value()?.0 != self.next {
            return None;
        }
        let density = self.pop_waiting()?;
        self.next = (density.width_idx, density.point_idx + 1);
        if self.next.1 == self.n_points {
            self.next = (density.width_idx + 1, 0);
        }
        Some(density)
    }

    /// Gives back all that wait for one that never came, in order: for an estimate that was
    /// stopped.
    pub fn into_rest(mut self) -> impl Iterator<Item = Density> {
        std::iter::from_fn(move || self.pop_waiting())
    }

    /// The first of those that wait.
    fn pop_waiting(&mut self) -> Option<Density> {
        let (key, mut run) = self.waiting.pop_first()?;
        let density = run.pop()?;
        if !run.values.is_empty() {
            let rest = (run.first.width_idx, run.first.point_idx);
            if self.newest == key {
                self.newest = rest;
            }
            self.waiting.insert(rest, run);
        }
        Some(density)
    }
}

impl Run {
    fn is_continued_by(&self, density: &Density) -> bool {
        let first = &self.first;
        let ahead = self.values.len();
        density.width_idx == first.width_idx
            && density.point_idx == first.point_idx + ahead
            && density.seq == first.seq + ahead as u64
            && density.worker == first.worker
            && density.started_ns == first.started_ns
            && density.finished_ns == first.finished_ns
    }

    fn pop(&mut self) -> Option<Density> {
        let (count, density) = self.values.pop_front()?;
        let popped = Density { count, density, ..self.first.clone() };
        self.first.point_idx += 1;
        self.first.seq += 1;
        Some(popped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn density(seq: usize, width_idx: usize, point_idx: usize) -> Density {
        Density {
            h: 0.5 + width_idx as f64,
            width_idx,
            point_idx,
            count: (width_idx * 100 + point_idx) as u64,
            density: point_idx as f64,
            seq: seq as u64,
            worker: 3,
            started_ns: 7,
            finished_ns: 8,
        }
    }

    #[test]
    fn what_is_in_order_passes_at_once() {
        let mut by_width = ByWidth::new(2);
        for (seq, (width, point)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
            by_width.push(density(seq, width, point));
            assert_eq!(by_width.pop(), Some(density(seq, width, point)));
            assert_eq!(by_width.pop(), None);
        }
        assert_eq!(by_width.into_rest().count(), 0);
    }

    #[test]
    fn a_block_waits_as_one_run_a_width() {
        let mut by_width = ByWidth::new(100);
        for (seq, (width, point)) in
            (0..3).flat_map(|width| (50..100).map(move |point| (width, point))).enumerate()
        {
            by_width.push(density(seq, width, point));
        }
        assert_eq!(by_width.waiting.len(), 3);
        assert_eq!(by_width.pop(), None);
        let rest: Vec<_> = by_width.into_rest().map(|density| density.seq).collect();
        assert_eq!(rest, (0..150).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_goes_on_while_its_front_is_given_back() {
        let mut by_width = ByWidth::new(9);
        for point in 0..2 {
            by_width.push(density(point, 0, point));
        }
        assert_eq!(by_width.pop(), Some(density(0, 0, 0)));
        by_width.push(density(2, 0, 2));
        assert_eq!(by_width.waiting.len(), 1);
        assert!(by_width.into_rest().eq([density(1, 0, 1), density(2, 0, 2)]));
    }

    #[test]
    fn what_differs_between_densities_is_kept() {
        let changed = [
            |density: Density| Density { seq: 5, ..density },
            |density| Density { worker: 1, ..density },
            |density| Density { started_ns: 1, ..density },
            |density| Density { finished_ns: 9, ..density },
        ];
        for change in changed {
            let all = [density(0, 1, 0), change(density(1, 1, 1))];
            let mut by_width = ByWidth::new(9);
            all.iter().for_each(|density| by_width.push(density.clone()));
            assert!(by_width.into_rest().eq(all));
        }
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_comes_out_sorted_and_whole(
            n_points in 1..6_usize, n_widths in 1..5_usize, taken in 0..30_usize,
            order in Just((0..30_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let all = n_points * n_widths;
            let mut by_width = ByWidth::new(n_points);
            let mut arrived = Vec::new();
            let mut sorted = Vec::new();
            let order = order.into_iter().filter(|&idx| idx < all).take(taken);
            for (seq, idx) in order.enumerate() {
                let density = density(seq, idx / n_points, idx % n_points);
                arrived.push(density.clone());
                by_width.push(density);
                sorted.extend(std::iter::from_fn(|| by_width.pop()));
                let next = sorted.len();
                let is_next = |density: &Density| {
                    (density.width_idx, density.point_idx) == (next / n_points, next % n_points)
                };
                prop_assert!(!arrived.iter().any(is_next), "{} could have come out", next);
            }
            sorted.extend(by_width.into_rest());
            arrived.sort_by_key(|density| (density.width_idx, density.point_idx));
            prop_assert_eq!(sorted, arrived);
        }
    }
}
