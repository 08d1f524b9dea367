"""Early stopping: what the guide advises against, tried all the same."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import Change, remedy
from ...engine.subject import Subject


@remedy(place=8, recommended=False)
def early_stopping(subject: Subject) -> Iterator[Change]:
    """Stop training early.

    The guide does not recommend it: it mixes fitting with regularising, so that neither can be judged alone. Others use it as a matter of
    course (Karpathy 2019, "A recipe for training neural networks"). Tried is training half as long, because choosing the best pass takes
    the labels of validation.

    Not this when: validation's error does not rise while train's falls.
    Costs: bias; and each look at validation uses some of it up.
    See: FSDL, "addressing over-fitting (reducing variance)", H, "not recommended"; Prechelt 1998, "Early stopping - but when?".
    """
    code = f"# half as many passes over {subject.name('train')}, or keep the weights of the pass with the lowest validation error"
    yield Change("training half as long", code, times=0.5, risk="more bias")
