"""Another architecture, closer to the state of the art."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=4)
def other_architecture(subject: Subject) -> Iterator[NotPiloted]:
    """Choose an architecture that is closer to the state of the art for such data.

    What it builds in (convolutions for pictures, attention for text) need not be learned. The guide calls it risky: a new model is new
    code, and leads back to implement & debug.

    Not this when: a bigger model of the same kind was not tried.
    Costs: days, and new bugs; begin with a known implementation and its pretrained weights, and compare.
    See: FSDL, "addressing under-fitting (reducing bias)", D; He et al. 2016, "Deep residual learning for image recognition".
    """
    yield NotPiloted("another architecture can't be made out of this one: take a known implementation, then go back to implement & debug")
