"""The counts to expect, on samples small enough to be looked at."""

import unittest
from random import Random

from compare.data import count_within, expected_counts, large_workload, notebook_workload


def notebook_count(samples, point, h):
    """The notebook's predicate, a number at a time."""
    return sum(
        not any(abs((x - s) / h) > 1 / 2 for x, s in zip(point, sample)) for sample in samples
    )


def chebyshev(samples, point):
    return sorted(max(abs(x - s) for x, s in zip(point, sample)) for sample in samples)


class Counts(unittest.TestCase):
    def test_a_sample_on_the_edge_counts_unless_strict(self):
        self.assertEqual(count_within([0.0, 0.25, 0.5, 0.5, 0.75], 0.5), (4, 2))

    def test_nothing_and_everything(self):
        self.assertEqual(count_within([], 1.0), (0, 0))
        self.assertEqual(count_within([1.0, 2.0], 0.5), (0, 0))
        self.assertEqual(count_within([1.0, 2.0], 9.0), (2, 2))

    def test_they_are_the_notebooks_on_a_lattice_full_of_ties(self):
        samples = [(i / 10, j / 10) for i in range(-12, 13) for j in range(-12, 13)]
        widths = [i / 10 for i in range(1, 25)]
        expected = expected_counts([chebyshev(samples, (0.1, 0.0))], widths)
        self.assertEqual(
            expected.inclusive, [notebook_count(samples, (0.1, 0.0), h) for h in widths]
        )
        self.assertGreater(expected.n_ties, 0)

    def test_they_are_the_notebooks_on_random_samples(self):
        random = Random(1)
        samples = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(500)]
        widths = [0.3, 1.0, 2.2]
        expected = expected_counts([chebyshev(samples, (0.0, 0.0))], widths)
        self.assertEqual(
            expected.inclusive, [notebook_count(samples, (0.0, 0.0), h) for h in widths]
        )
        self.assertEqual(expected.n_ties, 0)

    def test_points_run_faster_than_widths(self):
        expected = expected_counts([[0.1], [0.1, 0.2]], [0.2, 0.4])
        self.assertEqual(expected.inclusive, [1, 1, 1, 2])
        self.assertEqual(expected.strict, [0, 0, 1, 1])
        self.assertEqual(expected.n_ties, 3)


class Workloads(unittest.TestCase):
    def test_quick_ones_are_smaller_and_say_so(self):
        self.assertEqual(notebook_workload(quick=False).widths_spec, "linspace:1.0:1.2:100")
        self.assertIn("10 widths", notebook_workload(quick=True).describe())
        self.assertIn("200 points", large_workload(quick=True).describe())


if __name__ == "__main__":
    unittest.main()
