"""The counts for all widths in one pass over the samples, compiled by Numba."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True)
def _count_at(samples, point, half_widths, counts):
    """Counts the samples whose distance falls in each gap between widths, then sums up."""
    n_widths = len(half_widths)
    largest = half_widths[n_widths - 1]
    for sample_idx in range(samples.shape[0]):
        distance = 0.0
        for axis in range(samples.shape[1]):
            distance = max(distance, abs(samples[sample_idx, axis] - point[axis]))
        if distance > largest:
            continue
        low, high = 0, n_widths - 1
        while low < high:
            middle = (low + high) // 2
            if distance <= half_widths[middle]:
                high = middle
            else:
                low = middle + 1
        counts[low] += 1
    for width_idx in range(1, n_widths):
        counts[width_idx] += counts[width_idx - 1]


@njit(cache=True)
def count(samples, points, half_widths):
    """Counts by width and point, on one thread."""
    counts = np.zeros((len(points), len(half_widths)), dtype=np.int64)
    for point_idx in range(len(points)):
        _count_at(samples, points[point_idx], half_widths, counts[point_idx])
    return counts.T.copy()


@njit(cache=True, parallel=True)
def count_parallel(samples, points, half_widths):
    """Counts by width and point, the points shared among threads."""
    counts = np.zeros((len(points), len(half_widths)), dtype=np.int64)
    for point_idx in prange(len(points)):
        _count_at(samples, points[point_idx], half_widths, counts[point_idx])
    return counts.T.copy()
