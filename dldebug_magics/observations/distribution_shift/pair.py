"""Two splits that were read, held against each other: what differs, how surely, and where. Numbers in, plain values out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy

from ...instruments.shift.decision import Decision, decision
from ...instruments.shift.marginals import marginals
from ...instruments.shift.named_columns import Columns, together
from ...instruments.shift.separation import Separation, separation
from ...instruments.shift.slices import slices
from ...instruments.shift.views import View
from .labels import Labels, same_mixture, thinned
from .parts import Feature, Region
from .sides import FEWEST

_SHOWN = 8  # features in the report
_FOR_SLICES = 40  # columns that a slice may be made of


class Pair:
    """Source and target; `held_out` says that the model was trained on neither, so that what it says of both can be compared."""

    def __init__(self, source: View, target: View, *, held_out: bool, seed: int, names: Sequence[str] = ()):
        self.source, self.target, self.held_out, self.seed = source, target, held_out, seed
        self.columns: Columns = together(source.inputs, target.inputs, names)

    @property
    def groups(self) -> tuple[Sequence[Any], Sequence[Any]] | None:
        """The group of each sample on both sides; None where none are known."""
        return (self.source.groups, self.target.groups) if self.source.groups and self.target.groups else None

    @functools.cached_property
    def views(self) -> tuple[dict[str, numpy.ndarray], dict[str, numpy.ndarray]]:
        """What is compared, by name; what the model makes of its own training data is not."""
        found: tuple[dict[str, numpy.ndarray], dict[str, numpy.ndarray]] = ({}, {})
        if self.columns.names:
            found[0]["inputs"], found[1]["inputs"] = self.columns.a, self.columns.b
        for name in ("features", "outputs") if self.held_out else ():
            a, b = self.source.whole(name), self.target.whole(name)
            if a is not None and b is not None and a.shape[1] == b.shape[1] and not self._is_input(a):
                found[0][name], found[1][name] = a, b
        return found

    def _is_input(self, features: numpy.ndarray) -> bool:
        """Whether a model's last layer is its first."""
        plain = [numpy.concatenate([p.values for p in held]) for (_, kind), held in self.source.inputs.items() if kind == "values"]
        return len(plain) == 1 and plain[0].shape == features.shape and bool(numpy.allclose(plain[0], features, atol=1e-6))

    def decision(self) -> Decision | None:
        """All tests together; None where there is nothing to compare."""
        return self._decided(*self.views, self.groups) if self.views[0] else None

    def _decided(self, a: Any, b: Any, groups: Any) -> Decision:
        return decision(a, b, seed=self.seed, groups_a=groups and groups[0], groups_b=groups and groups[1])

    def rest(self, labels: Labels | None) -> float | None:
        """The p-value of all tests with the same shares of the classes on both sides; None where that leaves too few."""
        true = self.source.whole("true"), self.target.whole("true")
        if labels is None or true[0] is None or not self.views[0]:
            return None
        kept = same_mixture(true[0], true[1], self.seed) if true[1] is not None else thinned(labels, true[0], self.target.count, self.seed)
        if min(map(len, kept)) < FEWEST:
            return None
        a, b = ({name: values[rows] for name, values in side.items()} for side, rows in zip(self.views, kept, strict=True))
        mine = self.groups
        return self._decided(a, b, mine and [[side[i] for i in rows] for side, rows in zip(mine, kept, strict=True)]).p

    def drifts(self, place: int) -> bool:
        """Whether the first samples that were read of one side differ from the last: then no start stands for the rest."""
        rows = (self.columns.a, self.columns.b)[place]
        true = (self.source, self.target)[place].whole("true")
        if not self.columns.names or len(rows) < 2 * FEWEST:
            return True
        half = len(rows) // 2
        found = [self._decided({"inputs": rows[:half]}, {"inputs": rows[half:]}, None).p]
        found += [] if true is None else [marginals(true[:half, None], true[half:, None], [True])[0].p]
        return min(found) < 0.05

    def separation(self) -> tuple[Separation, str] | None:
        """A classifier on the inputs, else on what the model makes of them; and which of these."""
        name = next(iter(self.views[0]), None)
        if name is None:
            return None
        mine = self.groups
        a, b = self.views[0][name], self.views[1][name]
        return separation(a, b, seed=self.seed, groups_a=mine and mine[0], groups_b=mine and mine[1]), name

    def features(self) -> tuple[tuple[Feature, ...], int]:
        """The columns of the inputs that differ most, and how many differ."""
        if not self.columns.names:
            return (), 0
        found = [m for m in marginals(self.columns.a, self.columns.b, self.columns.discrete.tolist()) if m.adjusted < 0.05]
        first = sorted(found, key=lambda m: (not self.columns.summary[m.feature], m.adjusted, -m.statistic))[:_SHOWN]
        return tuple(Feature(self.columns.names[m.feature], m.a, m.b, m.statistic, m.adjusted) for m in first), len(found)

    def slices(self) -> tuple[Region, ...]:
        """The regions of the inputs whose shares differ most."""
        chosen = self._readable()
        if not len(chosen):
            return ()
        wrong = self.source.whole("wrong"), self.target.whole("wrong")
        known = wrong if wrong[0] is not None and wrong[1] is not None else (None, None)
        found = slices(self.columns.a[:, chosen], self.columns.b[:, chosen], *known, seed=self.seed)
        named = [self.columns.names[place] for place in chosen]
        rule = [" and ".join(f"{named[place]} {sign} {bound:.3g}" for place, sign, bound in part.rule) for part in found]
        return tuple(
            Region(words, (part.share_a, part.share_b), (part.error_a, part.error_b), part.p)
            for words, part in zip(rule, found, strict=True)
        )

    def _readable(self) -> numpy.ndarray:
        """The columns that a person can make something of: all of a table, what is said of whole pictures."""
        if len(self.columns.names) <= _FOR_SLICES:
            return numpy.arange(len(self.columns.names))
        spoken = numpy.array(["token" in name or "length" in name for name in self.columns.names])
        return numpy.flatnonzero(self.columns.summary | spoken)[:_FOR_SLICES]
