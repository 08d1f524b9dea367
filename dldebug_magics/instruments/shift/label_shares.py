"""How often each class is true in a sample without labels: from how often it is said there, and which mistakes the model is known to make.

Source: Z. Lipton, Y.-X. Wang, A. Smola, "Detecting and Correcting for Label Shift with Black Box Predictors" (2018); solved by M. Saerens,
P. Latinne, C. Decaestecker's EM (2002) on what is said, which keeps shares at 0 or above and their sum at 1.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from ...engine.errors import UserMistake
from ..evaluation.bootstrap import Interval, interval

DRAWS, _ROUNDS = 300, 300
_NUMBERS = 2**24  # that all draws may hold at once
_TOLD = 0.1  # smallest singular value: below, what two classes are said to be is nearly the same


@dataclasses.dataclass(frozen=True)
class Shares:
    """Shares of the true classes [k] on both sides, and the weights [k] that make of the one the other.

    `p`: that the same classes are said as often on both sides. `sound`: the classes are told apart well enough to trust the estimate.
    """

    source: numpy.ndarray
    target: numpy.ndarray
    intervals: tuple[Interval, ...]
    weights: numpy.ndarray
    p: float
    sound: bool


def label_shares(true_a: Any, said_a: Any, said_b: Any, classes: int, *, seed: int) -> Shares:
    """Shares of the classes in b.

    true_a, said_a [n]: labels and predictions of held-out samples of the source; said_b [m]: predictions on the target. It holds where
    the inputs of each class are the same on both sides, and only how many there are of each has changed.
    """
    generator = numpy.random.default_rng(seed)
    true_a, said_a, said_b = (numpy.asarray(values, dtype=numpy.int64).reshape(-1) for values in (true_a, said_a, said_b))
    true_a, said_a = true_a[true_a >= 0], said_a[true_a >= 0]  # a label below 0 means none
    if not len(true_a) or not len(said_b) or max(true_a.max(), said_a.max(), said_b.max()) >= classes:
        raise UserMistake(f"label shares need labels and predictions below {classes}, the number of classes, on both sides")
    counts = numpy.bincount(said_a * classes + true_a, minlength=classes**2).reshape(classes, classes).astype(float)
    said = numpy.bincount(said_b, minlength=classes).astype(float)
    target = _solved(counts[None], said[None])[0]
    together = max(1, _NUMBERS // (8 * classes**2))  # draws that are solved at once
    tables: list[numpy.ndarray] = []
    again = []
    for start in range(0, max(50, min(DRAWS, _NUMBERS // classes**2)), together):
        drawn = [_redrawn(counts, said, generator) for _ in range(min(together, DRAWS - start))]
        tables += [table for table, _ in drawn][: max(0, 20 - len(tables))]
        again.append(_solved(numpy.stack([table for table, _ in drawn]), numpy.stack([row for _, row in drawn])))
    source = counts.sum(axis=0) / counts.sum()
    weights = numpy.divide(target, source, out=numpy.zeros(classes), where=source > 0)
    least = [_smallest(table) for table in tables[: max(3, min(20, 2000 // classes))]]
    found = tuple(interval(row) for row in numpy.concatenate(again).T)
    return Shares(source, target, found, weights, _same(counts.sum(axis=1), said, generator), float(numpy.quantile(least, 0.05)) > _TOLD)


def _rates(counts: numpy.ndarray) -> numpy.ndarray:
    """How often each class is said where each is true [..., said, true]; a class that was never seen says nothing."""
    truly = counts.sum(axis=-2, keepdims=True)
    return numpy.divide(counts, truly, out=numpy.zeros_like(counts), where=truly > 0)


def _solved(counts: numpy.ndarray, said: numpy.ndarray) -> numpy.ndarray:
    """The most likely shares [draws, k], from tables [draws, k, k] and what was said [draws, k]."""
    rates = _rates(counts)
    shares = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    for _ in range(_ROUNDS):
        expected = (rates @ shares[..., None])[..., 0]
        parts = numpy.divide(said, expected, out=numpy.zeros_like(said), where=expected > 0)
        before, shares = shares, shares * (parts[:, None] @ rates)[:, 0]
        shares = shares / shares.sum(axis=1, keepdims=True)
        if numpy.abs(shares - before).max() < 1e-6:
            break
    return shares


def _redrawn(counts: numpy.ndarray, said: numpy.ndarray, generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    table = generator.multinomial(int(counts.sum()), counts.reshape(-1) / counts.sum()).reshape(counts.shape)
    return table.astype(float), generator.multinomial(int(said.sum()), said / said.sum()).astype(float)


def _smallest(counts: numpy.ndarray) -> float:
    """The smallest singular value of the rates, of the classes that are there; 0 where one is missing."""
    return float(numpy.linalg.svd(_rates(counts), compute_uv=False)[-1])


def _same(a: numpy.ndarray, b: numpy.ndarray, generator: numpy.random.Generator) -> float:
    """P-value of the chi-squared statistic of two rows of counts, of the ways to deal out the same predictions."""
    both = (a + b).astype(int)
    drawn = generator.multivariate_hypergeometric(both, int(b.sum()), size=999, method="marginals")
    expected = numpy.maximum(both * b.sum() / both.sum(), 1e-300)
    far = ((numpy.concatenate([b[None], drawn]) - expected) ** 2 / expected).sum(axis=1)
    return float(numpy.mean(far >= far[0] * (1 - 1e-9)))
