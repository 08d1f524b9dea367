"""More training data: the guide's first answer to over-fitting."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=1)
def more_data(subject: Subject) -> Iterator[NotPiloted]:
    """Train on more data, if you can get it.

    What a model learns by heart it can learn less of when there is more. Nothing else lowers variance as surely, and none of the other
    remedies is as dear.

    Not this when: the learning curve is flat at its end; then more of the same data brings little.
    Costs: collecting and labelling; how much for how many samples is read off the learning curve, with its interval.
    See: FSDL, "addressing over-fitting (reducing variance)", A; Hestness et al. 2017, "Deep learning scaling is predictable, empirically".
    """
    yield NotPiloted("nobody has the samples yet: the learning curve says what more of them would bring")
