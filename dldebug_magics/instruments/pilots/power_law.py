"""More data by extrapolation: error against the number of samples as a + b * n^-c, fitted to runs on nested parts of the data.

Source: C. Cortes et al., "Learning curves: asymptotic values and rate of convergence" (NIPS 1993), for the law and for reading it off small
parts; J. Hestness et al., "Deep learning scaling is predictable, empirically" (2017), for deep networks, and for sizes so small that the
law does not hold yet, because the error is near that of a guess: where the law does not fit all sizes, the smallest are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy

_EXPONENTS = numpy.linspace(0.05, 2.0, 79)


@dataclasses.dataclass(frozen=True)
class PowerLaw:
    """a + b * n^-c, a and b not below 0."""

    a: float
    b: float
    c: float

    def at(self, samples: float) -> float:
        """The error with so many samples."""
        return self.a + self.b * samples**-self.c


def fitted(sizes: Sequence[float], errors: numpy.ndarray) -> numpy.ndarray:
    """The law of each row of errors, [rows, sizes] -> [rows, 3] (a, b, c): least squares, for each exponent by hand, then the best one.

    For a given exponent a and b are a straight line's, and lie on an edge where the line's own would be below 0.
    """
    errors = numpy.atleast_2d(errors)
    x = numpy.asarray(sizes, dtype=float)[None, :] ** -_EXPONENTS[:, None]
    mean, centred = errors.mean(1), errors - errors.mean(1, keepdims=True)
    slope = (centred @ (x - x.mean(1, keepdims=True)).T) / ((x - x.mean(1, keepdims=True)) ** 2).sum(1)
    slope = numpy.maximum(slope, 0.0)
    start = mean[:, None] - slope * x.mean(1)
    through = (errors @ x.T) / (x**2).sum(1)  # where the start is below 0 it is 0
    slope, start = numpy.where(start < 0, through, slope), numpy.maximum(start, 0.0)
    left = ((errors[:, None, :] - start[:, :, None] - slope[:, :, None] * x[None]) ** 2).sum(2)
    best, row = left.argmin(1), numpy.arange(len(errors))
    return numpy.stack([start[row, best], slope[row, best], _EXPONENTS[best]], axis=1)
