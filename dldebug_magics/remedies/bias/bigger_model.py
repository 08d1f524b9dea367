"""A bigger model, wider or deeper: the guide's first answer to under-fitting."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures import capacity, depth, inner_width
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.layer_order import any_frozen
from ..fitting import fitting
from ..widths import widths

_RISK = "more memory and time a step, and more variance: look at train-val afterwards"


@remedy(place=1)
def bigger_model(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Make the model bigger: more units in a layer, or more layers.

    A model that can't even fit what it is trained on has too few weights for it, or can't train those that it has. Hidden widths twice as
    large are tried, and one more hidden block of the kind that is there; inputs, outputs and the optimizer's settings stay.

    Not this when: parts of the model are frozen (a pretrained backbone), because the bigger one begins anew; or training did not work.
    Costs: about four times the work a step for twice the width, one layer's for a layer more; memory likewise.
    See: FSDL, "addressing under-fitting (reducing bias)", A; Kaplan et al. 2020, "Scaling laws for neural language models", section 3.
    """
    if any_frozen(subject.model):
        yield NotPiloted(f"parts of `{subject.name('model')}` are frozen: a bigger one would begin without what they have learned")
        return
    model = subject.name("model")
    inner = f"# {model}: twice the units between two dense layers, such as dim_feedforward in a transformer"
    wider = [
        Change("twice the units in each hidden layer", widths(subject, 2), before=capacity.by(2), risk=_RISK),
        *(
            [Change("twice the units between dense layers", inner, before=inner_width.by(2), risk=_RISK)]
            if inner_width.pairs(subject)
            else []
        ),
    ]
    deeper = [Change(words, f"# {model}: {words}", before=edit, risk=_RISK) for words, edit in depth.ways(subject)]
    yield from fitting(subject, wider, deeper, why=f"no bigger copy of `{model}` ran")
