"""The samples, points and widths that all tools get, and the right counts.

As a program, `python -m compare.data WORKLOAD DIRECTORY`, it writes them; that part needs NumPy.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SEED = 123
"""The notebook's, for NumPy's legacy generator, which will not change."""


@dataclass(frozen=True)
class Workload:
    """What is asked: the counts at `n_points` points, for `n_widths` widths."""

    name: str
    n_samples: int
    n_dims: int
    n_points: int
    first_width: float
    last_width: float
    n_widths: int

    @property
    def widths_spec(self) -> str:
        """The widths, as parzen's `--widths` has them."""
        return f"linspace:{self.first_width}:{self.last_width}:{self.n_widths}"

    def describe(self) -> str:
        """In words, for the report."""
        if self.name == "notebook":
            what = "the notebook's second draw"
            where = "at the origin"
        else:
            what = f"standard normal, NumPy's legacy generator, seed {SEED}"
            where = f"at {self.n_points} points of the same distribution"
        return (
            f"{what}, n={self.n_samples}, d={self.n_dims}, hypercube, {self.n_widths} widths "
            f"linspace({self.first_width}, {self.last_width}), {where}"
        )


def notebook_workload(quick: bool) -> Workload:
    """The notebook's benchmark; with a tenth of its widths if `quick`."""
    return Workload("notebook", 10_000, 2, 1, 1.0, 1.2, 10 if quick else 100)


def large_workload(quick: bool) -> Workload:
    """A workload that takes the best tools a second; with a fifth of its points if `quick`."""
    return Workload("large", 1_000_000, 3, 200 if quick else 1_000, 0.2, 1.0, 20)


@dataclass(frozen=True)
class Expected:
    """The right counts, for all points of the first width, then of the second, and so on."""

    inclusive: list[int]
    """Of samples in the window or on its edge, as in the notebook."""
    strict: list[int]
    """Of samples in the window, without its edge."""

    @property
    def n_ties(self) -> int:
        """How often a sample lies on the edge of a window."""
        return sum(self.inclusive) - sum(self.strict)


def count_within(sorted_distances: Sequence[float], half_width: float) -> tuple[int, int]:
    """How many distances are at most, and how many are less than, `half_width`.

    `|x - s| <= h / 2` is the notebook's predicate `|x - s| / h <= 1/2`: halving is exact, and
    the quotient of a larger difference does not round down to 1/2.
    """
    return (
        bisect_right(sorted_distances, half_width),
        bisect_left(sorted_distances, half_width),
    )


def expected_counts(
    distances_by_point: Sequence[Sequence[float]], widths: Sequence[float]
) -> Expected:
    """The counts that follow from the sorted distances of the samples from each point."""
    pairs = [count_within(d, width / 2) for width in widths for d in distances_by_point]
    return Expected([inclusive for inclusive, _ in pairs], [strict for _, strict in pairs])


@dataclass(frozen=True)
class Job:
    """A workload that has been written into a directory, as a tool gets it."""

    directory: Path
    parzen: str
    """The parzen program."""
    n_workers: int

    @property
    def samples_file(self) -> Path:
        return self.directory / "samples.npy"

    @property
    def points_file(self) -> Path:
        return self.directory / "points.npy"

    @cached_property
    def workload(self) -> Workload:
        return Workload(**json.loads((self.directory / "workload.json").read_text()))

    @cached_property
    def samples(self) -> np.ndarray:
        """One row for each sample."""
        import numpy as np

        return np.load(self.samples_file)

    @cached_property
    def points(self) -> np.ndarray:
        """One row for each point."""
        import numpy as np

        return np.load(self.points_file)

    @cached_property
    def widths(self) -> np.ndarray:
        """Ascending."""
        import numpy as np

        w = self.workload
        return np.linspace(w.first_width, w.last_width, w.n_widths)


def read_expected(directory: Path) -> Expected:
    """The counts that `write` left in `directory`."""
    return Expected(**json.loads((directory / "expected.json").read_text()))


def write(workload: Workload, directory: Path) -> None:
    """Writes samples, points and the right counts."""
    import numpy as np

    if workload.name == "notebook":
        samples = _second_draw(workload.n_samples)
        points = np.zeros((1, workload.n_dims))
    else:
        random = np.random.RandomState(SEED)
        samples = random.standard_normal((workload.n_samples, workload.n_dims))
        points = random.standard_normal((workload.n_points, workload.n_dims))
    np.save(directory / "samples.npy", samples)
    np.save(directory / "points.npy", points)
    (directory / "workload.json").write_text(json.dumps(asdict(workload)))

    widths = np.linspace(workload.first_width, workload.last_width, workload.n_widths)
    columns = np.ascontiguousarray(samples.T)
    distances = [_sorted_distances(columns, point, widths[-1] / 2) for point in points]
    expected = expected_counts(distances, widths.tolist())
    (directory / "expected.json").write_text(json.dumps(asdict(expected)))


def _second_draw(n_samples: int) -> np.ndarray:
    """The samples of the notebook's benchmark, which it draws after those it looks at first."""
    import numpy as np

    np.random.seed(SEED)
    mean, covariance = np.array([0, 0]), np.array([[1, 0], [0, 1]])
    np.random.multivariate_normal(mean, covariance, n_samples)
    return np.random.multivariate_normal(mean, covariance, n_samples)


def _sorted_distances(columns: np.ndarray, point: np.ndarray, largest: float) -> np.ndarray:
    """The Chebyshev distances from `point` that are at most `largest`, ascending."""
    import numpy as np

    distances = np.abs(columns[0] - point[0])
    for column, coordinate in zip(columns[1:], point[1:]):
        np.maximum(distances, np.abs(column - coordinate), out=distances)
    return np.sort(distances[distances <= largest])


if __name__ == "__main__":
    write(Workload(**json.loads(sys.argv[1])), Path(sys.argv[2]))
