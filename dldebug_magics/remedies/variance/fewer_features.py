"""Fewer features: what the guide advises against."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=9, recommended=False)
def fewer_features(subject: Subject) -> Iterator[NotPiloted]:
    """Remove features.

    The guide does not recommend it: a network can learn to leave a feature alone, and what is removed can't help any more.

    Not this when: a feature is not known at the time of the prediction, or tells the label; then it must go, whatever it does to the error.
    Costs: bias.
    See: FSDL, "addressing over-fitting (reducing variance)", I, "not recommended".
    """
    yield NotPiloted("which features could go is a question to somebody who knows them; tried one by one, the best is found by chance")
