"""Token ids as columns: how often each of the frequent ones stands in a text, and how long the text is without what it is padded with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

LONGEST = 2048  # tokens of a text that are looked at
_FREQUENT = 100  # tokens that have a column


def unpadded(ids: numpy.ndarray) -> numpy.ndarray:
    """Ids [n, length], with -1 in place of those that a text ends in again and again.

    >>> unpadded(numpy.array([[5, 7, 0, 0], [5, 7, 7, 9]])).tolist()
    [[5, 7, -1, -1], [5, 7, 7, 9]]
    """
    same = numpy.cumprod((ids == ids[:, -1:])[:, ::-1], axis=1)[:, ::-1]
    return numpy.where((same.sum(1, keepdims=True) > 1) & (same > 0), -1, ids)


def bags(a: Sequence[numpy.ndarray], b: Sequence[numpy.ndarray]) -> tuple[tuple[str, ...], numpy.ndarray, numpy.ndarray]:
    """The names of the columns, and the counts [n_a, d] and [n_b, d] of two splits that come as batches [n, length] of ids.

    >>> bags([numpy.array([[5, 7, -1]])], [numpy.array([[7, 7, 7]])])
    (('token 5', 'token 7', 'length'), array([[1., 1., 2.]], dtype=float32), array([[0., 3., 3.]], dtype=float32))
    """
    ids, counts = numpy.unique(numpy.concatenate([batch[batch >= 0] for batch in (*a, *b)]), return_counts=True)
    frequent = numpy.sort(ids[numpy.argsort(-counts, kind="stable")[:_FREQUENT]])
    sides = [numpy.concatenate([_bag(batch, frequent) for batch in side]) for side in (a, b)]
    return (*(f"token {i}" for i in frequent), "length"), sides[0], sides[1]


def _bag(ids: numpy.ndarray, frequent: numpy.ndarray) -> numpy.ndarray:
    counts = numpy.zeros((len(ids), len(frequent) + 1), dtype=numpy.float32)
    if len(frequent):
        places = numpy.searchsorted(frequent, ids).clip(max=len(frequent) - 1)
        known = frequent[places] == ids
        numpy.add.at(counts, (numpy.nonzero(known)[0], places[known]), 1.0)
    counts[:, -1] = (ids >= 0).sum(1)
    return counts
