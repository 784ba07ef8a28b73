"""The notebook's functions, as its algorithm reads in Python 3.

Rewritten after Sebastian Raschka, "An introduction to parallel programming using Python's
multiprocessing module" (2014), notebook `multiprocessing_intro`. Its loops, its division by h,
its comparison with 1/2 and its volume (h to the power of `point_x.shape[1]`, which is 1) are
kept: they are what is measured, so do not make them faster.

A module of its own, because a spawned process has to import what it is to run.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.pool import Pool, ThreadPool

import numpy as np

Result = tuple[float, float]
"""A width, and the density found with it."""


def parzen_estimation(x_samples: np.ndarray, point_x: np.ndarray, h: float) -> Result:
    """The density at `point_x`, a column, with a hypercube of side `h` as the window."""
    k_n = 0
    for row in x_samples:
        x_i = (point_x - row[:, np.newaxis]) / h
        for distance in x_i:
            if np.abs(distance) > (1 / 2):
                break
        else:
            k_n += 1
    return (h, (k_n / len(x_samples)) / (h ** point_x.shape[1]))


def serial(samples: np.ndarray, x: np.ndarray, widths: np.ndarray) -> list[Result]:
    """One width after the other."""
    return [parzen_estimation(samples, x, w) for w in widths]


def multiprocess(
    method: str, processes: int, samples: np.ndarray, x: np.ndarray, widths: np.ndarray
) -> list[Result]:
    """Each width as a task of a pool of processes that is made for it.

    The notebook leaves its pool running; here it ends with the call.
    """
    with multiprocessing.get_context(method).Pool(processes=processes) as pool:
        return _collect(pool, samples, x, widths)


def multithread(
    threads: int, samples: np.ndarray, x: np.ndarray, widths: np.ndarray
) -> list[Result]:
    """The same with threads."""
    with ThreadPool(processes=threads) as pool:
        return _collect(pool, samples, x, widths)


def _collect(pool: Pool, samples: np.ndarray, x: np.ndarray, widths: np.ndarray) -> list[Result]:
    pending = [pool.apply_async(parzen_estimation, args=(samples, x, w)) for w in widths]
    results = [p.get() for p in pending]
    results.sort()
    return results
