"""Rows as coordinates in which a straight line tells bent differences: principal axes, and what lies near to landmarks.

All of it is learned without the sides of the rows, so that it needs no new fit when the sides are drawn anew.

Source: C. Williams, M. Seeger, "Using the Nystroem Method to Speed Up Kernel Machines" (2001).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy

MOST_AXES, LANDMARKS = 50, 200
Map = Callable[[numpy.ndarray], numpy.ndarray]  # of columns [n, e]: coordinates [n, r]


def axes(rows: numpy.ndarray, most: int = MOST_AXES) -> tuple[Map, numpy.ndarray]:
    """The principal axes of rows [n, e] that hold 99 % of what varies, and the standard deviation along each [r], falling."""
    from scipy import linalg

    centre, (count, width) = rows.mean(axis=0), rows.shape
    centred = rows - centre
    squares = centred @ centred.T if count < width else centred.T @ centred  # both have the same eigenvalues: the smaller is asked
    size = len(squares)
    spread, basis = linalg.eigh(squares, subset_by_index=[max(0, size - most), size - 1])
    spread, basis = spread[::-1], basis[:, ::-1]
    before = numpy.cumsum(spread) - spread
    kept = (spread > 1e-9 * max(spread[0], 1e-30)) & (before < 0.99 * numpy.trace(squares))
    kept[0] = True
    spread, basis = spread[kept], basis[:, kept]
    if count < width:
        basis = centred.T @ basis / numpy.sqrt(numpy.maximum(spread, 1e-30))
    return lambda found: (found - centre) @ basis, numpy.sqrt(numpy.maximum(spread, 1e-30) / count)


def near(rows: numpy.ndarray, generator: numpy.random.Generator, landmarks: int = LANDMARKS, reach: float = 1.0) -> Map:
    """Coordinates whose inner products are about exp(-distance^2 / (2 m^2)), m `reach` times the median distance between rows [n, r]."""
    marks = rows[generator.permutation(len(rows))[:landmarks]]
    apart = _apart(marks, marks)
    width = 2 * reach**2 * float(numpy.median(apart[numpy.triu_indices(len(marks), 1)])) if len(marks) > 1 else 1.0
    width = width or float(apart.mean()) or 1.0
    spread, basis = numpy.linalg.eigh(numpy.exp(-apart / width))
    kept = spread > 1e-6 * spread[-1]
    basis = basis[:, kept] / numpy.sqrt(spread[kept])
    return lambda found: numpy.exp(-_apart(found, marks) / width) @ basis


def _apart(left: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return numpy.maximum(squares, 0.0)


def spectrum(coordinates: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Orthonormal columns [n, r] that span the centred coordinates, and the share of the variance that each holds [r], falling."""
    centred = coordinates - coordinates.mean(axis=0)
    squares, basis = numpy.linalg.eigh(centred.T @ centred)
    kept = squares > max(1e-8 * squares[-1], 1e-30)
    squares, basis = squares[kept][::-1], basis[:, kept][:, ::-1]
    return centred @ basis / numpy.sqrt(squares), squares / squares.sum()
