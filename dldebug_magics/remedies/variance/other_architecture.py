"""Another architecture: one that builds in what this one must learn from too few samples."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=6)
def other_architecture(subject: Subject) -> Iterator[NotPiloted]:
    """Choose an architecture that builds in what is known, or pretrained weights.

    A dense network must learn from samples that a picture moved by a pixel is the same picture; a convolution knows. Pretrained weights
    bring what was learned from far more data than there are here.

    Not this when: augmentation and regularisation were not tried, which are cheaper.
    Costs: days, and new bugs: the arrow leads back to implement & debug.
    See: FSDL, "addressing over-fitting (reducing variance)", F; Yosinski et al. 2014, "How transferable are features?".
    """
    yield NotPiloted("another architecture can't be made out of this one: take a known implementation, then go back to implement & debug")
