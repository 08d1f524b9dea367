"""The area under the ROC curve: how often a row of b scores higher than a row of a; of many ways to deal out the sides at once.

Source: E. DeLong et al., "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves" (1988);
N. Obuchowski, "Nonparametric Analysis of Clustered ROC Curve Data" (1997) for rows that belong together.
"""

from __future__ import annotations

import numpy

from ..evaluation.bootstrap import Interval


def areas(scores: numpy.ndarray, is_b: numpy.ndarray) -> numpy.ndarray:
    """Scores and sides [n, draws], a column a draw: the areas [draws]; ties count half."""
    from scipy import stats

    n_b = is_b.sum(axis=0)
    ranks = stats.rankdata(scores, axis=0)
    return ((ranks * is_b).sum(axis=0) - n_b * (n_b + 1) / 2) / (n_b * (len(is_b) - n_b))


def area(scores: numpy.ndarray, is_b: numpy.ndarray) -> float:
    """The area of one column of scores [n].

    >>> area(numpy.array([0.1, 0.4, 0.3, 0.9]), numpy.array([False, False, True, True]))
    0.75
    """
    return float(areas(scores[:, None], is_b[:, None])[0])


def area_interval(scores: numpy.ndarray, is_b: numpy.ndarray, unit: numpy.ndarray) -> Interval:
    """Where the area lies with 95 % confidence; rows of one unit count as one.

    One pair more that is told apart and one that is not keep it open where all are told apart.
    """
    from scipy import stats

    ranks = stats.rankdata(scores)
    variance, found = 0.0, area(scores, is_b)
    for side in (is_b, ~is_b):
        above = (ranks[side] - stats.rankdata(scores[side])) / (~side).sum()  # the share of the other side that is lower
        mean = float(above.mean())
        apart = numpy.bincount(unit[side], above - mean)
        count = len(numpy.unique(unit[side]))
        variance += ((apart**2).sum() + mean * (1 - mean) / side.sum() + 0.5 / side.sum()) / side.sum() ** 2 * count / max(count - 1, 1)
    half = 1.96 * float(variance) ** 0.5
    return Interval(max(0.0, found - half), min(1.0, found + half))
