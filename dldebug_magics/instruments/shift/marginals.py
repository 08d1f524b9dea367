"""Which single features differ between two samples, with the correction that asking many questions demands.

Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (1979); J. Hodges, "The Significance Probability of the Smirnov
Two-Sample Test" (1958), by its asymptotic form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy

from .columns import alike, thinned

MOST_VALUES = 50  # of a discrete feature; the rarer ones count as one
MOST_ROWS = 100_000  # of a side, drawn evenly: they show a difference of 1 % of all values
KOLMOGOROV_SMIRNOV, CHI_SQUARED = "Kolmogorov-Smirnov", "chi-squared"


@dataclasses.dataclass(frozen=True)
class Marginal:
    """One feature: how different, and what is seen of it on either side."""

    feature: int
    test: str
    statistic: float  # the largest difference of two cumulative shares, or Cramer's V: 0 to 1
    p: float
    adjusted: float
    a: str
    b: str


def marginals(a: Any, b: Any, discrete: Sequence[bool]) -> tuple[Marginal, ...]:
    """All features of a [n, d] and b [m, d], the most certain difference first, then the largest.

    discrete [d]: whether the feature's values are names (or few numbers) rather than a scale. A missing value (NaN) is a value of its own:
    where the shares of missing values differ more clearly than the values do, that is what is told.
    """
    a, b = (side[thinned(len(side), MOST_ROWS, numpy.random.default_rng(0))] for side in alike(a, b))
    found = [_one(place, a[:, place], b[:, place], discrete[place]) for place in range(a.shape[1])]
    adjusted = holm([marginal.p for marginal in found])
    whole = [dataclasses.replace(marginal, adjusted=float(p)) for marginal, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(whole, key=lambda marginal: (marginal.adjusted, -marginal.statistic, marginal.feature)))


def holm(p: Sequence[float]) -> numpy.ndarray:
    """P-values that hold for all questions at once, in the order asked.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    values = numpy.asarray(p, dtype=float)
    order = numpy.argsort(values)
    adjusted = numpy.maximum.accumulate(values[order] * numpy.arange(len(values), 0, -1))
    found = numpy.empty_like(values)
    found[order] = numpy.minimum(adjusted, 1.0)
    return found


def _one(place: int, a: numpy.ndarray, b: numpy.ndarray, discrete: bool) -> Marginal:
    lost = [_missing(side) for side in (a, b)]
    kept = [side[~gone] for side, gone in zip((a, b), lost, strict=True)]
    candidates = []
    if lost[0].any() or lost[1].any():
        statistic, p = _chi_squared(*([gone.sum(), (~gone).sum()] for gone in lost))
        shares = [f"missing {100 * gone.mean():.3g} %" for gone in lost]
        candidates.append(Marginal(place, CHI_SQUARED, statistic, p, p, *shares))
    if min(map(len, kept)):
        candidates.append(_of_names(place, *kept) if discrete else _of_scale(place, *kept))
    best = min(candidates, key=lambda marginal: marginal.p, default=Marginal(place, CHI_SQUARED, 0.0, 1.0, 1.0, "nothing", "nothing"))
    return dataclasses.replace(best, p=min(1.0, best.p * len(candidates)))


def _missing(side: numpy.ndarray) -> numpy.ndarray:
    return numpy.isnan(side) if side.dtype.kind == "f" else numpy.zeros(len(side), dtype=bool)


def _of_scale(place: int, a: numpy.ndarray, b: numpy.ndarray) -> Marginal:
    from scipy import stats

    a, b = numpy.sort(a), numpy.sort(b)
    both = numpy.concatenate([a, b])
    farthest = numpy.abs(numpy.searchsorted(a, both, "right") / len(a) - numpy.searchsorted(b, both, "right") / len(b)).max()
    p = float(stats.kstwobign.sf(farthest * numpy.sqrt(len(a) * len(b) / (len(a) + len(b)))))
    return Marginal(place, KOLMOGOROV_SMIRNOV, float(farthest), p, p, *_told(a, b))


def _told(a: numpy.ndarray, b: numpy.ndarray) -> tuple[str, str]:
    """The means where they differ by more than the spreads do, the spreads else."""
    known = [side[numpy.isfinite(side)] for side in (a.astype(float), b.astype(float))]
    means, spreads = ([float(of(side)) if len(side) else numpy.nan for side in known] for of in (numpy.mean, numpy.std))
    if not abs(means[0] - means[1]) < abs(spreads[0] - spreads[1]):
        return f"mean {means[0]:.3g}", f"mean {means[1]:.3g}"
    return f"standard deviation {spreads[0]:.3g}", f"standard deviation {spreads[1]:.3g}"


def _of_names(place: int, a: numpy.ndarray, b: numpy.ndarray) -> Marginal:
    names, numbers = numpy.unique(numpy.concatenate([a, b]), return_inverse=True)
    counts = numpy.stack([numpy.bincount(side, minlength=len(names)) for side in (numbers[: len(a)], numbers[len(a) :])])
    shares = counts / counts.sum(axis=1, keepdims=True)
    most = int(numpy.abs(shares[0] - shares[1]).argmax())
    order = numpy.argsort(-counts.sum(axis=0), kind="stable")
    rare = counts[:, order[MOST_VALUES:]].sum(axis=1, keepdims=True)
    statistic, p = _chi_squared(*numpy.concatenate([counts[:, order[:MOST_VALUES]], rare], axis=1))
    return Marginal(place, CHI_SQUARED, statistic, p, p, *(f"{names[most]:g}: {100 * share:.3g} %" for share in shares[:, most]))


def _chi_squared(a: Sequence[int], b: Sequence[int]) -> tuple[float, float]:
    """Cramer's V and p of two rows of counts; values that are expected less than 5 times on a side count as one (W. Cochran, 1954)."""
    from scipy import stats

    counts = numpy.array([a, b], dtype=float)
    expected = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum()
    counts = numpy.concatenate([counts[:, expected >= 5], counts[:, expected < 5].sum(axis=1, keepdims=True)], axis=1)
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return 0.0, 1.0
    if counts.shape == (2, 2) and counts.min() < 5:
        return float(stats.contingency.association(counts.astype(int))), float(stats.fisher_exact(counts).pvalue)
    found = stats.chi2_contingency(counts, correction=False)
    return float((found.statistic / counts.sum()) ** 0.5), float(found.pvalue)
