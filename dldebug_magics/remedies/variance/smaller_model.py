"""A smaller model: what the guide advises against, tried all the same."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures import capacity, inner_width
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.layer_order import any_frozen
from ..fitting import fitting
from ..widths import widths


@remedy(place=10, recommended=False)
def smaller_model(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Make the model smaller: half the units in each hidden layer.

    The guide does not recommend it: a large network that is regularised does better than a small one.

    Not this when: anything else of this list helps.
    Costs: bias. It saves time and memory, which may be a reason of its own.
    See: FSDL, "addressing over-fitting (reducing variance)", J, "not recommended"; Nakkiran et al. 2020, "Deep double descent".
    """
    model = subject.name("model")
    if any_frozen(subject.model):
        yield NotPiloted(f"parts of `{model}` are frozen: a smaller one would begin without what they have learned")
        return
    code = widths(subject, 0.5)
    halved = [Change("half the units in each hidden layer", code, before=capacity.by(0.5), risk="more bias")]
    if inner_width.pairs(subject):
        halved.append(Change("half the units between dense layers", code, before=inner_width.by(0.5), risk="more bias"))
    yield from fitting(subject, halved, why=f"no smaller copy of `{model}` ran")
