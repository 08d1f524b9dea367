"""Whether two splits share groups: the smallest name in each of a fixed number of places, so that memory stays the same for any number.

The share of the places in which both have the same smallest name estimates the share of the names that both have; with few names it is
exact. Source: P. Li, A. Owen, C. Zhang, "One Permutation Hashing" (2012).
"""

from __future__ import annotations

import numpy

from .buckets import _mixed

_PLACES = 1024
_NONE = numpy.iinfo(numpy.uint64).max


class Members:
    """The groups that were met. Give it `names` (buckets.py) of the groups of each batch."""

    def __init__(self) -> None:
        self.first = numpy.full(_PLACES, _NONE, dtype=numpy.uint64)

    def add(self, members: numpy.ndarray) -> None:
        """Note the groups of a batch, [N] whole numbers."""
        members = numpy.unique(members)
        numpy.minimum.at(self.first, _mixed(members) % _PLACES, members)

    def merge(self, other: Members) -> None:
        """Note all that another has met."""
        self.first = numpy.minimum(self.first, other.first)

    def shared(self, other: Members) -> float:
        """The share of all groups that both have met; estimated where there are more than some hundreds.

        >>> from .buckets import names
        >>> one, two = Members(), Members()
        >>> one.add(names(["anna", "bert"])), two.add(names(["bert", "carl", "dora"]))
        (None, None)
        >>> one.shared(two)
        0.25
        """
        both, either = (self.first != _NONE) & (other.first != _NONE), (self.first != _NONE) | (other.first != _NONE)
        return float((both & (self.first == other.first)).sum() / max(1, either.sum()))
