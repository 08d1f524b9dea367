"""More or fewer units between two dense layers that stand one behind the other: a wider model where the outer widths are written down."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from torch import nn

from ..engine.ambient import seeded
from ..engine.subject import Subject
from ..instruments.layer_order import Layer, layer_order
from .layers import rebuilt


def pairs(subject: Subject) -> list[tuple[str, str]]:
    """The names of dense layers of which one takes what the other gives, with nothing that has a width between them."""
    order = layer_order(subject)
    return [(one.name, two.name) for one, two in itertools.pairwise(order) if _meet(one, two)]


def _meet(one: Layer, two: Layer) -> bool:
    dense = isinstance(one.module, nn.Linear) and isinstance(two.module, nn.Linear) and one.calls == two.calls == 1
    return dense and one.made == two.given and one.bent is not None and one.trained and two.trained


def by(times: float) -> Callable[[Subject], Subject]:
    """The change that makes each of these layers so many times as wide."""

    def change(subject: Subject) -> Subject:
        seeded(subject.seed)
        for one, two in pairs(subject):
            units = max(1, int(subject.model.get_submodule(one).out_features * times))
            subject = rebuilt(two, in_features=units)(rebuilt(one, out_features=units)(subject))
        return subject

    return change
