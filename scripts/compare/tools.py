"""The tools that are compared.

Each is a function from a job to a call that answers it; what is done before the call (imports,
loading samples) is not timed, and the first call, which compiles or starts what stays, neither.
A call returns the counts for all points of the first width, then of the second, and so on.

A package is imported where it is used, so that a missing one costs only its own rows.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from compare.data import Job

Call = Callable[[], list[int]]

BOTH = frozenset({"notebook", "large"})
NOTEBOOK = frozenset({"notebook"})
LARGE = frozenset({"large"})


@dataclass(frozen=True)
class Tool:
    """One row of the table."""

    key: str
    title: str
    prepare: Callable[[Job], Call]
    workloads: frozenset[str] = NOTEBOOK
    strict: bool = False
    """Whether a sample on the edge of a window is not counted."""
    whole_program: bool = False
    """Whether start-up, reading and printing are in the time."""


def _notebook_serial(job: Job) -> Call:
    from compare import notebook

    samples, x, widths = job.samples, job.points.T, job.widths
    return lambda: _notebook_counts(job, notebook.serial(samples, x, widths))


def _notebook_pool(method: str, job: Job) -> Call:
    from compare import notebook

    samples, x, widths = job.samples, job.points.T, job.widths
    return lambda: _notebook_counts(
        job, notebook.multiprocess(method, job.n_workers, samples, x, widths)
    )


def _notebook_threads(job: Job) -> Call:
    from compare import notebook

    samples, x, widths = job.samples, job.points.T, job.widths
    return lambda: _notebook_counts(
        job, notebook.multithread(job.n_workers, samples, x, widths)
    )


def _notebook_joblib(job: Job) -> Call:
    from joblib import Parallel, delayed

    from compare.notebook import parzen_estimation

    samples, x, widths = job.samples, job.points.T, job.widths
    estimate = delayed(parzen_estimation)
    return lambda: _notebook_counts(
        job,
        sorted(Parallel(n_jobs=job.n_workers)(estimate(samples, x, w) for w in widths)),
    )


def _notebook_counts(job: Job, results: Iterable[tuple[float, float]]) -> list[int]:
    """Undoes the two divisions of the notebook; the volume is h, whatever the dimension."""
    return [round(density * h * job.workload.n_samples) for h, density in results]


def _numpy_widths(job: Job) -> Call:
    import numpy as np

    samples, points, widths = job.samples, job.points, job.widths

    def call() -> list[int]:
        return [
            int(np.count_nonzero((np.abs(samples - point) <= width / 2).all(axis=1)))
            for width in widths
            for point in points
        ]

    return call


def _numpy_once(job: Job) -> Call:
    import numpy as np

    samples, points, half_widths = job.samples, job.points, job.widths / 2

    def call() -> list[int]:
        columns = np.ascontiguousarray(samples.T)
        counts = np.empty((len(half_widths), len(points)), dtype=np.int64)
        for point_idx, point in enumerate(points):
            distances = np.abs(columns[0] - point[0])
            for column, coordinate in zip(columns[1:], point[1:]):
                np.maximum(distances, np.abs(column - coordinate), out=distances)
            near = np.sort(distances[distances <= half_widths[-1]])
            counts[:, point_idx] = np.searchsorted(near, half_widths, side="right")
        return counts.ravel().tolist()

    return call


def _numba(parallel: bool, job: Job) -> Call:
    import numba

    from compare.onepass import count, count_parallel

    samples, points, half_widths = job.samples, job.points, job.widths / 2
    function = count_parallel if parallel else count

    def call() -> list[int]:
        return function(samples, points, half_widths).ravel().tolist()

    if parallel:
        numba.set_num_threads(min(job.n_workers, numba.config.NUMBA_NUM_THREADS))
    return call


def _ckdtree_ball(n_threads: int, job: Job) -> Call:
    from scipy.spatial import cKDTree

    samples, points, widths = job.samples, job.points, job.widths

    def call() -> list[int]:
        tree = cKDTree(samples)
        counts: list[int] = []
        for width in widths:
            found = tree.query_ball_point(
                points, width / 2, p=math.inf, return_length=True, workers=n_threads
            )
            counts += found.tolist()
        return counts

    return call


def _ckdtree_count(job: Job) -> Call:
    import numpy as np
    from scipy.spatial import cKDTree

    samples, points, half_widths = job.samples, job.points, job.widths / 2

    def call() -> list[int]:
        tree = cKDTree(samples)
        counts = np.empty((len(half_widths), len(points)), dtype=np.int64)
        for point_idx, point in enumerate(points):
            at_point = cKDTree(point[np.newaxis])
            counts[:, point_idx] = tree.count_neighbors(at_point, half_widths, p=math.inf)
        return counts.ravel().tolist()

    return call


def _sklearn_kde(refit: bool, job: Job) -> Call:
    import numpy as np
    from sklearn.neighbors import KernelDensity

    samples, points, widths = job.samples, job.points, job.widths
    log_unit_ball = job.workload.n_dims / 2 * math.log(math.pi) - math.lgamma(
        job.workload.n_dims / 2 + 1
    )

    def fitted(width: float) -> KernelDensity:
        model = KernelDensity(bandwidth=width / 2, kernel="tophat", metric="chebyshev")
        return model.fit(samples)

    def call() -> list[int]:
        model = fitted(widths[0])
        counts: list[int] = []
        for width in widths:
            if refit:
                model = fitted(width)
            else:
                model.bandwidth_ = width / 2
            # Whatever the metric, scikit-learn divides by the volume of the Euclidean ball.
            log_volume = log_unit_ball + job.workload.n_dims * math.log(width / 2)
            shares = np.exp(model.score_samples(points) + log_volume)
            counts += np.rint(shares * job.workload.n_samples).astype(np.int64).tolist()
        return counts

    return call


def _sklearn_kdtree(job: Job) -> Call:
    from sklearn.neighbors import KDTree

    samples, points, widths = job.samples, job.points, job.widths

    def call() -> list[int]:
        tree = KDTree(samples, metric="chebyshev")
        counts: list[int] = []
        for width in widths:
            counts += tree.query_radius(points, r=width / 2, count_only=True).tolist()
        return counts

    return call


def _python_program(key: str, job: Job) -> Call:
    """A Python that starts, imports, loads, runs the tool `key` once, prints, ends."""
    command = [
        sys.executable, "-m", "compare.host", "once",
        key, str(job.directory), job.parzen, str(job.n_workers),
    ]  # fmt: skip
    return lambda: json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _parzen(backend: str, method: str, job: Job) -> Call:
    command = [
        job.parzen, "estimate", str(job.samples_file), "--points", str(job.points_file),
        "--widths", job.workload.widths_spec, "--backend", backend, "--method", method,
        "--format", "csv", "--progress", "never",
    ]  # fmt: skip
    if backend != "serial":
        command += ["--workers", str(job.n_workers)]

    def call() -> list[int]:
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        header, *lines = output.decode().splitlines()
        column = header.split(",").index("count")
        return [int(line.split(",")[column]) for line in lines]

    return call


def _parzen_tools() -> list[Tool]:
    return [
        Tool(
            key=f"parzen-{backend}-{method}",
            title=f"`parzen estimate --backend {backend} --method {method}`",
            prepare=partial(_parzen, backend, method),
            workloads=BOTH if method == "shared" else NOTEBOOK,
            whole_program=True,
        )
        for backend in ("serial", "threads", "processes")
        for method in ("direct", "shared")
    ]


NOTEBOOK_SERIAL = "notebook-serial"
PARZEN_PROCESSES = "parzen-processes-shared"
"""The rows that others are set against."""

TOOLS: tuple[Tool, ...] = (
    Tool(NOTEBOOK_SERIAL, "notebook, serial", _notebook_serial),
    Tool("notebook-fork", "notebook, `Pool`, fork", partial(_notebook_pool, "fork")),
    Tool("notebook-spawn", "notebook, `Pool`, spawn", partial(_notebook_pool, "spawn")),
    Tool("notebook-threads", "notebook, `ThreadPool`", _notebook_threads),
    Tool("notebook-joblib", "notebook, joblib (loky, workers kept)", _notebook_joblib),
    Tool("numpy-widths", "NumPy, vectorised for each width", _numpy_widths),
    Tool("numpy-once", "NumPy, distances once, sorted", _numpy_once, BOTH),
    Tool("numba", "Numba, one pass for all widths", partial(_numba, False), BOTH),
    Tool("numba-threads", "Numba, one pass, threads", partial(_numba, True), LARGE),
    Tool("ckdtree-ball", "SciPy `cKDTree.query_ball_point`", partial(_ckdtree_ball, 1), BOTH),
    Tool(
        "ckdtree-ball-threads",
        "SciPy `cKDTree.query_ball_point`, `workers=2`",
        partial(_ckdtree_ball, 2),
        LARGE,
    ),
    Tool("ckdtree-count", "SciPy `cKDTree.count_neighbors`", _ckdtree_count, BOTH),
    Tool(
        "sklearn-kde",
        "scikit-learn `KernelDensity`, a fit for each width",
        partial(_sklearn_kde, True),
        strict=True,
    ),
    Tool(
        "sklearn-kde-once",
        "scikit-learn `KernelDensity`, one fit, `bandwidth_` set",
        partial(_sklearn_kde, False),
        strict=True,
    ),
    Tool("sklearn-kdtree", "scikit-learn `KDTree.query_radius`", _sklearn_kdtree, BOTH),
    Tool(
        "program-numpy",
        "Python program: NumPy, distances once",
        partial(_python_program, "numpy-once"),
        BOTH,
        whole_program=True,
    ),
    Tool(
        "program-numba",
        "Python program: Numba, compiled before",
        partial(_python_program, "numba"),
        BOTH,
        whole_program=True,
    ),
    *_parzen_tools(),
)
"""In the order of the table."""


def tool(key: str) -> Tool:
    """The tool of that name."""
    return next(tool for tool in TOOLS if tool.key == key)


def select(patterns: Iterable[str], workload: str) -> list[Tool]:
    """The tools of a workload that match one of the patterns, such as `parzen-*`.

    # Errors

    `KeyError` with what to say about a pattern that matches none.
    """
    from fnmatch import fnmatchcase

    candidates = [tool for tool in TOOLS if workload in tool.workloads]
    wanted: set[str] = set()
    for pattern in patterns:
        matched = {tool.key for tool in candidates if fnmatchcase(tool.key, pattern)}
        if not matched:
            known = " ".join(tool.key for tool in candidates)
            raise KeyError(f"no tool of this workload is called `{pattern}`; there are {known}")
        wanted |= matched
    return [tool for tool in candidates if tool.key in wanted]
